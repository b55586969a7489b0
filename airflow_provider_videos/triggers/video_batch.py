# SPDX-License-Identifier: Apache-2.0
"""Waiting for many videos in the triggerer."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_videos.airflow_compat.tasks import has_mapped_dependants
from airflow_provider_videos.clock import Clock
from airflow_provider_videos.exceptions import VideoUnexpectedError
from airflow_provider_videos.packing import pack, unpack
from airflow_provider_videos.triggers.base import WaitTrigger
from airflow_provider_videos.video_list import VideoList
from airflow_provider_videos.waiting.batch import BatchWait, Enough
from airflow_provider_videos.waiting.batch_outcome import BatchOutcome, number_of_ready
from airflow_provider_videos.waiting.batch_video import Counts
from airflow_provider_videos.waiting.polling import CONNECTION_GRACE, Wait
from airflow_provider_videos.waiting.status_report import StatusReport
from airflow_provider_videos.waiting.xcom_writer import get_writer
from airflow_provider_videos.xcom import VIDEO_IDS_KEY, VIDEOS_KEY

__all__ = ["VideoBatchTrigger"]


class VideoBatchTrigger(WaitTrigger):
    """Waits until many videos are in a terminal status or their time is over, and fires once.

    It never raises. The event's payload has counts, and the ids that the vendor has given in place of provisional ones,
    as packed pairs ``own_ids``: see
    :class:`~airflow_provider_videos.waiting.batch_outcome.BatchOutcome`. The records of the videos are not in it, but
    in the XCom ``videos``. Each video is polled as :class:`~airflow_provider_videos.triggers.video.VideoTrigger` polls
    its one.

    :param video_ids: ids of the videos, or their records; a list, a text of JSON, or a text that
        :func:`~airflow_provider_videos.packing.pack` made.
    :param conn_id: id of the vendor's Airflow connection.
    :param timeout: seconds after which the wait for a video ends without success.
    :param started_at: Unix time at which the wait began; if not given, the scheduler began it.
    :param timeout_slack: as :class:`~airflow_provider_videos.triggers.video.VideoTrigger` has it.
    :param ages: how many seconds before ``started_at`` each video was ordered, packed; its timeout counts from then. By
        default, from ``started_at``.
    :param ordered_at: Unix time of the last order, if it is known: soon after it, a vendor may not know the video yet.
    :param min_ready: number, or part, of videos that have to be ready; by default, each has to end.
    :param wake_after: fire when so many have ended, and say which have not; no XCom is pushed then.
    :param wake_linger: seconds to wait for others once so many have ended.
    :param wake_seconds: fire so many seconds after the first has ended, where ``wake_after`` is given.
    :param wake_at_own_ids: fire so many seconds after the vendor has given the first video an id in place of a
        provisional one.
    :param others: counts of further videos of the batch, the fields of
        :class:`~airflow_provider_videos.waiting.batch_video.Counts`.
    :param on_failure: what a video that fails means for the task, where the trigger ends it: ``fail`` or ``return``.
    :param options: the fields of :class:`~airflow_provider_videos.waiting.polling.PollingRules` and of
        :class:`~airflow_provider_videos.waiting.task_end.TaskEnd`. Any other makes the event an error that names it.
    """

    def __init__(
        self,
        *,
        video_ids: Any,
        conn_id: str,
        timeout: float,
        started_at: float | None = None,
        timeout_slack: float | None = None,
        ages: str | None = None,
        ordered_at: float | None = None,
        min_ready: float | None = None,
        wake_after: int | None = None,
        wake_linger: float = 0.0,
        wake_seconds: float | None = None,
        wake_at_own_ids: float | None = None,
        others: list[int] | None = None,
        on_failure: str = "fail",
        **options: Any,
    ) -> None:
        super().__init__(
            conn_id=conn_id, timeout=timeout, started_at=started_at, timeout_slack=timeout_slack, options=options
        )
        # Airflow renders it, where it starts the trigger without a worker.
        self.video_ids = video_ids
        self._arguments: dict[str, Any] = {
            "ages": ages,
            "ordered_at": ordered_at,
            "min_ready": min_ready,
            "wake_after": wake_after,
            "wake_linger": wake_linger,
            "wake_seconds": wake_seconds,
            "wake_at_own_ids": wake_at_own_ids,
            "others": others,
            "on_failure": on_failure,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        return self._serialized({"video_ids": self.video_ids, **self._arguments})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        try:
            event = await self._wait_and_end()
        except Exception as unexpected:
            self.log.exception("Waiting for videos failed")
            event = TriggerEvent({"error": VideoUnexpectedError.of(unexpected).to_dict()})
        yield event

    async def on_kill(self) -> None:
        """Log what becomes of the videos when a user ends the task."""
        self.log.info("The videos that are not finished continue at the vendor, and are billed: nothing was deleted.")

    async def _wait_and_end(self) -> TriggerEvent:
        self._check_options()
        videos = VideoList(self.video_ids)
        batch = self._batch(videos, Clock().now())
        report = StatusReport(self.task_instance if self._end.do_xcom_push else None)

        def offer(progress: Mapping[str, Any]) -> None:
            standing = {name: progress[name] for name in ("ready", "failed", "not_ordered")}
            report.offer((standing, progress["failed_polls"] > 0), lambda: dict(progress))

        try:
            await batch.run(self.conn_id, interval=self._rules.poke_interval, report=offer)
        finally:
            report.cancel()
        return await self._event(videos, batch)

    async def _event(self, videos: VideoList, batch: BatchWait) -> TriggerEvent:
        outcome = BatchOutcome.of(batch)
        payload = outcome.to_dict()
        if own_ids := batch.own_ids:
            payload["own_ids"] = pack(list(own_ids.items()))
        if self._arguments["wake_after"] is not None:
            payload["pending_ids"] = pack([one.video_id for one in batch.videos.values() if not one.is_over])
            return TriggerEvent(payload)
        vendor = next((one.video.vendor for one in batch.videos.values() if one.video is not None), None)
        records = videos.records(lambda video_id: batch.videos[video_id].to_dict(vendor))
        payload["has_pushed"] = await self._push({VIDEO_IDS_KEY: videos.ids, VIDEOS_KEY: records})
        if payload["has_pushed"] or not self._end.do_xcom_push:
            event = await self._task_end(outcome, records)
            if event is not None:
                # "airflow dags test" hands every event to a worker, and nothing of it but the payload.
                event.payload = payload
                return event
        return TriggerEvent(payload)

    async def _push(self, xcoms: dict[str, Any]) -> bool:
        if not self._end.do_xcom_push or getattr(self, "task_instance", None) is None:
            return False
        try:
            await get_writer().push(self.task_instance, xcoms)
        except Exception:
            self.log.warning("The records of the videos can't be pushed, so a worker asks for them", exc_info=True)
            return False
        return True

    async def _task_end(self, outcome: BatchOutcome, records: list[dict[str, Any]]) -> TriggerEvent | None:
        if not self._end.end_from_trigger or has_mapped_dependants(getattr(self.task_instance, "task", None)):
            return None
        # Whether a retry is left, a worker knows.
        on_failure = self._arguments["on_failure"]
        error = outcome.failure(records, parameter="video_ids", on_failure=on_failure, has_retry=True)
        reason = self._end.why_skip(error) if error is not None else None
        if error is not None and reason is None:
            return None
        return await self._end.end_task(
            self.task_instance, lambda: ({} if reason else {"return_value": records}, {}), reason=reason
        )

    def _batch(self, videos: VideoList, now: float) -> BatchWait:
        arguments = self._arguments
        started_at = self._began_at(now)
        ids = videos.different_ids
        ages = [0] * len(ids) if arguments["ages"] is None else unpack(arguments["ages"])
        waits = [
            Wait(
                video_id=video_id,
                rules=self._rules,
                started_at=started_at - age,
                deadline=started_at - age + self._timeout,
                ordered_at=arguments["ordered_at"],
                next_poll_at=now,
                connection_grace=CONNECTION_GRACE if self._started_at is None else 0.0,
            )
            for video_id, age in zip(ids, ages, strict=True)
        ]
        wake_after, wake_seconds, others = arguments["wake_after"], arguments["wake_seconds"], arguments["others"]
        never_ordered = sum(video_id is None for video_id in videos.ids)
        counts = Counts(failed=never_ordered) if others is None else Counts(*others)
        enough = Enough(ready=number_of_ready(arguments["min_ready"], videos.number))
        if wake_after is not None:
            enough = dataclasses.replace(enough, over=wake_after, linger=arguments["wake_linger"])
        if wake_seconds is not None:
            enough = dataclasses.replace(enough, idle=wake_seconds)
        if arguments["wake_at_own_ids"] is not None:
            enough = dataclasses.replace(enough, own_ids=arguments["wake_at_own_ids"])
        return BatchWait(waits, enough=enough, others=counts)
