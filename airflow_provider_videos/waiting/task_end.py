# SPDX-License-Identifier: Apache-2.0
"""Ending a task in the triggerer, without a worker."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import VideoError, VideoFailedError
from airflow_provider_videos.video import Video
from airflow_provider_videos.waiting.skipping import why_skip
from airflow_provider_videos.waiting.xcom_writer import get_writer
from airflow_provider_videos.xcom import FAILED_VIDEO_KEY, STATUS_SECONDS_KEY, keys_read_of, video_xcoms

if TYPE_CHECKING:
    from airflow.triggers.base import TriggerEvent

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskEnd:
    """How a task is ended in the triggerer, so that it means what ending it on a worker does.

    :param end_from_trigger: whether the trigger ends the task; if not, a worker does.
    :param do_xcom_push: whether the task pushes XComs.
    :param soft_fail: whether it is skipped when the video ends without success or not in time.
    :param never_fail: whether it is skipped on any failure.
    :param xcom_keys: the XComs beside the record that other tasks of the Dag read; ``None`` if nobody has looked.
    """

    end_from_trigger: bool = False
    do_xcom_push: bool = True
    soft_fail: bool = False
    never_fail: bool = False
    xcom_keys: Collection[str] | None = None

    async def event(
        self, end: Video | VideoError, task_instance: Any, status_seconds: Mapping[str, float]
    ) -> TriggerEvent | None:
        """Return the event that ends the task, after pushing the XComs that go with it.

        :param end: the video, ready, or what the wait ended with.
        :param task_instance: the task instance, as Airflow gives it to a trigger.
        :param status_seconds: how long each status took.
        :return: success or a skip; ``None`` for what a worker ends. A failure always is: a trigger can't say that
            there is to be no retry. So is whatever can't be ended from here.
        """
        if not self.end_from_trigger:
            return None
        reason = self.why_skip(end) if isinstance(end, VideoError) else None
        if isinstance(end, VideoError) and reason is None:
            return None

        def xcoms() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
            seconds: dict[str, Any] = dict(status_seconds)
            keys = self.xcom_keys
            if keys is None:
                keys = keys_read_of(getattr(task_instance, "task", None))
            # For the page: it costs no request, and other tasks would get a text of JSON (Airflow 3.3.2).
            free = {} if STATUS_SECONDS_KEY in keys else {STATUS_SECONDS_KEY: seconds}
            return _xcoms(end, seconds, keys), free

        return await self.end_task(task_instance, xcoms, reason=reason)

    def why_skip(self, error: VideoError) -> str | None:
        """Return why the task is skipped if it ends with an error, ``None`` if it fails."""
        return why_skip(error, soft_fail=self.soft_fail, never_fail=self.never_fail)

    async def end_task(
        self,
        task_instance: Any,
        xcoms: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]],
        *,
        reason: str | None,
    ) -> TriggerEvent | None:
        """Return the event that ends the task well or skips it, after pushing the XComs that go with it.

        :param task_instance: the task instance, as Airflow gives it to a trigger.
        :param xcoms: makes what is pushed, and what travels with the event.
        :param reason: why it is skipped, ``None`` if it ends well.
        :return: ``None`` if it can't be ended from here, so that a worker has to.
        """
        try:
            # A worker ends what can't be ended from here, also for want of these names.
            from airflow.triggers.base import TaskSkippedEvent, TaskSuccessEvent

            # Made before anything is pushed, since it may be what fails.
            event = TaskSuccessEvent() if reason is None else TaskSkippedEvent()
            if self.do_xcom_push:
                pushed, free = xcoms()
                await get_writer().push(task_instance, pushed)
                if free:
                    event.xcoms = dict(free)
        except Exception:
            log.warning("The task can't be ended from here, so a worker ends it", exc_info=True)
            return None
        if reason is not None:
            log.info("%s", reason)
        return event


def _xcoms(end: Video | VideoError, seconds: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return the record, and what else is read: each costs a request, of some 35 a second for all tasks that end."""
    if isinstance(end, VideoFailedError):
        return {FAILED_VIDEO_KEY: end.video}
    if isinstance(end, VideoError):
        return {}
    video = end.to_dict()
    also = {**video_xcoms(video), STATUS_SECONDS_KEY: seconds}
    return {"return_value": video, **{key: value for key, value in also.items() if key in keys}}
