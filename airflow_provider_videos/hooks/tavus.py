# SPDX-License-Identifier: Apache-2.0
"""What is true of Tavus only.

https://docs.tavus.io/api-reference/video-request/get-video
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Required, TypedDict, Unpack

from airflow_provider_videos.exceptions import VideoRequestError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.http.client import Call
from airflow_provider_videos.request import check_texts
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.pages import NumberedPages
from airflow_provider_videos.video import Video, VideoState


class TavusVideoRequest(TypedDict, total=False):
    """What Tavus makes a video from; a field that is not here is passed on as it is.

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


class TavusHook(VideoHook):
    """Calls the video API of Tavus (talking avatars).

    :param conn_id: id of an Airflow connection of type ``tavus``.
    """

    conn_type = "tavus"
    default_conn_name = "tavus_default"
    hook_name = "Tavus"
    base_url = "https://tavusapi.com"
    videos_path = "/v2/videos"
    states = {
        "queued": VideoState.QUEUED,
        "generating": VideoState.GENERATING,
        "ready": VideoState.READY,
        "error": VideoState.FAILED,
        "deleted": VideoState.DELETED,
    }
    name_field = "video_name"
    free_fields = frozenset({"video_name", "callback_url"})
    order_paths = {
        "video_name": ("video_name",),
        "replica_id": ("replica_id",),
        "script": ("data", "script"),
        "audio_url": ("data", "audio_url"),
        "background_url": ("background_url",),
        "background_source_url": ("background_source_url",),
    }
    # Seen for conversations, https://github.com/livekit-examples/python-agents-examples/issues/46: a 400.
    passing_limits = ("maximum concurrent",)
    test_path = "?limit=1"
    thumbnail_query = {"verbose": "true"}

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the header that carries the key."""
        return {"x-api-key": api_key}

    @classmethod
    def check_request(cls, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.tavus.io/api-reference/video-request/create-video."""
        if not request.get("replica_id"):
            raise VideoRequestError(field="replica_id", problem="is missing")
        check_texts(request, ("replica_id", "script", "audio_url"))
        if bool(request.get("script")) == bool(request.get("audio_url")):
            both = "both are given" if request.get("script") else "neither is given"
            raise VideoRequestError(field="script", problem=f"give either script or audio_url; {both}")
        if request.get("transparent_background") and not request.get("fast"):
            raise VideoRequestError(field="transparent_background", problem="works only together with fast")

    def create_video(self, /, **request: Unpack[TavusVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`TavusVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[TavusVideoRequest]) -> Video:  # type: ignore[override]
        """Do what :meth:`create_video` does, on an event loop."""
        return await super().acreate_video(**request)

    def video_pages(self, limit: int) -> NumberedPages:
        """Give the pages of https://docs.tavus.io/api-reference/video-request/get-videos."""
        return NumberedPages(self, limit)

    def rename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Give a video another name.

        https://docs.tavus.io/api-reference/video-request/patch-video-name

        :raises VideoError: as :meth:`VideoHook.get_video` does.
        """
        self.read_success(*self.client.call(self._rename_call(video_id, name)))

    async def arename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Do what :meth:`rename_video` does, on an event loop."""
        self.read_success(*await self.client.acall(self._rename_call(video_id, name)))

    def delete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Delete a video. Without ``hard`` Tavus goes on to show it, as deleted.

        https://docs.tavus.io/api-reference/video-request/delete-video

        :param hard: delete its files too, for ever.
        :raises VideoError: as :meth:`VideoHook.get_video` does.
        """
        self.read_success(*self.client.call(self._delete_call(video_id, hard)))

    async def adelete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Do what :meth:`delete_video` does, on an event loop."""
        self.read_success(*await self.client.acall(self._delete_call(video_id, hard)))

    def _rename_call(self, video_id: str | Mapping[str, Any], name: str) -> Call:
        call = self.video_call(video_id)
        return dataclasses.replace(
            call, path=f"{call.path}/name", method="PATCH", body={"video_name": name}, kind="rename"
        )

    def _delete_call(self, video_id: str | Mapping[str, Any], hard: bool) -> Call:
        query = {"hard": "true"} if hard else {}
        return dataclasses.replace(self.video_call(video_id, **query), method="DELETE", kind="delete")

    def get_video(self, video_id: str | Mapping[str, Any], *, verbose: bool = False) -> Video:
        """Ask Tavus for a video, once.

        :param video_id: the video's id, or the dict that a task of this package returned.
        :param verbose: also ask for the thumbnails.
        :raises VideoError: as :meth:`VideoHook.get_video` does.
        """
        return self.query_video(video_id, **_query(verbose))

    async def aget_video(self, video_id: str | Mapping[str, Any], *, verbose: bool = False) -> Video:
        """Do what :meth:`get_video` does, on an event loop."""
        return await self.aquery_video(video_id, **_query(verbose))

    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a video. The reason of a failure stands in ``status_details``, a human sentence."""
        status = answer.text("status")
        state = self.states.get((status or "").lower())
        has_failed = state is VideoState.FAILED
        return {
            "video_id": answer.text("video_id"),
            "status": status,
            "download_url": answer.url("download_url"),
            "stream_url": answer.url("stream_url"),
            "hosted_url": answer.url("hosted_url"),
            "thumbnail_url": answer.url("still_image_thumbnail_url"),
            "gif_url": answer.url("gif_thumbnail_url"),
            "name": answer.text("video_name"),
            "model": answer.text("replica_id"),
            "script": answer.text("data", "script"),
            "progress": answer.fraction("generation_progress"),
            "error_message": (answer.text("error_details") or answer.text("status_details")) if has_failed else None,
            "created_at": answer.time("created_at"),
            "finished_at": answer.time("updated_at") if state in {VideoState.READY, VideoState.FAILED} else None,
        }


def _query(verbose: bool) -> dict[str, str]:
    return dict(TavusHook.thumbnail_query) if verbose else {}
