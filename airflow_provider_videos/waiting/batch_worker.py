# SPDX-License-Identifier: Apache-2.0
"""Waiting for many videos in a task's own process, and what a task needs to defer such a wait."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import math
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_videos.exceptions import VideoParameterError
from airflow_provider_videos.packing import MAX_CHARACTERS, pack
from airflow_provider_videos.waiting.polling import REPORT_INTERVAL
from airflow_provider_videos.waiting.worker import TRIGGER_TIMEOUT_SLACK
from airflow_provider_videos.xcom import VIDEOS_KEY, WAITING_KEY, push_progress

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.video_list import VideoList
    from airflow_provider_videos.waiting.batch import BatchWait

#: First polls per second in a task's own process, which has them all before it and holds a worker.
STARTS_PER_SECOND = 50.0


def run_batch(operator: BaseOperator, context: Context, batch: BatchWait, *, conn_id: str, interval: float) -> None:
    """Poll in this process until a wait ends, and push how it stands meanwhile.

    :param operator: the task.
    :param context: its context.
    :param batch: the wait.
    :param conn_id: id of the Airflow connection.
    :param interval: seconds between two reports.
    """
    reported: tuple[object, float] = (None, 0.0)

    async def report(progress: Mapping[str, Any]) -> None:
        nonlocal reported
        standing = (progress["ready"], progress["failed"], progress["failed_polls"] > 0)
        if standing != reported[0] or time.monotonic() > reported[1] + REPORT_INTERVAL:
            reported = (standing, time.monotonic())
            await asyncio.to_thread(push_progress, operator, context, {WAITING_KEY: dict(progress)})

    running: asyncio.Task[None] | None = None
    loop: asyncio.AbstractEventLoop | None = None

    async def main() -> None:
        nonlocal running, loop
        loop, running = asyncio.get_running_loop(), asyncio.current_task()
        await batch.run(conn_id, interval=interval, report=report, starts_per_second=STARTS_PER_SECOND)

    # What Airflow raises in a signal's handler, such as that the task's time is over, must not end in some callback of
    # an event loop: so that has a thread of its own.
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="video-batch") as executor:
        future = executor.submit(lambda: asyncio.run(main()))
        try:
            future.result()
        except BaseException:
            if loop is not None and running is not None and not future.done():
                loop.call_soon_threadsafe(running.cancel)
            raise


def defer_batch(
    operator: BaseOperator, video_ids: list[Any], *, conn_id: str, timeout: float, ends_at: float, **arguments: Any
) -> NoReturn:
    """Continue a wait in the triggerer; it ends in ``execute_complete``.

    :param operator: the task.
    :param video_ids: ids of the videos.
    :param conn_id: id of the Airflow connection.
    :param timeout: seconds after which the wait for a video ends.
    :param ends_at: Unix time at which the last one ends.
    :param arguments: further arguments of :class:`~airflow_provider_videos.triggers.video_batch.VideoBatchTrigger`.
    """
    from airflow_provider_videos.triggers.video_batch import VideoBatchTrigger

    arguments.setdefault("do_xcom_push", operator.do_xcom_push)
    operator.defer(
        trigger=VideoBatchTrigger(video_ids=pack(video_ids), conn_id=conn_id, timeout=timeout, **arguments),
        method_name="execute_complete",
        # After an outage it may be over already.
        timeout=timedelta(seconds=max(ends_at - time.time(), 0.0) + TRIGGER_TIMEOUT_SLACK),
    )


def defer_if_it_fits(operator: BaseOperator, batch: BatchWait, *, conn_id: str, timeout: float) -> None:
    """Continue a wait in the triggerer, unless its ids are too long for a trigger's arguments.

    :param operator: the task.
    :param batch: the wait, each of whose videos may have been ordered at another time.
    :param conn_id: id of the Airflow connection.
    :param timeout: seconds after which the wait for a video ends.
    """
    now = time.time()
    waits = [one.wait for one in batch.videos.values()]
    video_ids, ages = [wait.video_id for wait in waits], pack([round(now - wait.started_at, 1) for wait in waits])
    if len(pack(video_ids)) + len(ages) > MAX_CHARACTERS:
        operator.log.warning("The ids of %d videos are too long for a trigger: a worker waits for them.", len(waits))
        return
    over, idle = batch.enough.over, batch.enough.idle
    defer_batch(
        operator,
        video_ids,
        conn_id=conn_id,
        timeout=timeout,
        ends_at=max(wait.deadline for wait in waits),
        started_at=now,
        ages=ages,
        ordered_at=max(wait.ordered_at or 0.0 for wait in waits),
        wake_after=len(waits) if math.isinf(over) else over,
        wake_linger=batch.enough.linger,
        wake_seconds=None if math.isinf(idle) else idle,
        wake_at_own_ids=None if math.isinf(batch.enough.own_ids) else batch.enough.own_ids,
        others=list(dataclasses.astuple(batch.others)),
        **vars(waits[0].rules),
    )


def check_fits_trigger(video_ids: list[Any], parameter: str = "video_ids") -> None:
    """Refuse a list that is too long for a trigger's arguments.

    :raises VideoParameterError: naming the parameter.
    """
    size = len(pack(video_ids))
    if size > MAX_CHARACTERS:
        fit = len(video_ids) * MAX_CHARACTERS // size
        raise VideoParameterError(
            parameter=parameter,
            problem=f"has {len(video_ids):,} videos, whose ids are too long together for one trigger, which takes some "
            f"{fit:,} of them: split the list between several tasks, or wait with deferrable=False",
        )


def pushed_records(context: Context, videos: VideoList) -> list[dict[str, Any]] | None:
    """Return the records that the trigger has pushed, ``None`` if they are not those of a list of videos."""
    ti = context["ti"]
    map_index = -1 if ti.map_index is None else ti.map_index
    records = ti.xcom_pull(task_ids=ti.task_id, key=VIDEOS_KEY, map_indexes=map_index)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    return records if [record.get("video_id") for record in records] == videos.ids else None
