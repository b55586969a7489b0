# SPDX-License-Identifier: Apache-2.0
"""The hook of Luma."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.luma import Luma, LumaVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["LumaHook", "LumaVideoRequest"]


class LumaHook(VideoHook):
    """Calls the Luma Agents API (generated clips).

    :param conn_id: id of an Airflow connection of type ``luma``; ``luma_default`` if not given.
    """

    vendor = Luma()

    def create_video(self, /, **request: Unpack[LumaVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.luma.LumaVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[LumaVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
