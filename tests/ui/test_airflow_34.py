# SPDX-License-Identifier: Apache-2.0
"""What the pages show by the rules of Airflow 3.4, on a model of its tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from airflow.api_fastapi.common.db.common import _get_session
from airflow.api_fastapi.core_api.security import get_user
from fastapi.testclient import TestClient
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat import api_server
from airflow_provider_videos.ui import app as app_module
from tests.ui import airflow_34

RUN = "/dags/dag/runs/run"
LOOP = UUID(int=7)
START = datetime(2026, 11, 22, tzinfo=UTC)
TABLES = ("DagRun", "HITLDetail", "RenderedTaskInstanceFields", "TaskInstance", "XComModel")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give a session of an Airflow 3.4 with a run, whose tables the pages take for their own."""
    for name in TABLES:
        monkeypatch.setitem(api_server._PAGES, name, "tests.ui.airflow_34")
        for module in [module for name, module in sys.modules.items() if name.startswith("airflow_provider_videos.ui")]:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(airflow_34, name))
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    airflow_34.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(airflow_34.DagRun(id=1, dag_id="dag", run_id="run"))
        session.flush()
        yield session
    engine.dispose()


@pytest.fixture
def client(session: Session) -> TestClient:
    app = app_module.make_app()
    app.dependency_overrides[_get_session] = lambda: session
    app.dependency_overrides[get_user] = lambda: None
    for access in app_module.ACCESS:
        app.dependency_overrides[access.dependency] = lambda: None
    return TestClient(app)


def leave(session: Session, task_id: str, xcoms: dict[str, Any], **fields: Any) -> None:
    instance = airflow_34.TaskInstance(
        dag_id="dag",
        run_id="run",
        task_id=task_id,
        **{"working_set": True, "state": "success", "updated_at": START, **fields},
    )
    session.add(instance)
    session.flush()
    for number, (key, value) in enumerate(xcoms.items()):
        moment = START + timedelta(seconds=number)
        session.add(airflow_34.StoredXCom(task_instance_id=instance.id, key=key, value=value, timestamp=moment))
    session.flush()


def record(video_id: str, **fields: Any) -> dict[str, Any]:
    return {"vendor": "tavus", "video_id": video_id, "state": "ready", "name": f"Clip {video_id}", **fields}


def test_a_retired_attempt_is_not_shown(session: Session, client: TestClient) -> None:
    leave(session, "order", {"return_value": record("v1"), "video_id": "v1"}, working_set=None, state="failed")
    leave(session, "order", {"return_value": record("v2"), "video_id": "v2"})
    leave(session, "order", {"return_value": record("v1"), "video_id": "v1"}, working_set=None, state="failed")
    grid, page = client.get(RUN).text, client.get(f"{RUN}/tasks/order").text
    assert ("Clip v2" in grid, "Clip v1" in grid, "1 video<" in grid) == (True, False, True)
    assert ("Clip v2" in page, "Clip v1" in page) == (True, False)


def test_every_live_instance_of_one_map_index_is_shown(session: Session, client: TestClient) -> None:
    for index in range(3):
        xcoms = {"return_value": record(f"v{index}"), "video_id": f"v{index}"}
        leave(session, "again", xcoms, region_id=LOOP, region_index=index)
    for path in (RUN, f"{RUN}/tasks/again", f"{RUN}/tasks/again?map_index=-1"):
        grid = client.get(path).text
        assert grid.count('class="card"') == 3, path
        assert "again [2]" in grid
    of_one = f"{RUN}/tasks/again?map_index=1&region_id={LOOP}&region_index=1"
    assert f'href="/videos{of_one}"'.replace("&", "&amp;") in client.get(RUN).text
    assert "<h1>Clip v1</h1>" in client.get(of_one).text
    assert client.get(of_one.replace("region_index=1", "region_index=9")).status_code == 404


def test_mapped_tasks_wait_and_end_each_in_its_place(session: Session, client: TestClient) -> None:
    waiting = {"vendor": "tavus", "video_id": "w0", "state": "generating", "status": "generating"}
    leave(session, "wait", {"waiting": waiting}, region_id=LOOP, region_index=0, state="deferred")
    leave(session, "wait", {"return_value": record("w1")}, region_id=LOOP, region_index=1)
    leave(session, "order", {}, operator="GenerateVideoOperator", state="running")
    session.add(
        airflow_34.RenderedTaskInstanceFields(
            task_instance_id=session.query(airflow_34.TaskInstance).filter_by(task_id="order").one().id,
            rendered_fields={"request": {"prompt": "A cat."}},
        )
    )
    session.flush()
    assert "2 videos" in client.get(RUN).text
    assert "Clip w1" in client.get(f"{RUN}/tasks/wait?map_index=1").text
    assert "Generating" in client.get(f"{RUN}/tasks/wait?map_index=0").text
    assert "A cat." in client.get(f"{RUN}/tasks/order").text


def test_an_unchanged_grid_is_not_made_again(session: Session, client: TestClient) -> None:
    leave(session, "order", {"return_value": record("v1")})
    etag = client.get(RUN).headers["ETag"]
    assert client.get(RUN, headers={"If-None-Match": etag}).status_code == 304
    leave(session, "again", {"return_value": record("v2")}, region_id=LOOP, region_index=0)
    assert client.get(RUN, headers={"If-None-Match": etag}).status_code == 200


def test_a_dags_runs_are_listed_by_their_tasks_with_the_number_of_videos(session: Session, client: TestClient) -> None:
    session.add(airflow_34.DagRun(id=2, dag_id="dag", run_id="without"))
    leave(session, "order", {"video_id": "v1"}, working_set=None)
    leave(session, "order", {"video_id": "v2"})
    leave(session, "again", {"video_id": '"v2"'}, region_id=LOOP, region_index=0)
    page = client.get("/dags/dag").text
    assert f'<a href="/videos{RUN}">run</a></td><td>1</td>' in page
    assert ">without</a>" not in page
    leave(session, "batch", {"video_ids": ["v2", "v3"]})
    assert f'<a href="/videos{RUN}">run</a></td><td>2</td>' in client.get("/dags/dag").text
