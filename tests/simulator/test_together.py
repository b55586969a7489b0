# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator

from .client import Client

CheckSchema = Callable[[Any, str], None]

PHASES: list[tuple[str, dict[str, Any]]] = [
    ("queued", {"queued": 600}),
    ("in_progress", {"generating": 600}),
    ("in_progress", {"outcome": "stuck"}),
    ("completed", {}),
    ("failed", {"outcome": "failed"}),
    ("cancelled", {"outcome": "cancelled"}),
]


def test_an_order_is_answered_with_a_video_job(
    simulator: Simulator, together: Client, check_schema: CheckSchema
) -> None:
    simulator.queued = 600
    answer = together.order(model="a/b", prompt="A cat", seconds="8", width=640, height=360)
    assert answer.status_code == 200
    job = answer.json()
    check_schema(job, "together-video")
    assert (job["status"], job["model"], job["seconds"], job["size"]) == ("in_progress", "a/b", "8", "640x360")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "A cat"}, "model"),
        ({"model": ""}, "model"),
        ({"model": "a/b", "prompt": ""}, "prompt"),
        ({"model": "a/b", "prompt": "x" * 32_001}, "prompt"),
        ({"model": "a/b", "seconds": 5}, "seconds"),
        ({"model": "a/b", "fps": "24"}, "fps"),
        ({"model": "a/b", "width": True}, "width"),
        ({"model": "a/b", "steps": 9}, "steps"),
        ({"model": "a/b", "output_format": "AVI"}, "output_format"),
    ],
)
def test_a_bad_order_is_refused_and_not_counted(
    simulator: Simulator, together: Client, check_schema: CheckSchema, body: dict[str, Any], param: str
) -> None:
    answer = together.order(**body)
    assert answer.status_code == 400
    check_schema(answer.json(), "together-error")
    assert answer.json()["error"]["param"] == param
    assert simulator.record.created == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_an_order_that_is_no_json_object_is_refused(together: Client, check_schema: CheckSchema, body: bytes) -> None:
    answer = together.send("POST", data=body)
    assert answer.status_code == 400
    check_schema(answer.json(), "together-error")


def test_a_prompt_may_have_32000_characters_or_be_left_out(together: Client) -> None:
    assert together.order(model="a/b", prompt="x" * 32_000).status_code == 200
    assert together.order(model="a/b").status_code == 200


@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_documented_form(
    simulator: Simulator, together: Client, check_schema: CheckSchema, status: str, options: dict[str, Any]
) -> None:
    described = together.look(simulator.add_video("together", **options)).json()
    # The schema of the vendor knows no `queued`.
    assert described["status"] == ("in_progress" if status == "queued" else status)
    assert isinstance(described["created_at"], int)
    check_schema(described, "together-video")


@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_observed_form_on_request(
    simulator: Simulator, together: Client, check_schema: CheckSchema, status: str, options: dict[str, Any]
) -> None:
    described = together.look(simulator.add_video("together", form="observed", **options)).json()
    assert described["status"] == status
    assert not {"size", "seconds"} & described.keys()
    check_schema(described, "together-video-observed")


def test_the_observed_form_repeats_the_order() -> None:
    with Simulator(form="observed") as simulator:
        client = Client(simulator, {"Authorization": f"Bearer {simulator.key}"})
        with client.session:
            job = client.order(model="a/b", prompt="A cat", seconds="8").json()
    assert (job["inputs"], job["status"]) == ({"prompt": "A cat", "seconds": "8"}, "queued")
    assert job["claimed_at"] == "0001-01-01T00:00:00Z"


def test_a_failure_has_a_code_and_a_message(simulator: Simulator, together: Client) -> None:
    for form in ("documented", "observed"):
        video_id = simulator.add_video("together", outcome="failed", form=form)
        assert together.look(video_id).json()["error"].keys() == {"code", "message"}


def test_ready_without_urls_has_no_video_url(simulator: Simulator, together: Client) -> None:
    documented = together.look(simulator.add_video("together", outcome="ready_without_urls")).json()
    assert documented["status"] == "completed"
    assert "outputs" not in documented
    observed = together.look(simulator.add_video("together", outcome="ready_without_urls", form="observed")).json()
    assert (observed["status"], observed["outputs"]["video_url"]) == ("completed", None)


def test_any_field_can_be_overridden_or_left_out(simulator: Simulator, together: Client) -> None:
    described = together.look(simulator.add_video("together", without=("model",), outputs=None)).json()
    assert described["outputs"] is None
    assert "model" not in described


def test_an_unknown_video_is_not_found(simulator: Simulator, together: Client, check_schema: CheckSchema) -> None:
    simulator.add_video("tavus", video_id="not-yours")
    for video_id in ("nothing", "not-yours"):
        answer = together.look(video_id)
        assert answer.status_code == 404
        check_schema(answer.json(), "together-error")


def test_a_wrong_key_is_unauthorized(simulator: Simulator, anyone: Client, check_schema: CheckSchema) -> None:
    video_id = simulator.add_video("together")
    for value in ("Bearer wrong", "Bearer ", "bearer"):
        answer = anyone.send("GET", f"/{video_id}", headers={"Authorization": value})
        assert answer.status_code == 401
        check_schema(answer.json(), "together-error")
        assert answer.json()["error"]["code"] == "invalid_api_key"
    assert simulator.record.keys_refused == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "", 405), ("DELETE", "/any", 405), ("PATCH", "/any/name", 404), ("GET", "/any/more/still", 404)],
)
def test_there_is_no_list_no_delete_and_no_rename(together: Client, method: str, path: str, status: int) -> None:
    assert together.send(method, path).status_code == status
