# SPDX-License-Identifier: Apache-2.0
"""A real Airflow for the tests: scheduler, triggerers, Dag processor and API server on SQLite."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

from .airflow_api import POLL_SECONDS, AirflowApi
from .airflow_home import clean_environment, create_database, write_configuration
from .components import Components, command_of, free_port

_COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
_JOB_TYPES = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
_USERS = {"admin": "admin", "viewer": "viewer"}
_SETTLE_SECONDS = 10.0


class RealAirflow(AirflowApi):
    """One Airflow of its own, alive within a ``with`` block; what it offers besides is AirflowApi's.

    Its components are named after their commands: ``api-server``, ``scheduler``, ``dag-processor`` and
    ``triggerer``, which run from the start, and more of a kind such as ``triggerer-2``.
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        environment: Mapping[str, str] | None = None,
        start_timeout: float = 180.0,
    ) -> None:
        """Prepare, starting nothing yet.

        ``home`` becomes the AIRFLOW_HOME and should be empty. ``environment`` is added to every component's:
        connections (``AIRFLOW_CONN_...``), or settings (``AIRFLOW__SECTION__OPTION``) that beat this class's
        own. ``start_timeout`` (seconds) is what entering the block, and every ``start``, may take.
        """
        self.home = home.absolute()
        self.database = self.home / "airflow.db"
        self.start_timeout = start_timeout
        self._dags_folder = dags_folder.absolute()
        self._port = free_port()
        self._components = Components(self.home / "components", clean_environment(self.home) | dict(environment or {}))
        self._exit = ExitStack()
        super().__init__(f"http://127.0.0.1:{self._port}", {name: secrets.token_hex(16) for name in _USERS})

    def __enter__(self) -> RealAirflow:
        """Start everything, and return once it is healthy and the Dags are parsed.

        Raises RuntimeError if a component ends, TimeoutError if it takes too long, each with the ends of the
        components' outputs.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        write_configuration(self.home, self._dags_folder, self._port, (free_port(), free_port()), _USERS)
        # Airflow generates a password for whoever has none in this file.
        passwords = self.home / "simple_auth_manager_passwords.json.generated"
        passwords.write_text(json.dumps(self._passwords))
        create_database(self.database)
        with ExitStack() as stack:
            stack.enter_context(self._components)
            for name in _COMPONENTS:
                self._components.start(name)
            deadline = time.monotonic() + self.start_timeout
            self._wait(self._healthy, deadline, "healthy")
            self._warm_up()
            self._wait(_Parsed(self, self._dags_folder), deadline, "done with parsing the Dags")
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything, killing after 4 seconds what doesn't stop."""
        self._exit.close()

    def start(self, name: str) -> None:
        """Start a component that doesn't run, and return once Airflow counts it as alive.

        Raises RuntimeError if it runs already or ends, TimeoutError if it takes too long.
        """
        before = self._newest_job()
        # A second one of its kind would find the first one's log server on the configured port.
        environment = {}
        if command_of(name) != name:
            for kind in ("WORKER", "TRIGGER"):
                environment[f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT"] = str(free_port())
        self._components.start(name, environment)
        job_type = _JOB_TYPES.get(command_of(name))
        alive = (lambda: self._newest_job(job_type) > before) if job_type else lambda: bool(self._health())
        self._wait(alive, time.monotonic() + self.start_timeout, f"{name} alive")
        if not job_type:
            self._warm_up()

    def stop(self, name: str, timeout: float = 30.0) -> int:
        """Send SIGTERM to a component's main process, wait, and return its exit code.

        What is left after ``timeout`` seconds is killed. Raises KeyError if it doesn't run.
        """
        return self._components.stop(name, timeout)

    def kill(self, name: str) -> None:
        """Send SIGKILL to all processes of a component. Raises KeyError if it doesn't run."""
        self._components.kill(name)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return a component's living processes, its main one first; the scheduler's include the tasks'."""
        return self._components.processes(name)

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 120.0) -> str:
        """Return ``success`` or ``failed`` once the run has ended.

        Raises TimeoutError after ``timeout`` seconds, RuntimeError if a component ends meanwhile: both with
        the components' last output, the former with the states of the tasks.
        """
        deadline = time.monotonic() + timeout
        while (state := self.run_state(dag_id, run_id)) not in ("success", "failed"):
            self._components.check()
            if time.monotonic() > deadline:
                tasks = [
                    f"{task['task_id']}[{task['map_index']}] try {task['try_number']}: {task['state']}"
                    for task in self.task_instances(dag_id, run_id)
                ]
                raise TimeoutError(
                    "\n".join([
                        f"{dag_id} {run_id} is {state} after {timeout} s",
                        *tasks,
                        self._components.outputs(),
                    ])
                )
            time.sleep(POLL_SECONDS)
        return state

    def all_logs(self) -> str:
        """Return all that was logged so far, by tasks, triggers, parsing and components, file by file."""
        files = [
            file
            for folder in (self.home / "logs", self._components.folder)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and not file.is_symlink()
        ]
        return "\n".join(f"--- {file}\n{file.read_text(errors='replace')}" for file in files)

    def _healthy(self) -> bool:
        health = self._health()
        return bool(health) and all(part["status"] == "healthy" for part in health.values())

    def _health(self) -> dict[str, dict[str, Any]]:
        with suppress(requests.ConnectionError, requests.Timeout):
            health: dict[str, dict[str, Any]] = self.api("GET", "/monitor/health", timeout=5).json()
            return health
        return {}

    def _warm_up(self) -> None:
        # The API that tasks talk to is built at its first request, which takes several seconds: longer than
        # the 5 seconds after which a task repeats its request.
        self._session.get(f"{self.url}/execution/health", timeout=self.start_timeout)

    def _newest_job(self, job_type: str = "%") -> int:
        # Not by REST, which can't be asked while it is the API server that is down.
        with closing(sqlite3.connect(self.database, timeout=30.0)) as database:
            query = "SELECT coalesce(max(id), 0) FROM job WHERE job_type LIKE ?"
            return int(database.execute(query, [job_type]).fetchone()[0])

    def _wait(self, condition: Callable[[], bool], deadline: float, what: str) -> None:
        while not condition():
            self._components.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"Airflow isn't {what} after {self.start_timeout} s:\n{self._components.outputs()}")
            time.sleep(POLL_SECONDS)


class _Parsed:
    """Tells whether every file that holds a Dag has been parsed.

    A file may only look as if it did: so it is also true when nothing new has come for 10 seconds.
    """

    def __init__(self, airflow: AirflowApi, dags_folder: Path) -> None:
        self._airflow = airflow
        self._expected = {
            str(file.relative_to(dags_folder)) for file in dags_folder.rglob("*.py") if _mentions_a_dag(file)
        }
        self._seen: set[str] = set()
        self._changed = time.monotonic()

    def __call__(self) -> bool:
        seen = self._airflow.parsed_files()
        if seen != self._seen:
            self._seen, self._changed = seen, time.monotonic()
        settled = bool(seen) and time.monotonic() - self._changed > _SETTLE_SECONDS
        return settled or self._expected <= seen


def _mentions_a_dag(file: Path) -> bool:
    # Airflow's own rule for which files it parses.
    text = file.read_bytes().lower()
    return b"dag" in text and b"airflow" in text
