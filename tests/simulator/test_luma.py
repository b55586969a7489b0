# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.vendors.luma import Luma
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
ORDER = {"type": "video", "model": "ray-3.2", "prompt": "A cat."}
PHASES: list[tuple[str, str | None, dict[str, Any]]] = [
    ("queued", None, {"queued": 600}),
    ("processing", None, {"generating": 600}),
    ("processing", None, {"outcome": "stuck"}),
    ("completed", None, {}),
    ("completed", None, {"outcome": "ready_without_urls"}),
    ("failed", "generation_failed", {"outcome": "failed"}),
    ("failed", "content_moderated", {"outcome": "moderated"}),
    ("failed", "budget_exhausted", {"outcome": "budget_exhausted"}),
    ("failed", "output_not_found", {"outcome": "output_not_found"}),
]


@pytest.fixture
def luma(simulator: Simulator) -> Api:
    return Api(simulator, "luma")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"video": {"start_frame": {"url": "https://a.test/cat.png"}}},
        {"type": "video_edit", "source": {"generation_id": "g1"}},
        {"type": "video_reframe", "source": {"generation_id": "g1"}, "aspect_ratio": "9:16"},
    ],
    ids=str,
)
def test_each_kind_of_order_is_answered_with_a_generation(
    luma: Api, simulator: Simulator, check_schema: CheckSchema, more: dict[str, Any]
) -> None:
    simulator.queued = 600
    order = {**ORDER, **more}
    answer = luma.send("create", json=order)
    check_schema(answer.json(), "luma-generation")
    assert (answer.status_code, answer.headers["X-API-Version"]) == (201, "2026-04-01")
    assert (answer.json()["state"], answer.json()["type"]) == ("queued", order["type"])


@pytest.mark.parametrize(
    ("changes", "mentioned"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 6001}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"type": "clip"}, "type"),
        ({"type": "video_edit"}, "source"),
        ({"video": []}, "video"),
    ],
)
def test_a_bad_order_is_refused_and_not_counted(
    luma: Api, simulator: Simulator, changes: dict[str, Any], mentioned: str
) -> None:
    answer = luma.send("create", json={**ORDER, **changes})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{mentioned}: ")
    assert simulator.record.created == {}


def test_an_order_that_is_no_object_is_refused(luma: Api) -> None:
    assert luma.send("create", data=b"[]").json() == {"detail": "The body is not a JSON object"}


@pytest.mark.parametrize(("state", "code", "options"), PHASES)
def test_each_state_has_the_documented_form_and_is_read(
    luma: Api,
    simulator: Simulator,
    check_schema: CheckSchema,
    state: str,
    code: str | None,
    options: dict[str, Any],
) -> None:
    video_id = simulator.add_video("luma", **options)
    generation = luma.send("get", video_id).json()
    if "ready_without_urls" not in options.values():
        # What is completed has an output, says the schema.
        check_schema(generation, "luma-generation")
    assert (generation["state"], generation["failure_code"]) == (state, code)
    assert bool(generation["failure_reason"]) is (state == "failed")
    video, _ = run(Luma().fetch(video_id), generation)
    assert (video.is_usable, video.error_code, bool(video.expires_at)) == (not options, code, not options)


def test_a_url_is_signed_for_an_hour_and_leads_to_the_file(luma: Api, simulator: Simulator) -> None:
    [output] = luma.send("get", simulator.add_video("luma")).json()["output"]
    assert "&X-Amz-Expires=3600" in output["url"]
    assert luma.session.get(output["url"], timeout=10).headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "", 405), ("DELETE", "/any", 405), ("POST", "/any", 405)]
)
def test_there_is_no_list_no_delete_and_no_cancel(luma: Api, method: str, path: str, status: int) -> None:
    url = f"{luma.url}/v1/generations{path}"
    assert luma.session.request(method, url, timeout=10).status_code == status
