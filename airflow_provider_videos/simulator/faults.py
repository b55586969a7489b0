# SPDX-License-Identifier: Apache-2.0
"""Faults on order: what shall go wrong, for which requests, and how often.

========================  ==================================================================================
kind                      what the client sees
========================  ==================================================================================
``status``                the status code ``status`` (500), with ``body`` or the vendor's own error body
``latency``               the right answer, after ``seconds``
``reset_before``          a reset connection (RST) before any byte of an answer
``reset_during``          a reset connection in the middle of the body
``hang``                  nothing: no answer, no end
``drip``                  the right answer, its body one byte each ``seconds``
``hang_during``           the first half of the body, then nothing: no rest, no end
``truncated``             the right answer, but ``Content-Length`` promises more; the connection ends cleanly
``html``                  a proxy's HTML page instead of JSON
``empty``                 status 200 and no body
``not_utf8``              a body that says it is JSON in UTF-8 and is not
``huge``                  a JSON body of 20,000,000 bytes, without ``Content-Length``
``json``                  exactly ``body``, as JSON
``merge``                 the right answer with ``body``, a JSON object, merged into it; null takes a key away
                          (RFC 7396). So ``{"status": null}`` answers an order without a status, and
                          ``{"video_id": "other"}`` is about another video
``unknown_video``         what the vendor answers about a video that it doesn't have
``redirect``              status 302 to ``location``
``accept_then_reset``     a reset connection, though the video was ordered
``accept_then_hang``      nothing, though the video was ordered
``accept_then_status``    the status code ``status`` (500), though the video was ordered
``hang_then_accept``      nothing; the video is ordered ``seconds`` later
``status_then_accept``    the status code ``status`` (504); the video is ordered ``seconds`` later
``list_cut``              a page of a list without the second half of its videos; its total counts all
``list_total_of_page``    a page of a list that says it is all there is: its total counts this page only, or it
                          names no next page
``list_bad_entry``        a page of a list whose first entry can't be read
========================  ==================================================================================

``status`` may be given for the kinds from ``html`` to ``redirect`` too. The kinds ``accept_then_...`` and
``..._then_accept`` strike only a request that orders a video (the role ``create``); if ``accept_then_...`` meets an
order that is refused (a wrong key, a bad body), its refusal is sent. The kinds ``list_...`` strike only the role
``list``.
"""

from __future__ import annotations

import dataclasses
import email.utils
import json
import threading
import time
from typing import Literal, NamedTuple, get_args

from airflow_provider_videos.simulator.checks import check_choice, check_seconds, check_whole

FaultKind = Literal[
    "status",
    "latency",
    "reset_before",
    "reset_during",
    "hang",
    "drip",
    "hang_during",
    "truncated",
    "html",
    "empty",
    "not_utf8",
    "huge",
    "json",
    "merge",
    "unknown_video",
    "redirect",
    "accept_then_reset",
    "accept_then_hang",
    "accept_then_status",
    "hang_then_accept",
    "status_then_accept",
    "list_cut",
    "list_total_of_page",
    "list_bad_entry",
]
FaultTarget = Literal["api", "media"]

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
FAULT_TARGETS: tuple[FaultTarget, ...] = get_args(FaultTarget)
DEFAULT_STATUSES = {"status": 500, "accept_then_status": 500, "status_then_accept": 504, "redirect": 302}


def retry_after_date(seconds: float) -> str:
    """The HTTP date that lies ``seconds`` ahead, for ``Fault(retry_after=...)``."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class Struck(NamedTuple):
    """The request that a fault may strike.

    :param vendor: connection type of the vendor that it is for; None: there is no such vendor.
    :param role: role of the endpoint; None: there is no such endpoint.
    :param method: its HTTP method.
    :param video_id: id of the video that it names; None: it names none.
    """

    vendor: str | None
    role: str | None
    method: str
    video_id: str | None


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    :param kind: what goes wrong; see the table of this module.
    :param times: how many requests it strikes; None (default): all of them.
    :param after: how many matching requests pass before the first one is struck. Default 0.
    :param video_id: strikes only requests whose path names this video; None (default): any request.
    :param method: strikes only this HTTP method, such as ``GET``; None (default): any.
    :param endpoint: strikes only requests of this role: ``create``, ``get``, ``list``, ``delete`` and what other roles
        the vendor's endpoints have; None (default): any.
    :param vendor: strikes only requests to this vendor, given by its connection type; None (default): to any.
    :param seconds: the delay of ``latency`` and of ``..._then_accept``, the time between two bytes of ``drip``.
        Default 1.
    :param status: status code to answer with, 200 to 599; None (default): 500 for ``status`` and
        ``accept_then_status``, 504 for ``status_then_accept``, 302 for ``redirect``, else 200.
    :param retry_after: sent as it is, as the header ``Retry-After``, by ``status`` and ``accept_then_status``;
        see :func:`retry_after_date`. None (default): no such header.
    :param body: what ``status``, ``accept_then_status``, ``html``, ``not_utf8`` and ``json`` send, and ``merge``
        merges; ``json`` and ``merge`` need it, the others have one of their own. A text is sent as UTF-8.
    :param location: where ``redirect`` leads to.
    :param target: ``api`` (default): the vendors' endpoints; ``media``: the files that the URLs lead to, whose role is
        ``media``.
    :raises ValueError: a value is not usable; the message names the field.
    """

    kind: FaultKind
    times: int | None = None
    after: int = 0
    video_id: str | None = None
    method: str | None = None
    endpoint: str | None = None
    seconds: float = 1.0
    status: int | None = None
    retry_after: str | None = None
    body: str | bytes | None = None
    location: str | None = None
    target: FaultTarget = "api"
    vendor: str | None = None

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, FAULT_KINDS)
        check_choice("target", self.target, FAULT_TARGETS)
        if self.times is not None:
            check_whole("times", self.times, 1)
        check_whole("after", self.after, 0)
        check_seconds("seconds", self.seconds)
        if self.status is not None:
            check_whole("status", self.status, 200, 599)
        for field in ("video_id", "method", "endpoint", "vendor", "retry_after", "location"):
            value = getattr(self, field)
            if value is not None and not isinstance(value, str):
                raise ValueError(f"{field} must be a string, not {value!r}")
        if self.body is not None and not isinstance(self.body, str | bytes):
            raise ValueError(f"body must be a string, not {self.body!r}")
        if self.kind in {"json", "merge"} and self.body is None:
            raise ValueError(f"body must be given for a fault of kind {self.kind}")
        if self.kind == "merge" and not isinstance(_json(self.body), dict):
            raise ValueError("body must be a JSON object for a fault of kind merge")
        if self.kind == "redirect" and self.location is None:
            raise ValueError("location must be given for a fault of kind redirect")
        if self._only_role is not None and self.target != "api":
            raise ValueError(f"target must be api for a fault of kind {self.kind}")

    @property
    def answer_status(self) -> int:
        """The status code that it answers with, its kind's own one if none was given."""
        return self.status if self.status is not None else DEFAULT_STATUSES.get(self.kind, 200)

    @property
    def _only_role(self) -> str | None:
        if "accept" in self.kind:
            return "create"
        return "list" if self.kind.startswith("list_") else None

    def strikes(self, struck: Struck) -> bool:
        """Whether it is meant for a request."""
        if self.target != ("media" if struck.role == "media" else "api"):
            return False
        if self.method is not None and self.method.upper() != struck.method:
            return False
        wanted = (self._only_role, self.endpoint, self.vendor, self.video_id)
        found = (struck.role, struck.role, struck.vendor, struck.video_id)
        return all(only is None or only == one for only, one in zip(wanted, found, strict=True))


def _json(body: str | bytes | None) -> object:
    try:
        return json.loads(body or "")
    except ValueError:
        return None


class FaultPlan:
    """The faults that are in force, in the order in which they were added. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(_Planned(fault))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def take(self, struck: Struck) -> Fault | None:
        """The fault that strikes this request, and one of its turns with it: the first that fits."""
        if not self._faults:
            return None
        with self._lock:
            for planned in self._faults:
                if planned.fault.strikes(struck) and planned.take_turn():
                    return planned.fault
        return None


@dataclasses.dataclass(slots=True)
class _Planned:
    fault: Fault
    passed: int = 0
    struck: int = 0

    def take_turn(self) -> bool:
        if self.fault.times is not None and self.struck >= self.fault.times:
            return False
        if self.passed < self.fault.after:
            self.passed += 1
            return False
        self.struck += 1
        return True
