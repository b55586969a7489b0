# SPDX-License-Identifier: Apache-2.0
"""The hook of Runway."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.runway import Runway, RunwayVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["RunwayHook", "RunwayVideoRequest"]


class RunwayHook(VideoHook):
    """Calls the video API of Runway (generated, edited, upscaled and acted clips).

    :param conn_id: id of an Airflow connection of type ``runway``; ``runway_default`` if not given.
    """

    vendor = Runway()

    def create_video(self, /, **request: Unpack[RunwayVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.runway.RunwayVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[RunwayVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
