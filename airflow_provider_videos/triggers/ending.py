# SPDX-License-Identifier: Apache-2.0
"""Ending a task in the triggerer, without a worker."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from airflow.triggers.base import BaseTaskEndEvent, TaskSkippedEvent, TaskSuccessEvent

from airflow_provider_videos.exceptions import VideoError, VideoFailedError
from airflow_provider_videos.skipping import why_skip
from airflow_provider_videos.video import Video
from airflow_provider_videos.xcom import FAILED_VIDEO_KEY, video_xcoms

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

    def event(self, end: Video | VideoError) -> BaseTaskEndEvent | None:
        """Choose the event for how a wait ended.

        :return: success or a skip; ``None`` for what a worker ends. A failure always is: a trigger can't say that
            there is to be no retry.
        """
        if not self.end_from_trigger:
            return None
        if isinstance(end, Video):
            video = end.to_dict()
            return TaskSuccessEvent(xcoms=self._pushed({"return_value": video, **video_xcoms(video)}))
        reason = why_skip(end, soft_fail=self.soft_fail, never_fail=self.never_fail)
        if reason is None:
            return None
        log.info("%s", reason)
        return TaskSkippedEvent(
            xcoms=self._pushed({FAILED_VIDEO_KEY: end.video} if isinstance(end, VideoFailedError) else {})
        )

    def _pushed(self, xcoms: dict[str, Any]) -> dict[str, Any] | None:
        return xcoms if self.do_xcom_push else None
