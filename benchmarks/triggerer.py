# SPDX-License-Identifier: Apache-2.0
"""Airflow's trigger runner and its supervisor, with waits.

``python -m benchmarks.triggerer SETTING PORT VARIANT REPORT`` is started by :mod:`benchmarks.waits`. Both are Airflow's
own classes, and so is what they say to each other. The runner is forked by the supervisor, as in a triggerer, and
pinned to a core of its own. What is replaced is what the supervisor has behind it: instead of a metadata database there
is a list of triggers to hand out, and an API client that knows one connection and takes its time.
"""

from __future__ import annotations

import cProfile
import dataclasses
import importlib
import json
import os
import signal
import sys
import time
import uuid
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.executors.workloads.trigger import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerEventEntry, TriggerRunner, TriggerRunnerSupervisor
from airflow.models.trigger import Trigger
from airflow.providers_manager import ProvidersManager
from airflow.sdk.api.datamodels._generated import ConnectionResponse
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from benchmarks.api import ask, raise_file_limit
from benchmarks.measuring import Measurement
from benchmarks.setting import API_CORE, RUNNER_CORE, Setting, pin
from benchmarks.variants import CONNECTION_TYPES, VARIANTS, Variant

PRELOADED = (
    "airflow.providers.http.triggers.http",
    "airflow_provider_videos.hooks.tavus",
    "airflow_provider_videos.triggers.video",
    "benchmarks.triggers",
)
WARM_UP_LIMIT = 60.0
"""Seconds that the warm-up may take."""
SETTLE = 1.5
"""Seconds between the warm-up and the start."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What one process of this module has to do.

    :param setting: the run.
    :param port: where the API listens.
    :param variant: what waits.
    :param report: the file for the figures; the runner writes it first.
    """

    setting: Setting
    port: int
    variant: Variant
    report: Path


class _Events(deque[TriggerEventEntry]):
    """The runner's queue of events, which notes when each one is put in."""

    def __init__(self, measurement: Measurement) -> None:
        super().__init__()
        self._measurement = measurement

    def append(self, entry: TriggerEventEntry, /) -> None:
        super().append(entry)
        self._measurement.fired(entry.trigger_id - 1)


class MeasuredRunner(TriggerRunner):
    """Airflow's runner, measured from the first trigger after the warm-up to the last event."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._plan = plan
        self._measurement = Measurement(plan.setting)
        self.events = _Events(self._measurement)

    def run(self) -> None:
        """Run until the supervisor ends it, and write the figures down."""
        try:
            super().run()  # type: ignore[no-untyped-call]
        finally:
            self._measurement.stop()
            self._plan.report.write_text(json.dumps(self._measurement.report()))

    async def create_triggers(self) -> None:
        """Create what is to be created; all but the warm-up comes at once."""
        if len(self.to_create) == self._plan.setting.waits:
            self._measurement.start(lambda: not self.to_create)
        await super().create_triggers()  # type: ignore[no-untyped-call]


class _Api:
    """The supervisor's way to connections and XComs: it keeps it busy as long as a real one does."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.lookups = self.xcoms = 0

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Set an XCom."""
        self.xcoms += 1
        time.sleep(self._plan.setting.lookup)

    def get(self, conn_id: str) -> ConnectionResponse:
        self.lookups += 1
        time.sleep(self._plan.setting.lookup)
        kind = conn_id.partition("_")[0]
        address: dict[str, Any] = {"host": "127.0.0.1", "port": self._plan.port, "schema": "http"}
        if kind == "dbt":
            address = {"host": f"127.0.0.1:{self._plan.port}", "port": None, "schema": None}
        return ConnectionResponse(
            conn_id=conn_id,
            conn_type=CONNECTION_TYPES[kind],
            login=None,
            password=None if kind == "http" else "benchmark-key",
            # The http provider takes its headers from there.
            extra='{"x-api-key": "benchmark-key"}' if kind == "http" else None,
            **address,
        )


@attrs.define(kw_only=True)
class Supervisor(TriggerRunnerSupervisor):
    """Airflow's supervisor without a metadata database: one warm-up trigger first, then all waits at once."""

    plan: ClassVar[Plan]
    waits: deque[RunTrigger] = attrs.field(factory=deque)
    warm_up: RunTrigger
    connections: _Api
    phase_until: float = attrs.field(factory=lambda: time.monotonic() + WARM_UP_LIMIT)
    started_at: float | None = None
    successes: int = 0
    reported: list[tuple[int, float]] = attrs.field(factory=list)
    failures: list[str] = attrs.field(factory=list)
    is_warm: bool = False

    @classmethod
    def run_in_process(cls) -> None:
        """Be the runner, in the forked process."""
        pin(RUNNER_CORE)
        runner = MeasuredRunner(cls.plan)
        if profile := os.environ.get("BENCHMARK_PROFILE"):
            cProfile.runctx("runner.run()", {}, {"runner": runner}, profile)
        else:
            runner.run()

    def make_client(self) -> Any:
        """Give what stands for the API server."""
        return SimpleNamespace(connections=self.connections, xcoms=self.connections)

    def load_triggers(self) -> None:
        """Hand out the warm-up, and once that has ended all waits."""
        if self.warm_up.id not in self.running_triggers and not self.is_warm and not self.creating_triggers:
            self.creating_triggers.append(self.warm_up)
        if self.is_warm and self.started_at is None and time.monotonic() >= self.phase_until:
            self.connections.lookups = self.connections.xcoms = 0
            self.started_at = ask(self.plan.port, "start")["started_at"]
            self.phase_until = self.started_at + self.plan.setting.limit
            self.creating_triggers.extend(self.waits)
            self.waits.clear()

    def on_trigger_event(self, trigger_id: int, event: Any) -> None:
        """Count an event."""
        if trigger_id == self.warm_up.id:
            self.is_warm, self.phase_until = True, time.monotonic() + SETTLE
        if not self.plan.variant.is_success(event.payload):
            self.failures.append(str(event.payload)[:500])
        elif self.started_at is not None:
            self.successes += 1
            self.reported.append((trigger_id - 1, time.monotonic()))

    def on_trigger_failure(self, trigger_id: int, exc: list[str] | None) -> None:
        """Note why a trigger failed."""
        self.failures.append("".join(exc or ["no event"])[-500:])

    def should_stop(self) -> bool:
        """End after the last event, or when time is up."""
        if self.started_at is None:
            return bool(self.failures) or (not self.is_warm and time.monotonic() > self.phase_until)
        done = self.successes + len(self.failures)
        return done >= self.plan.setting.waits or time.monotonic() > self.phase_until

    def heartbeat(self) -> None:
        """Tell no database."""

    def clean_unused(self) -> None:
        """Clean no database."""

    def emit_metrics(self) -> None:
        """Tell no metrics."""


def workload(plan: Plan, index: int, ready_after: float, conn_id: str) -> RunTrigger:
    """One wait as the supervisor hands it to the runner, with a task instance as if it had been deferred."""
    return RunTrigger(
        id=index + 1,
        classpath=plan.variant.classpath,
        encrypted_kwargs=Trigger.encrypt_kwargs(plan.variant.arguments(plan.setting, conn_id, index, ready_after)),
        ti=TaskInstanceDTO(
            id=uuid.UUID(int=index + 1),
            dag_id="benchmark",
            run_id="manual__2026-01-01T00:00:00+00:00",
            task_id="wait",
            map_index=index,
            try_number=1,
            dag_version_id=uuid.UUID(int=1),
            pool_slots=1,
            priority_weight=1,
        ),
    )


def preload() -> None:
    """Import what any variant imports, and let Airflow discover its providers, before the runner is forked.

    Otherwise a variant that does so in its warm-up leaves free memory behind, in which its waits then find room that
    another's have to ask for.
    """
    for module in PRELOADED:
        importlib.import_module(module)
    for manager in (ProvidersManager(), ProvidersManagerTaskRuntime()):
        for connection_type in CONNECTION_TYPES.values():
            _ = manager.hooks.get(connection_type)


def main() -> None:
    """Run one variant once, and add the supervisor's part to the report."""
    setting = Setting.from_json(sys.argv[1])
    plan = Plan(setting=setting, port=int(sys.argv[2]), variant=VARIANTS[sys.argv[3]], report=Path(sys.argv[4]))
    pin(API_CORE)
    raise_file_limit()
    preload()
    Supervisor.plan = plan
    kind = plan.variant.connection
    supervisor: Supervisor = Supervisor.start(
        capacity=setting.waits + 1,
        connections=_Api(plan),
        # A connection of its own, so that nothing of the warm-up serves the waits.
        warm_up=workload(plan, setting.waits, 0.0, f"{kind}_warm_up"),
        waits=deque(workload(plan, index, after, f"{kind}_0") for index, after in enumerate(setting.ready_after())),
    )
    supervisor.run()
    supervisor.kill(signal.SIGTERM, escalation_delay=30.0, force=True)
    figures = json.loads(plan.report.read_text())
    figures |= {
        "started_at": supervisor.started_at,
        "lookups": supervisor.connections.lookups,
        "xcoms": supervisor.connections.xcoms,
        "reported": supervisor.reported,
        "successes": supervisor.successes,
        "failures": supervisor.failures[:5],
    }
    plan.report.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
