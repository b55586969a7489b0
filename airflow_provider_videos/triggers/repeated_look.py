# SPDX-License-Identifier: Apache-2.0
"""Asking for one video again and again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.client import Call
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video


class RepeatedLook:
    """One video that is asked for again and again; an answer that hasn't changed isn't read twice.

    :param video_id: id of the video.
    """

    __slots__ = ("_answer", "_call", "_video", "video_id")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self._call: Call | None = None
        self._answer: bytes | None = None
        self._video: Video | None = None

    async def look(self, hook: VideoHook) -> Video:
        """Ask once; raises what :meth:`VideoHook.get_video` does."""
        if self._call is None:
            self._call = hook.video_call(self.video_id)
        response, reader = await hook.client.acall(self._call)
        if self._video is None or response.body != self._answer or response.status_code != HTTPStatus.OK:
            self._video = hook.read_answer(response, reader)
            self._answer = response.body
        return self._video
