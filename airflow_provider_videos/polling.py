# SPDX-License-Identifier: Apache-2.0
"""When to ask again and when to stop: decisions only, without I/O and without a clock of its own.

Every way of waiting asks a :class:`Wait` what to do after each look, and does it. All times are Unix seconds.
"""

from __future__ import annotations

import dataclasses
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoConnectionError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
)
from airflow_provider_videos.video import Video, VideoState

#: The longest pause after a failed look, unless the poke interval is longer.
MAX_PAUSE_AFTER_FAILURE = 300.0
#: The longest that a vendor's Retry-After is obeyed.
MAX_RETRY_AFTER = 600.0
#: With pauses that double, twelve failures in a row take ten minutes or more from a poke interval of a second on.
DEFAULT_MAX_CONSECUTIVE_FAILURES = 12
#: The most by which a pause that doubles is lengthened at random, as a part of it.
JITTER = 0.2
#: How much earlier than the deadline a look is taken for the last one, in seconds.
DEADLINE_TOLERANCE = 0.1
#: Seconds after an order within which a vendor may not know the video yet.
GRACE_AFTER_ORDER = 60.0
#: How many changes of the status are remembered.
MAX_SIGHTINGS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class PollingRules:
    """What a user said about how to wait.

    :param poke_interval: seconds between two looks.
    :param exponential_backoff: whether that doubles from look to look.
    :param max_wait: the most that it grows to, in seconds; never below the interval itself.
    :param max_consecutive_failures: failed looks in a row that end the wait.
    :param silent_fail: whether a failed look never ends the wait.
    """

    poke_interval: float
    exponential_backoff: bool = False
    max_wait: float | None = None
    max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES
    silent_fail: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """What to do after a look: end with a video, end with an error, or pause and look again.

    :param video: the video, ready and usable.
    :param error: what ends the wait.
    :param pause: seconds until the next look, if the wait goes on.
    :param log: lines for the task's log, each with its level.
    :param status_seconds: once the wait is over, how long each of the vendor's statuses took, as far as it was seen.
    """

    video: Video | None = None
    error: VideoError | None = None
    pause: float = 0.0
    log: tuple[tuple[int, str], ...] = ()
    status_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def ends(self) -> bool:
        """Whether the wait is over."""
        return self.video is not None or self.error is not None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sighting:
    """A status and the time at which it was first seen."""

    status: str
    since: float


class Wait:
    """One wait for one video.

    :param video_id: id of the video.
    :param rules: how to wait.
    :param started_at: when the wait began.
    :param deadline: when it ends without success.
    :param seen: the statuses that were seen so far, for a wait that another process began.
    :param failures: failed looks in a row so far, for such a wait.
    :param ordered_at: when the video was ordered, if that is known: right after it, a vendor may not list it yet.
    :param jitter: gives a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        video_id: str,
        rules: PollingRules,
        started_at: float,
        deadline: float,
        seen: tuple[Sighting, ...] = (),
        failures: int = 0,
        ordered_at: float | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.video_id = video_id
        self.rules = rules
        self.started_at = started_at
        self.deadline = deadline
        self.seen = seen
        self.failures = failures
        self.ordered_at = ordered_at
        self._jitter = jitter
        self._progress: float | None = None

    def saw(self, video: Video, *, now: float) -> Step:
        """Decide what to do after the vendor described the video."""
        self.failures = 0
        if video.is_usable:
            return self._end(now, video=video, log=((logging.INFO, self._summary(video, now)),))
        if video.state.is_terminal:
            error = VideoFailedError(video=video.to_dict())
            return self._end(now, error=error, log=((logging.ERROR, self._summary(video, now)),))
        log = self._log_change(video, now)
        if self._is_over(now):
            return self._end(now, error=self._timeout(now), log=log)
        return Step(pause=self._until_deadline(self._pause(now), now), log=log)

    def missed(self, error: VideoError, *, now: float) -> Step:
        """Decide what to do after a look that did not show the video."""
        self.failures += 1
        # Airflow also says that there is no such connection while it can't reach where it keeps them.
        was_there = bool(self.seen) or self.failures > 1
        is_missing_for_now = isinstance(error, VideoConnectionError) and error.field == "conn_id" and was_there
        if self.rules.silent_fail:
            # What is no id will never be one.
            may_go_on = not isinstance(error, VideoIdError)
        else:
            is_passing = error.is_transient or is_missing_for_now or self._may_not_be_listed_yet(error, now)
            may_go_on = is_passing and self.failures < self.rules.max_consecutive_failures
        if not may_go_on:
            return self._end(now, error=error, log=self._log_giving_up(error))
        if self._is_over(now):
            return self._end(now, error=self._timeout(now, f"The last look failed: {error}"))
        pause = self._until_deadline(self._pause_after_failure(error, now), now)
        limit = "" if self.rules.silent_fail else f" of {self.rules.max_consecutive_failures}"
        return Step(
            pause=pause,
            log=(
                (
                    logging.WARNING,
                    f"Failed look {self.failures}{limit} in a row, next in {in_words(pause)}: {error}",
                ),
            ),
        )

    def _may_not_be_listed_yet(self, error: VideoError, now: float) -> bool:
        is_unknown = isinstance(error, VideoApiError) and error.is_unknown_video
        return is_unknown and self.ordered_at is not None and now < self.ordered_at + GRACE_AFTER_ORDER

    def _log_change(self, video: Video, now: float) -> tuple[tuple[int, str], ...]:
        is_new = not self.seen or self.seen[-1].status != video.status
        if not is_new and video.progress == self._progress:
            return ()
        self._progress = video.progress
        is_first_time = all(sighting.status != video.status for sighting in self.seen)
        if is_new:
            self.seen = (*self.seen, Sighting(status=video.status, since=now))[-MAX_SIGHTINGS:]
        progress = "" if video.progress is None else f", {video.progress:.0%}"
        line = f"Video {self.video_id!r} of {video.vendor}: {video.status}{progress}"
        if is_first_time and video.state is VideoState.UNKNOWN:
            return (
                (
                    logging.WARNING,
                    f"{line}. This status is not known here; it counts as pending until the timeout.",
                ),
            )
        return ((logging.INFO, line),)

    def _log_giving_up(self, error: VideoError) -> tuple[tuple[int, str], ...]:
        if not error.is_transient:
            return ()
        return (
            (
                logging.ERROR,
                f"{self.failures} looks in a row failed, the most that max_consecutive_failures allows.",
            ),
        )

    def _end(self, now: float, **what: Any) -> Step:
        return Step(**what, status_seconds=self._status_seconds(now))

    def _status_seconds(self, now: float) -> dict[str, float]:
        seconds: dict[str, float] = defaultdict(float)
        ends = [sighting.since for sighting in self.seen[1:]] + [now]
        for sighting, end in zip(self.seen, ends, strict=False):
            seconds[sighting.status] += end - sighting.since
        return {status: round(spent, 3) for status, spent in seconds.items()}

    def _summary(self, video: Video, now: float) -> str:
        spent = [f"{status} {in_words(seconds)}" for status, seconds in self._status_seconds(now).items()]
        times = f" ({', '.join(spent)})" if spent else ""
        waited = in_words(now - self.started_at)
        return f"Video {self.video_id!r} of {video.vendor} ended as {video.status!r} after {waited}{times}."

    def _pause(self, now: float) -> float:
        pause = self.rules.poke_interval
        if self.rules.exponential_backoff:
            # What has passed and the interval together are twice the pause before: no look needs to be counted.
            pause = (pause + now - self.started_at) * self._stretch()
            if self.rules.max_wait is not None:
                pause = max(min(pause, self.rules.max_wait), self.rules.poke_interval)
        return pause

    def _pause_after_failure(self, error: VideoError, now: float) -> float:
        pause = pause_after_failure(
            first=self.rules.poke_interval * self._stretch(), failures=self.failures, retry_after=error.retry_after
        )
        return max(pause, self._pause(now))

    def _stretch(self) -> float:
        return 1 + JITTER * self._jitter()

    def _is_over(self, now: float) -> bool:
        # A clock and a sleep never agree to the millisecond, and a look right after another shows nothing new.
        return now >= self.deadline - DEADLINE_TOLERANCE

    def _until_deadline(self, pause: float, now: float) -> float:
        return max(min(pause, self.deadline - now), 0.0)

    def _timeout(self, now: float, last_look: str = "") -> VideoTimeoutError:
        if self.seen:
            status, since = self.seen[-1].status, now - self.seen[-1].since
            when = f"first seen {in_words(since)} before" if since else "seen at the last look"
            last_seen = f"Its last status was {status!r}, {when}."
        else:
            last_seen = "Its status was never seen."
        return VideoTimeoutError(
            video_id=self.video_id,
            waited=in_words(now - self.started_at),
            last_seen=f"{last_seen} {last_look}".strip(),
        )


def pause_after_failure(
    *, first: float, failures: int, retry_after: float | None, longest: float = MAX_PAUSE_AFTER_FAILURE
) -> float:
    """Say how long to pause after a call failed: a pause that doubles with each failure, or what the other side asks.

    :param first: the pause after the first failure, in seconds.
    :param failures: failed calls in a row, this one included.
    :param retry_after: how many seconds the other side asks to wait, ``None`` if it doesn't.
    :param longest: what the pause doubles up to, in seconds.
    :return: seconds.
    """
    doubled = min(first * 2.0 ** min(failures - 1, 30), longest)
    return max(min(retry_after or 0.0, MAX_RETRY_AFTER), doubled)


def in_words(seconds: float) -> str:
    """Write a time span as a person says it, such as ``2 h 5 min`` or ``12.5 s``."""
    if round(seconds, 1) < 60:
        return f"{max(seconds, 0.0):.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
