# SPDX-License-Identifier: Apache-2.0
"""What the tasks of this package leave for other tasks: in XCom, and in the events of assets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow_provider_videos.airflow_compat.tasks import MAPPED_TASK_FIELDS
from airflow_provider_videos.clock import to_iso

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.video import Video
    from airflow_provider_videos.waiting.polling import Wait

#: Names of the operators whose tasks leave something about a video. Airflow's database has them, too.
BATCH_OPERATORS = (
    *("DownloadVideoBatchOperator", "_GenerateVideoBatchDecoratedOperator", "GenerateVideoBatchOperator"),
    "VideoBatchSensor",
)
VIDEO_OPERATORS = (
    "ApproveVideoOperator",
    *("DownloadVideoOperator", "_GenerateVideoDecoratedOperator", "GenerateVideoOperator", "GetVideoOperator"),
    "VideoSensor",
    *BATCH_OPERATORS,
)
#: Fields that are pushed under keys of their own, since ``task.output["download_url"]`` reads an XCom key.
PUSHED_FIELDS = ("vendor", "video_id", "state", "download_url", "stream_url", "hosted_url")
#: Those that are pushed while a task waits.
SEEN_FIELDS = ("vendor", "video_id", "state", "hosted_url")
#: Key of the record of a video that ended without success.
FAILED_VIDEO_KEY = "video"
#: Key of why the vendor certainly has no order of a task: its exception, as a dict.
REFUSAL_KEY = "refusal"
#: Key of how many seconds the video was in each of its vendor's statuses.
STATUS_SECONDS_KEY = "status_seconds"
#: Key of the ids of all videos of a batch that are ordered, in their order; ``None`` for one that is not.
VIDEO_IDS_KEY = "video_ids"
#: Key of the records of all videos of a batch, in their order.
VIDEOS_KEY = "videos"
#: Key of how a wait stands, while it goes on: see :func:`waiting_status`.
WAITING_KEY = "waiting"


def video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is pushed besides the record of a video, by key."""
    return {field: video[field] for field in PUSHED_FIELDS}


def failed_video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is pushed of a video that ended without success, by key; its task returns nothing."""
    return {FAILED_VIDEO_KEY: video, **seen_video_xcoms(video)}


def seen_video_xcoms(video: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is pushed of a video that a task waits for, by key."""
    return {field: video[field] for field in SEEN_FIELDS if video[field] is not None}


def waiting_status(wait: Wait, video: Video | None, *, polled_at: float) -> dict[str, Any]:
    """Return how a wait stands, as a JSON object; its times are ISO 8601 in UTC.

    :param wait: the wait.
    :param video: what the last successful poll found, ``None`` if none has been.
    :param polled_at: Unix time of the last poll.
    :return: ``vendor``, ``video_id``, ``state`` and ``status`` (``None`` where not known), ``since`` when the status
        was first seen, ``last_poll``, ``failed_polls`` in a row, ``started`` and ``deadline`` of the wait.
    """
    last = wait.history.last
    return {
        "vendor": video.vendor if video is not None else None,
        "video_id": wait.video_id,
        "state": video.state.value if video is not None else None,
        "status": video.status if video is not None else None,
        "since": to_iso(last.since) if last is not None else None,
        "last_poll": to_iso(polled_at),
        "failed_polls": wait.failures,
        "started": to_iso(wait.started_at),
        "deadline": to_iso(wait.deadline),
    }


def keys_read_of(task: BaseOperator | None) -> list[str]:
    """Return which XComs of a task, beside its record, the other tasks of its Dag read by ``.output`` or a template.

    What code pulls is not seen. A key is taken for one that is read if a field that names the task names it, too.

    :param task: the task; ``None``, and one outside of a Dag, may have each of its keys read.
    """
    keys = [*PUSHED_FIELDS, STATUS_SECONDS_KEY]
    dag: Any = getattr(task, "dag", None)
    if task is None or dag is None:
        return keys
    parts = (part for other in dag.tasks if other.task_id != task.task_id for part in _templates(other))
    text = "\n".join(part for part in parts if task.task_id in part)
    return [key for key in keys if f"'{key}'" in text or f'"{key}"' in text]


def _templates(task: Any) -> Iterator[str]:
    for name in (*task.template_fields, *MAPPED_TASK_FIELDS):
        if (value := getattr(task, name, None)) is not None:
            # References to XComs within name their keys, too.
            yield str(value)


def push(operator: BaseOperator, context: Context, xcoms: Mapping[str, Any]) -> None:
    """Push XComs, if the task is to push any."""
    if operator.do_xcom_push:
        for key, value in xcoms.items():
            context["ti"].xcom_push(key=key, value=value)


def push_progress(operator: BaseOperator, context: Context, xcoms: Mapping[str, Any]) -> None:
    """Push XComs that say how a task stands. It goes on though Airflow doesn't take them: the video is paid for."""
    try:
        push(operator, context, xcoms)
    except Exception:
        operator.log.warning("Can't push %s to XCom; the task goes on all the same", ", ".join(xcoms), exc_info=True)


def push_video(operator: BaseOperator, context: Context, video: dict[str, Any]) -> dict[str, Any]:
    """Push the fields that people pass on.

    :param video: the video's record, as :meth:`~airflow_provider_videos.video.Video.to_dict` gives it.
    :return: the record, for the task to return.
    """
    push(operator, context, video_xcoms(video))
    return video


def emit_asset_events(
    operator: BaseOperator, context: Context, record: Mapping[str, Any], fields: Collection[str] | None = None
) -> None:
    """Put fields of what a task returns into the events of the assets among its outlets.

    :param fields: their names; by default, all.
    """
    for outlet in operator.outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update({
                field: record[field] for field in (record if fields is None else fields)
            })


def emit_batch_event(operator: BaseOperator, context: Context, counts: Mapping[str, int]) -> None:
    """Put counts into the events of the assets among a task's outlets, and where the records of its videos are.

    :param counts: ``videos``, ``ready`` and ``failed``.
    """
    ti = context["ti"]
    names = ("dag_id", "run_id", "task_id", "map_index")
    emit_asset_events(operator, context, {**counts, **{name: getattr(ti, name) for name in names}, "key": VIDEOS_KEY})
