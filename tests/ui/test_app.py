# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import html
from collections.abc import Generator
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from airflow_provider_videos.ui import app as app_module
from airflow_provider_videos.ui.video_runs import read_all_runs
from tests.ui.conftest import Leave, forget

RUN = "/dags/dag/runs/run"


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


def test_a_count_limits_the_grid_to_its_state(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    leave("broken", "failed", xcoms={"video": record("v9", state="failed")})
    whole, failed = client.get(RUN).text, client.get(f"{RUN}?state=failed").text
    assert f'href="/videos{RUN}?state=failed">1 failed</a>' in whole
    assert (whole.count('class="card"'), failed.count('class="card"')) == (3, 1)
    assert '?state=failed" aria-current="true">1 failed</a>' in failed
    # How many there are in all stays to be seen.
    assert "3 videos" in failed
    assert "2 ready" in failed


def test_a_filter_goes_along_to_the_next_page(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 61)
    page = client.get(f"{RUN}?state=ready").text
    assert f'href="/videos{RUN}?state=ready&amp;page=2"' in page
    assert client.get(f"{RUN}?state=ready&page=2").text.count('class="card"') == 1


def test_a_state_that_there_is_not_is_not_found(client: TestClient) -> None:
    assert client.get(f"{RUN}?state=lost").status_code == 404


def test_a_task_without_a_video_is_no_video_and_links_its_log(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 1)
    leave("order", "failed", operator="GenerateVideoOperator")
    leave("parts", "deferred", map_index=3)
    page = client.get(RUN).text
    assert "<h1>1 video</h1>" in page
    assert page.count('class="card"') == 1
    for name, log in (("order", "tasks/order"), ("parts [3]", "tasks/parts/mapped/3")):
        assert f'<span>{name}</span> <a href="{RUN}/{log}" target="_top">Log</a>' in page
    assert f'href="{RUN}/tasks/order" target="_top">Log</a>' in client.get(f"{RUN}/tasks/order").text


def test_each_name_in_the_trail_leads_to_what_it_names(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    page = client.get(f"{RUN}/tasks/clips?map_index=1").text
    trail = page[page.index('<nav class="trail"') : page.index("<main id")]
    places = [("Videos", "/"), ("dag", "/dags/dag"), ("run", RUN), ("clips", f"{RUN}/tasks/clips")]
    for name, path in places:
        assert f'<a href="/videos{path}">{name}</a>' in trail
        if path != "/":
            assert client.get(path).status_code == 200
    assert '<span aria-current="page">[1]</span>' in trail
    assert f'<a href="{RUN}/tasks/clips/mapped/1" target="_top">This task in Airflow</a>' in trail


def test_a_dags_page_lists_its_runs_with_videos(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    # Two tasks tell of the one video, the triggerer in JSON within JSON.
    leave("order", xcoms={"video_id": "v7"})
    leave("wait", xcoms={"video_id": '"v7"'})
    leave("wait_again", xcoms={"video_id": "v8"})
    page = client.get("/dags/dag").text
    assert f'<a href="/videos{RUN}">run</a></td><td>2</td><td>running</td>' in page
    assert client.get("/dags/dag?page=2").status_code == 200
    assert client.get(f"/dags/dag?page={10**30}").status_code == 200


def test_a_dag_that_there_is_not_is_not_found(client: TestClient) -> None:
    assert client.get("/dags/nobody").status_code == 404


def test_a_ready_video_has_a_button_to_download_it(client: TestClient, leave: Leave) -> None:
    url = "https://vendor.test/v1.mp4"
    leave("ready", xcoms={"return_value": record("v1", download_url=url)})
    leave("expired", xcoms={"return_value": record("v2", download_url=f"{url}?Expires=1700000000")})
    leave("hostile", xcoms={"return_value": record("v3", download_url="javascript:alert(1)")})
    assert f'<a class="button" href="{url}" download' in client.get(f"{RUN}/tasks/ready").text
    for task_id in ("expired", "hostile"):
        assert 'class="button"' not in client.get(f"{RUN}/tasks/{task_id}").text


def test_a_grid_of_whose_run_nothing_has_changed_is_not_made_again(client: TestClient, leave: Leave) -> None:
    leave_clips(leave, 2)
    leave("wait", "deferred", xcoms={"waiting": {"vendor": "tavus", "video_id": "w", "state": "generating"}})
    page = client.get(RUN)
    etag = page.headers["ETag"]
    # The script of the page can't see the headers that the page came with.
    assert f'data-etag="{html.escape(etag)}"' in page.text.replace("&#34;", "&quot;")
    again = client.get(RUN, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["Cache-Control"]) == (304, b"", "no-store")
    assert client.get(f"{RUN}?page=1", headers={"If-None-Match": etag}).status_code == 200
    assert client.get(f"{RUN}/tasks/clips", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("change", ["a task ends", "a task reports", "a task is cleared"])
def test_whatever_changes_in_a_run_makes_its_grid_another(
    change: str, client: TestClient, leave: Leave, session: Session
) -> None:
    leave_clips(leave, 2)
    etag = client.get(RUN).headers["ETag"]
    if change == "a task ends":
        session.execute(update(TaskInstance.__table__).where(TaskInstance.map_index == 1).values(state="failed"))
    elif change == "a task reports":
        leave("wait", "success", operator="PythonOperator", xcoms={"video_id": "v1"})
    else:
        forget(session, 1)
    assert client.get(RUN, headers={"If-None-Match": etag}).status_code == 200


def test_an_unchanged_grid_is_made_anew_after_a_while_since_urls_expire(
    client: TestClient, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_clips(leave, 1)
    etag = client.get(RUN).headers["ETag"]
    monkeypatch.setattr(app_module, "SAME_SECONDS", 1e-6)
    assert client.get(RUN, headers={"If-None-Match": etag}).status_code == 200


def test_a_grid_reads_whole_records_of_the_videos_on_its_page_only(
    client: TestClient, leave: Leave, session: Session
) -> None:
    for index in range(180):
        video = record(f"v{index}", script="w" * 10_000, cost=0.5)
        leave("clips", map_index=index, xcoms={"return_value": video, "video_id": f"v{index}", "vendor": "tavus"})
    sizes: list[int] = []
    with counted_bytes(session, sizes):
        page = client.get(f"{RUN}?page=2").text
    assert "180 videos" in page
    assert "$90.00" in page
    assert page.count('class="card"') == 60
    # A third of some 1.8 million.
    assert 600_000 < sum(sizes) < 700_000
    sizes.clear()
    etag = client.get(f"{RUN}?page=2").headers["ETag"]
    sizes.clear()
    with counted_bytes(session, sizes):
        assert client.get(f"{RUN}?page=2", headers={"If-None-Match": etag}).status_code == 304
    assert sum(sizes) < 1000


@contextlib.contextmanager
def counted_bytes(session: Session, sizes: list[int]) -> Generator[None]:
    """Note how long the texts are that a session's connection gets from the database."""
    connection: Any = session.connection().connection.driver_connection

    def text_factory(text: bytes) -> str:
        sizes.append(len(text))
        return text.decode()

    connection.text_factory = text_factory
    try:
        yield
    finally:
        connection.text_factory = str


def test_a_record_that_the_database_cannot_read_is_read_all_the_same(client: TestClient, leave: Leave) -> None:
    leave("odd", xcoms={"return_value": record("v1", name="Odd one", progress=float("nan"))})
    leave_clips(leave, 1)
    page = client.get(RUN).text
    assert "2 videos" in page
    assert "Odd one" in page


def test_the_list_of_all_runs_asks_for_the_right_to_each_dag_once_and_pages_behind_it(
    session: Session, leave: Leave
) -> None:
    for number in range(9):
        leave("wait", run_id=f"run{number}", xcoms={"video_id": f"v{number}"})
    for entity in (DagRun, TaskInstance):
        move = update(entity.__table__).where(entity.run_id.in_(["run1", "run8", "run4"]))
        session.execute(move.values(dag_id="hidden"))
    asked = []

    def may_see(dag_id: str) -> bool:
        asked.append(dag_id)
        return dag_id != "hidden"

    def listed(skip: int) -> list[str]:
        return [run.run_id for run in read_all_runs(session, may_see, skip=skip, limit=3)]

    assert listed(0) == ["run7", "run6", "run5"]
    assert sorted(asked) == ["dag", "hidden"]
    assert listed(3) == ["run3", "run2", "run0"]
    assert listed(6) == []
    assert [run.count for run in read_all_runs(session, may_see, skip=0, limit=3)] == [1, 1, 1]


def test_a_task_among_many_finds_its_neighbours(client: TestClient, leave: Leave) -> None:
    for index in (7, 0, 3, 12):
        leave("clips", map_index=index, xcoms={"return_value": record(f"v{index}")})
    page = client.get(f"{RUN}/tasks/clips?map_index=3").text
    assert "2 of 4</a>" in page
    assert 'rel="prev" href="/videos/dags/dag/runs/run/tasks/clips?map_index=0"' in page
    assert 'rel="next" href="/videos/dags/dag/runs/run/tasks/clips?map_index=7"' in page
