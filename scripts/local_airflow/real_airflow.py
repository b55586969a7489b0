# SPDX-License-Identifier: Apache-2.0
"""A real Airflow: scheduler, triggerers, Dag processor and API server, on SQLite or what is named."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests
from sqlalchemy import create_engine, text

from .airflow_api import POLL_SECONDS, AirflowApi
from .airflow_home import clean_environment, create_database, migrate_database, write_configuration
from .components import Components, free_port, kind_of

_COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
_CELERY_COMPONENTS = ("triggerer-2", "worker", "worker-2")
_SETTINGS = "REAL_AIRFLOW_SETTINGS"
_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_JOB_TYPES = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
_USERS = {"admin": "admin", "viewer": "viewer", "reader": "viewer"}
_SETTLE_SECONDS = 10.0


class RealAirflow(AirflowApi):
    """One Airflow of its own, alive within a ``with`` block; what it offers besides is AirflowApi's.

    Its components are named after their commands: ``api-server``, ``scheduler``, ``dag-processor`` and
    ``triggerer``, which run from the start, and more of a kind such as ``triggerer-2``.

    It runs on SQLite with LocalExecutor, unless the variable ``REAL_AIRFLOW_SETTINGS`` holds other settings, as
    ``scripts/backend.py`` writes them. With CeleryExecutor ``triggerer-2``, ``worker`` and ``worker-2`` run as well.
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
        settings: dict[str, str] = json.loads(os.environ.get(_SETTINGS, "{}"))
        self.home = home.absolute()
        self.is_on_sqlite = _DATABASE not in settings
        # SQLite's default is to wait 5 s for whoever writes.
        self.engine = create_engine(settings.get(_DATABASE, f"sqlite:///{self.home / 'airflow.db'}?timeout=60"))
        self.has_workers = settings.get("AIRFLOW__CORE__EXECUTOR") == "CeleryExecutor"
        self.start_timeout = start_timeout
        self._dags_folder = dags_folder.absolute()
        self._port = free_port()
        self._environment = clean_environment(self.home) | settings | dict(environment or {})
        self._components = Components(self.home / "components", self._environment)
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
        if self.is_on_sqlite:
            create_database(self.home / "airflow.db")
        else:
            migrate_database(self.home, self._environment)
        with ExitStack() as stack:
            stack.callback(self.engine.dispose)
            stack.enter_context(self._components)
            for name in (*_COMPONENTS, *(_CELERY_COMPONENTS if self.has_workers else ())):
                self._start(name)
            deadline = time.monotonic() + self.start_timeout
            self._wait(self._healthy, deadline, "healthy")
            self._warm_up()
            for name in self.running("worker"):
                self._wait(lambda name=name: self._workers_ready(name) > 0, deadline, f"running {name}")  # type: ignore[misc]
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
        kind = kind_of(name)
        job_type = _JOB_TYPES.get(kind, "%")
        before = self._workers_ready(name) if kind == "worker" else self._newest_job(job_type)
        self._start(name)

        def is_alive() -> bool:
            if kind == "worker":
                return self._workers_ready(name) > before
            return bool(self._health()) if kind == "api-server" else self._newest_job(job_type) > before

        self._wait(is_alive, time.monotonic() + self.start_timeout, f"running {name}")
        if kind == "api-server":
            self._warm_up()

    def stop(self, name: str, timeout: float = 30.0) -> int:
        """Send SIGTERM to a component's main process, wait, and return its exit code.

        What is left after ``timeout`` seconds is killed. Raises KeyError if it doesn't run.
        """
        return self._components.stop(name, timeout)

    def kill(self, name: str) -> None:
        """Send SIGKILL to all processes of a component. Raises KeyError if it doesn't run."""
        self._components.kill(name)

    def running(self, kind: str) -> list[str]:
        """Return the names of the components of a kind that run, such as all triggerers."""
        return self._components.running(kind)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return a component's living processes, its main one first; the scheduler's include the tasks'."""
        return self._components.processes(name)

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 120.0) -> str:
        """Return ``success`` or ``failed`` once the run has ended.

        Raises TimeoutError after ``timeout`` seconds, RuntimeError if a component ends meanwhile: both with
        the components' last output, the former with the states of the tasks.
        """
        deadline = time.monotonic() + timeout
        # The API server has enough to do.
        query = "SELECT state FROM dag_run WHERE dag_id = :dag_id AND run_id = :run_id"
        while (state := str(self.rows(query, dag_id=dag_id, run_id=run_id)[0][0])) not in ("success", "failed"):
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

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Ask the metadata database, which works while the API server is down or has enough to do."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def _start(self, name: str) -> None:
        # A second one of its kind would find the first one's log server on the configured port.
        environment = {}
        if kind_of(name) != name:
            for kind in ("WORKER", "TRIGGER"):
                environment[f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT"] = str(free_port())
        self._components.start(name, environment)

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

    def _workers_ready(self, name: str) -> int:
        """Return how often a worker has said that it takes tasks: once for each of its starts."""
        output = self._components.output(name)
        return output.read_text(errors="replace").count(f"{name}@localhost ready.") if output.exists() else 0

    def _newest_job(self, job_type: str) -> int:
        query = "SELECT coalesce(max(id), 0) FROM job WHERE job_type LIKE :job_type"
        return int(self.rows(query, job_type=job_type)[0][0])

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
