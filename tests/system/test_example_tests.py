# SPDX-License-Identifier: Apache-2.0
"""The tests that people copy, run as they run them: away from this package's own, in an Airflow of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow.triggers.base import BaseTrigger

from local_airflow.airflow_home import clean_environment

pytestmark = pytest.mark.system

EXAMPLE_TESTS = Path(__file__).parent.parent.parent / "example_tests"


@pytest.mark.skipif(
    not hasattr(BaseTrigger, "on_kill"),
    reason="dag.test() of Airflow 3.2.2 fails with today's FastAPI, for a Dag without any video too",
)
def test_the_example_tests_of_a_dag_pass(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "home")
    # A proxy that nobody has must not be asked for the simulator.
    environment["HTTP_PROXY"] = environment["http_proxy"] = "http://127.0.0.1:9"
    del environment["NO_PROXY"], environment["no_proxy"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE_TESTS), str(EXAMPLE_TESTS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "3 passed" in result.stdout, result.stdout + result.stderr
    # The Airflow of whoever runs them is left alone.
    assert not (tmp_path / "home").exists()
