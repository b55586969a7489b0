# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.vendors.minimax import VENDOR
from airflow_provider_videos.vendors.minimax import MiniMax
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
TEXT = {"type": "text", "text": "A cat."}
ORDER = dict(VENDOR.example_order)
V1_ORDER = {"model": "MiniMax-Hailuo-2.3", "prompt": "A cat."}
FAILED = {"code": "1026", "message": "video description contains sensitive content"}
USED = {"total_seconds": 5, "input_seconds": 0, "output_seconds": 5, "input_image_count": 0}
PHASES: list[tuple[str, dict[str, Any]]] = [
    ("queued", {"queued": 600}),
    ("running", {"generating": 600}),
    ("succeeded", {}),
    ("succeeded", {"outcome": "ready_without_urls"}),
    ("failed", {"outcome": "failed"}),
    ("cancelled", {"outcome": "cancelled"}),
    ("expired", {"outcome": "expired"}),
]


@pytest.fixture
def minimax(simulator: Simulator) -> Api:
    return Api(simulator, "minimax")


def post(api: Api, path: str, body: Any) -> Any:
    return api.session.post(f"{api.url}{path}", json=body, timeout=10)


def get(api: Api, path: str, **query: str) -> Any:
    return api.session.get(f"{api.url}{path}", params=query, timeout=10)


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/v2/video_generation", ORDER),
        ("/v2/video_regeneration", {"model": "MiniMax-H3", "source_task_id": "424010985738629", "resolution": "2K"}),
        ("/v2/video_regeneration", {"model": "MiniMax-H3", "content": [TEXT], "resolution": "2K"}),
    ],
    ids=str,
)
def test_an_order_of_v2_is_answered_with_its_id_alone(
    minimax: Api, check_schema: CheckSchema, path: str, order: dict[str, Any]
) -> None:
    answer = post(minimax, path, order)
    check_schema(answer.json(), "minimax-created")
    assert (answer.status_code, [*answer.json()]) == (200, ["task_id"])
    task = minimax.send("get", answer.json()["task_id"]).json()["task"]
    assert task["task_type"] == ("generation" if path == "/v2/video_generation" else "regeneration")


def test_an_order_of_v1_says_in_a_200_whether_it_is_one(
    minimax: Api, simulator: Simulator, check_schema: CheckSchema
) -> None:
    accepted = post(minimax, "/v1/video_generation", V1_ORDER)
    refused = post(minimax, "/v1/video_generation", {"model": "MiniMax-Hailuo-2.3"})
    for answer in (accepted, refused):
        check_schema(answer.json(), "minimax-created")
        assert answer.status_code == 200
    assert accepted.json()["base_resp"] == {"status_code": 0, "status_msg": "success"}
    assert (refused.json()["task_id"], refused.json()["base_resp"]["status_code"]) == ("", 2013)
    assert simulator.record.created == {"minimax": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "MiniMax-Hailuo-2.3"}, "model"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text", "text": ""}]}, "must include a non-empty text item (prompt is required) (2013)"),
        ({"duration": "5"}, "duration"),
        ({"ratio": "adaptive"}, "ratio"),
    ],
)
def test_a_bad_order_of_v2_is_refused_by_its_http_status(
    minimax: Api, simulator: Simulator, check_schema: CheckSchema, changes: dict[str, Any], message: str
) -> None:
    answer = post(minimax, "/v2/video_generation", {**ORDER, **changes})
    check_schema(answer.json(), "minimax-created")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "bad_request_error")
    assert message in answer.json()["error"]["message"]
    assert simulator.record.created == {}


def test_an_order_that_is_no_object_is_refused(minimax: Api) -> None:
    assert post(minimax, "/v2/video_generation", []).status_code == 400


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_of_v2_has_the_documented_form_and_is_read(
    minimax: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    video_id = simulator.add_video("minimax", form=form, **options)
    answer = minimax.send("get", video_id).json()
    check_schema(answer, "minimax-answer")
    task = answer["task"]
    assert (task["status"], task.get("error")) == (status, FAILED if status == "failed" else None)
    assert task["usage"] == (USED if not options and form == "documented" else {})
    assert ("modality" in task, task["ratio"]) == ((True, "16:9") if form == "documented" else (False, ""))
    video, _ = run(MiniMax().fetch(video_id), answer)
    assert (video.video_id, video.is_usable) == (video_id, not options)


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(
    ("status", "options"),
    [
        ("Queueing", {"queued": 600}),
        ("Processing", {"generating": 600}),
        ("Success", {}),
        ("Success", {"outcome": "ready_without_urls"}),
        ("Fail", {"outcome": "failed"}),
    ],
)
def test_each_status_of_v1_has_the_documented_form_and_is_read(
    minimax: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    task_id = post(minimax, "/v1/video_generation", V1_ORDER).json()["task_id"]
    simulator.set_video("minimax", task_id, form=form, **options)
    answer = get(minimax, "/v1/query/video_generation", task_id=task_id).json()
    check_schema(answer, "minimax-answer")
    assert (answer["task_id"], answer["status"]) == (task_id, status)
    assert answer["base_resp"]["status_code"] == (1027 if status == "Fail" else 0)
    files = [get(minimax, "/v1/files/retrieve", file_id=answer["file_id"]).json()] if answer.get("file_id") else []
    for file in files:
        check_schema(file, "minimax-answer")
        assert file["file"]["file_id"] == int(answer["file_id"])
    video, _ = run(MiniMax().fetch(f"v1/{task_id}"), answer, *files)
    assert video.is_usable is (not options)


def test_what_v1_does_not_know_is_an_error_in_a_200(minimax: Api) -> None:
    for answer in (
        get(minimax, "/v1/query/video_generation", task_id="7"),
        get(minimax, "/v1/files/retrieve", file_id="7"),
        get(minimax, "/v1/files/retrieve", file_id="x"),
    ):
        assert (answer.status_code, answer.json()["base_resp"]["status_code"]) == (200, 2013)


def test_a_task_of_v1_is_none_of_v2(minimax: Api) -> None:
    task_id = post(minimax, "/v1/video_generation", V1_ORDER).json()["task_id"]
    assert minimax.send("get", task_id).status_code == 400
    assert minimax.list() == {"items": [], "total": 0}


def test_the_list_has_pages_from_1_on_and_bare_tasks(
    minimax: Api, simulator: Simulator, check_schema: CheckSchema
) -> None:
    ids = [simulator.add_video("minimax") for _ in range(21)]
    first, second, third = (minimax.list(page_num=number) for number in "123")
    check_schema(first, "minimax-answer")
    assert [len(page["items"]) for page in (first, second, third)] == [20, 1, 0]
    assert (first["items"][0]["id"], second["items"][0]["id"], third["total"]) == (ids[-1], ids[0], 21)


def test_one_call_cancels_or_deletes(minimax: Api, simulator: Simulator, check_schema: CheckSchema) -> None:
    queued, running = simulator.add_video("minimax", queued=600), simulator.add_video("minimax", generating=600)
    ready = simulator.add_video("minimax")
    for video_id, action in ((queued, "cancelled"), (ready, "deleted")):
        answer = minimax.send("delete", video_id).json()
        check_schema(answer, "minimax-answer")
        assert answer == {"task_id": video_id, "action": action, "status": action}
    assert minimax.send("get", queued).json()["task"]["status"] == "cancelled"
    assert minimax.send("get", ready).status_code == 400
    assert [minimax.send("delete", video_id).status_code for video_id in (running, queued)] == [400, 400]


@pytest.mark.parametrize("status", [400, 401, 402, 422, 429, 500, 529])
def test_each_error_of_v2_has_the_documented_form(check_schema: CheckSchema, status: int) -> None:
    reply = VENDOR.error(status)
    check_schema(reply.body, "minimax-answer")
    assert (reply.status, reply.body["error"]["http_code"]) == (status, str(status))
