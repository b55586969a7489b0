# SPDX-License-Identifier: Apache-2.0
"""The hook of Replicate."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.replicate import Replicate, ReplicateVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["ReplicateHook", "ReplicateVideoRequest"]


class ReplicateHook(VideoHook):
    """Calls the video API of Replicate (models of many makers).

    :param conn_id: id of an Airflow connection of type ``replicate``; ``replicate_default`` if not given.
    """

    vendor = Replicate()

    def create_video(self, /, **request: Unpack[ReplicateVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.replicate.ReplicateVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[ReplicateVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
