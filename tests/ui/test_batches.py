# SPDX-License-Identifier: Apache-2.0
"""The pages of tasks that have many videos."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.video_runs import read_all_runs
from airflow_provider_videos.video import Video, VideoState
from tests.ui.conftest import Leave

RUN = "/dags/dag/runs/run"
ORDER = f"{RUN}/tasks/order"


def record(video_id: str = "v1", state: str = "ready", **fields: Any) -> dict[str, Any]:
    return Video(vendor="tavus", video_id=video_id, state=VideoState(state), status=state, **fields).to_dict()


def leave_batch(leave: Leave, videos: list[dict[str, Any]], state: str = "success") -> None:
    ids = [video["video_id"] for video in videos]
    returned = {"return_value": videos} if state == "success" else {}
    xcoms = {"video_ids": ids, "vendor": "tavus", "videos": videos, **returned}
    leave("order", state, operator="GenerateVideoBatchOperator", xcoms=xcoms)


def test_a_batch_shows_a_grid_in_the_order_of_its_list(client: TestClient, leave: Leave) -> None:
    leave_batch(leave, [record("v2", name="Second"), record("v1", "failed", error_message="It is empty.")])
    for path in (ORDER, f"{ORDER}?map_index=-1", RUN):
        page = client.get(path).text
        assert page.count('class="card"') == 2
        assert page.index("Second") < page.index("It is empty.")
        assert "1 ready" in page
        assert "1 failed" in page


def test_each_video_has_a_page_of_its_own(client: TestClient, leave: Leave) -> None:
    leave_batch(leave, [record("v1", name="First"), record("v2", name="Second", script="Hello there.")])
    assert f'href="/videos{ORDER}?map_index=-1&amp;member=1"' in client.get(ORDER).text
    page = client.get(f"{ORDER}?map_index=-1&member=1").text
    assert "Hello there." in page
    assert "First" not in page
    for member in ("2", "-1", "x", "9" * 30):
        assert client.get(f"{ORDER}?map_index=-1&member={member}").status_code == 404


REFUSED = {**record(state="failed", script="Hello.", error_message="Tavus answered 422."), "video_id": None}
NOT_KEPT = {"vendor": "tavus", "video_id": None, "path": None, "sha256": None, "error_message": "Tavus answered 422."}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_what_was_never_ordered_is_shown_as_failed(state: str, client: TestClient, leave: Leave) -> None:
    leave_batch(leave, [record("v1", name="First"), REFUSED, REFUSED, record("v2")], state)
    for path in (ORDER, RUN):
        page = client.get(path).text
        assert "4 videos" in page
        assert page.count('class="card"') == 4
        assert page.count("<p>Tavus answered 422.</p>") == 2
        assert "2 ready" in page
        assert "2 failed" in page
        assert "Tasks without a video" not in page
        assert client.get(f"{path}?state=failed").text.count('class="card"') == 2
    page = client.get(f"{ORDER}?map_index=-1&member=2").text
    assert "Hello." in page
    assert '<p class="reason">Tavus answered 422.</p>' in page
    assert "<dt>Id</dt>" not in page
    assert client.get(f"{ORDER}/copy?map_index=-1&member=2").status_code == 404


def test_what_was_never_ordered_is_shown_once_though_the_tasks_after_it_pass_it_on(
    client: TestClient, leave: Leave
) -> None:
    kept = {"vendor": "tavus", "video_id": "v1", "path": "/videos/v1.mp4", "bytes": 12, "sha256": "00"}
    lists = {
        ("order", "GenerateVideoBatchOperator"): [record("v1"), REFUSED, REFUSED],
        ("wait", "VideoBatchSensor"): [record("v1"), REFUSED, REFUSED],
        ("keep", "DownloadVideoBatchOperator"): [kept, NOT_KEPT, NOT_KEPT],
    }
    for (task_id, operator), videos in lists.items():
        leave(task_id, operator=operator, xcoms={"videos": videos})
        leave(task_id, run_id="later", operator=operator, xcoms={"videos": videos} if task_id != "order" else {})
    for page in (RUN, f"{RUN}/tasks/wait", f"{RUN}/tasks/keep", "/dags/dag/runs/later"):
        shown = client.get(page).text
        assert shown.count('class="card"') == 3
        assert "2 failed" in shown


def test_the_tasks_of_a_run_show_each_video_once_and_what_is_kept_of_it(client: TestClient, leave: Leave) -> None:
    videos = [record("v1", name="First"), record("v2", "failed", error_message="It is empty.")]
    leave_batch(leave, videos)
    kept = {"vendor": "tavus", "video_id": "v1", "path": "/videos/v1.mp4", "bytes": 12, "sha256": "00"}
    lost = {"vendor": "tavus", "video_id": "v2", "path": None, "bytes": None, "sha256": None, "error_message": "no"}
    leave("keep", operator="DownloadVideoBatchOperator", xcoms={"videos": [kept, lost], "return_value": [kept, lost]})
    page = client.get(RUN).text
    assert page.count('class="card"') == 2
    assert page.count("<span>kept</span>") == 1
    assert "1 failed" in page
    assert "/videos/v1.mp4" in client.get(f"{ORDER}?map_index=-1&member=0").text
    assert "/videos/v1.mp4" in client.get(f"{RUN}/tasks/keep?map_index=-1&member=0").text


def test_the_lists_of_runs_find_those_that_have_batches_only_and_count_each_video_once(
    session: Session, client: TestClient, leave: Leave
) -> None:
    leave("order", operator="GenerateVideoBatchOperator", xcoms={"video_ids": ["v1", "v2", None]})
    # As a triggerer pushes it, and as a task that is mapped over what the batch returned.
    leave("wait", operator="VideoBatchSensor", xcoms={"video_ids": '["v1", "v2", "v3"]'})
    leave("keep", map_index=0, operator="DownloadVideoOperator", xcoms={"video_id": "v2"})
    leave("keep", map_index=1, operator="DownloadVideoOperator", xcoms={"video_id": '"v4"'})
    leave("order", run_id="odd", operator="GenerateVideoBatchOperator", xcoms={"video_ids": "[no list"})
    leave("wait", run_id="single", xcoms={"video_id": "v9"})
    leave("else", run_id="without", operator="PythonOperator", xcoms={"return_value": 1})
    runs = read_all_runs(session, lambda dag_id: True, skip=0, limit=9)
    assert [(run.run_id, run.count) for run in runs] == [("single", 1), ("odd", 0), ("run", 4)]
    assert f'<a href="/videos{RUN}">run</a></td><td>4</td>' in client.get("/dags/dag").text


def test_a_batch_that_waits_shows_what_is_ordered_and_how_the_rest_stands(client: TestClient, leave: Leave) -> None:
    waiting = {"videos": 1000, "ready": 12, "failed": 3, "pending": 85, "not_ordered": 900, "failed_polls": 0}
    xcoms = {"video_ids": ["v1", None], "vendor": "tavus", "waiting": waiting}
    leave("order", "deferred", operator="GenerateVideoBatchOperator", xcoms=xcoms)
    page = client.get(ORDER).text
    assert page.count('class="card"') == 1
    assert "12 of 1,000 ready, 3 failed, 900 not ordered yet" in page
    leave("wait", "deferred", operator="VideoBatchSensor", xcoms={"waiting": {**waiting, "not_ordered": 0}})
    page = client.get(f"{RUN}/tasks/wait").text
    assert "This task has no video yet." in page
    assert "12 of 1,000 ready, 3 failed" in page


@pytest.mark.parametrize("videos", [{}, "text", [5, None, [], "v1"], [{"video_id": 7}], None])
def test_what_is_no_list_of_videos_is_passed_over(videos: Any, client: TestClient, leave: Leave) -> None:
    leave("order", operator="GenerateVideoBatchOperator", xcoms={"videos": videos})
    answer = client.get(ORDER)
    assert (answer.status_code, answer.text.count('class="card"')) == (200, 0)


def test_a_thousand_videos_are_shown_within_a_second(client: TestClient, leave: Leave) -> None:
    url = "https://cdn.example/" + "x" * 400
    leave_batch(leave, [record(f"v{number}", name=f"Clip {number}", download_url=url) for number in range(1000)])
    client.get(RUN)
    began = time.process_time()
    page = client.get(ORDER).text
    assert time.process_time() - began < 1
    assert "1000 videos" in page
    assert page.count('class="card"') == 60
