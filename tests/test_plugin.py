# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from airflow.sdk._shared.module_loading import import_string

from airflow_provider_videos.get_provider_info import get_provider_info
from airflow_provider_videos.plugin import VideosPlugin, tabs
from airflow_provider_videos.ui import addresses

NEW_MODULES = """
import sys, airflow.plugins_manager
before = set(sys.modules)
import airflow_provider_videos.plugin
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture(autouse=True)
def _read_the_configuration() -> Iterator[None]:
    addresses.base_url.cache_clear()
    yield
    addresses.base_url.cache_clear()


def test_there_are_no_tabs_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tabs() == []
    monkeypatch.setenv("AIRFLOW__VIDEOS__SHOW_TABS", "True")
    assert [(tab["name"], tab["destination"]) for tab in tabs()] == [("Video", "task_instance"), ("Videos", "dag_run")]


def test_tabs_leave_airflow_its_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOS__SHOW_TABS", "True")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/prod/")
    assert [tab["href"] for tab in tabs()] == [
        "/prod/videos/dags/{DAG_ID}/runs/{RUN_ID}/tasks/{TASK_ID}?map_index={MAP_INDEX}",
        "/prod/videos/dags/{DAG_ID}/runs/{RUN_ID}",
    ]


def test_the_declared_option_and_links_are_the_plugins() -> None:
    info = get_provider_info()
    assert info["config"]["videos"]["options"]["show_tabs"]["default"] == "False"
    links = [import_string(path) for path in info["extra-links"]]
    assert links == [type(link) for link in VideosPlugin.operator_extra_links]


def test_whoever_loads_the_plugin_does_not_pay_for_the_pages() -> None:
    command = [sys.executable, "-c", NEW_MODULES]
    new = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "airflow_provider_videos.plugin" in new
    heavy = ("aiohttp", "fastapi", "jinja2", "requests", "sqlalchemy", "airflow_provider_videos.hooks")
    tasks = ("airflow_provider_videos.operators", "airflow_provider_videos.sensors", "airflow_provider_videos.ui.app")
    assert [name for name in new if name.startswith((*heavy, *tasks))] == []


def test_a_template_can_have_the_address_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/prod/")
    mine = SimpleNamespace(dag_id="dag", run_id="manual__1+00:00", task_id="tell", map_index=2)
    [video_page_url, run_page_url] = VideosPlugin.macros
    run = "https://airflow.example.com/prod/videos/dags/dag/runs/manual__1%2B00%3A00"
    assert run_page_url(mine) == run
    assert video_page_url(mine) == f"{run}/tasks/tell?map_index=2"
    assert video_page_url(mine, "order") == f"{run}/tasks/order"
    assert video_page_url(mine, "order", mine.map_index) == f"{run}/tasks/order?map_index=2"
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    addresses.base_url.cache_clear()
    assert run_page_url(mine).startswith("http://localhost:8080/videos/dags/dag/")
