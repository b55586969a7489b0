# SPDX-License-Identifier: Apache-2.0
"""Waiting for a video of any vendor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue, conf, timezone
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_videos.parameters import check_parameters
from airflow_provider_videos.sensors.base import WaitSensor
from airflow_provider_videos.video_id import read_ordered_at, read_video_id
from airflow_provider_videos.waiting.polling import DEFAULT_MAX_CONSECUTIVE_FAILURES, PollOutcome, Wait
from airflow_provider_videos.waiting.start_from_trigger import renderable
from airflow_provider_videos.waiting.worker import WorkerPolls, defer_wait, read_event
from airflow_provider_videos.xcom import keys_read_of, push, push_video, video_xcoms

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["VideoSensor"]


class VideoSensor(WaitSensor):
    """Waits until a video is in a terminal status, and returns its record.

    The connection's type chooses the vendor. The record is the dict of
    :meth:`~airflow_provider_videos.video.Video.to_dict`, the same in every mode; its ``vendor``, ``video_id``,
    ``state``, ``download_url``, ``stream_url`` and ``hosted_url`` are also pushed as XComs of those names, as far as
    they are known already while the task waits on a worker or defers, and ``status_seconds`` says how long each of the
    vendor's statuses took, in seconds. While the task waits, ``waiting`` says how the wait stands: see
    :func:`~airflow_provider_videos.xcom.waiting_status`. A video that ends without success, or ready without any URL,
    fails the task without retry and leaves its record in the XCom ``video``.

    A poll that fails transiently (408, 429, 5xx, no answer, an answer that is no record) is repeated, with pauses
    that double or as long as the vendor asks for. Any other answer ends the wait at once. With
    ``mode="reschedule"`` the task keeps its worker slot while polls fail, since it remembers nothing between two
    polls.

    :param video_id: id of the video, or the dict that an earlier task of this package returned. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param poke_interval: time between two polls, in seconds or as a timedelta; above 0.
    :param timeout: how long to wait, in seconds or as a timedelta. Tavus can hold a video for 4 to 6 hours while
        its replica is trained. The video is polled once more when it expires. ``None``
        means ``[sensors] default_timeout``.
    :param deferrable: wait in the triggerer, without a worker. ``mode`` has no meaning then.
    :param start_from_trigger: let the scheduler start the wait in the triggerer, so that no worker is needed to begin
        it. Airflow 3.3 or newer, and only if the triggerer can render ``video_id`` and ``conn_id``: literals, another
        task's ``.output``, and templates of ``params``, ``dag_run``, ``run_id`` and the dates. Otherwise, when mapped,
        and in ``dag.test()``, a worker begins it. Implies ``deferrable``, also beside ``deferrable=False``.
    :param end_from_trigger: let the trigger end the task when the video is ready (or the task is to be skipped), so
        that no worker is needed to end it. A failure is still raised on a worker, so that retries, callbacks and the
        log are those of the other modes. Beside the record, the trigger pushes those XComs only that another task of
        the Dag reads by ``.output`` or a template. Airflow drops success and skipped callbacks then and, with
        ``start_from_trigger`` too, execute callbacks, outlets' asset events, rendered fields and pool slots. Implies
        ``deferrable``, also beside ``deferrable=False``.
    :param max_consecutive_failures: consecutive failed polls to tolerate before the wait ends with the last failure.
    :param exponential_backoff: double the time between two polls from poll to poll, with jitter.
    :param max_wait: the most that it grows to, in seconds or as a timedelta.
    :param silent_fail: go on until the timeout whatever a poll fails with; a video that ended without success still
        fails the task.
    :param kwargs: what every sensor takes, such as ``mode``, ``soft_fail`` (skip when the video ends without success
        or not in time) and ``never_fail`` (skip on any failure).
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoFailedError: if the video ends without success. Airflow doesn't retry.
    :raises VideoTimeoutError: if the video is not finished in time.
    :raises VideoError: if it can't be asked for; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_id", "conn_id")
    ui_color = "#e0e7ff"

    def __init__(
        self,
        *,
        video_id: str | Mapping[str, Any],
        conn_id: str,
        poke_interval: timedelta | float = 30,
        timeout: timedelta | float | None = 12 * 60 * 60,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        # Before Airflow's own checks, which take True for a second.
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
        self.video_id = video_id
        self._polls: WorkerPolls | None = None
        self._step: PollOutcome | None = None
        self.start_from_trigger = start_from_trigger and self._prepare_start(
            "airflow_provider_videos.triggers.video.VideoTrigger", video_id=lambda: renderable(self, "video_id")
        )
        if end_from_trigger:
            self._warn_of_losses()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return what is in the trigger's event, or raise what the wait ended with, as the other modes do."""
        try:
            return push_video(self, context, read_event(self, context, event))
        except Exception as error:
            self._skip_or_raise(error, context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once.

        :return: whether the video is ready, with its record. A poll that fails transiently says that it isn't.
        :raises VideoError: what the wait ends with.
        """
        self._polls = self._polls or self._begin(context)
        self._step = self._polls.poll(context)
        if self._step.video is None:
            return PokeReturnValue(is_done=False)
        record = self._step.video.to_dict()
        push(self, context, video_xcoms(record))
        return PokeReturnValue(is_done=True, xcom_value=record)

    def _wait_for_end(self, context: Context) -> Any:
        self._polls = polls = self._begin(context)
        while True:
            self._step = None
            # A subclass may build on poke(), and return what a sensor's may.
            result: PokeReturnValue | bool = self.poke(context)
            if result:
                return result.xcom_value if isinstance(result, PokeReturnValue) else None
            step = self._step
            if step is None or step.ends:
                step = polls.wait.on_refusal(now=polls.clock.now())
            if step.error is not None:
                raise step.error
            self._pause(polls.wait, step)

    def _begin(self, context: Context) -> WorkerPolls:
        started_at = self._began_at(context)
        wait = Wait(
            video_id=read_video_id(self.video_id),
            rules=self._rules(),
            started_at=started_at,
            deadline=started_at + self.timeout,
            ordered_at=read_ordered_at(self.video_id),
        )
        # Where the trigger ends the task, it pushes those keys only that somebody reads.
        fields = not self.end_from_trigger
        return WorkerPolls(self, wait, video=self.video_id, conn_id=self.conn_id, fields=fields)

    def _pause(self, wait: Wait, step: PollOutcome) -> None:
        if self.deferrable:
            keys = {"xcom_keys": keys_read_of(self)} if self.end_from_trigger else {}
            defer_wait(self, wait, conn_id=self.conn_id, pause=step.pause, **keys, **self._task_end())
        if self.reschedule and not wait.failures:
            raise AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=step.pause))
        time.sleep(step.pause)
