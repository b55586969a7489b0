# SPDX-License-Identifier: Apache-2.0
"""The hook of D-ID."""

from __future__ import annotations

from typing import Unpack

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.d_id import DId, DIdVideoRequest
from airflow_provider_videos.video import Video

__all__ = ["DIdHook", "DIdVideoRequest"]


class DIdHook(VideoHook):
    """Calls the video API of D-ID (talking avatars).

    :param conn_id: id of an Airflow connection of type ``d_id``; ``d_id_default`` if not given.
    """

    vendor = DId()

    def create_video(self, /, **request: Unpack[DIdVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`~airflow_provider_videos.vendors.d_id.DIdVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[DIdVideoRequest]) -> Video:  # type: ignore[override]
        """Async version of :meth:`create_video`."""
        return await super().acreate_video(**request)
