# SPDX-License-Identifier: Apache-2.0
"""The hook of HeyGen."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.heygen import HeyGen, HeyGenVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["HeyGenHook", "HeyGenVideoRequest"]


class HeyGenHook(VideoHook):
    """Calls version 3 of HeyGen's API (talking avatars).

    :param conn_id: id of an Airflow connection of type ``heygen``; ``heygen_default`` if not given.
    """

    vendor = HeyGen()

    def create_video(self, /, **request: Unpack[HeyGenVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.heygen.HeyGenVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[HeyGenVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
