# SPDX-License-Identifier: Apache-2.0
"""When to ask again and when to stop: decisions only, without I/O and without a clock of its own.

Every way of waiting asks a :class:`Wait` what to do after each poll, and does it. All times are Unix seconds, which
each process reads from a :class:`~airflow_provider_videos.clock.Clock`.
"""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_videos.clock import in_words
from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoConnectionError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
)
from airflow_provider_videos.retries import JITTER, MAX_RETRY_AFTER, pause_after_failure
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.waiting.status_history import StatusChange, StatusHistory, read_seen
from airflow_provider_videos.web_urls import origin_of

#: With pauses that double, twelve failures in a row take ten minutes or more from a poke interval of a second on.
DEFAULT_MAX_CONSECUTIVE_FAILURES = 12
#: How much earlier than the deadline a poll is taken for the last one, in seconds.
DEADLINE_TOLERANCE = 0.1
#: Seconds after an order within which a vendor may not know the video yet.
GRACE_AFTER_ORDER = 60.0
#: Seconds for which Airflow may deny that it has the connection of a wait that the scheduler has started.
CONNECTION_GRACE = 60.0
#: How long after the deadline the last poll may still be answered, in seconds.
LAST_POLL_TIMEOUT = 1.5
#: Seconds after which it is told again how a wait stands, though its status is the same.
REPORT_INTERVAL = 300.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class PollingRules:
    """What a user said about how to wait.

    :param poke_interval: seconds between two polls.
    :param exponential_backoff: whether that doubles from poll to poll.
    :param max_wait: the most that it grows to, in seconds; never below the interval itself.
    :param max_consecutive_failures: consecutive failed polls that end the wait.
    :param silent_fail: whether a failed poll never ends the wait.
    """

    poke_interval: float
    exponential_backoff: bool = False
    max_wait: float | None = None
    max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES
    silent_fail: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class PollOutcome:
    """What to do after a poll: end with a video, end with an error, or pause and poll again.

    :param video: the video, ready and usable.
    :param error: what ends the wait.
    :param pause: seconds until the next poll, if the wait goes on.
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


class Wait:
    """One wait for one video.

    :param video_id: id of the video.
    :param rules: how to wait.
    :param started_at: when the wait began.
    :param deadline: when it ends without success.
    :param seen: the statuses that were seen so far, for a wait that another process began.
    :param failures: failed polls in a row so far, for such a wait.
    :param ordered_at: when the video was ordered, if that is known: right after it, a vendor may not list it yet.
    :param next_poll_at: when the process before this one planned the next poll, for such a wait.
    :param connection_grace: how long from its beginning on the Airflow connection may not be found.
    :param jitter: gives a random number from 0 to 1.
    """

    def __init__(
        self,
        *,
        video_id: str,
        rules: PollingRules,
        started_at: float,
        deadline: float,
        seen: tuple[StatusChange, ...] = (),
        failures: int = 0,
        ordered_at: float | None = None,
        next_poll_at: float | None = None,
        connection_grace: float = 0.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.video_id = video_id
        self.rules = rules
        self.started_at = started_at
        self.deadline = deadline
        self.failures = failures
        self.ordered_at = ordered_at
        #: When the next poll is planned.
        self.next_poll_at = started_at if next_poll_at is None else next_poll_at
        #: The statuses that were seen.
        self.history = StatusHistory(seen)
        self._connection_grace = connection_grace
        self._has_connection = bool(seen or failures)
        self._jitter = jitter
        self._progress: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what another process needs to go on with the wait, as a JSON object."""
        return {
            "started_at": self.started_at,
            "deadline": self.deadline,
            "seen": self.history.to_list(),
            "ordered_at": self.ordered_at,
        }

    @classmethod
    def from_dict(cls, begun: Mapping[str, Any], *, video_id: str, rules: PollingRules, now: float) -> Wait:
        """Go on with a wait of another process, whose clock may be ahead.

        :param begun: what :meth:`to_dict` gave.
        :param video_id: as it is now.
        :param rules: how to wait.
        :param now: Unix time.
        """
        seen = read_seen(begun["seen"], now=now)
        return cls(video_id=video_id, rules=rules, next_poll_at=now, **{**begun, "seen": seen})

    def on_video(self, video: Video, *, now: float) -> PollOutcome:
        """Decide what to do after the vendor described the video."""
        self.failures = 0
        self._has_connection = True
        is_first = not self.history.has(video.status)
        is_over = video.is_usable or video.state.is_terminal
        is_new = self.history.note(None if is_over else video.status, now=now, planned_at=self.next_poll_at)
        if video.is_usable:
            return self._end(now, video=video, log=((logging.INFO, self._summary(video, now)),))
        if video.state.is_terminal:
            error = VideoFailedError(video=video.to_dict())
            return self._end(now, error=error, log=((logging.ERROR, self._summary(video, now)),))
        log = self._log_change(video, is_new=is_new, is_first=is_first)
        if self._is_over(now):
            return self._end(now, error=self._timeout(now), log=log)
        return self._go_on(self._pause(now), now, *log)

    def on_error(self, error: VideoError, *, now: float) -> PollOutcome:
        """Decide what to do after a poll that did not show the video."""
        self.failures += 1
        if self.rules.silent_fail:
            # A malformed id stays malformed.
            may_go_on = not isinstance(error, VideoIdError)
        else:
            may_go_on = self._may_pass(error, now) and self.failures < self.rules.max_consecutive_failures
        if not may_go_on:
            return self._end(now, error=error, log=self._log_giving_up(error))
        if self._is_over(now):
            return self._end(now, error=self._timeout(now, f"The last poll failed: {error}"))
        pause = self._until_deadline(self._pause_after_failure(error, now), now)
        limit = "" if self.rules.silent_fail else f" of {self.rules.max_consecutive_failures}"
        line = f"Failed poll {self.failures}{limit} in a row, next in {in_words(pause)}: {error}"
        return self._go_on(pause, now, (logging.WARNING, line))

    def on_deadline(self, error: VideoError | None = None, *, now: float) -> PollOutcome:
        """End the wait while a poll has no answer yet.

        :param error: what has kept the poll from being answered, if that is known.
        """
        problem = "The last poll had no answer yet." if error is None else f"The last poll was held up: {error}"
        return self._end(now, error=self._timeout(now, problem))

    def on_refusal(self, *, now: float) -> PollOutcome:
        """Decide what to do after a task that builds on this one's poll has not taken its result."""
        if self._is_over(now):
            return self._end(now, error=self._timeout(now))
        return self._go_on(self._pause(now), now)

    def first_pause(self, now: float) -> float:
        """Return in how many seconds the first poll of this process is due, 0 or less if it is overdue.

        A clock that is ahead, in the process before this one, makes it no longer than the rules allow.
        """
        longest = max(self._pause(now) * (1 + JITTER), MAX_RETRY_AFTER if self.failures else 0.0)
        return min(self.next_poll_at - now, longest)

    def _go_on(self, pause: float, now: float, *log: tuple[int, str]) -> PollOutcome:
        pause = self._until_deadline(pause, now)
        self.next_poll_at = now + pause
        return PollOutcome(pause=pause, log=log)

    def _may_pass(self, error: VideoError, now: float) -> bool:
        if isinstance(error, VideoConnectionError) and error.field == "conn_id":
            # Airflow also says that there is no such connection while it can't reach where it keeps them.
            return self._has_connection or now < self.started_at + self._connection_grace
        self._has_connection = True
        return error.is_transient or may_not_be_known_yet(error, self.ordered_at, now=now)

    def _log_change(self, video: Video, *, is_new: bool, is_first: bool) -> tuple[tuple[int, str], ...]:
        if not is_new and video.progress == self._progress:
            return ()
        self._progress = video.progress
        progress = "" if video.progress is None else f", {video.progress:.0%}"
        line = f"Video {self.video_id!r} of {video.vendor}: {video.status}{progress}"
        if is_first and video.state is VideoState.UNKNOWN:
            line += ". This status is not known here; it counts as pending until the timeout."
            return ((logging.WARNING, line),)
        return ((logging.INFO, line),)

    def _log_giving_up(self, error: VideoError) -> tuple[tuple[int, str], ...]:
        if not error.is_transient:
            return ()
        line = f"{self.failures} polls in a row failed, the most that max_consecutive_failures allows."
        return ((logging.ERROR, line),)

    def _end(self, now: float, **what: Any) -> PollOutcome:
        return PollOutcome(**what, status_seconds=self.history.seconds(now))

    def _summary(self, video: Video, now: float) -> str:
        spent = [f"{status} {in_words(seconds)}" for status, seconds in self.history.seconds(now).items()]
        times = f" ({', '.join(spent)})" if spent else ""
        ended = f"Video {self.video_id!r} of {video.vendor} ended as {video.status!r}"
        return f"{ended} after {in_words(now - self.started_at)}{times}{cost_and_place(video)}."

    def _pause(self, now: float) -> float:
        pause = self.rules.poke_interval
        if self.rules.exponential_backoff:
            # What has passed and the interval together are twice the pause before: no poll needs to be counted.
            pause = (pause + max(now - self.started_at, 0.0)) * self._stretch()
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
        # A clock and a sleep never agree to the millisecond, and a poll right after another shows nothing new.
        return now >= self.deadline - DEADLINE_TOLERANCE

    def _until_deadline(self, pause: float, now: float) -> float:
        return max(min(pause, self.deadline - now), 0.0)

    def _timeout(self, now: float, last_poll: str = "") -> VideoTimeoutError:
        if (last := self.history.last) is not None:
            since = now - last.since
            when = f"first seen {in_words(since)} before" if since else "seen at the last poll"
            last_seen = f"Its last status was {last.status!r}, {when}."
        else:
            last_seen = "Its status was never seen."
        return VideoTimeoutError(
            video_id=self.video_id,
            waited=in_words(now - self.started_at),
            last_seen=f"{last_seen} {last_poll}".strip(),
        )


def may_not_be_known_yet(error: VideoError, ordered_at: float | None, *, now: float) -> bool:
    """Return whether the vendor may not know a video yet of which it says that it has none.

    :param error: what a poll ended with.
    :param ordered_at: Unix time at which the video was ordered, if that is known.
    :param now: Unix time.
    """
    is_unknown = isinstance(error, VideoApiError) and error.is_unknown_video
    return is_unknown and ordered_at is not None and now < ordered_at + GRACE_AFTER_ORDER


def cost_and_place(video: Video) -> str:
    """Return what a log line may say of a video's cost (USD) and of the host that has it; a URL may be signed."""
    cost = "" if video.cost is None else f"; it cost ${video.cost:.4g}"
    url = video.download_url or video.stream_url or video.hosted_url
    origin = origin_of(url) if url and video.is_usable else None
    return cost if origin is None else f"{cost}; its URL is at {origin[1]}"
