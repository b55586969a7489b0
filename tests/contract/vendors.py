# SPDX-License-Identifier: Apache-2.0
r"""Vendors of the tests' own. Together they have the peculiarities that real vendors were seen to have.

=============================================  =====  ====  ====
\                                              Relay  Reel  Loom
=============================================  =====  ====  ====
all below ``data``                             x
no status in the answer to an order            x      x
an id of several parts                         five   two
a second GET for the result                    x
``done`` instead of a status                          x
COMPLETED that is a failure                    x
a list of files                                x      x
errors inside a 200                            x
202 with an empty body while pending           x
a wrong key is a                               200    400   403
idempotency key                                x            some
a list with cursors                            x            x
cancel and delete                              both   one   one
a key of two parts, and a signature            x
a file that only the key opens                 x
a version header                               x
a longer timeout for orders                           x
=============================================  =====  ====  ====
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import check_required
from airflow_provider_videos.vendors.errors import UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.recovery import (
    AskAHuman,
    Recovery,
    ResendSameKey,
    SearchByEcho,
    SearchByName,
    SearchByOwnId,
)
from airflow_provider_videos.video import Video, VideoState

RELAY_VERSION = "2026-11-01"
RELAY_REFUSALS = {
    1002: RefusalKind.KEY,
    1203: RefusalKind.UNKNOWN_VIDEO,
    1201: RefusalKind.FINAL,
    1303: RefusalKind.LIMIT,
    5000: RefusalKind.UNCLEAR,
}
KEY_HEADER = "Idempotency-Key"


def signature(credentials: Credentials) -> str:
    """Return what Relay is told in a key's place, which is good for a minute."""
    text = f"{credentials.login}:{int(credentials.now)}"
    return f"{text}:{hmac.new(credentials.password.encode(), text.encode(), hashlib.sha256).hexdigest()}"


class Relay(Vendor):
    """Everything is below ``data``, the HTTP status code says nothing, and a poll may take two GETs."""

    conn_type = "relay"
    name = "Relay"
    base_url = "https://relay.invalid"
    states = {
        "in_queue": VideoState.QUEUED,
        "in_progress": VideoState.GENERATING,
        "completed": VideoState.READY,
        "cancelled": VideoState.CANCELLED,
    }
    recovery = ResendSameKey(lifetime=3600.0)
    free_fields = frozenset[str]()

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {"X-Signature": signature(credentials), "X-Version": RELAY_VERSION}

    def check(self, request: Mapping[str, Any]) -> None:
        check_required(request, "model", "prompt")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        body = {field: value for field, value in request.items() if field != "model"}
        headers = {KEY_HEADER: key} if key is not None else {}
        path = f"/models/{path_of(str(request['model']), parts=3)}"
        answer = yield Call(method="POST", path=path, body=body, headers=headers)
        return self.video(answer.text("data", "request_id"), "IN_QUEUE")

    def fetch(self, video_id: str) -> Exchange[Video]:
        path = f"/models/{path_of(video_id, parts=5)}"
        answer = yield Call(path=f"{path}/status", accepts=(202,))
        if answer.status_code == 202:
            return self.video(video_id, "IN_QUEUE")
        status = answer.word("data", "status")
        if self.state_of(status) is not VideoState.READY:
            return self.video(video_id, status)
        result = yield Call(path=path)
        if error := result.text("data", "error", "message"):
            return self.video(video_id, status, state=VideoState.FAILED, error_message=error)
        return self.video(
            video_id,
            status,
            file_urls=result.urls("data", "urls"),
            thumbnail_url=result.url("data", "cover"),
            credits=result.number("data", "units"),
        )

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        return cursor_page("/models/requests", cursor, limit)

    def read_listed(self, entry: Answer) -> Video:
        return self.video(entry.text("request_id"), entry.word("status"))

    def cancel(self, video_id: str) -> Exchange[None]:
        yield Call(method="PUT", path=f"/models/{path_of(video_id, parts=5)}/cancel", accepts=(202,))

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        yield Call(method="DELETE", path=f"/models/{path_of(video_id, parts=5)}", accepts=(204,))

    def probe(self) -> Exchange[None]:
        yield Call(path="/models/requests", query={"limit": 1})

    def refusal(self, answer: Answer) -> Refusal | None:
        code = answer.number("code")
        if not code:
            return None
        return Refusal(RELAY_REFUSALS.get(int(code), RefusalKind.UNCLEAR), answer.text("message"))

    def file_needs_key(self, url: str) -> bool:
        return "/files" in url


class Reel(Vendor):
    """An operation is done or isn't; its id is a kind and a number."""

    conn_type = "reel"
    name = "Reel"
    base_url = "https://reel.invalid"
    states = {"waiting": VideoState.GENERATING, "done": VideoState.READY, "failed": VideoState.FAILED}
    order_timeout = 300.0
    recovery = AskAHuman(where="in your Reel console, under Operations")
    free_fields = frozenset[str]()

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {"X-Reel-Key": credentials.password}

    def check(self, request: Mapping[str, Any]) -> None:
        check_required(request, "prompt")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        kind = "image2video" if "image" in request else "text2video"
        answer = yield Call(method="POST", path=f"/v1/{kind}", body=request)
        number = answer.text("number")
        return self.video(number and f"{kind}/{number}", "waiting")

    def fetch(self, video_id: str) -> Exchange[Video]:
        answer = yield Call(path=f"/v1/{path_of(video_id, parts=2)}")
        if answer.value("done") not in (True, False):
            raise UnreadableAnswerError("it does not say whether the operation is done")
        error = answer.text("error", "message")
        status = ("failed" if error else "done") if answer.value("done") else "waiting"
        return self.video(video_id, status, file_urls=answer.urls("response", "videos"), error_message=error)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        yield Call(method="DELETE", path=f"/v1/{path_of(video_id, parts=2)}")

    def probe(self) -> Exchange[None]:
        yield Call(path="/v1/text2video/0", accepts=(404,))

    def refusal(self, answer: Answer) -> Refusal | None:
        is_key = answer.status_code == 400 and answer.text("error", "reason") == "API_KEY_INVALID"
        return Refusal(RefusalKind.KEY) if is_key else None


class Loom(Vendor):
    """Every way of finding a lost order again: those that a class below names."""

    conn_type = "loom"
    name = "Loom"
    base_url = "https://loom.invalid"
    states = {
        "waiting": VideoState.QUEUED,
        "running": VideoState.GENERATING,
        "succeeded": VideoState.READY,
        "failed": VideoState.FAILED,
    }
    recovery: ClassVar[Recovery] = AskAHuman()
    free_fields = frozenset({"title", "own_id"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        check_required(request, "prompt")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        headers = {KEY_HEADER: key} if key is not None else {}
        answer = yield Call(method="POST", path="/jobs", body=request, headers=headers)
        return self.read_listed(answer)

    def fetch(self, video_id: str) -> Exchange[Video]:
        answer = yield Call(path=f"/jobs/{path_of(video_id)}")
        return self.read_listed(answer)

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        return cursor_page("/jobs", cursor, limit)

    def read_listed(self, entry: Answer) -> Video:
        return self.video(
            entry.text("id"),
            entry.word("state"),
            download_url=entry.url("file"),
            prompt=entry.text("prompt"),
            error_message=entry.text("error"),
            created_at=entry.time("created"),
        )

    def find(self, own_id: str, request: Mapping[str, Any]) -> Exchange[Video | None]:
        answer = yield Call(path=f"/jobs/by-own-id/{path_of(own_id)}", accepts=(404,))
        return None if answer.status_code == 404 else self.read_listed(answer)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        yield Call(method="DELETE", path=f"/jobs/{path_of(video_id)}", accepts=(204,))

    def probe(self) -> Exchange[None]:
        yield Call(path="/jobs", query={"limit": 1})


SHOWN = {"title": ("title",), "prompt": ("prompt",), "seed": ("seed",)}
_ECHO = SearchByEcho(shown={"prompt": ("prompt",), "seed": ("seed",)})
_NAME = SearchByName(field="title", shown=SHOWN)
_OWN_ID = SearchByOwnId(field="own_id")
LIFETIME = 3600.0
#: How a lost order is found again, by connection type.
RECOVERIES: dict[str, Recovery] = {
    "loom_human": AskAHuman(where="at https://loom.invalid/jobs"),
    "loom_name": _NAME,
    "loom_own_id": _OWN_ID,
    "loom_echo": _ECHO,
    "loom_key": ResendSameKey(lifetime=LIFETIME),
    "loom_key_name": ResendSameKey(lifetime=LIFETIME, afterwards=_NAME),
    "loom_key_own_id": ResendSameKey(lifetime=LIFETIME, afterwards=_OWN_ID),
    "loom_key_echo": ResendSameKey(lifetime=LIFETIME, afterwards=_ECHO),
}
LOOMS: dict[str, Loom] = {
    conn_type: type(conn_type, (Loom,), {"conn_type": conn_type, "recovery": recovery})()
    for conn_type, recovery in RECOVERIES.items()
}
VENDORS: dict[str, Vendor] = {vendor.conn_type: vendor for vendor in (Relay(), Reel(), *LOOMS.values())}


def cursor_page(path: str, cursor: str | None, limit: int) -> Exchange[Page]:
    """Ask for a page of a list that is asked for by the place where the page before ended."""
    answer = yield Call(path=path, query={"limit": limit} | ({"cursor": cursor} if cursor else {}))
    entries = answer.entries("items")
    if entries is None:
        raise UnreadableAnswerError("it has no list of videos")
    return Page(entries=tuple(entries), cursor=answer.text("next_cursor"))
