# SPDX-License-Identifier: Apache-2.0
"""The videos of a batch's orders: the waits for them, the last polls, and the records that the task ends with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.request import texts_of
from airflow_provider_videos.waiting.batch import BatchWait, Enough
from airflow_provider_videos.waiting.batch_outcome import BatchOutcome, is_ready
from airflow_provider_videos.waiting.batch_video import BatchVideo, Counts, blank_record
from airflow_provider_videos.waiting.batch_worker import run_batch
from airflow_provider_videos.waiting.polling import PollingRules, Wait
from airflow_provider_videos.xcom import VIDEOS_KEY, emit_batch_event, push

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.ordering.batch import BatchOrders
    from airflow_provider_videos.ordering.naming import Slot

#: Seconds that the last polls of all videos may take, though the time of some is over.
LAST_POLLS_TIMEOUT = 600.0


class OrderedVideos:
    """Asks for the videos that a task has ordered, and ends the task with their records.

    :param operator: the task.
    :param context: its context.
    :param orders: what it has ordered.
    :param conn_id: id of the Airflow connection.
    :param rules: how to poll a video.
    :param timeout: seconds to wait for a video.
    """

    def __init__(
        self,
        operator: BaseOperator,
        context: Context,
        orders: BatchOrders,
        *,
        conn_id: str,
        rules: PollingRules,
        timeout: float,
    ) -> None:
        self._operator = operator
        self._context = context
        self._orders = orders
        self._conn_id = conn_id
        self._rules = rules
        self._timeout = timeout
        #: The last counts that the task's log has.
        self.logged: Counts | None = None
        #: The records of the videos that were ready when the task ended.
        self.ready: list[dict[str, Any]] = []

    def waits(self, video_ids: Sequence[str]) -> list[Wait]:
        """Return a wait for each of some videos; a later attempt waits for as long as the first one did."""
        ordered_at = self._orders.ordered_at()
        waits = []
        for video_id in video_ids:
            started_at = max(ordered_at.get(video_id, 0.0), self._orders.record.began_at)
            waits.append(
                Wait(
                    video_id=video_id,
                    rules=self._rules,
                    started_at=started_at,
                    deadline=started_at + self._timeout,
                    ordered_at=ordered_at.get(video_id),
                    next_poll_at=time.time(),
                )
            )
        return waits

    def poll(self, waits: Sequence[Wait], *, others: Counts | None = None) -> BatchWait:
        """Poll videos in this process until each has been polled without a transient error.

        :param waits: one for each video.
        :param others: further videos of the batch.
        """
        batch = BatchWait(waits, enough=Enough(polled=True), others=others)
        self.run(batch)
        return batch

    def run(self, batch: BatchWait) -> None:
        """Wait in this process."""
        interval = self._rules.poke_interval
        batch.logged = self.logged
        run_batch(self._operator, self._context, batch, conn_id=self._conn_id, interval=interval)
        self.logged = batch.logged
        self._orders.replace_video_ids(batch.own_ids)

    def poll_all(self) -> BatchWait:
        """Poll all videos: the URLs of what has ended first may have expired by now."""
        ids = [video_id for video_id in dict.fromkeys(self._orders.video_ids()) if video_id is not None]
        waits = self.waits(ids)
        for wait in waits:
            wait.deadline = max(wait.deadline, time.time() + LAST_POLLS_TIMEOUT)
        return self.poll(waits, others=Counts(failed=self._orders.number_failed))

    def unfinished(self, batch: BatchWait) -> set[str]:
        """Return the ids of the videos that have not ended, and whose time is not over."""
        now = time.time()
        pending = [one for one in batch.videos.values() if not one.is_over]
        return {one.video_id for one in pending if now < one.wait.started_at + self._timeout}

    def end(self, batch: BatchWait, *, on_failure: str) -> list[dict[str, Any]]:
        """Push the records of all videos, in the order of the list, and return them.

        :param batch: the last polls.
        :param on_failure: what a video that has failed means for the task.
        :raises VideoError: if the task fails.
        """
        orders, context = self._orders, self._context
        batch.expire(time.time())
        videos = batch.videos | {one.video_id: one for one in batch.videos.values()}
        records = [
            self._record(slot, video_id, videos)
            for slot, video_id in zip(orders.slots, orders.video_ids(), strict=True)
        ]
        self.ready = list(filter(is_ready, records))
        push(self._operator, context, {VIDEOS_KEY: records})
        if orders.stopped_by is not None:
            note = (
                f"{len(batch.videos):,} of {len(records):,} videos are ordered: a retry or a clear orders the others."
            )
            orders.stopped_by.add_note(note)
            raise orders.stopped_by
        outcome = BatchOutcome.of(batch, is_last=True)
        has_retry = context["ti"].try_number <= context["ti"].max_tries
        failure = outcome.failure(records, parameter="requests", on_failure=on_failure, has_retry=has_retry)
        if failure is not None:
            raise failure
        counts = {"videos": len(records), "ready": len(self.ready), "failed": outcome.counts.failed}
        emit_batch_event(self._operator, context, counts)
        return records

    def _record(self, slot: Slot, video_id: str | None, videos: Mapping[str, BatchVideo]) -> dict[str, Any]:
        vendor = self._orders.vendor
        if video_id is not None:
            record = videos[video_id].to_dict(vendor)
        else:
            record = blank_record(vendor, None, self._orders.record.failure(slot.key) or "It was not ordered.")
        return {**record, **{name: text for name, text in texts_of(slot.request).items() if record[name] is None}}
