# SPDX-License-Identifier: Apache-2.0
"""Operators for videos of any vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_videos.xcom import push_video

if TYPE_CHECKING:
    from airflow.sdk import Context


class GetVideoOperator(BaseOperator):
    """Asks once for a video, and returns its record whatever its state.

    The record is the dict of :meth:`~airflow_provider_videos.video.Video.to_dict`; its ``video_id``, ``state``,
    ``download_url``, ``stream_url`` and ``hosted_url`` are also pushed as XComs of those names.

    :param video_id: id of the video, or the dict that an earlier task of this package returned. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param kwargs: what every operator takes.
    :raises VideoError: if it can't be asked for; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_id", "conn_id")
    ui_color = "#e0e7ff"

    def __init__(self, *, video_id: str | Mapping[str, Any], conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.conn_id = conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask once."""
        from airflow_provider_videos.hooks.video import VideoHook

        return push_video(self, context, VideoHook.get_hook(self.conn_id).get_video(self.video_id).to_dict())
