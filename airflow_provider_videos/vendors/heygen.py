# SPDX-License-Identifier: Apache-2.0
"""HeyGen (talking avatars), by version 3 of its API.

https://developers.heygen.com
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.errors import UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.heygen_request import (
    VIDEO_AGENT,
    HeyGenVideoRequest,
    check_order,
    kind_of,
    template_of,
)
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.recovery import AskAHuman, Recovery, ResendSameKey, SearchByName
from airflow_provider_videos.video import Video, VideoState

__all__ = ["HeyGen", "HeyGenVideoRequest"]

_VIDEOS = "/v3/videos"
#: An agent's order is answered with a session, which later tells the video's id.
_AGENTS = "/v3/video-agents"
_SESSION = "video-agents/"
#: Seconds for which HeyGen answers a key with the first video.
KEY_LIFETIME = 24 * 3600.0
#: What HeyGen's own client waits for an order; one in a hundred takes longer than half a minute.
ORDER_TIMEOUT = 120.0
MAX_PAGE = 100
_NO_FILE = "HeyGen calls the video completed, and gives no URL of a file"


class HeyGen(Vendor):
    """Version 3 of HeyGen's API. The older versions have other paths and fields."""

    conn_type = "heygen"
    name = "HeyGen"
    base_url = "https://api.heygen.com"
    states = {
        "waiting": VideoState.QUEUED,
        "queued": VideoState.QUEUED,
        "pending": VideoState.QUEUED,
        "processing": VideoState.GENERATING,
        "completed": VideoState.READY,
        "failed": VideoState.FAILED,
        # Of an agent's session.
        "thinking": VideoState.GENERATING,
        "waiting_for_input": VideoState.GENERATING,
        "reviewing": VideoState.GENERATING,
        "generating": VideoState.GENERATING,
    }
    order_timeout = ORDER_TIMEOUT
    # Of the lowest plan that pays: https://developers.heygen.com/docs/usage-limits. HeyGen refuses what is beyond.
    max_active = 10
    recovery = ResendSameKey(
        lifetime=KEY_LIFETIME, afterwards=SearchByName(field="title", shown={"title": ("data", "title")})
    )
    #: Requests of the kinds differ in what they must have, so "video" may be left out or not.
    free_fields = frozenset({"kind", "title", "callback_url", "callback_id", "folder_id"})

    def recovery_of(self, request: Mapping[str, Any]) -> Recovery:
        """Leave an agent's order to a person: that it takes a key is not documented, and its video has no title."""
        if request.get("kind") == VIDEO_AGENT:
            return AskAHuman(where="in HeyGen's app among the sessions of the Video Agent, and among its videos")
        return self.recovery

    def is_provisional(self, video_id: str) -> bool:
        """Return whether it is the id of an agent's session, which may end before its video is ready."""
        return video_id.startswith(_SESSION)

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"x-api-key": credentials.password}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://developers.heygen.com/reference."""
        check_order(request)

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        kind = kind_of(request)
        body = {field: value for field, value in request.items() if field not in {"kind", "template_id"}}
        if kind == "template":
            path = f"/v3/templates/{template_of(request)}"
        else:
            path = _AGENTS if kind == VIDEO_AGENT else _VIDEOS
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = yield Call(method="POST", path=path, body=body, headers=headers)
        status = answer.word("data", "status") or VideoState.UNKNOWN
        # The answer to a key that was sent before tells how the video stood when it was ordered, so only a poll ends
        # the wait.
        state = VideoState.QUEUED if self.state_of(status).is_terminal else None
        session_id = answer.text("data", "session_id") if kind == VIDEO_AGENT else None
        own_id = answer.text("data", "video_id") or answer.text("data", "id")
        video_id = f"{_SESSION}{session_id}" if session_id else own_id
        return self.video(video_id, status, state=state, name=answer.text("data", "title"))

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video. Each answer has its URLs signed anew."""
        if self.is_provisional(video_id):
            return (yield from self._fetch_of_session(video_id))
        answer = yield Call(path=f"{_VIDEOS}/{path_of(video_id)}")
        return self._read(answer, answer.text("data", "id") or video_id, answer.word("data", "status"))

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of the account's videos; it has at most 100."""
        token = {} if cursor is None else {"token": cursor}
        answer = yield Call(path=_VIDEOS, query={"limit": min(limit, MAX_PAGE), **token})
        entries = answer.entries("data", within="data")
        if entries is None:
            raise UnreadableAnswerError("it has no list of videos")
        following = answer.text("next_token")
        if following is None and answer.value("has_more") is not False:
            raise UnreadableAnswerError("it does not say where the list goes on, nor that it ends")
        return Page(entries=tuple(entries), cursor=following if answer.value("has_more") is not False else None)

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a list."""
        return self._read(entry, entry.text("data", "id"), entry.word("data", "status") or VideoState.UNKNOWN)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a video for ever. Whether that stops making it, or its bill, is not documented."""
        if self.is_provisional(video_id):
            session = yield from self._session(video_id)
            video_id = session.text("data", "video_id") or ""
            if not video_id:
                raise UnreadableAnswerError("the agent's session has no video yet; stop it in HeyGen's app")
        yield Call(method="DELETE", path=f"{_VIDEOS}/{path_of(video_id)}", accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask whose key it is."""
        yield Call(path="/v3/users/me")

    def refusal(self, answer: Answer) -> Refusal | None:
        """Tell a 404 of HeyGen's from one of a gateway, which says nothing of a video."""
        is_of_a_video = answer.purpose in {"get", "delete"}
        if answer.status_code == 404 and is_of_a_video and answer.word("error", "code") is None:
            return Refusal(RefusalKind.UNCLEAR, f"A 404 that is not HeyGen's own: {answer.message or 'it is empty'}")
        return None

    def _session(self, video_id: str) -> Exchange[Answer]:
        answer = yield Call(path=f"{_AGENTS}/{path_of(video_id.removeprefix(_SESSION))}", accepts=(404,))
        if answer.status_code == 404:
            raise UnreadableAnswerError(
                "HeyGen does not show the agent's session any more. Its video may still be made, and be billed: look "
                "for it in HeyGen's app, and wait for its id"
            )
        return answer

    def _fetch_of_session(self, video_id: str) -> Exchange[Video]:
        session = yield from self._session(video_id)
        status, own_id = session.word("data", "status"), session.text("data", "video_id")
        if own_id is not None:
            # The video may be known to its session earlier than by its id.
            answer = yield Call(path=f"{_VIDEOS}/{path_of(own_id)}", accepts=(404,))
            if answer.status_code != 404:
                return self._read(answer, answer.text("data", "id") or own_id, answer.word("data", "status"))
        failed = own_id is None and self.state_of(status) is VideoState.FAILED
        progress = session.number("data", "progress")
        return self.video(
            video_id,
            status,
            # A session that is completed has a video, or will.
            state=VideoState.FAILED if failed else VideoState.GENERATING,
            progress=None if progress is None else min(max(progress / 100, 0.0), 1.0),
            error_message=session.text("data", "failure_message") if failed else None,
            created_at=session.time("data", "created_at"),
        )

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        data = "data"
        # Where captions were burned in, they were asked for.
        files = (*answer.urls(data, "captioned_video_url"), *answer.urls(data, "video_url"))
        is_empty = self.state_of(status) is VideoState.READY and not files
        return self.video(
            video_id,
            status,
            file_urls=files,
            # A page says nothing of whether there is a video on it.
            hosted_url=answer.url(data, "video_page_url") if files else None,
            thumbnail_url=answer.url(data, "thumbnail_url"),
            gif_url=answer.url(data, "gif_url"),
            subtitle_url=answer.url(data, "subtitle_url"),
            name=answer.text(data, "title"),
            duration=answer.number(data, "duration"),
            error_message=answer.text(data, "failure_message") or (_NO_FILE if is_empty else None),
            error_code=answer.text(data, "failure_code"),
            created_at=answer.time(data, "created_at"),
            finished_at=answer.time(data, "completed_at"),
        )
