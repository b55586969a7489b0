# SPDX-License-Identifier: Apache-2.0
"""What importing the package brings along, in a fresh interpreter."""

from __future__ import annotations

import importlib.metadata
import pkgutil
import subprocess
import sys

import pytest

import airflow_provider_videos

MODULES = [
    module.name for module in pkgutil.walk_packages(airflow_provider_videos.__path__, "airflow_provider_videos.")
]


def modules_brought_by(*steps: str) -> list[set[str]]:
    """Run statements in a fresh interpreter; give the modules that each of them adds."""
    lines = ["import sys", "before = set(sys.modules)"]
    for step in steps:
        lines += [step, "print('brought', *(set(sys.modules) - before))", "before = set(sys.modules)"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return [set(line.split()) for line in done.stdout.splitlines() if line.startswith("brought ")]


@pytest.fixture(scope="module")
def brought_into_airflow() -> list[set[str]]:
    """Import what a Dag imports of Airflow, then of the package, then every module of the package."""
    return modules_brought_by(
        # A filter that is given on the command line matches whole module names only.
        "import warnings; warnings.filterwarnings('error', module='airflow_provider_videos')",
        "from airflow.sdk import BaseOperator, BaseSensorOperator, timezone",
        "import airflow_provider_videos.sensors.video, airflow_provider_videos.operators.video",
        f"import {', '.join(name for name in MODULES if not name.endswith('.__main__'))}",
    )


def test_what_airflow_imports_while_it_is_half_imported_imports_nothing_of_airflow() -> None:
    [brought] = modules_brought_by("import airflow_provider_videos.get_provider_info")
    assert brought >= {"airflow_provider_videos", "airflow_provider_videos.get_provider_info"}
    assert {name for name in brought if name.split(".")[0] in {"airflow", "requests", "aiohttp"}} == set()


def test_a_dag_that_uses_the_package_pays_for_no_http_library(brought_into_airflow: list[set[str]]) -> None:
    brought = brought_into_airflow[2]
    assert brought >= {"airflow_provider_videos.sensors.video", "airflow_provider_videos.operators.video"}
    assert brought.isdisjoint({"aiohttp", "requests", "urllib3", "yarl"})
    assert brought.isdisjoint({"airflow_provider_videos.hooks", "airflow_provider_videos.triggers"})


def test_every_module_is_imported_without_a_warning_of_the_package(brought_into_airflow: list[set[str]]) -> None:
    assert {"airflow_provider_videos.hooks.video", "airflow_provider_videos.triggers.video"} <= brought_into_airflow[3]


def test_the_version_is_the_one_that_is_installed() -> None:
    assert importlib.metadata.version("airflow-provider-videos") == airflow_provider_videos.__version__
