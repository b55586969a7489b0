# SPDX-License-Identifier: Apache-2.0
"""Runs a sensor in each of its modes as Airflow does, in this process and without a database."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.exceptions import (
    AirflowRescheduleException,
    AirflowSkipException,
    TaskDeferred,
)
from airflow.sdk.execution_time.xcom import XCom
from airflow.sdk.serde import deserialize, serialize
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.sensors.video import VideoSensor

MODES = ("poke", "reschedule", "deferrable")


@dataclasses.dataclass
class TaskInstance:
    """Stands for the task instance in a context."""

    xcoms: dict[str, Any] = dataclasses.field(default_factory=dict)
    first_reschedule_date: datetime | None = None
    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "wait"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 1

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))

    async def aset(self, *, key: str, value: Any, **place: Any) -> None:
        """Take what a trigger pushes."""
        assert place == {name: getattr(self, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        self.xcom_push(key, value)

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first_reschedule_date


@dataclasses.dataclass
class Outcome:
    """How a wait ended: ``success``, ``skipped`` or ``failed``."""

    state: str
    value: Any
    error: BaseException | None
    xcoms: dict[str, Any]
    looks: int
    triggers: list[dict[str, Any]]
    log: list[str]

    @property
    def text(self) -> str:
        return str(self.error)


def wait(mode: str, *, poke_interval: float = 0.05, timeout: float = 20, **arguments: Any) -> Outcome:
    """Run a VideoSensor in a mode to its end."""

    def make() -> VideoSensor:
        return VideoSensor(
            task_id="wait",
            mode="reschedule" if mode == "reschedule" else "poke",
            deferrable=mode == "deferrable",
            poke_interval=poke_interval,
            timeout=timeout,
            **arguments,
        )

    return run(make)


def run(make: Callable[[], Any], *, context: dict[str, Any] | None = None, retries: int = 1) -> Outcome:
    """Run a sensor to its end, with a fresh object wherever Airflow has one.

    :param context: what its context has besides a task instance.
    :param retries: how many are left.
    """
    ti = TaskInstance(max_tries=retries)
    context = {"ti": ti, "outlet_events": defaultdict(lambda: SimpleNamespace(extra={})), **(context or {})}
    looks = 0
    triggers: list[dict[str, Any]] = []
    value: Any = None
    error: BaseException | None = None
    state = "success"
    with structlog.testing.capture_logs() as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(XCom, "aset", ti.aset, raising=False)
        try:
            while True:
                looks += 1
                try:
                    value = make().execute(context)
                    break
                except AirflowRescheduleException as reschedule:
                    ti.first_reschedule_date = ti.first_reschedule_date or datetime.now(UTC)
                    ti.xcoms.clear()
                    time.sleep(max((reschedule.reschedule_date - datetime.now(UTC)).total_seconds(), 0))
                except TaskDeferred as deferred:
                    trigger = through_the_database(deferred.trigger, triggers)
                    trigger.task_instance = ti  # type: ignore[assignment]
                    event = json.loads(json.dumps(asyncio.run(only_event(trigger)).payload))
                    value = make().resume_execution(deferred.method_name, {"event": event}, context)
                    break
        except AirflowSkipException as skip:
            state, error = "skipped", skip
        except Exception as failure:
            state, error = "failed", failure
    return Outcome(state, value, error, ti.xcoms, looks, triggers, [entry["event"] for entry in log])


def through_the_database(trigger: BaseTrigger, kept: list[dict[str, Any]]) -> BaseTrigger:
    """Serialise a trigger and make it again, as Airflow does between worker and triggerer."""
    classpath, arguments = trigger.serialize()
    stored = json.loads(json.dumps(serialize(arguments)))
    kept.append(stored)
    made: BaseTrigger = import_string(classpath)(**cast("dict[str, Any]", deserialize(stored)))
    return made


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as a condition holds; after 20 seconds or more, raise TimeoutError."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def only_event(trigger: BaseTrigger) -> Any:
    """Run a trigger, which must fire exactly once."""
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    return events[0]
