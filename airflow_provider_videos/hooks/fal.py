# SPDX-License-Identifier: Apache-2.0
"""The hook of fal."""

from __future__ import annotations

from typing import Any

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.fal import Fal, FalVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["FalHook", "FalVideoRequest"]


class FalHook(VideoHook):
    """Calls the queue of fal (video models of many makers).

    :param conn_id: id of an Airflow connection of type ``fal``; ``fal_default`` if not given.
    """

    vendor = Fal()

    def create_video(self, /, **request: Any) -> Video:
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.fal.FalVideoRequest`, and the model's page.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Any) -> Video:
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
