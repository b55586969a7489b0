# SPDX-License-Identifier: Apache-2.0
"""Waiting in the triggerer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError
from airflow_provider_videos.polling import PollingRules, Sighting, Step, Wait
from airflow_provider_videos.triggers.ending import Ending


class VideoTrigger(BaseTrigger):
    """Waits until a video is in a terminal status or the time is over, and fires once.

    It never raises. The event's payload has the ``video_id``, ``video`` with the video's record or ``error`` with an
    exception of this package as :meth:`~airflow_provider_videos.exceptions.VideoError.to_dict` gives it, and
    ``status_seconds`` with how long each of the vendor's statuses took, in seconds.
    Moments are Unix seconds, so that a triggerer that takes over keeps to the first deadline.

    :param video_id: the vendor's id of the video.
    :param conn_id: id of the vendor's Airflow connection.
    :param timeout: seconds after which the wait ends without success.
    :param started_at: when the wait began; if not given, it begins with the trigger.
    :param next_look_at: when to look first; at once, if not given.
    :param failures: failed looks in a row so far.
    :param ordered_at: when the video was ordered, if that is known.
    :param delete_on_kill: delete the video at the vendor when a user marks or clears the waiting task.
    :param seen: statuses seen so far, each as ``[status, first seen at]``.
    :param options: the fields of :class:`~airflow_provider_videos.polling.PollingRules`, which say how to wait, and
        of :class:`~airflow_provider_videos.triggers.ending.Ending`, which say how to end the task.
    """

    def __init__(
        self,
        *,
        video_id: str,
        conn_id: str,
        timeout: float,
        started_at: float | None = None,
        next_look_at: float | None = None,
        failures: int = 0,
        seen: list[list[Any]] | None = None,
        ordered_at: float | None = None,
        delete_on_kill: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Airflow renders these two, where it starts the trigger without a worker.
        self.video_id = video_id
        self.conn_id = conn_id
        self._progress: dict[str, Any] = {
            "timeout": timeout,
            "started_at": started_at,
            "next_look_at": next_look_at,
            "failures": failures,
            "seen": seen or [],
            "ordered_at": ordered_at,
        }
        self._delete_on_kill = delete_on_kill
        names = {field.name for field in dataclasses.fields(PollingRules)}
        self._rules = PollingRules(**{name: options.pop(name) for name in names & set(options)})
        self._ending = Ending(**options)

    @classmethod
    def continuing(cls, wait: Wait, *, conn_id: str, next_look_at: float, **options: bool) -> VideoTrigger:
        """Make a trigger that goes on with a wait."""
        return cls(
            video_id=wait.video_id,
            conn_id=conn_id,
            timeout=wait.deadline - wait.started_at,
            started_at=wait.started_at,
            next_look_at=next_look_at,
            failures=wait.failures,
            seen=[[sighting.status, sighting.since] for sighting in wait.seen],
            ordered_at=wait.ordered_at,
            **dataclasses.asdict(wait.rules),
            **options,
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger again.

        They are flat, as Airflow's versions differ in how they store a dict within them.
        """
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        options = {**dataclasses.asdict(self._rules), **dataclasses.asdict(self._ending)}
        options["delete_on_kill"] = self._delete_on_kill
        return path, {"video_id": self.video_id, "conn_id": self.conn_id, **self._progress, **options}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        try:
            step = await self._wait_for_end()
        except Exception as unexpected:
            self.log.exception("Waiting for video %r failed", self.video_id)
            step = Step(error=VideoUnexpectedError.of(unexpected))
        yield await self._event(step)

    async def on_kill(self) -> None:
        """Delete the video if that was asked for; Airflow calls this when a user marks or clears the waiting task."""
        if not self._delete_on_kill:
            self.log.info("Video %r goes on at the vendor, and is billed: nothing was deleted.", self.video_id)
            return
        from airflow_provider_videos.hooks.video import VideoHook

        hook = await VideoHook.aget_hook(self.conn_id)
        await hook.adelete_video(self.video_id)
        self.log.info("Video %r was deleted at the vendor.", self.video_id)

    async def _event(self, step: Step) -> TriggerEvent:
        end = step.video or step.error or VideoUnexpectedError(problem="the wait did not end")
        payload = {
            "video_id": self.video_id,
            "error" if isinstance(end, VideoError) else "video": end.to_dict(),
            "status_seconds": step.status_seconds,
        }
        event = await self._ending.event(end, self.task_instance, step.status_seconds)
        if event is None:
            return TriggerEvent(payload)
        # "airflow dags test" hands every event to a worker, and nothing of it but the payload.
        event.payload = payload
        return event

    async def _wait_for_end(self) -> Step:
        # Whatever defines a task imports this module; only a triggerer needs what polling takes.
        from airflow_provider_videos.triggers.poller import get_poller

        now = time.time()
        started_at, next_look_at = self._progress["started_at"], self._progress["next_look_at"]
        poller = get_poller(self.conn_id)
        follower = poller.follow(
            self._wait(now if started_at is None else started_at), now if next_look_at is None else next_look_at
        )
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

    def _wait(self, started_at: float) -> Wait:
        return Wait(
            video_id=self.video_id,
            rules=self._rules,
            started_at=started_at,
            deadline=started_at + self._progress["timeout"],
            seen=tuple(Sighting(status=status, since=since) for status, since in self._progress["seen"]),
            failures=self._progress["failures"],
            ordered_at=self._progress["ordered_at"],
        )
