# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.api_fastapi.common.db.common import _get_session
from airflow.models.dagrun import DagRun
from fastapi.testclient import TestClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.app import ACCESS, make_app
from tests.ui.conftest import START, Leave

RUN = "/dags/dag/runs/run"


@pytest.fixture
def client(session: Session, leave: Leave) -> Iterator[TestClient]:
    """Give a client of the pages that may see all, of a run with a task and a mapped one."""
    session.execute(
        insert(DagRun.__table__).values(
            dag_id="dag", run_id="run", run_type="manual", state="running", logical_date=START, run_after=START
        )
    )
    app = make_app()
    app.dependency_overrides[_get_session] = lambda: session
    for access in ACCESS:
        app.dependency_overrides[access.dependency] = lambda: None
    with TestClient(app) as client:
        yield client


def leave_clips(leave: Leave, count: int) -> None:
    for index in range(count):
        leave("clips", map_index=index, xcoms={"return_value": record(f"v{index}")})


def record(video_id: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"vendor": "tavus", "video_id": video_id, "state": "ready", **fields}


@pytest.mark.parametrize("index", ["7", "-2", "99999999999999999999", "-99999999999999999999"])
def test_a_map_index_that_no_task_has_is_not_found(index: str, client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    assert client.get(f"{RUN}/tasks/clips?map_index={index}").status_code == 404


@pytest.mark.parametrize("index", ["1e3", "9" * 5000, "", "{MAP_INDEX}", "0x1", "1;drop", "\N{FULLWIDTH DIGIT ONE}x"])
def test_what_is_no_map_index_is_none(index: str, client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    leave("alone", xcoms={"return_value": record("alone")})
    assert "2 videos" in client.get(f"{RUN}/tasks/clips", params={"map_index": index}).text
    assert client.get(f"{RUN}/tasks/alone", params={"map_index": index}).status_code == 200


def test_a_page_beyond_the_last_is_the_last(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 61)
    for page in (2, 3, 10**30):
        answer = client.get(f"{RUN}?page={page}")
        assert "Page 2 of 2" in answer.text
        assert answer.text.count('class="card"') == 1


@pytest.mark.parametrize("page", ["0", "-1", "one", "1e3"])
def test_a_page_that_is_no_number_is_not_found_and_says_so_in_a_page(page: str, client: TestClient) -> None:
    answer = client.get(RUN, params={"page": page})
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_text_that_is_no_unicode_is_shown_as_far_as_it_is(client: TestClient, leave: Leave) -> None:
    leave("odd", xcoms={"return_value": record("v1", name="A \ud83d cat")})
    assert "A ? cat" in client.get(f"{RUN}/tasks/odd").text


def test_every_page_has_one_title(client: TestClient, leave: Leave) -> None:
    leave("nothing", operator="PythonOperator")
    leave("odd", xcoms={"return_value": record()})
    for path in (RUN, f"{RUN}/tasks/nothing", f"{RUN}/tasks/odd", f"{RUN}/tasks/unknown"):
        assert client.get(path).text.count("<h1>") == 1, path
