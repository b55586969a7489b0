# SPDX-License-Identifier: Apache-2.0
"""Waiting for many videos of one Airflow connection at once, on an event loop: in a triggerer or on a worker."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from airflow_provider_videos.clock import Clock, to_iso
from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.video import Video
from airflow_provider_videos.waiting.batch_video import BatchVideo, Counts
from airflow_provider_videos.waiting.poller import VideoPoller, get_poller
from airflow_provider_videos.waiting.polling import REPORT_INTERVAL, PollOutcome, Wait
from airflow_provider_videos.waiting.subscription import Subscription

log = logging.getLogger(__name__)

#: Warnings about single polls that are logged; what is said of a thousand videos is not worth reading.
MAX_WARNINGS = 20
Report = Callable[[Mapping[str, Any]], "Awaitable[object] | None"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enough:
    """When a wait for many videos ends before each of them has ended.

    :param ready: as soon as so many are ready.
    :param over: as soon as so many have ended, however.
    :param linger: seconds to wait for others after so many have ended.
    :param idle: seconds after the first has ended, however.
    :param polled: as soon as each has been polled without a transient error.
    :param own_ids: seconds after the vendor has given the first video an id in place of a provisional one.
    """

    ready: float = math.inf
    over: float = math.inf
    linger: float = 0.0
    idle: float = math.inf
    polled: bool = False
    own_ids: float = math.inf


class BatchWait:
    """Waits for videos of one connection, each as a wait of its own.

    :param waits: one for each video.
    :param enough: when to end early.
    :param others: videos of the batch that this wait is not for.
    """

    def __init__(self, waits: Iterable[Wait], *, enough: Enough = Enough(), others: Counts | None = None) -> None:
        self.videos = {wait.video_id: BatchVideo(wait) for wait in waits}
        self.others = others or Counts()
        self.enough = enough
        #: The last counts that the task's log has, also from an earlier wait for videos of the batch.
        self.logged: Counts | None = None
        self._counted: collections.Counter[str] = collections.Counter()
        self._polled = 0
        self._idle_at = math.inf
        self._warnings = 0
        # It belongs to no event loop before somebody waits for it.
        self._changed = asyncio.Event()

    @property
    def counts(self) -> Counts:
        """How the videos of the batch stand."""
        ready, failed = self._counted["ready"], self._counted["failed"]
        pending = len(self.videos) - ready - failed
        others = self.others
        return Counts(
            ready=others.ready + ready,
            failed=others.failed + failed,
            pending=others.pending + pending,
            not_ordered=others.not_ordered,
        )

    @property
    def is_over(self) -> bool:
        """Whether each video has ended."""
        return self._over == len(self.videos)

    @property
    def _over(self) -> int:
        return self._counted.total()

    @property
    def is_ready_enough(self) -> bool:
        """Whether as many are ready as are asked for."""
        return self._counted["ready"] >= self.enough.ready

    @property
    def own_ids(self) -> dict[str, str]:
        """The ids that the vendor has given videos, by the provisional ones with which the wait began."""
        return {one.wait.video_id: one.video_id for one in self.videos.values() if one.has_own_id}

    def next_pause(self, now: float) -> float:
        """Return in how many seconds the next poll is due.

        :param now: Unix time.
        """
        planned = (video.wait.next_poll_at for video in self.videos.values() if not video.is_over)
        return max(min(planned, default=now) - now, 0.0)

    def progress(self, now: float) -> dict[str, Any]:
        """Return how the wait stands, as a JSON object; its times are ISO 8601 in UTC.

        :param now: Unix time.
        :return: ``videos``, ``ready``, ``failed``, ``pending`` and ``not_ordered`` count videos; ``failed_polls`` how
            many of the pending ones were not answered when they were last polled; ``started`` and ``deadline``, of the
            last video to be given up.
        """
        counts, waits = self.counts, [video.wait for video in self.videos.values()]
        return {
            "videos": counts.videos,
            **dataclasses.asdict(counts),
            "failed_polls": sum(1 for video in self.videos.values() if not video.is_over and video.wait.failures),
            "last_poll": to_iso(now),
            "started": to_iso(min((wait.started_at for wait in waits), default=now)),
            "deadline": to_iso(max((wait.deadline for wait in waits), default=now)),
        }

    def restore(self, video_id: str, video: Video | None, error: VideoError | None) -> None:
        """Note that a video has ended before.

        :param video_id: its id; one that is not in the batch is passed over.
        :param video: as it was last seen.
        :param error: what its wait ended with, unless it is ready.
        """
        if (one := self.videos.get(video_id)) is not None and not one.is_over:
            one.video = video
            self._note_end(one, error)

    def expire(self, now: float) -> None:
        """Let the time of all videos be over that have not ended.

        :param now: Unix time.
        """
        for one in self.videos.values():
            if not one.is_over:
                one.wait.deadline = min(one.wait.deadline, now)
                self._note_end(one, one.wait.on_refusal(now=now).error)

    async def run(
        self, conn_id: str, *, interval: float, report: Report, starts_per_second: float | None = None
    ) -> None:
        """Poll until each video has ended, or enough of them.

        :param conn_id: id of the Airflow connection.
        :param interval: seconds between two reports of how the wait stands.
        :param report: takes :meth:`progress`.
        :param starts_per_second: first polls per second; by default, as many as a triggerer makes.
        """
        if self._is_enough():
            # A poller that nobody follows would never be closed.
            self._log_counts()
            return
        clock, poller = Clock(), get_poller(conn_id)
        if starts_per_second is not None:
            poller.starts_per_second = starts_per_second
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._follow(video, Subscription(video.wait, poller, clock), poller, clock))
                for video in self.videos.values()
                if not video.is_over
            ]
            logged, logged_at, report_at = self.counts, time.monotonic(), time.monotonic() + interval
            while not self._is_enough():
                await self._wait_for_change(report_at - time.monotonic())
                if time.monotonic() < report_at or self._is_enough():
                    continue
                report_at = time.monotonic() + interval
                is_due = self.counts != logged or time.monotonic() > logged_at + REPORT_INTERVAL
                # Polls of what was waited for before would count it once more from zero.
                if is_due and not self.enough.polled:
                    logged, logged_at = self.counts, time.monotonic()
                    self._log_counts(again=True)
                if (reported := report(self.progress(clock.now()))) is not None:
                    await reported
            for task in tasks:
                task.cancel()
        self._log_counts()

    async def _follow(self, video: BatchVideo, subscription: Subscription, poller: VideoPoller, clock: Clock) -> None:
        def on_poll(step: PollOutcome) -> None:
            video.video = subscription.video or video.video
            self._log(step)
            if video.has_own_id:
                self._idle_at = min(self._idle_at, time.monotonic() + self.enough.own_ids)
                self._change()
            if not video.wait.failures and not video.is_polled:
                self._note_poll(video)
                self._change()

        try:
            step = await subscription.until_end(on_poll)
        except Exception as unexpected:
            log.exception("Waiting for video %r failed", video.wait.video_id)
            step = PollOutcome(error=VideoUnexpectedError.of(unexpected))
        video.video = step.video or subscription.video or video.video
        if step.error is not None:
            log.error("%s", step.error)
        self._note_end(video, step.error)
        patience = self.enough.linger if self._over >= self.enough.over else self.enough.idle
        self._idle_at = min(self._idle_at, time.monotonic() + patience)
        self._change()

    def _note_poll(self, video: BatchVideo) -> None:
        self._polled += not video.is_polled
        video.is_polled = True

    def _note_end(self, video: BatchVideo, error: VideoError | None) -> None:
        self._note_poll(video)
        video.is_over, video.error = True, error
        self._counted["ready" if error is None else "failed"] += 1

    def _change(self) -> None:
        if self._is_enough() or math.isfinite(self._idle_at):
            self._changed.set()

    def _is_enough(self) -> bool:
        return (
            self.is_over
            or self.is_ready_enough
            or (self._over >= self.enough.over and not self.enough.linger)
            or time.monotonic() >= self._idle_at
            or (self.enough.polled and self._polled == len(self.videos))
        )

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(min(seconds, self._idle_at - time.monotonic()), 0.0)):
                await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self._changed.clear()

    def _log_counts(self, *, again: bool = False) -> None:
        if again or self.counts != self.logged:
            self.logged = self.counts
            log.info("%s.", self.logged)

    def _log(self, step: PollOutcome) -> None:
        for level, line in step.log:
            if level >= logging.WARNING and self._warnings < MAX_WARNINGS:
                self._warnings += 1
                log.log(level, line)
            else:
                log.debug(line)
