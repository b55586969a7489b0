# SPDX-License-Identifier: Apache-2.0
"""Kling (clips): the API of 2026, which has the model in the path, and the API v1 with its kinds of videos.

https://kling.ai/document-api
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.errors import MalformedIdError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.kling_orders import (
    OWN_ID,
    V1,
    KlingVideoRequest,
    body_of,
    check_order,
    is_own_id,
    is_v1,
    path_of_order,
)
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.recovery import SearchByOwnId
from airflow_provider_videos.vendors.signed_urls import expiry_after, expiry_of
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Kling", "KlingVideoRequest"]

log = logging.getLogger(__name__)

_TASKS = "/tasks"
#: Seconds for which a token is good, and how long before its beginning, for a clock that is behind.
TOKEN_LIFETIME, TOKEN_LEAD = 1800, 5
#: Seconds for which the same token is sent, and how old it is at first, for the clock of a worker that is ahead.
TOKEN_PERIOD, TOKEN_AGE = 600, 300
#: Seconds after which Kling removes a file.
FILE_LIFETIME = 30 * 86_400.0
MAX_PAGE = 500
#: What a code means, whatever the HTTP status. After any other one, it may have been done.
_CODES = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004, 1103, 1304), RefusalKind.KEY),
    **dict.fromkeys((1100, 1101, 1102, 1200, 1201, 1202, 1203, 1300, 1301), RefusalKind.FINAL),
    **dict.fromkeys((1302, 1303), RefusalKind.LIMIT),
}
_NO_SUCH_RESOURCE = 1203
_HINTS = {
    **dict.fromkeys(
        (1000, 1002, 1103), "An access and a secret key are good for the API v1 only; the other kinds need an API key."
    ),
    **dict.fromkeys((1003, 1004), "The clock of this machine may be wrong."),
    1102: "No resource pack has units left.",
}
_OWN_ID_REFUSED = re.compile(r"external.?(task.?)?id|duplicate|already exist|not unique", re.IGNORECASE)
_NO_FILE = "Kling calls the task a success, and gives no URL of a video"


class Kling(Vendor):
    """Both generations of Kling's API. The id of a video of v1 is its kind, a slash and the task's id."""

    conn_type = "kling"
    name = "Kling"
    base_url = "https://api-singapore.klingai.com"
    states = {
        "submitted": VideoState.QUEUED,
        "processing": VideoState.GENERATING,
        "succeeded": VideoState.READY,
        # The same of v1.
        "succeed": VideoState.READY,
        "failed": VideoState.FAILED,
    }
    recovery = SearchByOwnId(field=OWN_ID)
    free_fields = frozenset({OWN_ID, "callback_url"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key, or a token that is signed with it."""
        return {"Authorization": f"Bearer {_token(credentials) or credentials.password}"}

    def secrets(self, credentials: Credentials) -> tuple[str, ...]:
        """Return the key, or both keys and the token that is made of them."""
        # The token holds the first key, so it comes before that.
        return tuple(filter(None, (_token(credentials), credentials.password, credentials.login)))

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://kling.ai/document-api."""
        check_order(request)

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        answer = yield Call(method="POST", path=path_of_order(request), body=body_of(request))
        of_v1 = is_v1(request)
        if (own_id := request.get(OWN_ID)) and _own_id_of(answer, "data", of_v1=of_v1) not in {own_id, None}:
            raise UnreadableAnswerError("it is about an order of another own id")
        video_id = answer.text("data", "task_id" if of_v1 else "id")
        status = answer.word("data", "task_status" if of_v1 else "status") or VideoState.UNKNOWN
        # What Kling answers to an own id that it knows is not documented, so only a poll ends the wait.
        state = VideoState.QUEUED if self.state_of(status).is_terminal else None
        return self.video(f"{request['kind']}/{video_id}" if of_v1 and video_id else video_id, status, state=state)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video."""
        kind, _, task_id = video_id.rpartition("/")
        if kind:
            answer = yield Call(path=f"{V1}/{path_of(video_id, parts=3)}")
            return self._read_v1(answer, kind, task_id)
        path_of(video_id)
        if "," in video_id:
            raise MalformedIdError(f"{video_id!r:.200} is no id of a single task")
        answer = yield Call(path=_TASKS, query={"task_ids": video_id})
        task = next((task for task in answer.entries("data") or () if task and task.text("id") == video_id), None)
        if task is None:
            raise UnreadableAnswerError("it has no such task")
        return self.read_listed(task)

    def find(self, own_id: str, request: Mapping[str, Any]) -> Exchange[Video | None]:
        """Ask for the task of an own id; v1 keeps those of each kind apart."""
        if not is_own_id(own_id):
            raise MalformedIdError(f"{own_id!r:.200} is no id that an order can be found by")
        of_v1 = bool(request) and is_v1(request)
        path, query = (f"{path_of_order(request)}/{path_of(own_id)}", "") if of_v1 else (_TASKS, own_id)
        answer = yield Call(
            path=path, query={"external_task_ids": query} if query else {}, accepts=(HTTPStatus.NOT_FOUND,)
        )
        code, data = _code_of(answer), answer.value("data")
        # Which of the two says that there is none is not documented. A 404 of a gateway's says nothing.
        if (code == _NO_SUCH_RESOURCE and not data) or (code == 0 and data == [] and not of_v1):
            return None
        if code != 0:
            raise UnreadableAnswerError("it says neither that there is such a task nor that there is none")
        return self._found(answer, own_id, str(request["kind"]) if of_v1 else None)

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of the tasks of the last 30 days. It is a POST, and orders nothing."""
        body = {"limit": min(limit, MAX_PAGE), **({} if cursor is None else {"cursor": cursor})}
        answer = yield Call(method="POST", path=_TASKS, body=body)
        entries = answer.entries("data", "result")
        if entries is None:
            raise UnreadableAnswerError("it has no list of tasks")
        has_more = answer.value("data", "has_more")
        cursor = answer.text("data", "next_cursor")
        if cursor is None and has_more is not False:
            raise UnreadableAnswerError("it does not say where the list goes on, nor that it ends")
        return Page(entries=tuple(entries), cursor=cursor if has_more is not False else None)

    def read_listed(self, entry: Answer) -> Video:
        """Read a task of the list, or of an answer to a poll."""
        outputs = [output for output in entry.entries("outputs") or () if output and output.word("type") == "video"]
        bills = [bill for bill in entry.entries("billing") or () if bill]
        return self._video(
            entry,
            entry.text("id"),
            entry.word("status"),
            urls=[output.url("url") or output.url("watermark_url") for output in outputs],
            duration=next((output.number("duration") for output in outputs), None),
            credits=_sum(bill.number("amount") for bill in bills if bill.word("charge_type") == "unit"),
            cost=_sum(bill.number("amount") for bill in bills if (bill.word("currency") or "").upper() == "USD"),
            message=entry.text("message"),
            times=("create_time", "update_time"),
        )

    def probe(self) -> Exchange[None]:
        """Ask for a list of one video of v1, which either kind of key opens."""
        yield Call(path=f"{V1}/text2video", query={"pageNum": 1, "pageSize": 1})

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read the code of an error, which tells more than the HTTP status: two of three 429 don't pass."""
        code = _code_of(answer)
        is_order, status_code = answer.purpose == "order", answer.status_code
        task_id = answer.text("data", "id") or answer.text("data", "task_id")
        if is_order and task_id and (code or status_code >= HTTPStatus.MULTIPLE_CHOICES):
            return Refusal(RefusalKind.UNCLEAR, f"{answer.message or 'an error'} ({code}), and yet the task {task_id}")
        if answer.purpose == "get":
            if code == _NO_SUCH_RESOURCE or (code == 0 and answer.value("data") == []):
                return Refusal(RefusalKind.UNKNOWN_VIDEO, answer.text("message") if code else "It has no such task")
            if code is None and status_code == HTTPStatus.NOT_FOUND:
                return Refusal(RefusalKind.UNCLEAR, f"A 404 that is not Kling's own: {answer.message or 'it is empty'}")
        if not code or (answer.purpose == "list" and code == _NO_SUCH_RESOURCE):
            return None
        kind = _CODES.get(code, RefusalKind.UNCLEAR)
        message = answer.text("message") or ""
        # An own id that Kling has already may be that of this order, sent before.
        is_about_the_own_id = _OWN_ID_REFUSED.search(message) is not None
        # A gateway's own 5xx may come after Kling's answer.
        is_certain = status_code < HTTPStatus.INTERNAL_SERVER_ERROR and not (is_order and is_about_the_own_id)
        if not is_certain or (kind is RefusalKind.FINAL and not is_order):
            kind = RefusalKind.UNCLEAR
        return Refusal(kind, " ".join(filter(None, (f"{message} ({code})", _HINTS.get(code)))))

    def _found(self, answer: Answer, own_id: str, kind: str | None) -> Video:
        """Return the task that an answer shows for an own id; of several, the newest of those that are worth most."""
        tasks = [answer] if kind else [task for task in answer.entries("data") or () if task]
        shown = [_own_id_of(task, *(("data",) if kind else ()), of_v1=bool(kind)) for task in tasks]
        if not tasks or any(text != own_id for text in shown if len(tasks) > 1 or text is not None):
            raise UnreadableAnswerError("it shows no task of this own id")
        videos = [self._read_v1(task, kind, None) if kind else self.read_listed(task) for task in tasks]
        if len(videos) > 1:
            ids = ", ".join(video.video_id for video in videos)
            log.warning("Kling has %d tasks of the own id %r, and may bill each of them: %s", len(videos), own_id, ids)
        return max(videos, key=lambda video: (video.is_usable, not video.state.is_terminal, video.created_at or ""))

    def _read_v1(self, answer: Answer, kind: str, task_id: str | None) -> Video:
        found = answer.entries("data", "task_result", "videos")
        files = [file for file in found or () if file]
        task_id = answer.text("data", "task_id") or task_id
        return self._video(
            answer,
            task_id and f"{kind}/{task_id}",
            answer.word("data", "task_status"),
            urls=[file.url("url") or file.url("watermark_url") for file in files],
            duration=next((file.number("duration") for file in files), None),
            credits=answer.number("data", "final_unit_deduction"),
            cost=None,
            message=answer.text("data", "task_status_msg"),
            times=("created_at", "updated_at"),
            within=("data",),
        )

    def _video(
        self,
        answer: Answer,
        video_id: str | None,
        status: str | None,
        *,
        urls: list[str | None],
        duration: float | None,
        credits: float | None,
        cost: float | None,
        message: str | None,
        times: tuple[str, str],
        within: tuple[str, ...] = (),
    ) -> Video:
        state = self.state_of(status)
        files = [url for url in urls if url]
        created_at, updated_at = (_moment(answer.number(*within, name)) for name in times)
        finished_at = updated_at if state.is_terminal else None
        is_empty = state is VideoState.READY and not files
        return self.video(
            video_id,
            status,
            file_urls=files,
            expires_at=(expiry_of(files[0]) or expiry_after(finished_at, FILE_LIFETIME)) if files else None,
            duration=duration,
            credits=credits,
            cost=cost,
            error_message=message if state is VideoState.FAILED else _NO_FILE if is_empty else None,
            created_at=created_at,
            finished_at=finished_at,
        )


def _own_id_of(answer: Answer, *within: str, of_v1: bool) -> str | None:
    return answer.text(*within, "task_info", OWN_ID) if of_v1 else answer.text(*within, "external_id")


def _token(credentials: Credentials) -> str | None:
    """Return the JSON Web Token of a pair of keys; ``None`` if there is but one key.

    It is that of some minutes ago, and the same for some minutes: a clock may be wrong, and what is masked is known.
    """
    if credentials.login is None:
        return None
    made_at = (int(credentials.now) - TOKEN_AGE) // TOKEN_PERIOD * TOKEN_PERIOD
    claims = {"iss": credentials.login, "exp": made_at + TOKEN_LIFETIME, "nbf": made_at - TOKEN_LEAD}
    signed = ".".join(
        _part(json.dumps(part, separators=(",", ":"))) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    signature = hmac.digest(credentials.password.encode(), signed.encode(), "sha256")
    return f"{signed}.{_part(signature)}"


def _part(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _sum(numbers: Iterable[float | None]) -> float | None:
    return sum(found) if (found := [number for number in numbers if number is not None]) else None


def _moment(milliseconds: float | None) -> str | None:
    """Return Unix milliseconds as ISO 8601 in UTC."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat() if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _code_of(answer: Answer) -> int | None:
    """Return the code of Kling's own envelope, 0 if all is well; ``None`` if it is none of Kling's."""
    return None if (code := answer.number("code")) is None else int(code)
