# SPDX-License-Identifier: Apache-2.0
"""The hook of Tavus."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.tavus import Tavus, TavusVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["TavusHook", "TavusVideoRequest"]


class TavusHook(VideoHook):
    """Calls the video API of Tavus (talking avatars).

    :param conn_id: id of an Airflow connection of type ``tavus``; ``tavus_default`` if not given.
    """

    vendor = Tavus()

    def create_video(self, /, **request: Unpack[TavusVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.tavus.TavusVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[TavusVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
