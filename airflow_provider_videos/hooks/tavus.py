# SPDX-License-Identifier: Apache-2.0
"""What is true of Tavus only.

https://docs.tavus.io/api-reference/video-request/get-video
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.hooks.answer import Answer
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.video import Video, VideoState


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
    test_path = "?limit=1"

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the header that carries the key."""
        return {"x-api-key": api_key}

    def get_video(self, video_id: str | Mapping[str, Any], *, verbose: bool = False) -> Video:
        """Ask Tavus for a video, once.

        :param video_id: the video's id, or the dict that a task of this package returned.
        :param verbose: also ask for the thumbnails.
        :raises VideoError: as :meth:`VideoHook.get_video` does.
        """
        return self._get_video(video_id, **_query(verbose))

    async def aget_video(self, video_id: str | Mapping[str, Any], *, verbose: bool = False) -> Video:
        """Do what :meth:`get_video` does, on an event loop."""
        return await self._aget_video(video_id, **_query(verbose))

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
    return {"verbose": "true"} if verbose else {}
