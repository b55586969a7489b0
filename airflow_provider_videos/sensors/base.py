# SPDX-License-Identifier: Apache-2.0
"""What the sensors of this package have in common."""

from __future__ import annotations

import dataclasses
import time
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException, AirflowTaskTimeout

from airflow_provider_videos.exceptions import VideoError, VideoFailedError
from airflow_provider_videos.parameters import check_rendered, default_timeout
from airflow_provider_videos.waiting.polling import PollingRules
from airflow_provider_videos.waiting.skipping import why_skip
from airflow_provider_videos.waiting.start_from_trigger import (
    CannotStartFromTriggerError,
    renderable,
    start_trigger_args,
)
from airflow_provider_videos.waiting.worker import TRIGGER_TIMEOUT_SLACK
from airflow_provider_videos.xcom import failed_video_xcoms, push

if TYPE_CHECKING:
    from airflow.sdk import Context


class WaitSensor(BaseSensorOperator):
    """A sensor that waits at a vendor, on a worker or in the triggerer.

    :param conn_id: id of the Airflow connection.
    :param poke_interval: time between two polls, in seconds or as a timedelta.
    :param timeout: how long to wait, in seconds or as a timedelta.
    :param deferrable: wait in the triggerer.
    :param max_consecutive_failures: consecutive failed polls to tolerate.
    :param end_from_trigger: let the trigger end the task.
    :param start_from_trigger: let the scheduler start the trigger.
    :param kwargs: what every sensor takes.
    """

    def __init__(
        self,
        *,
        conn_id: str,
        poke_interval: timedelta | float,
        timeout: timedelta | float | None,
        deferrable: bool,
        max_consecutive_failures: int,
        start_from_trigger: bool,
        end_from_trigger: bool,
        **kwargs: Any,
    ) -> None:
        # Airflow 3.2 refuses a timeout of None.
        timeout = default_timeout() if timeout is None else timeout
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.conn_id = conn_id
        self.deferrable = deferrable or start_from_trigger or end_from_trigger
        self.max_consecutive_failures = max_consecutive_failures
        self.end_from_trigger = end_from_trigger

    def execute(self, context: Context) -> Any:
        """Poll, and wait until the sensor has what it waits for."""
        try:
            check_rendered(self)
            return self._wait_for_end(context)
        except (AirflowRescheduleException, AirflowSkipException):
            raise
        except (Exception, AirflowTaskTimeout) as error:
            self._skip_or_raise(error, context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after the wait in the triggerer.

        Airflow would skip a ``soft_fail`` sensor on any exception of its own, as a missing id is one that is not to be
        retried.
        """
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            error = skip.__cause__
            if isinstance(error, VideoError) and not why_skip(
                error, soft_fail=self.soft_fail, never_fail=self.never_fail
            ):
                raise error from None
            raise

    def _wait_for_end(self, context: Context) -> Any:
        """Wait, and return what the task returns."""
        raise NotImplementedError

    def _prepare_start(self, trigger: str, **video_kwargs: Any) -> bool:
        """Let the scheduler start the wait, and return whether it can.

        :param trigger: class path of the trigger.
        :param video_kwargs: those of the trigger's arguments that only this sensor has.
        """
        try:
            self.start_trigger_args = start_trigger_args(
                self,
                trigger_cls=trigger,
                trigger_kwargs={
                    **{name: value() if callable(value) else value for name, value in video_kwargs.items()},
                    "conn_id": renderable(self, "conn_id"),
                    "timeout": self.timeout,
                    # Airflow ends the trigger earlier if execution_timeout is shorter.
                    "timeout_slack": None if self.execution_timeout else TRIGGER_TIMEOUT_SLACK,
                    **dataclasses.asdict(self._rules()),
                    **self._task_end(),
                },
                timeout=timedelta(seconds=self.timeout + TRIGGER_TIMEOUT_SLACK),
            )
        except CannotStartFromTriggerError as error:
            warnings.warn(
                f"Task {self.task_id!r}: a worker begins the wait, though start_from_trigger is set, since {error}.",
                UserWarning,
                stacklevel=4,
            )
            return False
        return True

    def _began_at(self, context: Context) -> float:
        """Return the Unix time at which the wait began."""
        now = time.time()
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule and not self.deferrable else None
        # Another worker's clock may be ahead.
        return now if first is None else min(first.timestamp(), now)

    def _warn_of_losses(self) -> None:
        names = ("on_execute_callback", "on_success_callback", "on_skipped_callback", "outlets")
        if lost := [name for name in names if getattr(self, name)]:
            warnings.warn(
                f"Task {self.task_id!r}: with end_from_trigger, Airflow drops {', '.join(lost)}.",
                UserWarning,
                stacklevel=4,
            )

    def _rules(self) -> PollingRules:
        return PollingRules(
            poke_interval=self.poke_interval,
            exponential_backoff=self.exponential_backoff,
            max_wait=self.max_wait.total_seconds() if self.max_wait is not None else None,
            max_consecutive_failures=self.max_consecutive_failures,
            silent_fail=self.silent_fail,
        )

    def _task_end(self) -> dict[str, Any]:
        names = ("end_from_trigger", "do_xcom_push", "soft_fail", "never_fail")
        return {name: getattr(self, name) for name in names}

    def _skip_or_raise(self, error: BaseException, context: Context) -> NoReturn:
        if isinstance(error, VideoFailedError):
            push(self, context, failed_video_xcoms(error.video))
        if reason := why_skip(error, soft_fail=self.soft_fail, never_fail=self.never_fail):
            # Airflow's own line doesn't hold it.
            self.log.info("%s", reason)
            raise AirflowSkipException(reason) from error
        raise error
