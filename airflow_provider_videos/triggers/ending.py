# SPDX-License-Identifier: Apache-2.0
"""Ending a task in the triggerer, without a worker."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from airflow.triggers.base import BaseTaskEndEvent, TaskSkippedEvent, TaskSuccessEvent

from airflow_provider_videos.exceptions import VideoError, VideoFailedError
from airflow_provider_videos.skipping import why_skip
from airflow_provider_videos.video import Video
from airflow_provider_videos.xcom import STATUS_SECONDS_KEY, failed_video_xcoms, video_xcoms

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ending:
    """How a task is ended in the triggerer, so that it means what ending it on a worker does.

    :param end_from_trigger: whether the trigger ends the task; if not, a worker does.
    :param do_xcom_push: whether the task pushes XComs.
    :param soft_fail: whether it is skipped when the video ends without success or not in time.
    :param never_fail: whether it is skipped on any failure.
    """

    end_from_trigger: bool = False
    do_xcom_push: bool = True
    soft_fail: bool = False
    never_fail: bool = False

    async def event(
        self, end: Video | VideoError, task_instance: Any, status_seconds: Mapping[str, float]
    ) -> BaseTaskEndEvent | None:
        """Choose the event for how a wait ended, and push the XComs that go with it.

        :param end: the video, ready, or what the wait ended with.
        :param task_instance: the task instance, as Airflow gives it to a trigger.
        :param status_seconds: how long each status took.
        :return: success or a skip; ``None`` for what a worker ends. A failure always is: a trigger can't say that
            there is to be no retry.
        """
        if not self.end_from_trigger:
            return None
        if isinstance(end, Video):
            video = end.to_dict()
            xcoms = {"return_value": video, **video_xcoms(video), STATUS_SECONDS_KEY: status_seconds}
            return TaskSuccessEvent() if await self._push(xcoms, task_instance) else None
        reason = why_skip(end, soft_fail=self.soft_fail, never_fail=self.never_fail)
        if reason is None:
            return None
        xcoms = {STATUS_SECONDS_KEY: status_seconds}
        if isinstance(end, VideoFailedError):
            xcoms |= failed_video_xcoms(end.video)
        if not await self._push(xcoms, task_instance):
            return None
        log.info("%s", reason)
        return TaskSkippedEvent()

    async def _push(self, xcoms: dict[str, Any], task_instance: Any) -> bool:
        """Push XComs as a worker does: those of an event reach other tasks as JSON within JSON, in Airflow 3.3.2."""
        if not self.do_xcom_push:
            return True
        from airflow.sdk.execution_time.xcom import XCom

        place = {name: getattr(task_instance, name, None) for name in ("dag_id", "run_id", "task_id", "map_index")}
        try:
            for key, value in xcoms.items():
                await asyncio.to_thread(XCom.set, key=key, value=value, **place)
        except Exception:
            log.warning("The XComs can't be pushed from here, so a worker ends the task", exc_info=True)
            return False
        return True
