# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.api_fastapi.common.db.common import _get_session
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.app import ACCESS, make_app
from tests.ui.conftest import Leave

RUN = "/dags/dag/runs/run"


@pytest.fixture
def client(session: Session, leave: Leave) -> Iterator[TestClient]:
    """Give a client of the pages that may see all, of a run with a task and a mapped one."""
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
