# SPDX-License-Identifier: Apache-2.0
"""The simulator as an object: a server in a thread of its own, and what a test may do to it."""

from __future__ import annotations

import pathlib
import types
import urllib.parse
from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar, overload

from airflow_provider_videos.simulator.app import build_app
from airflow_provider_videos.simulator.built_in import built_in_vendors
from airflow_provider_videos.simulator.faults import Fault
from airflow_provider_videos.simulator.mounts import Mounts
from airflow_provider_videos.simulator.recorder import Record
from airflow_provider_videos.simulator.serving import Serving
from airflow_provider_videos.simulator.state import State, Texts
from airflow_provider_videos.simulator.vendor import SimulatedVendor
from airflow_provider_videos.simulator.videos import Form, Outcome, VendorName

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # ruff: ignore[hardcoded-bind-all-interfaces] - the keys are compared with, not bound to
"""Addresses that one can listen on and not connect to, and what to connect to instead."""

T = TypeVar("T")


class _Setting(Generic[T]):
    """A setting of a simulator that may be changed while it serves."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, simulator: None, owner: type) -> Self: ...
    @overload
    def __get__(self, simulator: Simulator, owner: type) -> T: ...
    def __get__(self, simulator: Simulator | None, owner: type) -> Self | T:
        if simulator is None:
            return self
        value: T = getattr(simulator._state, self._name)
        return value

    def __set__(self, simulator: Simulator, value: T) -> None:
        simulator._state.change({self._name: value})


class Simulator:
    """Every vendor's video API on a socket, served by a daemon thread.

    Each vendor is below ``/{connection type}``, such as ``/together/v2/videos``; Tavus and Together AI are at the root
    too, told apart by the header of their key.

    Start and stop it with ``with``, or with :meth:`start` and :meth:`stop`. Started once more, it serves the
    same videos on the same port. Everything public is safe to use from any thread.

    :param host: name or address to listen on. Default ``127.0.0.1``. Whoever can connect can also use the
        control paths, which ask for no key.
    :param port: port to listen on; 0 (default): a free one.
    :param key: the key that every vendor's endpoints ask for. Default ``simulator-key``.
    :param queued: seconds that a video waits before it is generated. Default 1.
    :param generating: seconds that generating it takes. Default 2.
    :param form: ``documented`` (default): answers look as the vendors' pages say; ``observed``: as they were
        seen.
    :param tls: whether to speak TLS, with a self-signed certificate. Default False.
    :param page_base: number of the first page where a vendor's list counts pages, 0 (default) or 1.
    :param listing_delay: seconds after its order from which on a vendor lists a video. Default 0.
    :param texts: what a vendor makes of names and scripts: ``kept`` (default), ``trimmed`` (without the white space
        around them), ``cut`` (their first 40 characters), ``normalised`` (NFC, lines that end in LF).
    :param vendors: vendors to serve besides the built-in ones. Default: none.
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
        vendors: Sequence[SimulatedVendor] = (),
    ) -> None:
        self._mounts = Mounts([*built_in_vendors(), *vendors])
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
            lambda: build_app(self._state, self._mounts),
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

    @property
    def vendors(self) -> tuple[SimulatedVendor, ...]:
        """The vendors that it serves."""
        return tuple(self._mounts.vendors.values())

    def vendor_url(self, vendor: VendorName, /) -> str:
        """Return the base URL of a vendor, such as ``http://127.0.0.1:8787/tavus``: the host of its connection.

        :param vendor: its connection type.
        :raises ValueError: there is no such vendor.
        """
        return f"{self.url}/{self._mounts.vendor(vendor).conn_type}"

    def connection_uri(self, vendor: VendorName, /, **extra: str | float) -> str:
        """Return the Airflow connection to this simulator as a URI, for an environment variable ``AIRFLOW_CONN_…``.

        It holds the key as it is now; with TLS also the path of the certificate, which is removed at the stop.

        :param vendor: the connection's type, such as ``tavus``.
        :param extra: extra fields of the connection, such as ``timeout=2``. Default: none.
        :return: such as ``tavus://:simulator-key@http%3A%2F%2F127.0.0.1%3A8787%2Ftavus``.
        :raises ValueError: there is no such vendor.
        :raises RuntimeError: it speaks TLS and doesn't serve.
        """
        url = self.vendor_url(vendor)
        if self._tls:
            extra = {"verify": str(self.certificate), **extra}
        login, key, host = (
            urllib.parse.quote(part, safe="") for part in (self._mounts.vendor(vendor).login, self.key, url)
        )
        query = f"/?{urllib.parse.urlencode(extra)}" if extra else ""
        # Airflow turns the dash into an underscore again, which no scheme may have.
        return f"{vendor.replace('_', '-')}://{login}:{key}@{host}{query}"

    @property
    def certificate(self) -> pathlib.Path:
        """The PEM file of the certificate, to be trusted by clients; it is removed at the stop.

        :raises RuntimeError: it doesn't speak TLS, or doesn't serve.
        """
        if self._serving is None or self._serving.certificate is None:
            raise RuntimeError("only a running simulator with tls=True has a certificate")
        return self._serving.certificate

    key = _Setting[str]("The key that is asked for. Setting it is what a rotated key looks like.")
    queued = _Setting[float]("Seconds that a video ordered from now on waits before it is generated.")
    generating = _Setting[float]("Seconds that generating a video ordered from now on takes.")
    outcome = _Setting[Outcome]("How a video ordered by a request from now on ends. Default ``ready``.")
    listing_delay = _Setting[float]("Seconds after its order from which on a vendor lists a video.")
    texts = _Setting[Texts]("What a vendor makes of names and scripts that are ordered from now on.")

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

        :param vendor: the vendor's connection type, such as ``tavus``.
        :param video_id: its id; None (default): a fresh one that looks like the vendor's own.
        :param queued: seconds that it waits before it is generated; None (default): as the simulator's.
        :param generating: seconds that generating takes; None (default): as the simulator's.
        :param outcome: how it ends: ``ready`` (default), ``ready_without_urls``, ``failed``, ``stuck`` (it stays
            in generating for ever), or an outcome of this vendor, such as ``cancelled``.
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
        return self._mounts.vendor(vendor).add_video(self._state, options).video_id

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
        :raises ValueError: there is no such vendor, or an argument is not usable; the message names it.
        """
        options = {"queued": queued, "generating": generating, "outcome": outcome, "form": form, "without": without}
        changes = {name: value for name, value in options.items() if value is not None}
        self._mounts.vendor(vendor).change_video(self._state, video_id, changes, fields)

    @property
    def record(self) -> Record:
        """A snapshot of what was asked and answered so far."""
        return self._state.record.snapshot()

    def requests_for(self, video_id: str) -> list[float]:
        """When a video was polled (role ``get``), in seconds of ``time.monotonic()``: the latest 1000 times."""
        return self._state.record.polls_of(video_id)

    def add_fault(self, fault: Fault) -> None:
        """Put a fault in force. Of several that fit a request, the one added first strikes.

        :raises ValueError: there is no such vendor or endpoint as the fault names.
        """
        self._mounts.check_fault(fault)
        self._state.faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._state.faults.clear()

    def forget(self) -> None:
        """Drop the videos, the faults and the record; keep the settings."""
        self._state.forget()
