# SPDX-License-Identifier: Apache-2.0
"""One wait's part in a poller: polls until the wait ends, on an event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.waiting.polling import LAST_POLL_TIMEOUT, PollOutcome, Wait

if TYPE_CHECKING:
    from airflow_provider_videos.clock import Clock
    from airflow_provider_videos.video import Video
    from airflow_provider_videos.waiting.poller import PolledVideo, VideoPoller

log = logging.getLogger(__name__)

OnPoll = Callable[[PollOutcome], object]


class Subscription:
    """Polls for one wait until it ends.

    :param wait: decides what to do after each poll.
    :param poller: what all waits of the connection share.
    :param clock: gives the Unix time.
    """

    __slots__ = ("_asked_at", "_clock", "_poller", "_wait", "video")

    def __init__(self, wait: Wait, poller: VideoPoller, clock: Clock) -> None:
        self._wait = wait
        self._poller = poller
        self._clock = clock
        self._asked_at = -math.inf
        #: As the last successful poll, of whichever wait, found it.
        self.video: Video | None = None

    @property
    def own_id(self) -> str | None:
        """The id that the vendor has given the video in place of a provisional one, ``None`` if it has not."""
        video = self.video
        return video.video_id if video is not None and video.has_another_id_than(self._wait.video_id) else None

    async def until_end(self, on_poll: OnPoll, *, until_own_id: bool = False) -> PollOutcome:
        """Poll until the wait ends, within two seconds of its deadline.

        :param on_poll: called after each poll that does not end the wait, with what to do next.
        :param until_own_id: return the outcome of a poll that does not end the wait, too, if the video has got
            an :attr:`own_id` by it.
        """
        wait, clock = self._wait, self._clock
        left = max(wait.deadline - clock.now(), 0.0)
        try:
            # One for the whole wait: one for each poll would cost as much as the rest of a poll does here.
            async with asyncio.timeout(left + LAST_POLL_TIMEOUT), self._poller.following(wait.video_id) as polled:
                await asyncio.sleep(self._first_pause(clock.now()))
                while True:
                    step = await self._poll(polled)
                    self.video = polled.video
                    if step.ends or (until_own_id and self.own_id is not None):
                        return step
                    on_poll(step)
                    await asyncio.sleep(step.pause)
        except TimeoutError:
            return wait.on_deadline(self._poller.refusal, now=clock.now())

    async def _poll(self, polled: PolledVideo) -> PollOutcome:
        wait, clock = self._wait, self._clock
        left = max(wait.deadline - clock.now(), 0.0)
        interval = wait.rules.poke_interval
        try:
            video, age = await self._poller.poll(
                polled, interval=interval, max_age=min(interval, left), newer_than=self._asked_at
            )
            self._asked_at = polled.asked_at
            step = wait.on_video(video, now=clock.now() - age)
            return dataclasses.replace(step, pause=max(step.pause - age, 0.0)) if age else step
        except VideoError as error:
            return wait.on_error(error, now=clock.now())
        except Exception as error:
            log.exception("Polling video %r failed", wait.video_id)
            return wait.on_error(VideoUnexpectedError.of(error), now=clock.now())

    def _first_pause(self, now: float) -> float:
        pause = self._wait.first_pause(now)
        if pause <= 0:
            pause = self._poller.start_delay(self._wait.rules.poke_interval)
        return max(min(pause, self._wait.deadline - now), 0.0)
