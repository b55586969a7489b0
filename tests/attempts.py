# SPDX-License-Identifier: Apache-2.0
"""Runs an operator as Airflow does over several attempts of one task instance, without a database."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow import sdk
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import TaskDeferred
from pydantic import JsonValue, TypeAdapter

from tests.waiting_kit import only_event, through_the_database

#: What Airflow takes: no tuple, and no text of another class.
_JSON: TypeAdapter[Any] = TypeAdapter(JsonValue)


class Killed(BaseException):
    """The process is gone."""


class Store(dict[str, Any]):
    """Stands for Airflow's task state store: it outlives an attempt."""

    #: Called before each access, with its name; what it raises is what the access meets.
    before: Callable[[str], None] = staticmethod(lambda access: None)

    def get(self, key: str, default: Any = None) -> Any:
        self.before("get")
        return super().get(key, default)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.before("set")
        # More than thirty days, or a run that is cleared later orders again. Airflow 3.2 has no store.
        assert retention is not None or not hasattr(sdk, "NEVER_EXPIRE")
        self[key] = json.loads(json.dumps(_JSON.validate_python(value)))

    def delete(self, key: str) -> None:
        self.before("delete")
        self.pop(key, None)


@dataclasses.dataclass
class TaskInstance:
    """Stands for the task instance in a context."""

    dag_id: str = "dag"
    task_id: str = "order"
    run_id: str = "run"
    map_index: int = -1
    try_number: int = 0
    max_tries: int = 2
    xcoms: dict[str, Any] = dataclasses.field(default_factory=dict)
    #: XComs of the run's other tasks, by task id.
    others: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: list[str], key: str) -> list[Any]:
        return [self.others[task_id][key] for task_id in task_ids if key in self.others.get(task_id, {})]


class Attempts:
    """One task instance, from attempt to attempt.

    :param make: makes the operator, anew wherever Airflow has another process.
    :param has_store: whether Airflow has a task state store.
    :param retries: of the task.
    """

    def __init__(self, make: Callable[[], BaseOperator], *, has_store: bool = True, retries: int = 2) -> None:
        self.make = make
        self.retries = retries
        self.ti = TaskInstance(max_tries=retries)
        self.run_began_at = datetime.now(UTC)
        self.clear_number = 0
        #: Of the task loop that the task instance is in, as Airflow has them from 3.4 on.
        self.iteration: int | None = None
        #: The Dag's other tasks, by their ids.
        self.other_tasks: dict[str, BaseOperator] = {}
        self.conf: dict[str, Any] = {}
        #: How often an attempt gave its worker back.
        self.deferrals = 0
        self.store: Store | None = Store() if has_store else None
        self.events: dict[Any, Any] = {}

    def begin(self) -> Any:
        """Return the context of another attempt."""
        self.ti.try_number += 1
        self.ti.xcoms.clear()
        self.events = defaultdict(lambda: SimpleNamespace(extra={}))
        context: Any = {
            "ti": self.ti,
            "task_state_store": self.store,
            "dag_run": SimpleNamespace(
                start_date=self.run_began_at,
                run_after=self.run_began_at,
                clear_number=self.clear_number,
                conf=self.conf,
            ),
            "dag": SimpleNamespace(task_dict={self.ti.task_id: self.make(), **self.other_tasks}, fail_fast=False),
            "outlet_events": self.events,
        }
        if self.iteration is not None:
            context["loop"] = SimpleNamespace(index=self.iteration)
        self.context = context
        return context

    def run(self) -> Any:
        """Make one attempt, and return what it returns."""
        context = self.begin()
        call = functools.partial(self.make().execute, context)
        while True:
            try:
                return call()
            except TaskDeferred as deferred:
                self.deferrals += 1
                # "airflow dags test" drops the arguments that a task defers with; the event is left everywhere.
                trigger = through_the_database(deferred.trigger, [])
                event = json.loads(json.dumps(asyncio.run(only_event(trigger)).payload, default=str))
                resume = self.make().resume_execution
                call = functools.partial(resume, deferred.method_name, {"event": event}, context)

    def clear(self) -> None:
        """Clear the task as a user does; it is the attempts that a retry may still make that Airflow counts anew."""
        self.ti.max_tries = self.ti.try_number + self.retries
        self.clear_number += 1
        # The run had ended, and begins again.
        self.run_began_at = datetime.now(UTC)

    def make_anew(self) -> None:
        """Clear the run, where a later iteration of a loop gets another region: a first attempt and an empty store."""
        self.ti.try_number, self.ti.max_tries = 0, self.retries
        self.store = Store()
        self.clear_number += 1
        self.run_began_at = datetime.now(UTC)
