# SPDX-License-Identifier: Apache-2.0
"""Airflow's commands as processes: start, stop, kill, and their output."""

from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from . import process_guard

AIRFLOW_COMMAND = [sys.executable, str(Path(sysconfig.get_path("scripts"), "airflow"))]


def free_port() -> int:
    """Return a TCP port that nothing listens on.

    It lies below the range from which kernels give out ports by themselves, so that no other socket of the
    machine happens to get it in the seconds until Airflow binds it. Raises OSError after many vain attempts.
    """
    for _ in range(200):
        port = random.randint(12000, 31000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))
            return port
    raise OSError("no free port was found")


def kind_of(name: str) -> str:
    """Return the name of a component's first one: ``triggerer-2`` is a second ``triggerer``."""
    return re.sub(r"-\d+$", "", name)


def command_of(name: str) -> list[str]:
    """Return the Airflow command that a component runs; Celery's workers need names of their own."""
    if kind_of(name) == "worker":
        return ["celery", "worker", "--celery-hostname", f"{name}@localhost"]
    return [kind_of(name)]


def tail(file: Path, lines: int = 40) -> str:
    """Return the last lines of a file, or an empty string if there is no such file."""
    if not file.is_file():
        return ""
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])


class Components:
    """Airflow commands that run in sessions of their own, and die with this process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Prepare to run commands in an environment; their output goes to ``<folder>/<name>.log``."""
        self.folder = folder
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Components:
        """Start the guard, which outlives this process by just as long as it needs to kill the rest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._guard = subprocess.Popen(
            [sys.executable, process_guard.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything; what hasn't stopped in 4 seconds is killed."""
        try:
            # A triggerer may take 10 seconds without having any trigger, and a scheduler waits for its
            # tasks: nobody wants to wait for either at the end of the tests.
            self._end(list(self._running), grace=4.0)
        finally:
            if self._guard and self._guard.stdin:
                self._guard.stdin.close()
                self._guard.wait()

    def start(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a component, with more environment for it alone. Raises RuntimeError if it already runs."""
        if name in self._running:
            raise RuntimeError(f"{name} runs already")
        with self.output(name).open("ab") as output:
            process = subprocess.Popen(
                [*AIRFLOW_COMMAND, *command_of(name)],
                cwd=self.folder,
                env=self._environment | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell_guard(f"+{process.pid}")
        self._running[name] = process

    def stop(self, name: str, timeout: float = 30.0) -> int:
        """Send SIGTERM to a component's main process, wait, and return its exit code.

        What is left after ``timeout`` seconds is killed; the exit code then is -9. Raises KeyError if there
        is no such component.
        """
        return self._end([name], grace=timeout)[name]

    def kill(self, name: str) -> None:
        """Send SIGKILL to all processes of a component. Raises KeyError if there is no such component."""
        self._end([name], grace=0.0)

    def running(self, kind: str) -> list[str]:
        """Return the names of the components of a kind that were started and not ended, in that order."""
        return [name for name in self._running if kind_of(name) == kind]

    def processes(self, name: str) -> list[psutil.Process]:
        """Return a component's living processes, the main one first, those of its tasks among them."""
        return process_guard.session_members(self._running[name].pid) if name in self._running else []

    def output(self, name: str) -> Path:
        """Return the file that holds what a component wrote to stdout and stderr, all its starts together."""
        return self.folder / f"{name}.log"

    def outputs(self, lines: int = 40) -> str:
        """Return the last lines of every component's output, for the text of an exception."""
        return "\n".join(f"--- {file.name}\n{tail(file, lines)}" for file in sorted(self.folder.glob("*.log")))

    def check(self) -> None:
        """Raise RuntimeError, with its output, if a component has ended without having been asked to."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} has ended with {process.returncode}:\n{tail(self.output(name))}")

    def _end(self, names: list[str], grace: float) -> dict[str, int]:
        ending = {name: self._running[name] for name in names}
        if grace:
            for process in ending.values():
                process.terminate()
        deadline = time.monotonic() + grace
        codes = {}
        for name, process in ending.items():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            # Also after a clean end: a task, or a log server, may have outlived the main process.
            process_guard.kill_session(process.pid)
            codes[name] = process.wait()
            self._tell_guard(f"-{process.pid}")
            del self._running[name]
        return codes

    def _tell_guard(self, line: str) -> None:
        if not self._guard or not self._guard.stdin:
            raise RuntimeError("components run within a 'with' block only")
        self._guard.stdin.write(line.encode() + b"\n")
        self._guard.stdin.flush()
