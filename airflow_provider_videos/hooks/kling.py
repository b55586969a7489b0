# SPDX-License-Identifier: Apache-2.0
"""The hook of Kling."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.kling import Kling, KlingVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["KlingHook", "KlingVideoRequest"]


class KlingHook(VideoHook):
    """Calls both generations of Kling's video API.

    :param conn_id: id of an Airflow connection of type ``kling``; ``kling_default`` if not given.
    """

    vendor = Kling()

    def create_video(self, /, **request: Unpack[KlingVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.kling.KlingVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[KlingVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
