# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGIN = "airflow_provider_videos.simulator.pytest_plugin"
NAMES_IT = f"pytest_plugins = [{PLUGIN!r}]\n"
LOADS_NOTHING = f"""
import sys


def test_it():
    assert ({PLUGIN!r} in sys.modules) is {{is_named}}
    assert "airflow" not in sys.modules
"""
LEADS_THERE = """
import os


def test_it(video_simulator, monkeypatch):
    for vendor in ("tavus", "together"):
        assert os.environ[f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"] == video_simulator.connection_uri(vendor)
    assert video_simulator.add_video("tavus")


def test_afterwards():
    assert not [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]
"""


def run_suite(folder: Path, text: str) -> str:
    """Run a test file as its author would, in an environment that has this package, and return what pytest printed."""
    (folder / "test_it.py").write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.stdout


def test_a_suite_that_does_not_name_it_loads_nothing_of_it(tmp_path: Path) -> None:
    assert "1 passed" in run_suite(tmp_path, LOADS_NOTHING.format(is_named=False))
    assert "fixture 'video_simulator' not found" in run_suite(tmp_path, LEADS_THERE)


def test_it_imports_nothing_of_airflow(tmp_path: Path) -> None:
    assert "1 passed" in run_suite(tmp_path, NAMES_IT + LOADS_NOTHING.format(is_named=True))


def test_it_points_the_default_connections_at_a_simulator_as_long_as_a_test_runs(tmp_path: Path) -> None:
    assert "2 passed" in run_suite(tmp_path, NAMES_IT + LEADS_THERE)
