# SPDX-License-Identifier: Apache-2.0
"""That nothing but the fence uses what Airflow may change without notice, and what is lost where it did."""

from __future__ import annotations

import ast
import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airflow.sdk
import pytest
from airflow.triggers.base import BaseTrigger
from fastapi.testclient import TestClient

import airflow_provider_videos
from airflow_provider_videos.airflow_compat import api_server, tasks
from airflow_provider_videos.links.video import OpenAtVendorLink, WatchVideoLink
from airflow_provider_videos.plugin import Pages, tabs
from airflow_provider_videos.waiting.start_from_trigger import CannotStartFromTriggerError, start_trigger_args

WITH_VIDEOS = [
    "ApproveVideoOperator",
    *("DownloadVideoOperator", "_GenerateVideoDecoratedOperator", "GenerateVideoOperator", "GetVideoOperator"),
    *("VideoSensor", "DownloadVideoBatchOperator", "_GenerateVideoBatchDecoratedOperator"),
    *("GenerateVideoBatchOperator", "VideoBatchSensor"),
]
PACKAGE = Path(airflow_provider_videos.__file__).parent
FENCE = {"airflow_compat/tasks.py", "airflow_compat/api_server.py"}
#: What Airflow's page "Public Interface" names, and of other providers what their own pages document.
PUBLIC_MODULES = {
    "airflow.plugins_manager",
    "airflow.sdk",
    "airflow.sdk.bases.decorator",
    # Where the documented airflow.exceptions tells everyone to import from.
    "airflow.sdk.exceptions",
    "airflow.sdk.types",
    "airflow.triggers.base",
    "airflow.utils.state",
    "airflow.providers.common.compat.connection",
    "airflow.providers.common.compat.openlineage.facet",
    "airflow.providers.common.compat.sdk",
    # What an operator that reports its lineage returns.
    "airflow.providers.openlineage.extractors",
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.triggers.temporal",
}
#: Documented, and a module.
PUBLIC_NAMES = {*airflow.sdk.__all__, "timezone"}


def private_uses(source: str) -> Iterator[str]:
    """Find what a file uses of Airflow beyond the public interface, and where it asks what there is."""
    tree = ast.parse(source)
    names_of_airflow = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "airflow")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "airflow":
            names_of_airflow |= {alias.asname or alias.name for alias in node.names}
            names = [alias.name for alias in node.names]
            if node.module not in PUBLIC_MODULES:
                yield f"{node.module}: {', '.join(names)}"
            elif node.module == "airflow.sdk":
                yield from (f"airflow.sdk: {name}" for name in names if name not in PUBLIC_NAMES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"hasattr", "getattr"}:
            if isinstance(asked := node.args[0], ast.Name) and asked.id in names_of_airflow:
                yield ast.unparse(node)
        elif isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).startswith("AIRFLOW_V_"):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("line", "is_private"),
    [
        ("from airflow.sdk import BaseOperator, conf", False),
        ("from airflow.sdk import timezone", False),
        ("from airflow.sdk.exceptions import AirflowFailException", False),
        ("from airflow.sdk import SUPERVISOR_COMMS", True),
        ("from airflow.sdk.execution_time.xcom import XCom", True),
        ("from airflow.models.xcom import XComModel", True),
        ("import airflow.models", True),
        ("from airflow import __version__", True),
        ("from airflow.triggers.base import BaseTrigger\nhasattr(BaseTrigger, 'on_kill')", True),
        ("from airflow.triggers.base import BaseTrigger\nhasattr(trigger, 'on_kill')", False),
    ],
)
def test_a_private_use_is_told_from_a_public_one(line: str, is_private: bool) -> None:
    assert bool(list(private_uses(line))) is is_private


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_fence_uses_what_airflow_does_not_document(path: Path) -> None:
    uses = list(private_uses(path.read_text()))
    assert bool(uses) is (str(path.relative_to(PACKAGE)) in FENCE), uses


@pytest.mark.parametrize("name", sorted(api_server._PAGES))
def test_every_name_of_the_pages_is_there(name: str) -> None:
    assert getattr(api_server, name) is not None


def test_a_name_that_has_moved_is_an_import_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api_server._PAGES, "DagRun", "airflow.models.taskinstancekey")
    with pytest.raises(ImportError, match=r"has no DagRun in airflow\.models\.taskinstancekey"):
        api_server.__getattr__("DagRun")
    with pytest.raises(AttributeError, match="Nobody"):
        api_server.__getattr__("Nobody")


# What is missing costs the feature, never the wait.


def test_without_the_api_servers_names_the_pages_say_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make_app() -> Any:
        raise ImportError("Airflow 4.0.0 has no SessionDep in airflow.api_fastapi.common.db.common")

    monkeypatch.setattr("airflow_provider_videos.ui.app.make_app", make_app)
    with caplog.at_level(logging.ERROR):
        # Airflow mounts the pages, and does not tell them when it starts.
        client = TestClient(Pages())
        answers = [client.get("/"), client.get("/dags/dag/runs/run")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "does not support the pages" in answers[0].text
    assert "SessionDep" not in answers[0].text
    [record] = [record for record in caplog.records if record.name == "airflow_provider_videos.plugin"]
    assert "has no SessionDep" in str(record.exc_info)


def test_without_the_tables_a_task_has_no_link_to_its_vendor_and_keeps_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("airflow_provider_videos.ui.playback.vendor_link")
    key: Any = type("Key", (), {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1})
    assert OpenAtVendorLink().get_link(None, ti_key=key) == ""
    assert WatchVideoLink().get_link(None, ti_key=key).startswith("/videos/dags/d/")


def test_without_templates_in_triggers_a_wait_begins_on_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "can_start_from_trigger", lambda: False)
    monkeypatch.setattr("airflow_provider_videos.waiting.start_from_trigger.can_start_from_trigger", lambda: False)
    with pytest.raises(CannotStartFromTriggerError, match=r"Airflow 3\.3"):
        start_trigger_args(None, trigger_cls="", trigger_kwargs={}, timeout=None)  # type: ignore[arg-type]


def test_without_the_constant_a_record_is_kept_as_airflow_keeps_others(monkeypatch: pytest.MonkeyPatch) -> None:
    if "NEVER_EXPIRE" in airflow.sdk.__all__:
        assert tasks.unlimited_retention().keys() == {"retention"}
        monkeypatch.setattr(airflow.sdk, "NEVER_EXPIRE", None)
    assert tasks.unlimited_retention() == {}


def test_a_trigger_has_the_timeout_that_airflow_gives_it() -> None:
    class Trigger(BaseTrigger):
        def serialize(self) -> tuple[str, dict[str, Any]]:
            return "", {}

        async def run(self) -> Any:
            await asyncio.sleep(0)
            yield

    trigger: Any = Trigger()  # type: ignore[no-untyped-call]
    assert tasks.trigger_timeout(trigger) is None
    moment = airflow.sdk.timezone.utcnow()
    trigger.timeout_after = moment
    assert tasks.trigger_timeout(trigger) == moment


@pytest.mark.parametrize(
    ("version", "scope"),
    [
        ("3.2.1", None),
        ("3.3.2", None),
        ("3.4.0", WITH_VIDEOS),
        ("3.10.0rc1", WITH_VIDEOS),
    ],
)
def test_the_tab_of_a_task_is_limited_to_tasks_with_videos_where_airflow_can(
    version: str, scope: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__VIDEOS__SHOW_TABS", "True")
    monkeypatch.setattr(tasks, "airflow_version", lambda: version)
    of_task, of_run = tabs()
    assert of_task.get("applies_to") == (None if scope is None else {"operator_name": scope})
    assert "applies_to" not in of_run
