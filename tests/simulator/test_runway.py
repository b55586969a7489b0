# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Fault, Simulator

from .api import Api

CheckSchema = Callable[[Any, str], None]

PHASES: list[tuple[str, dict[str, Any]]] = [
    ("PENDING", {"queued": 600}),
    ("THROTTLED", {"queued": 600, "status": "THROTTLED"}),
    ("RUNNING", {"generating": 600}),
    ("RUNNING", {"outcome": "stuck"}),
    ("SUCCEEDED", {}),
    ("FAILED", {"outcome": "failed"}),
    ("CANCELLED", {"outcome": "cancelled"}),
]
EXTRAS = {"estimatedCost", "cost", "failureCode"}


@pytest.fixture
def runway(simulator: Simulator) -> Api:
    return Api(simulator, "runway")


def post(runway: Api, path: str, **body: Any) -> Any:
    return runway.session.post(f"{runway.url}{path}", json=body, timeout=10)


def test_an_order_is_answered_with_an_id_and_what_it_costs_at_most(runway: Api, check_schema: CheckSchema) -> None:
    answer = runway.order()
    assert answer.status_code == 200
    check_schema(answer.json(), "runway-created")
    assert answer.json()["estimatedCost"] == {"credits": 60}


def test_an_order_of_older_pages_is_answered_with_an_id(check_schema: CheckSchema) -> None:
    with Simulator(form="observed") as simulator:
        answer = Api(simulator, "runway").order().json()
    check_schema(answer, "runway-created")
    assert answer.keys() == {"id"}


def test_a_routed_order_says_which_model_was_chosen(runway: Api, check_schema: CheckSchema) -> None:
    answer = post(runway, "/v1/generate/video", configId="cheapest", input={"promptText": "A cat."}).json()
    check_schema(answer, "runway-created")
    assert (answer["routing"]["configId"], answer["routing"]["model"]) == ("cheapest", "gen4.5")


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_documented_form(
    simulator: Simulator, runway: Api, check_schema: CheckSchema, status: str, options: dict[str, Any], form: Any
) -> None:
    described = runway.send("get", simulator.add_video("runway", form=form, **options)).json()
    check_schema(described, "runway-task")
    assert described["status"] == status
    assert bool(EXTRAS & described.keys()) is (form == "documented")


def test_each_poll_has_another_url_of_the_same_file(simulator: Simulator, runway: Api) -> None:
    video_id = simulator.add_video("runway")
    first, second = (runway.send("get", video_id).json()["output"][0] for _ in range(2))
    assert first != second
    assert first.partition("?")[0] == second.partition("?")[0]
    assert runway.session.get(first, timeout=10).headers["Content-Type"] == "video/mp4"


def test_ready_without_urls_has_no_output(simulator: Simulator, runway: Api) -> None:
    described = runway.send("get", simulator.add_video("runway", outcome="ready_without_urls")).json()
    assert (described["status"], described["output"]) == ("SUCCEEDED", [])


@pytest.mark.parametrize("generating", [0, 600])
def test_a_deleted_task_is_not_found(simulator: Simulator, runway: Api, generating: int) -> None:
    video_id = simulator.add_video("runway", generating=generating)
    answer = runway.send("delete", video_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert runway.send("get", video_id).status_code == 404
    assert runway.send("delete", video_id).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("text_to_video", {"promptText": "A cat."}, "model"),
        ("text_to_video", {"model": "gen4.5", "promptText": "x" * 1001, "duration": 5}, "promptText"),
        ("text_to_video", {"model": "gen4.5", "promptText": "A cat.", "duration": 1}, "duration"),
        ("text_to_video", {"model": "veo3.1", "seed": "1"}, "seed"),
        ("image_to_video", {"model": "gen4_turbo"}, "promptImage"),
        ("character_performance", {"model": "act_two", "character": {}}, "character"),
        ("generate/video", {"configId": "cheapest"}, "input"),
    ],
)
def test_a_bad_order_is_refused_and_not_counted(
    simulator: Simulator, runway: Api, path: str, body: dict[str, Any], field: str
) -> None:
    answer = post(runway, f"/v1/{path}", **body)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["path"] == [field]
    assert simulator.record.created == {}


@pytest.mark.parametrize("version", [None, "2023-01-01"])
def test_a_request_without_the_version_is_refused(simulator: Simulator, runway: Api, version: str | None) -> None:
    answer = runway.send("get", simulator.add_video("runway"), headers={"X-Runway-Version": version})
    assert (answer.status_code, answer.json().keys()) == (400, {"error"})


def test_above_the_daily_limit_an_order_is_a_429(simulator: Simulator, runway: Api) -> None:
    simulator.add_fault(Fault("status", status=429, endpoint="create"))
    answer = runway.order()
    assert (answer.status_code, answer.json()) == (429, {"error": "Your daily task limit has been reached."})


def test_there_is_no_list(runway: Api) -> None:
    assert runway.session.get(f"{runway.url}/v1/tasks", timeout=10).status_code == 404
