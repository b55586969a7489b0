# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import MetaData, select

from airflow_provider_videos.simulator import Simulator
from crash_tests.orders import DAGS_FOLDER
from local_airflow.real_airflow import RealAirflow
from tests.system.auth_manager import HidesXComsFromViewers
from tests.system.shown import end_shown, run_shown

KEY = "key-that-is-found-nowhere"
WRONG_KEY = "key-that-is-refused-and-found-nowhere"


@pytest.fixture(scope="session")
def vendors() -> Iterator[Simulator]:
    """Run both vendors for as long as Airflow runs."""
    with Simulator(key=KEY) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, vendors: Simulator) -> Iterator[RealAirflow]:
    """Run an Airflow that logs all it can, with the example Dags, those of the tests, and connections."""
    here = Path(__file__).parent
    dags = tmp_path_factory.mktemp("dags")
    for folder in (here / "dags", DAGS_FOLDER, here.parent.parent / "example_dags"):
        shutil.copytree(folder, dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        # The Dags stay as they are, and parsing them again and again is a fifth of what Airflow computes.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
        "AIRFLOW__CORE__AUTH_MANAGER": f"{HidesXComsFromViewers.__module__}.{HidesXComsFromViewers.__qualname__}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__VIDEOS__SHOW_TABS": "True",
        "PYTHONPATH": str(here.parent.parent),
    }
    with RealAirflow(tmp_path_factory.mktemp("airflow"), dags, settings) as airflow:
        connections = {f"{vendor.conn_type}_default": KEY for vendor in vendors.vendors} | {"tavus_refused": WRONG_KEY}
        for conn_id, key in connections.items():
            conn_type = conn_id.rpartition("_")[0]
            airflow.api(
                "POST",
                "/connections",
                json={
                    "connection_id": conn_id,
                    "conn_type": conn_type,
                    "host": vendors.vendor_url(conn_type),
                    "password": key,
                },
            )
        yield airflow
        assert_keys_are_nowhere(airflow)


def assert_keys_are_nowhere(airflow: RealAirflow) -> None:
    """Look for the connections' keys in all that an Airflow wrote, at its end, whatever tests it served."""
    tables = MetaData()
    tables.reflect(airflow.engine)
    with airflow.engine.connect() as database:
        rows = [
            row
            for table in tables.sorted_tables
            if table.name != "connection"
            for row in database.execute(select(table))
        ]
    dump = "\n".join(map(repr, rows))
    for name, text in {"log": airflow.all_logs(), "database": dump}.items():
        assert "example_tavus_video" in text, f"the {name} lacks what every Airflow writes of a Dag"
        for key in (KEY, WRONG_KEY):
            assert key not in text, f"{key} in the {name}: …{text[max(text.index(key) - 300, 0) :][:600]}…"


@pytest.fixture(scope="session")
def kept_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder into which ``example_keep_video`` puts its file."""
    return tmp_path_factory.mktemp("kept") / "videos"


@pytest.fixture(scope="session")
def ordering_examples(airflow: RealAirflow, kept_folder: Path) -> dict[str, str]:
    """Start both example Dags that order and tell another Dag, and give their runs' ids.

    They run at the same time: each polls for the second time after 30 seconds.
    """
    order = {"replica_id": "r1", "script": "Hello."}
    confs = {"example_order_video": order, "example_keep_video": order | {"path": f"{kept_folder}/"}}
    for consumer in ("example_use_ordered_video", "example_use_kept_video"):
        airflow.api("PATCH", f"/dags/{consumer}", json={"is_paused": False})
    return {dag_id: airflow.trigger(dag_id, conf=conf) for dag_id, conf in confs.items()}


@pytest.fixture(scope="session")
def shown_run(airflow: RealAirflow, vendors: Simulator) -> Iterator[str]:
    """Give the id of a run with a video in every state that a page can show."""
    run_id = run_shown(airflow, vendors)
    yield run_id
    end_shown(airflow, run_id)


def eventually(ask: Callable[..., Any], *arguments: Any) -> Any:
    """Ask again until there is an answer, for a minute."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(requests.HTTPError):
            if answer := ask(*arguments):
                return answer
        assert time.monotonic() < deadline, f"nothing from {ask}{arguments}"
        time.sleep(0.5)
