# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in an environment of their own: ``python scripts/test.py``.

Without more arguments the whole suite runs, in several processes: it waits more than it computes. Other arguments than
the options below go to pytest, which then runs in one process unless ``-n`` is among them. ``--airflow 3.2`` takes the
newest patch release of that version, ``--python 3.13`` runs on that Python.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile

from environment import CHECKOUT, find_interpreter, make_environment

# The tests of a real Airflow share one, which a second process would have to start again. Meanwhile the others run.
SYSTEM = ["-m", "system and not long"]
OTHERS = ["-m", "not system and not long", "-n", "3", "--dist", "worksteal"]


def main() -> int:
    """Run the tests and give pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--airflow", metavar="VERSION", help="version of Airflow (default: the newest)")
    parser.add_argument("--python", metavar="VERSION", help="version of Python (default: the one that runs this)")
    options, for_pytest = parser.parse_known_args()
    requirements = ["--editable", ".[test]"]
    if options.airflow:
        # Airflow 3.2 sets no upper limit on FastAPI, and doesn't run with the newest.
        requirements += [f"apache-airflow~={options.airflow}.0", "fastapi<0.137"]
    name, interpreter = f"test-airflow-{options.airflow or 'newest'}", sys.executable
    if options.python:
        name, interpreter = f"{name}-python-{options.python}", find_interpreter(options.python)
    python = make_environment(name, *requirements, interpreter=interpreter)
    pytest = [str(python), "-m", "pytest"]
    if for_pytest:
        return subprocess.run([*pytest, *for_pytest], cwd=CHECKOUT, check=False).returncode
    return run_all(pytest)


def run_all(pytest: list[str]) -> int:
    """Run the whole suite, the real Airflow's tests beside the others, and print their output after the others'.

    :return: the first exit code that is not 0, if there is one.
    """
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen([*pytest, *SYSTEM], cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT) as system,
    ):
        others = subprocess.run([*pytest, *OTHERS], cwd=CHECKOUT, check=False)
        system.wait()
        output.seek(0)
        shutil.copyfileobj(output, sys.stdout.buffer)
    return others.returncode or system.returncode


if __name__ == "__main__":
    sys.exit(main())
