# SPDX-License-Identifier: Apache-2.0
"""The simulator as an object: a server in a thread of its own, and what a test may do to it."""

from __future__ import annotations

import pathlib
import types
import urllib.parse
from typing import Any, Self

from airflow_provider_videos.simulator.app import build_app
from airflow_provider_videos.simulator.faults import Fault
from airflow_provider_videos.simulator.recorder import Record
from airflow_provider_videos.simulator.serving import Serving
from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.videos import VENDORS, Form, Outcome, Texts, VendorName, check_choice

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # ruff: ignore[hardcoded-bind-all-interfaces] - the keys are compared with, not bound to
"""Addresses that one can listen on and not connect to, and what to connect to instead."""


class Simulator:
    """Both vendors' video APIs on a socket, served by a daemon thread.

    Start and stop it with ``with``, or with :meth:`start` and :meth:`stop`. Started once more, it serves the
    same videos on the same port. Everything public is safe to use from any thread.

    :param host: name or address to listen on. Default ``127.0.0.1``. Whoever can connect can also use the
        control paths, which ask for no key.
    :param port: port to listen on; 0 (default): a free one.
    :param key: the key that both vendors' endpoints ask for. Default ``simulator-key``.
    :param queued: seconds that a video waits before it is generated. Default 1.
    :param generating: seconds that generating it takes. Default 2.
    :param form: ``documented`` (default): answers look as the vendors' pages say; ``observed``: as they were
        seen.
    :param tls: whether to speak TLS, with a self-signed certificate. Default False.
    :param page_base: number of the first page of Tavus's list, 0 (default) or 1.
    :param listing_delay: seconds after its order from which on Tavus lists a video. Default 0.
    :param texts: what Tavus makes of names and scripts: ``kept`` (default), ``trimmed`` (without the white space around
        them), ``cut`` (their first 40 characters), ``normalised`` (NFC, lines that end in LF).
    :raises ValueError: an argument is not usable; the message names it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str = "simulator-key",
        queued: float = 1.0,
        generating: float = 2.0,
        form: Form = "documented",
        tls: bool = False,
        page_base: int = 0,
        listing_delay: float = 0.0,
        texts: Texts = "kept",
    ) -> None:
        self._state = State(
            key=key,
            queued=queued,
            generating=generating,
            form=form,
            page_base=page_base,
            listing_delay=listing_delay,
            texts=texts,
        )
        self._host = host
        self._port = port
        self._tls = tls
        self._serving: Serving | None = None

    def start(self) -> None:
        """Start to serve; returns once requests are taken.

        :raises OSError: the address can't be listened on.
        :raises RuntimeError: it serves already, or TLS is asked for and ``cryptography`` is not installed.
        """
        if self._serving is not None:
            raise RuntimeError("the simulator serves already")
        self._serving = Serving(
            lambda: build_app(self._state),
            host=self._host,
            port=self._port,
            tls=self._tls,
            on_connection=self._state.record.connection,
        )
        self._port = self._serving.port

    def stop(self) -> None:
        """Stop to serve and close every connection, within a second. The videos and the record stay."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before the first start if a free one was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """The address to send requests to, such as ``http://127.0.0.1:8787``."""
        host = WILDCARDS.get(self._host, self._host)
        return f"http{'s' if self._tls else ''}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def connection_uri(self, vendor: VendorName, /, **extra: str | float) -> str:
        """Return the Airflow connection to this simulator as a URI, for an environment variable ``AIRFLOW_CONN_…``.

        It holds the key as it is now; with TLS also the path of the certificate, which is removed at the stop.

        :param vendor: ``tavus`` or ``together``, which is also the connection's type.
        :param extra: extra fields of the connection, such as ``timeout=2``. Default: none.
        :return: such as ``tavus://:simulator-key@127.0.0.1:8787/http``.
        :raises ValueError: there is no such vendor.
        :raises RuntimeError: it speaks TLS and doesn't serve.
        """
        check_choice("vendor", vendor, VENDORS)
        if self._tls:
            extra = {"verify": str(self.certificate), **extra}
        scheme, _, address = self.url.partition("://")
        query = f"?{urllib.parse.urlencode(extra)}" if extra else ""
        return f"{vendor}://:{urllib.parse.quote(self.key, safe='')}@{address}/{scheme}{query}"

    @property
    def certificate(self) -> pathlib.Path:
        """The PEM file of the certificate, to be trusted by clients; it is removed at the stop.

        :raises RuntimeError: it doesn't speak TLS, or doesn't serve.
        """
        if self._serving is None or self._serving.certificate is None:
            raise RuntimeError("only a running simulator with tls=True has a certificate")
        return self._serving.certificate

    @property
    def key(self) -> str:
        """The key that is asked for. Setting it is what a rotated key looks like."""
        return self._state.key

    @key.setter
    def key(self, key: str) -> None:
        self._state.change({"key": key})

    @property
    def queued(self) -> float:
        """Seconds that a video ordered from now on waits before it is generated."""
        return self._state.queued

    @queued.setter
    def queued(self, seconds: float) -> None:
        self._state.change({"queued": seconds})

    @property
    def generating(self) -> float:
        """Seconds that generating a video ordered from now on takes."""
        return self._state.generating

    @generating.setter
    def generating(self, seconds: float) -> None:
        self._state.change({"generating": seconds})

    @property
    def outcome(self) -> Outcome:
        """How a video ordered by POST from now on ends. Default ``ready``."""
        return self._state.outcome

    @outcome.setter
    def outcome(self, outcome: Outcome) -> None:
        self._state.change({"outcome": outcome})

    @property
    def listing_delay(self) -> float:
        """Seconds after its order from which on Tavus lists a video."""
        return self._state.listing_delay

    @listing_delay.setter
    def listing_delay(self, seconds: float) -> None:
        self._state.change({"listing_delay": seconds})

    @property
    def texts(self) -> Texts:
        """What Tavus makes of names and scripts that are ordered from now on."""
        return self._state.texts

    @texts.setter
    def texts(self, texts: Texts) -> None:
        self._state.change({"texts": texts})

    def add_video(
        self,
        vendor: VendorName,
        /,
        *,
        video_id: str | None = None,
        queued: float | None = None,
        generating: float | None = None,
        outcome: Outcome = "ready",
        form: Form | None = None,
        media_bytes: int | None = None,
        without: tuple[str, ...] = (),
        **fields: Any,
    ) -> str:
        """Put a video there as if it had been ordered now. One of the same id is dropped.

        :param vendor: ``tavus`` or ``together``.
        :param video_id: its id; None (default): a fresh one that looks like the vendor's own.
        :param queued: seconds that it waits before it is generated; None (default): as the simulator's.
        :param generating: seconds that generating takes; None (default): as the simulator's.
        :param outcome: how it ends: ``ready`` (default), ``ready_without_urls``, ``failed``, ``stuck`` (it stays
            in generating for ever), for Tavus ``deleted``, for Together ``cancelled``.
        :param form: form of its answers; None (default): as the simulator's.
        :param media_bytes: size of the file that it is downloaded as, 100,000 to 10,000,000,000; None (default):
            that of the clip, some 35,000. It plays the clip and then has room that nothing is in.
        :param without: names of keys that its answers lack. Default: none.
        :param fields: put over the body of its answers, whatever its phase.
        :return: its id.
        :raises ValueError: an argument is not usable; the message names it.
        """
        options = {
            "video_id": video_id,
            "queued": queued,
            "generating": generating,
            "outcome": outcome,
            "form": form,
            "media_bytes": media_bytes,
            "without": without,
            "fields": fields,
        }
        return self._state.add_video(vendor, options).video_id

    def set_video(
        self,
        vendor: VendorName,
        video_id: str,
        /,
        *,
        queued: float | None = None,
        generating: float | None = None,
        outcome: Outcome | None = None,
        form: Form | None = None,
        without: tuple[str, ...] | None = None,
        **fields: Any,
    ) -> None:
        """Change a video that is there. What is not given, or None, stays as it is.

        Times count from when the video was ordered: with ``queued=0, generating=0`` it is finished at once.
        ``fields`` are added to those that it has.

        :raises KeyError: the vendor has no video of this id.
        :raises ValueError: an argument is not usable; the message names it.
        """
        options = {
            "queued": queued,
            "generating": generating,
            "outcome": outcome,
            "form": form,
            "without": without,
        }
        changes = {name: value for name, value in options.items() if value is not None}
        self._state.videos.change(vendor, video_id, changes, fields)

    @property
    def record(self) -> Record:
        """A snapshot of what was asked and answered so far."""
        return self._state.record.snapshot()

    def requests_for(self, video_id: str) -> list[float]:
        """When a video was asked for by GET, in seconds of ``time.monotonic()``: the latest 1000 times."""
        return self._state.record.looks_at(video_id)

    def add_fault(self, fault: Fault) -> None:
        """Put a fault in force. Of several that fit a request, the one added first strikes."""
        self._state.faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._state.faults.clear()

    def forget(self) -> None:
        """Drop the videos, the faults and the record; keep the settings."""
        self._state.forget()
