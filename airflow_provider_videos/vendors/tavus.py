# SPDX-License-Identifier: Apache-2.0
"""Tavus (talking avatars).

https://docs.tavus.io/api-reference/video-request/get-video
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Required, TypedDict

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import check_fields, check_required, check_texts
from airflow_provider_videos.vendors.errors import RequestFieldError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.listing import Page, numbered_page
from airflow_provider_videos.vendors.recovery import SearchByName
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Tavus", "TavusVideoRequest"]

_VIDEOS = "/v2/videos"
#: "Cannot delete video while it is generating" must not be taken for an unknown video.
_NO_SUCH_VIDEO = re.compile(
    r"\b(invalid|unknown|no such|non-?existent) video([ _-]?id)?\b(?! \w)"
    r"|\bvideo(_?id)?\b[^.]*(\bnot (be )?found|\bnot exist|n't exist)\b"
    r"|(\bnot|\bcannot|n't) find [^.]*\bvideo",
    re.IGNORECASE,
)


class TavusVideoRequest(TypedDict, total=False):
    """What Tavus makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    https://docs.tavus.io/api-reference/video-request/create-video

    :param replica_id: id of the replica that speaks.
    :param script: text that it speaks. Either this or ``audio_url``.
    :param audio_url: public URL of a ``.wav`` or ``.mp3`` file that it speaks; 3 s to 10 min, 750 MB at most.
    :param video_name: name of the video; Tavus makes one up if it is missing.
    :param background_url: URL of a website that is recorded as the background.
    :param background_source_url: URL of a video file that is the background.
    :param callback_url: URL that Tavus calls when the video is ready or has failed.
    :param fast: make it faster, without background, thumbnails and a stream.
    :param transparent_background: make a ``.webm`` with an alpha channel; only with ``fast``.
    :param watermark_image_url: public URL of a PNG or JPEG that is shown on the video.
    :param properties: ``background_scroll`` (bool, true), ``background_scroll_type`` (``human`` or ``smooth``),
        ``background_scroll_depth`` (``middle`` or ``bottom``), ``background_scroll_return`` (``return`` or ``halt``),
        ``start_with_wave`` (bool, true).
    """

    replica_id: Required[str]
    script: str
    audio_url: str
    video_name: str
    background_url: str
    background_source_url: str
    callback_url: str
    fast: bool
    transparent_background: bool
    watermark_image_url: str
    properties: dict[str, Any]


class Tavus(Vendor):
    """The video API of Tavus."""

    conn_type = "tavus"
    name = "Tavus"
    base_url = "https://tavusapi.com"
    states = {
        "queued": VideoState.QUEUED,
        "generating": VideoState.GENERATING,
        "ready": VideoState.READY,
        "error": VideoState.FAILED,
        "deleted": VideoState.DELETED,
    }
    recovery = SearchByName(
        field="video_name",
        shown={
            "video_name": ("video_name",),
            "replica_id": ("replica_id",),
            "script": ("data", "script"),
            "audio_url": ("data", "audio_url"),
            "background_url": ("background_url",),
            "background_source_url": ("background_source_url",),
        },
    )
    free_fields = frozenset({"video_name", "callback_url"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"x-api-key": credentials.password}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.tavus.io/api-reference/video-request/create-video."""
        check_fields(request, TavusVideoRequest.__annotations__)
        check_required(request, "replica_id")
        check_texts(request, "replica_id", "script", "audio_url")
        if bool(request.get("script")) == bool(request.get("audio_url")):
            both = "both are given" if request.get("script") else "neither is given"
            raise RequestFieldError("script", f"give either script or audio_url; {both}")
        if request.get("transparent_background") and not request.get("fast"):
            raise RequestFieldError("transparent_background", "works only together with fast")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video."""
        answer = yield Call(method="POST", path=_VIDEOS, body=request)
        return self.read_listed(answer)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video. ``verbose`` adds the thumbnails."""
        answer = yield Call(path=f"{_VIDEOS}/{path_of(video_id)}", query={"verbose": "true"})
        return self._read(answer, answer.text("video_id") or video_id, answer.word("status"))

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of https://docs.tavus.io/api-reference/video-request/get-videos."""
        return numbered_page(_VIDEOS, cursor, limit, entries="data", total="total_count")

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a list, or the answer to an order, whose id is enough."""
        return self._read(entry, entry.text("video_id"), entry.word("status") or VideoState.UNKNOWN)

    def rename(self, video_id: str, name: str) -> Exchange[None]:
        """Give a video another name: https://docs.tavus.io/api-reference/video-request/patch-video-name."""
        path = f"{_VIDEOS}/{path_of(video_id)}/name"
        yield Call(method="PATCH", path=path, body={"video_name": name}, accepts=range(200, 300))

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a video: https://docs.tavus.io/api-reference/video-request/delete-video.

        Without ``hard`` Tavus goes on to show it, as deleted.
        """
        query = {"hard": "true"} if hard else {}
        path = f"{_VIDEOS}/{path_of(video_id)}"
        yield Call(method="DELETE", path=path, query=query, accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask for a list of one video."""
        yield Call(path=_VIDEOS, query={"limit": 1})

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read a 400, which Tavus also answers about an unknown video and about a limit of the account that passes."""
        if answer.status_code not in {400, 422}:
            return None
        message = answer.message or ""
        # Seen for conversations, https://github.com/livekit-examples/python-agents-examples/issues/46.
        if answer.purpose == "order" and "maximum concurrent" in message.lower():
            return Refusal(RefusalKind.LIMIT)
        # Whoever asks for a video can be wrong about nothing but its id.
        is_about_the_id = answer.purpose == "get" and "video" in message.lower()
        is_of_a_video = answer.purpose in {"get", "delete", "rename", "cancel"}
        if answer.status_code == 400 and is_of_a_video and (is_about_the_id or _NO_SUCH_VIDEO.search(message)):
            return Refusal(RefusalKind.UNKNOWN_VIDEO)
        return None

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        state = self.state_of(status)
        has_failed = state is VideoState.FAILED
        # The reason of a failure stands in status_details, a sentence for people.
        reason = (answer.text("error_details") or answer.text("status_details")) if has_failed else None
        return self.video(
            video_id,
            status,
            download_url=answer.url("download_url"),
            stream_url=answer.url("stream_url"),
            hosted_url=answer.url("hosted_url"),
            thumbnail_url=answer.url("still_image_thumbnail_url"),
            gif_url=answer.url("gif_thumbnail_url"),
            name=answer.text("video_name"),
            model=answer.text("replica_id"),
            script=answer.text("data", "script"),
            progress=answer.fraction("generation_progress"),
            error_message=reason,
            created_at=answer.time("created_at"),
            finished_at=answer.time("updated_at") if has_failed or state is VideoState.READY else None,
        )
