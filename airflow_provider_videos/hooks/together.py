# SPDX-License-Identifier: Apache-2.0
"""The hook of Together AI."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.together import Together, TogetherVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["TogetherHook", "TogetherVideoRequest"]


class TogetherHook(VideoHook):
    """Calls the video API of Together AI (generated clips).

    :param conn_id: id of an Airflow connection of type ``together``; ``together_default`` if not given.
    """

    vendor = Together()

    def create_video(self, /, **request: Unpack[TogetherVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.together.TogetherVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[TogetherVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
