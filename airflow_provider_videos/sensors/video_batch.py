# SPDX-License-Identifier: Apache-2.0
"""Waiting for many videos of any vendor in one task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue, conf, timezone
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_videos.airflow_compat.tasks import has_mapped_dependants
from airflow_provider_videos.packing import unpack
from airflow_provider_videos.parameters import check_may_be_mapped, check_parameters
from airflow_provider_videos.sensors.base import WaitSensor
from airflow_provider_videos.video_id import read_ordered_at
from airflow_provider_videos.video_list import VideoList
from airflow_provider_videos.waiting.batch import BatchWait, Enough
from airflow_provider_videos.waiting.batch_outcome import BatchOutcome, is_ready, number_of_ready
from airflow_provider_videos.waiting.batch_video import Counts
from airflow_provider_videos.waiting.batch_worker import (
    check_fits_trigger,
    defer_batch,
    pushed_records,
    run_batch,
)
from airflow_provider_videos.waiting.ended_videos import EndedVideos
from airflow_provider_videos.waiting.polling import DEFAULT_MAX_CONSECUTIVE_FAILURES, Wait
from airflow_provider_videos.waiting.start_from_trigger import renderable_list
from airflow_provider_videos.xcom import VIDEO_IDS_KEY, VIDEOS_KEY, emit_batch_event, push, push_progress

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["VideoBatchSensor"]


class VideoBatchSensor(WaitSensor):
    """Waits until many videos are in a terminal status, and returns their records in the order of the list.

    A record is the dict that :class:`~airflow_provider_videos.sensors.video.VideoSensor` returns. Each video is polled
    as that sensor polls its one; one trigger does so for all of them. The XCom ``videos`` holds the records however the
    task ends, also of the videos that failed: their ``error_message`` says why. While the task waits, ``waiting``
    counts how the videos stand: see :meth:`~airflow_provider_videos.waiting.batch.BatchWait.progress`.

    :param video_ids: ids of the videos, or the dicts that earlier tasks of this package returned: a list, another
        task's ``.output``, or the outputs of a mapped task. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type, for all of them. (templated)
    :param on_failure: what a video that fails, or is not finished in time, means for the task. ``fail`` brings all
        others to their ends, then fails the task without retry and names each video that failed. ``return`` returns it
        among the others, with its state and reason.
    :param min_ready: end well as soon as so many are ready: a number of videos, or a part of them above 0 and up to
        1.0. The others are returned as they were last seen. If too many fail for that, ``on_failure`` says what comes
        of it. By default, each video is brought to its end.
    :param poke_interval: time between two polls of a video, in seconds or as a timedelta; above 0.
    :param timeout: how long to wait, in seconds or as a timedelta; ``None`` means ``[sensors] default_timeout``. Each
        video is polled once more when it expires.
    :param deferrable: wait in the triggerer, without a worker. ``mode`` has no meaning then. The ids of some 1,700
        videos fit into a trigger.
    :param start_from_trigger: let the scheduler start the wait in the triggerer, as
        :class:`~airflow_provider_videos.sensors.video.VideoSensor` does. Only for a list of texts or records, or the
        ``.output`` of one task that is not mapped, and with Airflow's own XCom backend; otherwise a worker begins it.
    :param end_from_trigger: let the trigger end the task, as that sensor does. If another task is mapped over what this
        one returns, a worker ends it.
    :param max_consecutive_failures: consecutive failed polls of a video to tolerate before its wait ends.
    :param kwargs: what every sensor takes, such as ``mode``, ``soft_fail`` (skip where each video that failed did so at
        the vendor or was not finished in time) and ``never_fail`` (skip on any failure). With ``mode="reschedule"``,
        what has ended is not polled again where Airflow has a task state store (3.3).
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoIdError: if an entry of the list is no video. Airflow doesn't retry.
    :raises VideoParameterError: before any poll, if the list is too long. Airflow doesn't retry.
    :raises VideoBatchError: if videos failed. Airflow doesn't retry.
    :raises VideoError: if not one of them can be asked for; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_ids", "conn_id")
    ui_color = "#e0e7ff"

    def __init__(
        self,
        *,
        video_ids: Any,
        conn_id: str,
        on_failure: str = "fail",
        min_ready: float | None = None,
        poke_interval: timedelta | float = 30,
        timeout: timedelta | float | None = 12 * 60 * 60,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, {**locals(), **kwargs})
        super().__init__(
            conn_id=conn_id,
            poke_interval=poke_interval,
            timeout=timeout,
            deferrable=deferrable,
            max_consecutive_failures=max_consecutive_failures,
            start_from_trigger=start_from_trigger,
            end_from_trigger=end_from_trigger,
            **kwargs,
        )
        self.video_ids = video_ids
        self.on_failure = on_failure
        self.min_ready = min_ready
        self._vendor: str | None = None
        self.start_from_trigger = start_from_trigger and self._prepare_start(
            "airflow_provider_videos.triggers.video_batch.VideoBatchTrigger",
            video_ids=lambda: renderable_list(self, "video_ids"),
            min_ready=min_ready,
            on_failure=on_failure,
        )
        if end_from_trigger:
            self._warn_of_losses()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what is in the trigger's event, or raise what the wait ended with, as the other modes do."""
        try:
            outcome = BatchOutcome.from_dict(event)
            videos = self._videos()
            videos.replace(dict(unpack(event.get("own_ids", []))))
            records = pushed_records(context, videos) if event.get("has_pushed") else None
            if records is None:
                # They are not in XCom: each has ended, or need not.
                batch = self._batch(context, videos, Enough(polled=True))
                batch.logged = outcome.counts
                if outcome.is_enough:
                    batch.enough = Enough(polled=True)
                run_batch(self, context, batch, conn_id=self.conn_id, interval=self.poke_interval)
                if not outcome.is_enough:
                    batch.expire(time.time())
                    # What the trigger saw as ready may be gone by now, or not be answered.
                    outcome = BatchOutcome.of(batch)
                records = self._records(videos, batch)
                push(self, context, {VIDEOS_KEY: records})
            return self._end(context, records, outcome)
        except Exception as error:
            self._skip_or_raise(error, context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll each video once that is not known to have ended.

        :return: whether all have ended, or enough are ready, with the records.
        :raises VideoError: what the wait ends with.
        """
        result = self._poll(context, Enough(polled=True))
        return result if isinstance(result, PokeReturnValue) else PokeReturnValue(is_done=False)

    def _wait_for_end(self, context: Context) -> Any:
        if self.deferrable and self._videos().different_ids:
            self._defer(context)
        result = self._poll(context, Enough(polled=self.reschedule))
        if isinstance(result, PokeReturnValue):
            return result.xcom_value
        raise AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=result))

    def _poll(self, context: Context, enough: Enough) -> PokeReturnValue | float:
        """Wait in this process; return what the task returns, or how many seconds to pause before the next poll."""
        videos = self._videos()
        batch = self._batch(context, videos, enough)
        ended = EndedVideos(context) if self.reschedule else None
        if ended is not None:
            ended.restore(batch)
        self._push_ids(context, videos)
        run_batch(self, context, batch, conn_id=self.conn_id, interval=self.poke_interval)
        if not (batch.is_over or batch.is_ready_enough):
            if ended is not None:
                ended.keep(batch)
            return batch.next_pause(time.time())
        records = self._records(videos, batch)
        push(self, context, {VIDEOS_KEY: records})
        return PokeReturnValue(is_done=True, xcom_value=self._end(context, records, BatchOutcome.of(batch)))

    def _defer(self, context: Context) -> None:
        videos = self._videos()
        entries = videos.records(lambda video_id: video_id)
        check_fits_trigger(entries)
        self._push_ids(context, videos)
        began_at = self._began_at(context)
        options = {**self._task_end(), **vars(self._rules())}
        if has_mapped_dependants(self):
            # Airflow notes the length of the list for them only where a worker pushes it.
            options["end_from_trigger"] = False
        defer_batch(
            self,
            entries,
            conn_id=self.conn_id,
            timeout=self.timeout,
            ends_at=began_at + self.timeout,
            started_at=began_at,
            ordered_at=self._ordered_at(videos),
            min_ready=self.min_ready,
            on_failure=self.on_failure,
            **options,
        )

    def _videos(self) -> VideoList:
        from airflow_provider_videos.hooks.video import VideoHook

        self._vendor = VideoHook.get_hook(self.conn_id).conn_type
        videos = VideoList(self.video_ids, vendor=self._vendor)
        check_may_be_mapped(self, len(videos.ids), "video_ids")
        number_of_ready(self.min_ready, videos.number)
        return videos

    def _push_ids(self, context: Context, videos: VideoList) -> None:
        push_progress(self, context, {VIDEO_IDS_KEY: videos.ids, "vendor": self._vendor})

    def _batch(self, context: Context, videos: VideoList, enough: Enough) -> BatchWait:
        began_at, ordered_at = self._began_at(context), self._ordered_at(videos)
        waits = [
            Wait(
                video_id=video_id,
                rules=self._rules(),
                started_at=began_at,
                deadline=began_at + self.timeout,
                ordered_at=ordered_at,
            )
            for video_id in videos.different_ids
        ]
        ready = number_of_ready(self.min_ready, videos.number)
        never_ordered = sum(video_id is None for video_id in videos.ids)
        return BatchWait(waits, enough=Enough(ready=ready, polled=enough.polled), others=Counts(failed=never_ordered))

    def _records(self, videos: VideoList, batch: BatchWait) -> list[dict[str, Any]]:
        return videos.records(lambda video_id: batch.videos[video_id].to_dict(self._vendor))

    def _end(self, context: Context, records: list[dict[str, Any]], outcome: BatchOutcome) -> list[dict[str, Any]]:
        ti = context["ti"]
        has_retry = ti.try_number <= ti.max_tries
        failure = outcome.failure(records, parameter="video_ids", on_failure=self.on_failure, has_retry=has_retry)
        if failure is not None:
            raise failure
        ready = sum(map(is_ready, records))
        counts = {"videos": len(records), "ready": ready, "failed": outcome.counts.failed}
        emit_batch_event(self, context, counts)
        return records

    @staticmethod
    def _ordered_at(videos: VideoList) -> float | None:
        moments = (read_ordered_at(video) for video in videos.given if isinstance(video, Mapping))
        return max((moment for moment in moments if moment is not None), default=None)
