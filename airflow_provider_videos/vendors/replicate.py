# SPDX-License-Identifier: Apache-2.0
"""Replicate (models of many makers).

https://replicate.com/docs/reference/http
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Required, TypedDict
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import check_choice, check_fields, check_texts
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.recovery import SearchByEcho
from airflow_provider_videos.vendors.signed_urls import expiry_after
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Replicate", "ReplicateVideoRequest"]

_PREDICTIONS = "/v1/predictions"
_EVENTS = ("start", "output", "logs", "completed")
_OWNER_AND_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".m4v")
_MAX_DEPTH = 4
#: Seconds for which Replicate keeps the data of a prediction that was made through the API.
RETENTION = 3600.0
_REMOVED = (
    "Replicate has removed its files, as it does an hour after a prediction that was made through the API; nothing "
    "brings them back"
)
_ABORTED = "it reached its deadline before it was started"
_NO_FILE = "its output has no URL of a file"


class ReplicateVideoRequest(TypedDict, total=False):
    """What Replicate makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    Exactly one of ``model``, ``version`` and ``deployment`` says what runs.
    https://replicate.com/docs/topics/predictions/create-a-prediction

    :param model: an official model, as ``owner/name``, such as ``minimax/video-01``.
    :param version: a version of any model: its id of 64 hexadecimal digits, or ``owner/name:id``.
    :param deployment: a deployment of yours, as ``owner/name``.
    :param input: the model's own fields, as its page describes them, such as ``prompt``, ``duration``, ``image``. A
        file is an ``https`` URL, or a data URL of up to 256 kB.
    :param webhook: ``https`` URL that Replicate calls.
    :param webhook_events_filter: a list of ``start``, ``output``, ``logs`` and ``completed``; all if missing.
    """

    model: str
    version: str
    deployment: str
    input: Required[dict[str, Any]]
    webhook: str
    webhook_events_filter: list[str]


def _expected(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list shows of an order. The version of an official model is hidden, that of others is an id."""
    version = str(request.get("version") or "")
    name, _, version_id = version.partition(":") if "/" in version else ("", "", version)
    named = {"model": request.get("model") or name, "version": version_id}
    shown = {field: value for field, value in named.items() if value}
    return {"input": request.get("input"), "deployment": request.get("deployment"), **shown}


class Replicate(Vendor):
    """The predictions API of Replicate."""

    conn_type = "replicate"
    name = "Replicate"
    base_url = "https://api.replicate.com"
    states = {
        "starting": VideoState.QUEUED,
        "processing": VideoState.GENERATING,
        "succeeded": VideoState.READY,
        "failed": VideoState.FAILED,
        "canceled": VideoState.CANCELLED,
        "aborted": VideoState.CANCELLED,
    }
    recovery = SearchByEcho(
        shown={field: (field,) for field in ("input", "model", "version", "deployment")}, expected=_expected
    )
    free_fields = frozenset({"webhook", "webhook_events_filter"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order; what ``input`` may hold, only its model's own page says."""
        check_fields(request, ReplicateVideoRequest.__annotations__)
        _path_of_order(request)
        if not isinstance(request.get("input"), Mapping):
            raise RequestFieldError("input", "must be a dict of the model's own fields, such as prompt")
        check_texts(request, "version", "webhook")
        if not str(request.get("webhook", "https://")).startswith("https://"):
            raise RequestFieldError("webhook", "must be an https URL")
        events = request.get("webhook_events_filter", ())
        for event in events if isinstance(events, list | tuple) else (events,):
            check_choice({"webhook_events_filter": event}, "webhook_events_filter", _EVENTS)

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        body = {field: value for field, value in request.items() if field not in {"model", "deployment"}}
        answer = yield Call(method="POST", path=_path_of_order(request), body=body)
        return self.read_listed(answer)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a prediction."""
        answer = yield Call(path=f"{_PREDICTIONS}/{path_of(video_id)}")
        return self._read(answer, answer.text("id") or video_id, answer.word("status"))

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of the account's predictions; it has 100, whatever ``limit`` says."""
        answer = yield Call(path=_PREDICTIONS, query=dict(parse_qsl(cursor or "")))
        entries = answer.entries("results")
        if entries is None:
            raise UnreadableAnswerError("it has no list of predictions")
        # The key goes to the connection's own host, so of the next page's URL only the query is used.
        following = urlsplit(answer.url("next") or "").query
        if not following and answer.value("next") is not None:
            raise UnreadableAnswerError("it has no readable URL of the next page")
        return Page(entries=tuple(entries), cursor=following or None)

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a list, or the answer to an order, whose id is enough."""
        return self._read(entry, entry.text("id"), entry.word("status") or VideoState.UNKNOWN)

    def cancel(self, video_id: str) -> Exchange[None]:
        """Stop a prediction; the time that it ran is billed where the model is billed by time."""
        yield Call(method="POST", path=f"{_PREDICTIONS}/{path_of(video_id)}/cancel", accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask whose key it is."""
        yield Call(path="/v1/account")

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        state = self.state_of(status)
        files = sorted(_files(answer, "output"), key=lambda url: not _is_video(url))
        error, page = answer.text("error"), answer.url("urls", "web")
        if state is VideoState.READY and not files:
            # A page that says nothing but that the files are gone is no result.
            page = None
            is_removed = answer.value("data_removed") is True
            state = VideoState.EXPIRED if is_removed else state
            error = _REMOVED if is_removed else error or _NO_FILE
        elif (status or "").lower() == "aborted":
            error = error or _ABORTED
        created_at = answer.time("created_at")
        is_kept = answer.text("source") == "web" or not files
        return self.video(
            video_id,
            status,
            state=state,
            file_urls=files,
            expires_at=None if is_kept else expiry_after(created_at, RETENTION),
            hosted_url=page,
            model=answer.text("model"),
            prompt=answer.text("input", "prompt"),
            error_message=error,
            created_at=created_at,
            finished_at=answer.time("completed_at"),
        )


def _path_of_order(request: Mapping[str, Any]) -> str:
    named = [field for field in ("model", "version", "deployment") if request.get(field)]
    if len(named) != 1:
        given = f"{' and '.join(named)} are given" if named else "none is given"
        raise RequestFieldError("model", f"give exactly one of model, version and deployment; {given}")
    field = named[0]
    if field == "version":
        return _PREDICTIONS
    if not _OWNER_AND_NAME.fullmatch(str(request[field])):
        raise RequestFieldError(field, "must be owner/name; a version of a model goes into the field version")
    return f"/v1/{field}s/{path_of(request[field], parts=2)}/predictions"


def _files(answer: Answer, *path: str | int) -> Iterator[str]:
    """Go through the URLs of an output: a model's own value, mostly a URL or a list of them."""
    value = answer.value(*path)
    if isinstance(value, Mapping | list):
        keys = value if isinstance(value, Mapping) else range(len(value))
        for key in keys if len(path) < _MAX_DEPTH else ():
            yield from _files(answer, *path, key)
    elif (url := answer.url(*path)) is not None:
        yield url


def _is_video(url: str) -> bool:
    return urlsplit(url).path.lower().endswith(_VIDEO_SUFFIXES)
