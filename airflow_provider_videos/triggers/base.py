# SPDX-License-Identifier: Apache-2.0
"""What the triggers of this package have in common: how they are told to wait, and for how long."""

from __future__ import annotations

import dataclasses
from typing import Any

from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.airflow_compat.tasks import trigger_timeout
from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.waiting.polling import PollingRules
from airflow_provider_videos.waiting.task_end import TaskEnd


class WaitTrigger(BaseTrigger):
    """A trigger that waits on one Airflow connection, until a time that it keeps when another triggerer takes over.

    :param conn_id: id of the vendor's Airflow connection.
    :param timeout: seconds after which the wait ends without success.
    :param started_at: Unix time at which the wait began; if not given, the scheduler began it.
    :param timeout_slack: by how many seconds Airflow's own timeout of the trigger is later than the deadline: where the
        scheduler began the wait, that says when it did; if not given, the wait begins with the trigger.
    :param options: the fields of :class:`~airflow_provider_videos.waiting.polling.PollingRules`, which say how to
        wait, and of :class:`~airflow_provider_videos.waiting.task_end.TaskEnd`, which say how to end the task.
    """

    def __init__(
        self,
        *,
        conn_id: str,
        timeout: float,
        started_at: float | None,
        timeout_slack: float | None,
        options: dict[str, Any],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Airflow renders it, where it starts the trigger without a worker.
        self.conn_id = conn_id
        self._timeout = timeout
        self._started_at = started_at
        self._timeout_slack = timeout_slack
        self._rules = PollingRules(**_taken(options, PollingRules))
        self._end = TaskEnd(**_taken(options, TaskEnd))
        self._unknown_options = options

    def _serialized(self, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again.

        They are flat, as Airflow's versions differ in how they store a dict within them.

        :param arguments: those of the subclass.
        """
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        common = {
            "conn_id": self.conn_id,
            "timeout": self._timeout,
            "started_at": self._started_at,
            "timeout_slack": self._timeout_slack,
        }
        options = {**dataclasses.asdict(self._rules), **dataclasses.asdict(self._end), **self._unknown_options}
        return path, {**common, **arguments, **options}

    def _check_options(self) -> None:
        """Refuse options that mean nothing here, or would poll without a pause.

        :raises ValueError: naming the option.
        """
        if self._unknown_options:
            raise ValueError(
                f"the trigger has arguments that this version of the package doesn't know: "
                f"{', '.join(map(repr, sorted(self._unknown_options)))}. Let triggerer and workers run the same version"
            )
        if not is_number(self._rules.poke_interval) or self._rules.poke_interval <= 0:
            raise ValueError("poke_interval must be above 0 seconds, or the vendor would be polled without a pause")

    def _began_at(self, now: float) -> float:
        """Return the Unix time at which the wait began.

        :param now: of this process; a clock that is ahead, on whatever began the wait, must not make it longer.
        """
        began_at, ends_at, slack = self._started_at, trigger_timeout(self), self._timeout_slack
        if began_at is None and slack is not None and ends_at is not None:
            began_at = ends_at.timestamp() - slack - self._timeout
        return min(now if began_at is None else began_at, now)


def _taken(options: dict[str, Any], kind: type) -> dict[str, Any]:
    """Take the fields of a dataclass out of what was given."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: options.pop(name) for name in names & set(options)}
