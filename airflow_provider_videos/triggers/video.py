# SPDX-License-Identifier: Apache-2.0
"""Waiting in the triggerer."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_videos.clock import Clock
from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.triggers.base import WaitTrigger
from airflow_provider_videos.waiting.poller import get_poller
from airflow_provider_videos.waiting.polling import CONNECTION_GRACE, PollOutcome, Wait
from airflow_provider_videos.waiting.status_history import read_seen
from airflow_provider_videos.waiting.status_report import StatusReport
from airflow_provider_videos.waiting.subscription import Subscription

__all__ = ["VideoTrigger"]


class VideoTrigger(WaitTrigger):
    """Waits until a video is in a terminal status or the time is over, and fires once.

    It never raises. The event's payload has the ``video_id``, ``video`` with the video's record or ``error`` with an
    exception of this package as :meth:`~airflow_provider_videos.exceptions.VideoError.to_dict` gives it, and
    ``status_seconds`` with how long each of the vendor's statuses took, in seconds. ``own_id`` is the id that the
    vendor has given the video in place of a provisional one.
    Moments are Unix seconds, so that a triggerer that takes over keeps to the first deadline. It fires within two
    seconds of that, whatever the vendor, Airflow or the other waits do.

    :param video_id: the vendor's id of the video.
    :param conn_id: id of the vendor's Airflow connection.
    :param timeout: seconds after which the wait ends without success.
    :param started_at: when the wait began; if not given, the scheduler began it.
    :param timeout_slack: by how many seconds Airflow's own timeout of the trigger is later than the deadline: where the
        scheduler began the wait, that says when it did; if not given, the wait begins with the trigger.
    :param next_look_at: when to poll first; at once, if not given.
    :param failures: failed polls in a row so far.
    :param ordered_at: when the video was ordered, if that is known.
    :param delete_on_kill: delete the video at the vendor when a user marks or clears the waiting task.
    :param seen: statuses seen so far, each as ``[status, first seen at]``.
    :param wake_at_own_id: fire also when the vendor has given the video an id of its own; the payload then has
        ``wait``, with which another process goes on.
    :param options: the fields of :class:`~airflow_provider_videos.waiting.polling.PollingRules`, which say how to
        wait, and of :class:`~airflow_provider_videos.waiting.task_end.TaskEnd`, which say how to end the task. Any
        other makes the event an error that names it.
    """

    def __init__(
        self,
        *,
        video_id: str,
        conn_id: str,
        timeout: float,
        started_at: float | None = None,
        timeout_slack: float | None = None,
        next_look_at: float | None = None,
        failures: int = 0,
        seen: list[list[Any]] | None = None,
        ordered_at: float | None = None,
        delete_on_kill: bool = False,
        wake_at_own_id: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            conn_id=conn_id, timeout=timeout, started_at=started_at, timeout_slack=timeout_slack, options=options
        )
        # Airflow renders it, where it starts the trigger without a worker.
        self.video_id = video_id
        self._progress: dict[str, Any] = {
            "next_look_at": next_look_at,
            "failures": failures,
            "seen": seen or [],
            "ordered_at": ordered_at,
        }
        self._delete_on_kill = delete_on_kill
        self._wake_at_own_id = wake_at_own_id

    @classmethod
    def continuing(cls, wait: Wait, *, conn_id: str, next_look_at: float, **options: Any) -> VideoTrigger:
        """Make a trigger that goes on with a wait."""
        return cls(
            video_id=wait.video_id,
            conn_id=conn_id,
            timeout=wait.deadline - wait.started_at,
            started_at=wait.started_at,
            next_look_at=next_look_at,
            failures=wait.failures,
            seen=wait.history.to_list(),
            ordered_at=wait.ordered_at,
            **dataclasses.asdict(wait.rules),
            **options,
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        options = {"delete_on_kill": self._delete_on_kill, "wake_at_own_id": self._wake_at_own_id}
        return self._serialized({"video_id": self.video_id, **self._progress, **options})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        payload: dict[str, Any] = {"video_id": self.video_id}
        try:
            step = await self._wait_for_end(payload)
        except Exception as unexpected:
            self.log.exception("Waiting for video %r failed", self.video_id)
            step = PollOutcome(error=VideoUnexpectedError.of(unexpected))
        yield TriggerEvent(payload) if "wait" in payload else await self._event(step, payload)

    async def on_kill(self) -> None:
        """Delete the video if that was asked for; Airflow calls this when a user marks or clears the waiting task.

        It never raises; the log says what came of it.
        """
        if not self._delete_on_kill:
            self.log.info("Video %r continues at the vendor, and is billed: nothing was deleted.", self.video_id)
            return
        try:
            hook = await VideoHook.aget_hook(self.conn_id)
            await hook.adelete_video(self.video_id)
        except Exception as error:
            self.log.error(
                "Video %r could not be deleted at the vendor; it may continue, and be billed: %s", self.video_id, error
            )
        else:
            self.log.info("Video %r was deleted at the vendor.", self.video_id)

    async def _event(self, step: PollOutcome, payload: dict[str, Any]) -> TriggerEvent:
        end = step.video or step.error or VideoUnexpectedError(problem="the wait did not end")
        payload["error" if isinstance(end, VideoError) else "video"] = end.to_dict()
        payload["status_seconds"] = step.status_seconds
        event = await self._end.event(end, self.task_instance, step.status_seconds)
        if event is None:
            return TriggerEvent(payload)
        # "airflow dags test" hands every event to a worker, and nothing of it but the payload.
        event.payload = payload
        return event

    async def _wait_for_end(self, payload: dict[str, Any]) -> PollOutcome:
        clock = Clock()
        wait = self._wait(clock.now())
        poller = get_poller(self.conn_id)
        report = StatusReport(self.task_instance if self._end.do_xcom_push else None)

        subscription = Subscription(wait, poller, clock)

        def on_poll(step: PollOutcome) -> None:
            for level, line in step.log:
                # A logger of each trigger's own would cost several objects per wait.
                self.logger().log(level, line)
            report.update(wait, subscription.video, polled_at=clock.now())

        try:
            step = await subscription.until_end(on_poll, until_own_id=self._wake_at_own_id)
            for level, line in step.log:
                self.logger().log(level, line)
            if subscription.own_id is not None:
                payload["own_id"] = subscription.own_id
            if not step.ends:
                payload["wait"] = wait.to_dict()
            return step
        finally:
            report.cancel()

    def _wait(self, now: float) -> Wait:
        self._check_options()
        progress = self._progress
        started_at = self._began_at(now)
        return Wait(
            video_id=self.video_id,
            rules=self._rules,
            started_at=started_at,
            deadline=started_at + self._timeout,
            seen=read_seen(progress["seen"], now=now),
            failures=progress["failures"],
            ordered_at=progress["ordered_at"],
            next_poll_at=progress["next_look_at"],
            connection_grace=CONNECTION_GRACE if self._started_at is None else 0.0,
        )
