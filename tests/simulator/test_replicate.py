# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.vendor import VendorRequest
from airflow_provider_videos.simulator.vendors.replicate import VENDOR, describe
from airflow_provider_videos.simulator.videos import SimulatedVideo
from airflow_provider_videos.vendors.replicate import Replicate
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
PHASES: list[tuple[str, dict[str, Any]]] = [
    ("starting", {"queued": 600}),
    ("processing", {"generating": 600}),
    ("processing", {"outcome": "stuck"}),
    ("succeeded", {}),
    ("succeeded", {"outcome": "ready_without_urls"}),
    ("succeeded", {"outcome": "data_removed"}),
    ("failed", {"outcome": "failed"}),
    ("canceled", {"outcome": "cancelled"}),
    ("aborted", {"outcome": "aborted"}),
]


@pytest.fixture
def replicate(simulator: Simulator) -> Api:
    return Api(simulator, "replicate")


def order(api: Api, path: str, body: Any, **headers: str) -> Any:
    return api.session.post(f"{api.url}{path}", json=body, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("path", "named", "model", "version"),
    [
        ("models/a/b/predictions", {}, "a/b", "hidden"),
        ("predictions", {"version": "a/b"}, "a/b", "hidden"),
        ("predictions", {"version": f"a/b:{VERSION}"}, "a/b", VERSION),
        ("predictions", {"version": VERSION}, "simulator/clip", VERSION),
        ("deployments/me/clips/predictions", {}, "simulator/clip", "hidden"),
    ],
)
def test_each_way_to_order_is_answered_with_a_prediction(
    replicate: Api, check_schema: CheckSchema, path: str, named: dict[str, str], model: str, version: str
) -> None:
    answer = order(replicate, f"/v1/{path}", {**named, "input": {"prompt": "A cat."}})
    prediction = answer.json()
    check_schema(prediction, "replicate-prediction")
    assert answer.status_code == 201
    assert (prediction["model"], prediction["version"]) == (model, version)
    assert prediction["input"] == {"prompt": "A cat."}
    assert prediction.get("deployment") == ("me/clips" if "me/clips" in path else None)


def test_an_order_that_prefers_to_wait_is_told_if_it_is_not_finished(replicate: Api, simulator: Simulator) -> None:
    body = {"input": {"prompt": "A cat."}}
    assert order(replicate, "/v1/models/a/b/predictions", body, Prefer="wait").status_code == 201
    simulator.generating = 600
    assert order(replicate, "/v1/models/a/b/predictions", body, Prefer="wait").status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("predictions", {"input": {}}, "version"),
        ("predictions", {"version": "", "input": {}}, "version"),
        ("predictions", {"version": VERSION}, "input"),
        ("models/a/b/predictions", {"input": "A cat."}, "input"),
    ],
)
def test_a_bad_order_is_refused_and_not_counted(
    replicate: Api, simulator: Simulator, path: str, body: dict[str, Any], field: str
) -> None:
    answer = order(replicate, f"/v1/{path}", body)
    assert (answer.status_code, answer.json()["title"]) == (422, "Input validation failed")
    assert f"- {field} is required" in answer.json()["detail"]
    assert simulator.record.created == {}


def test_an_order_that_is_no_object_is_refused(replicate: Api) -> None:
    assert order(replicate, "/v1/predictions", []).status_code == 400


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_documented_form_and_is_read(
    replicate: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    video_id = simulator.add_video("replicate", form=form, **options)
    prediction = replicate.send("get", video_id).json()
    check_schema(prediction, "replicate-prediction")
    assert prediction["status"] == status
    assert isinstance(prediction["output"], list if form == "observed" and not options else str | None)
    video, _ = run(Replicate().fetch(video_id), prediction)
    assert (video.video_id, video.is_usable) == (video_id, not options)
    assert bool(video.finished_at) is not ("queued" in options or "generating" in options or "stuck" in str(options))


def test_the_data_of_a_prediction_is_removed_after_an_hour(simulator: Simulator) -> None:
    order = VENDOR.example_order
    made: dict[str, Any] = {"vendor": "replicate", "video_id": "p1", "order": order, "queued": 0, "generating": 10}
    ordered = time.time() - 3600
    request = VendorRequest(vendor=VENDOR, state=simulator._state)
    fresh, old = (
        describe(SimulatedVideo(**made, created_at=ordered + more, ordered_at=time.monotonic() - 3600), request)
        for more in (60, -60)
    )
    assert (fresh["data_removed"], fresh["output"] is None, fresh["input"]) == (False, False, order["input"])
    assert (old["data_removed"], old["output"], old["input"], old["status"]) == (True, None, {}, "succeeded")


def test_a_list_is_read_by_following_its_next_page(replicate: Api, simulator: Simulator) -> None:
    ids = [simulator.add_video("replicate") for _ in range(101)]
    first = replicate.list()
    assert len(first["results"]) == 100
    assert first["results"][0]["id"] == ids[-1]
    assert "logs" not in first["results"][0]
    second = replicate.session.get(first["next"], timeout=10).json()
    assert ([entry["id"] for entry in second["results"]], second["next"]) == ([ids[0]], None)


def test_a_cancelled_prediction_is_canceled_and_a_finished_one_stays(replicate: Api, simulator: Simulator) -> None:
    running, finished = simulator.add_video("replicate", outcome="stuck"), simulator.add_video("replicate")
    assert replicate.send("cancel", running).json()["status"] == "canceled"
    assert replicate.send("cancel", finished).json()["status"] == "succeeded"
    assert replicate.send("get", running).json()["status"] == "canceled"


def test_whoever_asks_for_the_account_is_told_whose_key_it_is(replicate: Api, simulator: Simulator) -> None:
    assert replicate.send("account").json()["type"] == "user"
    simulator.key = "another-key"
    refused = replicate.send("account")
    assert (refused.status_code, refused.json()["title"]) == (401, "Unauthenticated")
