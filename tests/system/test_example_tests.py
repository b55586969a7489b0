# SPDX-License-Identifier: Apache-2.0
"""The tests that people copy, run as they run them: away from this package's own, in an Airflow of their own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.simulator import Simulator
from local_airflow.airflow_home import clean_environment
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import starts

pytestmark = pytest.mark.system

EXAMPLE_TESTS = Path(__file__).parent.parent.parent / "example_tests"


@contextmanager
def example_tests(airflow: RealAirflow, vendors: Simulator) -> Generator[tuple[subprocess.Popen[str], Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = clean_environment(folder / "home")
        # A proxy that nobody has must not be asked for the simulator.
        environment["HTTP_PROXY"] = environment["http_proxy"] = "http://127.0.0.1:9"
        del environment["NO_PROXY"], environment["no_proxy"]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        with subprocess.Popen(
            [*command, "--rootdir", str(EXAMPLE_TESTS), str(EXAMPLE_TESTS)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process, folder
            finally:
                process.kill()


@pytest.mark.skipif(
    not hasattr(BaseTrigger, "on_kill"),
    reason="dag.test() of Airflow 3.2.2 fails with today's FastAPI, for a Dag without any video too",
)
@starts(example_tests)
def test_the_example_tests_of_a_dag_pass(started: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = started
    output, _ = process.communicate(timeout=300)
    assert "3 passed" in output, output
    # The Airflow of whoever runs them is left alone.
    assert not (folder / "home").exists()
