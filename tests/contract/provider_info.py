# SPDX-License-Identifier: Apache-2.0
"""Lets an Airflow in other processes know the tests' own vendors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contract.vendors import RECOVERIES

HOOKS = {
    "relay": "tests.contract.hooks.RelayHook",
    "reel": "tests.contract.hooks.ReelHook",
    **{conn_type: f"tests.contract.hooks.{conn_type}_hook" for conn_type in RECOVERIES},
}


def get_provider_info() -> dict[str, Any]:
    return {
        "package-name": "vendors-of-the-tests",
        "name": "Vendors of the tests",
        "description": "",
        "connection-types": [
            {"connection-type": conn_type, "hook-class-name": path} for conn_type, path in HOOKS.items()
        ],
    }


def write_metadata(folder: Path) -> None:
    """Write what Python finds of an installed package, into a folder that is then put on the path."""
    metadata = folder / "vendors_of_the_tests-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vendors-of-the-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[apache_airflow_provider]\nprovider_info = {__name__}:{get_provider_info.__name__}\n"
    )
