# SPDX-License-Identifier: Apache-2.0
"""What the tasks of this package leave for other tasks: in XCom, and in the events of assets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

#: Fields that are pushed under keys of their own, since ``task.output["download_url"]`` reads an XCom key.
PUSHED_FIELDS = ("vendor", "video_id", "state", "download_url", "stream_url", "hosted_url")
#: Those that are pushed while a task waits.
SEEN_FIELDS = ("vendor", "video_id", "state", "hosted_url")
#: Key of the record of a video that ended without success.
FAILED_VIDEO_KEY = "video"
#: Key of how many seconds the video was in each of its vendor's statuses.
STATUS_SECONDS_KEY = "status_seconds"


def video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is pushed besides the record of a video, by key."""
    return {field: video[field] for field in PUSHED_FIELDS}


def failed_video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is pushed of a video that ended without success, by key; its task returns nothing."""
    return {FAILED_VIDEO_KEY: video, **seen_video_xcoms(video)}


def seen_video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is pushed of a video that a task waits for, by key."""
    return {field: video[field] for field in SEEN_FIELDS if video[field] is not None}


def push(operator: BaseOperator, context: Context, xcoms: Mapping[str, Any]) -> None:
    """Push XComs, if the task is to push any."""
    if operator.do_xcom_push:
        for key, value in xcoms.items():
            context["ti"].xcom_push(key=key, value=value)


def push_video(operator: BaseOperator, context: Context, video: dict[str, Any]) -> dict[str, Any]:
    """Push the fields that people pass on.

    :param video: the video's record, as :meth:`~airflow_provider_videos.video.Video.to_dict` gives it.
    :return: the record, for the task to return.
    """
    push(operator, context, video_xcoms(video))
    return video


def tell_assets(operator: BaseOperator, context: Context, record: Mapping[str, Any], fields: Collection[str]) -> None:
    """Put fields of what a task returns into the events of the assets among its outlets."""
    for outlet in operator.outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update({field: record[field] for field in fields})
