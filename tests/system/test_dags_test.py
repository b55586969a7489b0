# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from airflow_provider_videos.simulator import Simulator
from local_airflow.airflow_home import clean_environment, create_database, write_configuration
from local_airflow.components import AIRFLOW_COMMAND

pytestmark = [pytest.mark.system, pytest.mark.long]

EXAMPLE_DAGS = Path(__file__).parent.parent.parent / "example_dags"


@pytest.mark.parametrize("dag_id", ["example_order_video", "example_wait_without_worker"])
def test_airflow_dags_test_runs_what_defers(dag_id: str, vendors: Simulator, tmp_path: Path) -> None:
    write_configuration(tmp_path, EXAMPLE_DAGS, 0, (0, 0), {})
    create_database(tmp_path / "airflow.db")
    connection = {"conn_type": "tavus", "host": vendors.url, "password": vendors.key}
    conf = {"replica_id": "r1", "video_id": vendors.add_video("tavus")}
    result = subprocess.run(
        [*AIRFLOW_COMMAND, "dags", "test", dag_id, "--conf", json.dumps(conf)],
        env=clean_environment(tmp_path) | {"AIRFLOW_CONN_TAVUS_DEFAULT": json.dumps(connection)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert "successful" in result.stdout + result.stderr, result.stdout + result.stderr
