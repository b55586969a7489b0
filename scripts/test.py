# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in an environment of their own: ``python scripts/test.py``.

Without more arguments the whole suite runs, in several processes: it waits more than it computes. Other arguments than
the options below go to pytest, which then runs in one process unless ``-n`` is among them.

``--witnesses`` runs the vendors' own SDKs against the simulator instead, without an Airflow; the whole suite runs them
too. ``--witnesses -k together`` runs one SDK.

``--airflow 3.2`` takes the newest patch release of that version, ``--airflow 3.4.0b2`` exactly that one; if the package
index has none, the exit code is 69. ``--python 3.13`` runs on that Python.

``--backend postgres`` runs the real Airflow's tests on PostgreSQL and Redis, with CeleryExecutor, two workers and two
triggerers, and then kills one of each (``benchmarks.failover``). ``--backend mysql`` runs them on MariaDB. The servers
are Debian's; they run in a temporary folder, as long as the tests do. See docs/tested-versions.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

from backend import REQUIREMENTS, check_installed, run_beside
from environment import CHECKOUT, find_interpreter, is_on_index, keep_bytecode, make_environment

SYSTEM = ["-m", "system and not long"]
SYSTEM_TESTS = "tests/system"
# They wait more than they compute. The tests of each of the two processes share an Airflow.
TWO_AIRFLOWS = ["-n", "2", "--dist", "loadfile"]
OTHERS = ["-m", "not system and not long", "--ignore", SYSTEM_TESTS, "-n", "4", "--dist", "worksteal"]
# The other tests' conftest imports Airflow, which is not there.
WITNESSES = ["--confcutdir", "tests/witnesses", "tests/witnesses"]


def main() -> int:
    """Run the tests and give pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--airflow", metavar="VERSION", help="version of Airflow (default: the newest)")
    parser.add_argument("--python", metavar="VERSION", help="version of Python (default: the one that runs this)")
    parser.add_argument("--backend", choices=REQUIREMENTS, help="database server (default: none, but SQLite)")
    parser.add_argument("--witnesses", action="store_true", help="run the vendors' own SDKs against the simulator")
    options, for_pytest = parser.parse_known_args()
    keep_bytecode()
    requirements = ["--editable", ".[test]"]
    name, interpreter, suffix = f"test-airflow-{options.airflow or 'newest'}", sys.executable, ""
    if options.python:
        suffix, interpreter = f"-python-{options.python}", find_interpreter(options.python)
    name += suffix
    if options.witnesses:
        return subprocess.run([*witnesses(suffix, interpreter), *for_pytest], cwd=CHECKOUT, check=False).returncode
    if options.airflow:
        is_exact = options.airflow.count(".") > 1
        requirements.append(f"apache-airflow{'==' if is_exact else '~='}{options.airflow}{'' if is_exact else '.0'}")
        if not is_on_index(requirements[-1], interpreter=interpreter):
            print(f"The package index has no Airflow {options.airflow} for this Python: nothing was tested.")
            return os.EX_UNAVAILABLE
    if options.airflow == "3.2":
        # It sets no upper limit on FastAPI, and doesn't run with the newest.
        requirements.append("fastapi<0.137")
    if options.backend:
        check_installed(options.backend)
        name = f"{name}-{options.backend}"
        requirements += REQUIREMENTS[options.backend]
    python = make_environment(name, *requirements, interpreter=interpreter)
    pytest = [str(python), "-m", "pytest"]
    if options.backend:
        return run_beside(options.backend, commands_of(options.backend, str(python), for_pytest))
    if for_pytest:
        return subprocess.run([*pytest, *for_pytest], cwd=CHECKOUT, check=False).returncode
    # The SDKs know nothing of an Airflow.
    beside = [] if options.airflow else [witnesses(suffix, interpreter)]
    return run_all([*pytest, *OTHERS], [*pytest, *SYSTEM, *TWO_AIRFLOWS, SYSTEM_TESTS], *beside)


def witnesses(suffix: str, interpreter: str) -> list[str]:
    """Make the environment of the vendors' own SDKs, and return the command that runs their tests in it."""
    python = make_environment(f"witnesses{suffix}", "--group", "witnesses", interpreter=interpreter)
    return [str(python), "-m", "pytest", *WITNESSES]


def commands_of(backend: str, python: str, for_pytest: list[str]) -> list[list[str]]:
    """Return what runs beside a database server: pytest, and without arguments for it the failover."""
    # Of two options -m the last one counts.
    tests = [python, "-m", "pytest", *SYSTEM, *(for_pytest or [SYSTEM_TESTS])]
    failover = [python, "-m", "benchmarks.failover"]
    return [tests, failover] if backend == "postgres" and not for_pytest else [tests]


def run_all(command: list[str], *beside: list[str]) -> int:
    """Run a command and others beside it, and print their output after its.

    :return: the first exit code that is not 0, if there is one.
    """
    with contextlib.ExitStack() as resources:
        started = []
        for other in beside:
            output = resources.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(other, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT)
            started.append((resources.enter_context(process), output))
        codes = [subprocess.run(command, cwd=CHECKOUT, check=False).returncode]
        for process, output in started:
            codes.append(process.wait())
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main())
