# SPDX-License-Identifier: Apache-2.0
"""MiniMax (Hailuo clips): Video V2 for the models MiniMax-H3, and the API v1 for the older ones.

https://platform.minimax.io/docs/api-reference/video-generation-v2-create
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.errors import MalformedIdError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.listing import Page, numbered_page
from airflow_provider_videos.vendors.minimax_orders import (
    GENERATION,
    V1,
    MiniMaxVideoRequest,
    check_order,
    path_of_order,
)
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.vendors.signed_urls import expiry_after, expiry_of
from airflow_provider_videos.video import Video, VideoState

__all__ = ["MiniMax", "MiniMaxVideoRequest"]

_TASKS = "/v2/query/video_generation"
#: How a video of v1 is told from one of v2, whose ids look the same.
_V1_ID = "v1/"
#: Seconds for which a URL of v1 is good at least.
V1_URL_LIFETIME = 3600.0
_SENSITIVE = frozenset({1026, 1027})
_INVALID = 2013
#: What the codes in an answer with the HTTP status 200 mean. After any other one, it may have been done.
_CODES = {
    **dict.fromkeys((1004, 2049), RefusalKind.KEY),
    **dict.fromkeys((1002, 1039, 1041, 2045), RefusalKind.LIMIT),
    **dict.fromkeys((1008, 1026, _INVALID, 2038, 2056), RefusalKind.FINAL),
}
_CODE_IN_MESSAGE = re.compile(r"\((\d{4})\)$")
_OTHER_HOST = (
    "A key works only at the host of its own platform: https://api.minimax.io, or in China https://api.minimaxi.com."
)


class MiniMax(Vendor):
    """The video APIs of MiniMax."""

    conn_type = "minimax"
    name = "MiniMax"
    base_url = "https://api.minimax.io"
    # Documented for MiniMax-H3, of no other model: https://platform.minimax.io/docs/guides/rate-limits.
    max_active = 30
    states = {
        "queued": VideoState.QUEUED,
        "running": VideoState.GENERATING,
        "succeeded": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
        # Seen in public clients.
        "expired": VideoState.EXPIRED,
        # Those of v1.
        "preparing": VideoState.QUEUED,
        "queueing": VideoState.QUEUED,
        "processing": VideoState.GENERATING,
        "success": VideoState.READY,
        "fail": VideoState.FAILED,
    }
    # The list shows models and lengths but no prompt: two orders that differ look the same.
    recovery = AskAHuman(
        where="at what MiniMaxHook.list_videos() returns, for a video of that time, model and length; of v1 there is "
        "no list, only the account's billing at https://platform.minimax.io"
    )
    free_fields = frozenset({"callback_url"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://platform.minimax.io/docs/api-reference/video-generation-v2-create."""
        check_order(request)

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is all of the answer."""
        path = path_of_order(request)
        answer = yield Call(method="POST", path=path, body=request)
        task_id = answer.text("task_id")
        video_id = f"{_V1_ID}{task_id}" if task_id and path == V1 else task_id
        return self.video(video_id, VideoState.UNKNOWN, model=str(request.get("model") or "") or None)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video: of v2 during seven days, each time with a new URL."""
        if video_id.startswith(_V1_ID):
            return (yield from self._fetch_v1(video_id.removeprefix(_V1_ID)))
        answer = yield Call(path=f"{_TASKS}/{path_of(video_id)}")
        return self._read(answer, answer.text("task", "id") or video_id, answer.word("task", "status"), "task")

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of the tasks of v2 of the last seven days."""
        names = ("page_num", "page_size")
        return numbered_page(_TASKS, cursor, limit, entries="items", total="total", names=names, first=1)

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a list, whose id is enough."""
        return self._read(entry, entry.text("id"), entry.word("status") or VideoState.UNKNOWN)

    def cancel(self, video_id: str) -> Exchange[None]:
        """Stop a video that is queued. It is asked for first: the same call would delete one that is finished."""
        yield Call(path=f"{_TASKS}/{_of_v2(video_id)}")
        yield from self.delete(video_id, hard=True)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a finished video, or cancel one that is queued; one that is running, MiniMax refuses to delete."""
        yield Call(method="DELETE", path=f"{GENERATION}/{_of_v2(video_id)}")

    def probe(self) -> Exchange[None]:
        """Ask for a list of one video."""
        yield Call(path=_TASKS, query={"page_num": 1, "page_size": 1})

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read the code of an error, which v1 answers with the HTTP status 200."""
        code = _code_of(answer)
        task_status = answer.word("task", "status")
        if answer.purpose == "cancel" and task_status and self.state_of(task_status) is not VideoState.QUEUED:
            return Refusal(RefusalKind.FINAL, f"It is {task_status}; only a queued video can be cancelled")
        message = answer.text("base_resp", "status_msg") or answer.text("error", "message") or answer.message or ""
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            return Refusal(RefusalKind.KEY, f"{message} {_OTHER_HOST}")
        # Whoever asks for a video can be wrong about nothing but its id.
        is_about_the_id = answer.purpose == "get" or ("task_id" in message and answer.purpose in {"cancel", "delete"})
        if is_about_the_id and (code == _INVALID or answer.status_code == HTTPStatus.BAD_REQUEST):
            return Refusal(RefusalKind.UNKNOWN_VIDEO, message)
        if code == 0 or answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            return None
        kind, message = _CODES.get(code, RefusalKind.UNCLEAR), f"{message} ({code})"
        is_order = answer.purpose == "order"
        if is_order and answer.text("task_id"):
            return Refusal(RefusalKind.UNCLEAR, f"{message}, and yet the task {answer.text('task_id')}")
        if kind is RefusalKind.KEY:
            return Refusal(kind, f"{message} {_OTHER_HOST}")
        has_failed = code in _SENSITIVE or (answer.word("status") or "").lower() == "fail"
        if answer.purpose == "get" and has_failed and kind is not RefusalKind.LIMIT:
            return None
        return Refusal(RefusalKind.UNCLEAR if kind is RefusalKind.FINAL and not is_order else kind, message)

    def _read(self, answer: Answer, video_id: str | None, status: str | None, *path: str) -> Video:
        state = self.state_of(status)
        url = answer.url(*path, "content", "url")
        error = answer.text(*path, "error", "message")
        if state is VideoState.READY and url is None:
            made = "it made a prompt and no video" if answer.text(*path, "content", "prompt") else "it has no URL"
            error = error or made
        return self.video(
            video_id,
            status,
            download_url=url,
            model=answer.text(*path, "model"),
            duration=answer.number(*path, "duration"),
            credits=answer.number(*path, "usage", "total_seconds"),
            error_message=error,
            error_code=answer.text(*path, "error", "code"),
            created_at=answer.time(*path, "created_at"),
            finished_at=answer.time(*path, "updated_at") if state.is_terminal else None,
        )

    def _fetch_v1(self, task_id: str) -> Exchange[Video]:
        path_of(task_id)
        answer = yield Call(path="/v1/query/video_generation", query={"task_id": task_id})
        code = _code_of(answer)
        # An error of the content may come without a status.
        status = answer.word("status") or ("Fail" if code in _SENSITIVE else None)
        state, file_id = self.state_of(status), answer.text("file_id")
        url, now = None, None
        if state is VideoState.READY and file_id is not None:
            file = yield Call(path="/v1/files/retrieve", query={"file_id": file_id})
            if (file.text("file", "file_id") or file_id) != file_id:
                raise UnreadableAnswerError(f"it is about another file, {file.text('file', 'file_id')!r:.100}")
            # The time of the answer, which has made the URL.
            url, now = file.url("file", "download_url"), Answer(file.headers).time("date")
        width, height = answer.number("video_width"), answer.number("video_height")
        error = answer.text("base_resp", "status_msg") if code else "MiniMax gives no reason"
        if state is VideoState.READY:
            error = None if url else f"it has no {'URL of its file' if file_id else 'file'}"
        return self.video(
            f"{_V1_ID}{answer.text('task_id') or task_id}",
            status,
            download_url=url,
            expires_at=None if url is None else expiry_of(url) or expiry_after(now, V1_URL_LIFETIME),
            size=f"{width:.0f}x{height:.0f}" if width and height else None,
            error_message=error if state.is_terminal else None,
            error_code=str(code) if code and state.is_terminal else None,
        )


def _of_v2(video_id: str) -> str:
    if video_id.startswith(_V1_ID):
        raise MalformedIdError(f"{video_id!r:.200} is of the API v1, which neither cancels nor deletes")
    return path_of(video_id)


def _code_of(answer: Answer) -> int:
    """Return the code of an error, 0 if there is none."""
    code = answer.number("base_resp", "status_code")
    if code is None and answer.word("type") == "error":
        in_message = _CODE_IN_MESSAGE.search(answer.text("error", "message") or "")
        code = float(in_message[1]) if in_message else -1
    return int(code or 0)
