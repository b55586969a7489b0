# SPDX-License-Identifier: Apache-2.0
"""Waiting as every task of this package does it: looks in the task's own process, or in the triggerer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.polling import Step, Wait
from airflow_provider_videos.xcom import STATUS_SECONDS_KEY, push, seen_video_xcoms

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video, VideoState

#: How much later than the trigger itself Airflow ends it, in seconds.
TRIGGER_TIMEOUT_SLACK = 900.0


def wait_for_video(
    operator: BaseOperator,
    context: Context,
    wait: Wait,
    *,
    video: str | Mapping[str, Any],
    conn_id: str,
    pause: Callable[[Step], None],
    described: Video | None = None,
) -> Video:
    """Look until the video is ready. What is seen meanwhile is pushed to XCom.

    :param operator: the task.
    :param context: its context.
    :param wait: decides what to do after each look.
    :param video: the video's id, or its record, which names its vendor.
    :param conn_id: id of the vendor's connection.
    :param pause: called between two looks; it may end the process's part in the wait by raising.
    :param described: the video, if the vendor has just described it: that is the first look then.
    :raises VideoError: what the wait ended with.
    """
    from airflow_provider_videos.hooks.video import VideoHook

    hook: VideoHook | None = None
    pushed: VideoState | None = None
    while True:
        try:
            if described is None:
                hook = hook or VideoHook.get_hook(conn_id)
                described = hook.get_video(video)
            step = wait.saw(described, now=time.time())
        except VideoError as error:
            step = wait.missed(error, now=time.time())
        except Exception as error:
            operator.log.exception("Looking at video %r failed", wait.video_id)
            step = wait.missed(VideoUnexpectedError.of(error), now=time.time())
        for level, line in step.log:
            operator.log.log(level, line)
        if step.ends:
            push(operator, context, {STATUS_SECONDS_KEY: step.status_seconds})
        if step.error is not None:
            raise step.error
        if step.video is not None:
            return step.video
        if described is not None and described.state is not pushed:
            push(operator, context, seen_video_xcoms(described.to_dict()))
            pushed = described.state
        described = None
        pause(step)


def defer_wait(
    operator: BaseOperator,
    wait: Wait,
    *,
    conn_id: str,
    pause: float,
    **options: Any,
) -> NoReturn:
    """Go on with a wait in the triggerer; it ends in ``execute_complete``.

    :param operator: the task.
    :param wait: the wait, as far as it has come.
    :param conn_id: id of the vendor's connection.
    :param pause: seconds until the next look.
    :param options: further arguments of :class:`~airflow_provider_videos.triggers.video.VideoTrigger`.
    """
    from airflow_provider_videos.triggers.video import VideoTrigger

    now = time.time()
    operator.defer(
        trigger=VideoTrigger.continuing(wait, conn_id=conn_id, next_look_at=now + pause, **options),
        method_name="execute_complete",
        timeout=timedelta(seconds=wait.deadline - now + TRIGGER_TIMEOUT_SLACK),
    )


def read_event(operator: BaseOperator, context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Give the record of the video that a trigger saw ready, and push how long each status took.

    :raises VideoError: what the wait ended with.
    """
    push(operator, context, {STATUS_SECONDS_KEY: event["status_seconds"]})
    if "error" in event:
        raise VideoError.from_dict(event["error"])
    video: dict[str, Any] = event["video"]
    return video
