# SPDX-License-Identifier: Apache-2.0
"""Waiting as every task of this package does it: polls in the task's own process, or in the triggerer."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from airflow_provider_videos.clock import Clock
from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.video import Video
from airflow_provider_videos.waiting.polling import LAST_POLL_TIMEOUT, REPORT_INTERVAL, PollOutcome, Wait
from airflow_provider_videos.xcom import (
    STATUS_SECONDS_KEY,
    WAITING_KEY,
    push,
    push_progress,
    seen_video_xcoms,
    waiting_status,
)

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.hooks.video import VideoHook

#: How much later than the trigger itself Airflow ends it, in seconds.
TRIGGER_TIMEOUT_SLACK = 900.0


class WorkerPolls:
    """The polls of a wait that a task's own process makes.

    :param operator: the task.
    :param wait: decides what to do after each poll.
    :param video: the video's id, or its record, which names its vendor.
    :param conn_id: id of the vendor's connection.
    :param described: the video, if the vendor has just described it: that is the first poll then.
    :param fields: whether what is known is pushed under keys of its own while the task waits.
    :param on_own_id: called with the id that the vendor gives the video in place of a provisional one.
    """

    def __init__(
        self,
        operator: BaseOperator,
        wait: Wait,
        *,
        video: str | Mapping[str, Any],
        conn_id: str,
        described: Video | None = None,
        fields: bool = True,
        on_own_id: Callable[[str], None] | None = None,
    ) -> None:
        self.wait = wait
        self.clock = Clock()
        self._operator = operator
        self._video = video
        self._conn_id = conn_id
        self._described = described
        self._has_fields = fields
        self._on_own_id = on_own_id
        self._hook: VideoHook | None = None
        self._pushed: str | None = None
        self._pushed_at = -math.inf

    def poll(self, context: Context) -> PollOutcome:
        """Poll once, and push what it shows to XCom.

        :raises VideoError: what the wait ends with.
        """
        described: Video | None = None
        try:
            described = self._ask()
            self._note_own_id(described)
            step = self.wait.on_video(described, now=self.clock.now())
        except VideoError as error:
            step = self.wait.on_error(error, now=self.clock.now())
        except Exception as error:
            self._operator.log.exception("Polling video %r failed", self.wait.video_id)
            step = self.wait.on_error(VideoUnexpectedError.of(error), now=self.clock.now())
        for level, line in step.log:
            self._operator.log.log(level, line)
        if step.ends:
            push_progress(self._operator, context, {STATUS_SECONDS_KEY: step.status_seconds})
        elif described is not None:
            self._report(context, described)
        if step.error is not None:
            raise step.error
        return step

    def _ask(self) -> Video:
        if (described := self._described) is not None:
            self._described = None
            return described
        from airflow_provider_videos.hooks.video import VideoHook

        self._hook = self._hook or VideoHook.get_hook(self._conn_id)
        self._hook.client.time_limit = max(self.wait.deadline - self.clock.now(), 0.0) + LAST_POLL_TIMEOUT
        return self._hook.get_video(self._video)

    def _note_own_id(self, video: Video) -> None:
        if not video.has_another_id_than(self.wait.video_id):
            return
        if self._on_own_id is not None:
            self._on_own_id(video.video_id)
        self.wait.video_id = self._video = video.video_id

    def _report(self, context: Context, video: Video) -> None:
        now = self.clock.now()
        if video.status == self._pushed and now < self._pushed_at + REPORT_INTERVAL:
            return
        fields = seen_video_xcoms(video.to_dict()) if self._has_fields and video.status != self._pushed else {}
        waiting = waiting_status(self.wait, video, polled_at=now)
        push_progress(self._operator, context, {**fields, WAITING_KEY: waiting})
        self._pushed, self._pushed_at = video.status, now


def wait_for_video(
    operator: BaseOperator,
    context: Context,
    wait: Wait,
    *,
    video: str | Mapping[str, Any],
    conn_id: str,
    pause: Callable[[PollOutcome], None],
    described: Video | None = None,
    on_own_id: Callable[[str], None] | None = None,
) -> Video:
    """Poll until the video is ready. What is seen meanwhile is pushed to XCom.

    :param operator: the task.
    :param context: its context.
    :param wait: decides what to do after each poll.
    :param video: the video's id, or its record, which names its vendor.
    :param conn_id: id of the vendor's connection.
    :param pause: called between two polls; it may end the process's part in the wait by raising.
    :param described: the video, if the vendor has just described it: that is the first poll then.
    :param on_own_id: called with the id that the vendor gives the video in place of a provisional one.
    :raises VideoError: what the wait ended with.
    """
    polls = WorkerPolls(operator, wait, video=video, conn_id=conn_id, described=described, on_own_id=on_own_id)
    while (step := polls.poll(context)).video is None:
        pause(step)
    return step.video


def defer_wait(
    operator: BaseOperator,
    wait: Wait,
    *,
    conn_id: str,
    pause: float,
    **options: Any,
) -> NoReturn:
    """Continue a wait in the triggerer; it ends in ``execute_complete``.

    :param operator: the task.
    :param wait: the wait, as far as it has come.
    :param conn_id: id of the vendor's connection.
    :param pause: seconds until the next poll.
    :param options: further arguments of :class:`~airflow_provider_videos.triggers.video.VideoTrigger`.
    """
    from airflow_provider_videos.triggers.video import VideoTrigger

    now = time.time()
    options.setdefault("do_xcom_push", operator.do_xcom_push)
    operator.defer(
        trigger=VideoTrigger.continuing(wait, conn_id=conn_id, next_look_at=now + pause, **options),
        method_name="execute_complete",
        timeout=timedelta(seconds=wait.deadline - now + TRIGGER_TIMEOUT_SLACK),
    )


def defer_or_sleep(operator: BaseOperator, seconds: float, *, deferrable: bool) -> None:
    """Pause between two calls; a deferrable task goes on in ``execute_search``, in another process.

    :param operator: the task.
    :param seconds: how long.
    :param deferrable: whether it defers meanwhile.
    """
    if deferrable:
        delay = TimeDeltaTrigger(timedelta(seconds=seconds))
        operator.defer(trigger=delay, method_name="execute_search")
    time.sleep(seconds)


def read_event(operator: BaseOperator, context: Context, event: object) -> dict[str, Any]:
    """Return the record of the video that a trigger saw ready, and push how long each status took.

    :param event: the payload of the trigger's event, of this version of the package or of the one before.
    :raises VideoError: what the wait ended with.
    :raises VideoUnexpectedError: if the event is none of :class:`~airflow_provider_videos.triggers.video.VideoTrigger`.
    """
    if not isinstance(event, Mapping):
        raise VideoUnexpectedError(problem=f"the trigger's event is not an object but {event!r:.200}")
    seconds, error, video = event.get("status_seconds"), event.get("error"), event.get("video")
    if isinstance(seconds, Mapping):
        push(operator, context, {STATUS_SECONDS_KEY: dict(seconds)})
    if isinstance(error, Mapping):
        raise VideoError.from_dict(dict(error))
    record = dict(video) if isinstance(video, Mapping) else {}
    if missing := [name for name in ("vendor", "video_id", "state") if name not in record]:
        raise VideoUnexpectedError(
            problem=f"the trigger's event has neither an error nor a video with {', '.join(missing)}; its keys are "
            f"{sorted(map(str, event))}. Let triggerer and workers run the same version of this package"
        )
    # A record of an older version lacks the fields that are newer.
    files = [url for url in (record.get("download_url"),) if url]
    return {**{field.name: None for field in dataclasses.fields(Video)}, "file_urls": files, **record}
