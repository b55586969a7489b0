# SPDX-License-Identifier: Apache-2.0
"""Waiting in the triggerer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_videos.exceptions import VideoUnexpectedError
from airflow_provider_videos.polling import (
    DEFAULT_MAX_CONSECUTIVE_FAILURES,
    PollingRules,
    Sighting,
    Step,
    Wait,
)


class VideoTrigger(BaseTrigger):
    """Waits until a video is in a terminal status or a deadline passes, and fires once.

    It never raises. The event's payload is ``{"video": …}`` with the video's record, or ``{"error": …}`` with an
    exception of this package as :meth:`~airflow_provider_videos.exceptions.VideoError.to_dict` gives it.
    All times are Unix seconds, so that a triggerer that takes over keeps to the first deadline.

    :param video_id: the vendor's id of the video.
    :param conn_id: id of the vendor's Airflow connection.
    :param poke_interval: seconds between two looks.
    :param started_at: when the wait began.
    :param deadline: when it ends without success.
    :param next_look_at: when to look first.
    :param exponential_backoff: whether the interval doubles from look to look.
    :param max_wait: the most that it grows to, in seconds.
    :param max_consecutive_failures: failed looks in a row that end the wait.
    :param silent_fail: whether a failed look never ends the wait.
    :param failures: failed looks in a row so far.
    :param seen: statuses seen so far, each as ``[status, first seen at]``.
    """

    def __init__(
        self,
        *,
        video_id: str,
        conn_id: str,
        poke_interval: float,
        started_at: float,
        deadline: float,
        next_look_at: float,
        exponential_backoff: bool = False,
        max_wait: float | None = None,
        max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES,
        silent_fail: bool = False,
        failures: int = 0,
        seen: list[list[Any]] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.video_id = video_id
        self.conn_id = conn_id
        self.poke_interval = poke_interval
        self.started_at = started_at
        self.deadline = deadline
        self.next_look_at = next_look_at
        self.exponential_backoff = exponential_backoff
        self.max_wait = max_wait
        self.max_consecutive_failures = max_consecutive_failures
        self.silent_fail = silent_fail
        self.failures = failures
        self.seen = seen or []

    @classmethod
    def continuing(cls, wait: Wait, *, conn_id: str, next_look_at: float) -> VideoTrigger:
        """Make a trigger that goes on with a wait."""
        return cls(
            video_id=wait.video_id,
            conn_id=conn_id,
            poke_interval=wait.rules.poke_interval,
            started_at=wait.started_at,
            deadline=wait.deadline,
            next_look_at=next_look_at,
            exponential_backoff=wait.rules.exponential_backoff,
            max_wait=wait.rules.max_wait,
            max_consecutive_failures=wait.rules.max_consecutive_failures,
            silent_fail=wait.rules.silent_fail,
            failures=wait.failures,
            seen=[[sighting.status, sighting.since] for sighting in wait.seen],
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "video_id": self.video_id,
                "conn_id": self.conn_id,
                "poke_interval": self.poke_interval,
                "started_at": self.started_at,
                "deadline": self.deadline,
                "next_look_at": self.next_look_at,
                "exponential_backoff": self.exponential_backoff,
                "max_wait": self.max_wait,
                "max_consecutive_failures": self.max_consecutive_failures,
                "silent_fail": self.silent_fail,
                "failures": self.failures,
                "seen": self.seen,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        try:
            step = await self._wait_for_end()
            error = step.error
        except Exception as unexpected:
            self.log.exception("Waiting for video %r failed", self.video_id)
            error = VideoUnexpectedError.of(unexpected)
        if error is not None:
            yield TriggerEvent({"error": error.to_dict()})
        elif step.video is not None:
            yield TriggerEvent({"video": step.video.to_dict()})

    async def _wait_for_end(self) -> Step:
        # Whatever defines a task imports this module; only a triggerer needs what polling takes.
        from airflow_provider_videos.triggers.poller import get_poller

        poller = get_poller(self.conn_id)
        follower = poller.follow(self._wait(), self.next_look_at)
        try:
            while True:
                step = await follower.next_step()
                for level, line in step.log:
                    # A logger of each trigger's own would cost several objects per wait.
                    self.logger().log(level, line)
                if step.ends:
                    return step
                del step
        finally:
            await poller.leave(follower)

    def _wait(self) -> Wait:
        return Wait(
            video_id=self.video_id,
            rules=PollingRules(
                poke_interval=self.poke_interval,
                exponential_backoff=self.exponential_backoff,
                max_wait=self.max_wait,
                max_consecutive_failures=self.max_consecutive_failures,
                silent_fail=self.silent_fail,
            ),
            started_at=self.started_at,
            deadline=self.deadline,
            seen=tuple(Sighting(status=status, since=since) for status, since in self.seen),
            failures=self.failures,
        )
