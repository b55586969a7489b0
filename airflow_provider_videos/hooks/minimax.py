# SPDX-License-Identifier: Apache-2.0
"""The hook of MiniMax."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.minimax import MiniMax, MiniMaxVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["MiniMaxHook", "MiniMaxVideoRequest"]


class MiniMaxHook(VideoHook):
    """Calls the video APIs of MiniMax (Hailuo clips).

    :param conn_id: id of an Airflow connection of type ``minimax``; ``minimax_default`` if not given.
    """

    vendor = MiniMax()

    def create_video(self, /, **request: Unpack[MiniMaxVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.minimax.MiniMaxVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[MiniMaxVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
