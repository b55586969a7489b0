# SPDX-License-Identifier: Apache-2.0
"""Asking for a video of any vendor, and deleting it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_videos.exceptions import VideoApiError
from airflow_provider_videos.parameters import check_parameters, check_rendered
from airflow_provider_videos.video_id import read_video_id
from airflow_provider_videos.waiting.polling import cost_and_place
from airflow_provider_videos.xcom import push_video

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["DeleteVideoOperator", "GetVideoOperator"]


class GetVideoOperator(BaseOperator):
    """Asks once for a video, and returns its record whatever its state.

    The record is the dict of :meth:`~airflow_provider_videos.video.Video.to_dict`; its ``video_id``, ``state``,
    ``download_url``, ``stream_url`` and ``hosted_url`` are also pushed as XComs of those names.

    :param video_id: id of the video, or the dict that an earlier task of this package returned. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param kwargs: what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoError: if it can't be asked for; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_id", "conn_id")
    ui_color = "#e0e7ff"

    def __init__(self, *, video_id: str | Mapping[str, Any], conn_id: str, **kwargs: Any) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.video_id = video_id
        self.conn_id = conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask once."""
        from airflow_provider_videos.hooks.video import VideoHook

        check_rendered(self)
        video = VideoHook.get_hook(self.conn_id).get_video(self.video_id)
        reason = "" if video.error_message is None else f"; {video.error_message}"
        self.log.info(
            "Video %r of %s is %r%s%s.", video.video_id, video.vendor, video.status, reason, cost_and_place(video)
        )
        return push_video(self, context, video.to_dict())


class DeleteVideoOperator(BaseOperator):
    """Deletes a video at its vendor, and succeeds if the vendor says that it is not there.

    Returns ``{"video_id": …, "deleted": …}``; ``deleted`` says whether it was there. Any other refusal fails the task,
    such as that of a video that is still being made: run it once the video has ended.

    https://docs.tavus.io/api-reference/video-request/delete-video

    :param video_id: id of the video, or the dict that an earlier task of this package returned. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param hard: delete its files too, for ever. Otherwise Tavus goes on to show it, as deleted.
    :param kwargs: what every operator takes.
    :raises VideoUnsupportedError: before any request, if the vendor can't delete, as Together AI can't.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoError: if it can't be asked to; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_id", "conn_id")
    ui_color = "#e0e7ff"

    def __init__(self, *, video_id: str | Mapping[str, Any], conn_id: str, hard: bool = False, **kwargs: Any) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.video_id = video_id
        self.conn_id = conn_id
        self.hard = hard

    def execute(self, context: Context) -> dict[str, Any]:
        """Delete it."""
        from airflow_provider_videos.hooks.video import VideoHook

        check_rendered(self)
        hook = VideoHook.get_hook(self.conn_id)
        video_id = read_video_id(self.video_id, vendor=hook.conn_type)
        try:
            hook.delete_video(video_id, hard=self.hard)
        except VideoApiError as error:
            if not error.is_unknown_video:
                raise
            self.log.info("%s does not have video %r any more: %s", hook.hook_name, video_id, error.message)
            return {"video_id": video_id, "deleted": False}
        self.log.info("Video %r was deleted at %s.", video_id, hook.hook_name)
        return {"video_id": video_id, "deleted": True}
