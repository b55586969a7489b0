# SPDX-License-Identifier: Apache-2.0
"""Telling, while a task is deferred, how its wait stands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import context_to_push_in
from airflow_provider_videos.waiting.polling import REPORT_INTERVAL
from airflow_provider_videos.waiting.xcom_writer import get_writer
from airflow_provider_videos.xcom import WAITING_KEY, waiting_status

if TYPE_CHECKING:
    from airflow_provider_videos.video import Video
    from airflow_provider_videos.waiting.polling import Wait

log = logging.getLogger(__name__)


class StatusReport:
    """Pushes one XCom of one wait, seldom enough that nothing else is held up.

    A report that can't be sent at once is dropped; the next poll offers a newer one.

    :param task_instance: the task instance, as Airflow gives it to a trigger; ``None`` reports nothing.
    """

    __slots__ = ("_reported", "_reported_at", "_task_instance", "_under_way")

    def __init__(self, task_instance: Any) -> None:
        self._task_instance = task_instance
        self._reported: object = None
        self._reported_at = 0.0
        self._under_way: asyncio.Task[None] | None = None

    def update(self, wait: Wait, video: Video | None, *, polled_at: float) -> None:
        """Report how the wait stands, if it stands otherwise than at the last report or that is long ago.

        :param wait: the wait.
        :param video: what the last successful poll found.
        :param polled_at: Unix time of the last poll.
        """
        standing = (video.status if video is not None else None, wait.failures > 0)
        self.offer(standing, lambda: waiting_status(wait, video, polled_at=polled_at))

    def offer(self, standing: object, value: Callable[[], dict[str, Any]]) -> None:
        """Report a value, if the wait stands otherwise than at the last report or that is long ago.

        :param standing: how it stands.
        :param value: makes what is pushed.
        """
        if self._task_instance is None or self._under_way is not None:
            return
        if standing == self._reported and time.monotonic() < self._reported_at + REPORT_INTERVAL:
            return
        writer = get_writer()
        if not writer.take_report():
            return
        self._reported, self._reported_at = standing, time.monotonic()
        self._under_way = asyncio.get_running_loop().create_task(self._push(value()), context=context_to_push_in())

    def cancel(self) -> None:
        """End what is under way: after the wait, the XComs are a later attempt's."""
        self._task_instance = None
        if self._under_way is not None:
            self._under_way.cancel()

    async def _push(self, value: dict[str, Any]) -> None:
        try:
            await get_writer().push(self._task_instance, {WAITING_KEY: value})
        except Exception:
            log.debug("How a wait stands could not be pushed", exc_info=True)
        finally:
            self._under_way = None
