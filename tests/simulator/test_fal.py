# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Fault, Simulator

from .api import Api

CheckSchema = Callable[[Any, str], None]

PHASES: list[tuple[str, int, dict[str, Any]]] = [
    ("IN_QUEUE", 202, {"queued": 600}),
    ("IN_PROGRESS", 202, {"generating": 600}),
    ("IN_PROGRESS", 202, {"outcome": "stuck"}),
    ("COMPLETED", 200, {}),
    ("COMPLETED", 200, {"outcome": "failed"}),
    ("COMPLETED", 200, {"outcome": "timed_out"}),
    ("COMPLETED", 200, {"outcome": "cancelled"}),
]
FORMS = pytest.mark.parametrize("form", ["documented", "observed"])


@pytest.fixture
def fal(simulator: Simulator) -> Api:
    return Api(simulator, "fal")


@FORMS
def test_an_order_is_answered_with_an_id_and_urls(form: Any, check_schema: CheckSchema) -> None:
    with Simulator(form=form) as simulator:
        answer = Api(simulator, "fal").order()
        assert answer.status_code == 200
        check_schema(answer.json(), "fal-created")
        url = f"{simulator.vendor_url('fal')}/fal-ai/veo3/requests/{answer.json()['request_id']}"
    assert (answer.json()["status_url"], answer.json()["response_url"]) == (f"{url}/status", url)
    assert answer.json().get("status") == ("IN_QUEUE" if form == "documented" else None)


@pytest.mark.parametrize(
    ("endpoint", "app"),
    [("fal-ai/veo3/image-to-video", "fal-ai/veo3"), ("workflows/me/mine/fast", "workflows/me/mine")],
)
def test_the_urls_lack_what_follows_the_app(fal: Api, endpoint: str, app: str) -> None:
    answer = fal.session.post(f"{fal.url}/{endpoint}", json={}, timeout=10).json()
    assert answer["response_url"] == f"{fal.url}/{app}/requests/{answer['request_id']}"
    assert fal.session.get(answer["status_url"], timeout=10).json()["request_id"] == answer["request_id"]


@pytest.mark.parametrize("path", ["/veo3", "/fal-ai/veo3/requests/1"])
def test_what_is_no_endpoint_takes_no_order(simulator: Simulator, fal: Api, path: str) -> None:
    assert fal.session.post(f"{fal.url}{path}", json={}, timeout=10).status_code == 404
    assert simulator.record.created == {}


def test_an_order_that_is_no_json_object_is_refused(simulator: Simulator, fal: Api, check_schema: CheckSchema) -> None:
    answer = fal.session.post(f"{fal.url}/fal-ai/veo3", data=b"[]", timeout=10)
    assert answer.status_code == 422
    check_schema(answer.json(), "fal-answer")
    assert simulator.record.created == {}


@FORMS
@pytest.mark.parametrize(("status", "status_code", "options"), PHASES)
def test_each_status_has_the_documented_form(
    simulator: Simulator,
    fal: Api,
    check_schema: CheckSchema,
    status: str,
    status_code: int,
    options: dict[str, Any],
    form: Any,
) -> None:
    answer = fal.send("get", simulator.add_video("fal", form=form, **options))
    check_schema(answer.json(), "fal-answer")
    assert (answer.status_code, answer.json()["status"]) == (status_code, status)
    # Without these the official SDK raises a KeyError.
    assert "queue_position" in answer.json() or "logs" in answer.json()
    has_failed = options.get("outcome") in {"failed", "timed_out", "cancelled"}
    assert ("error" in answer.json()) is (has_failed and form == "documented")


@pytest.mark.parametrize(
    ("outcome", "status_code", "kind"),
    [
        ("failed", 422, "no_media_generated"),
        ("timed_out", 504, "request_timeout"),
        ("cancelled", 499, "client_cancelled"),
    ],
)
def test_the_result_of_a_failed_job_is_its_error(
    simulator: Simulator, fal: Api, check_schema: CheckSchema, outcome: str, status_code: int, kind: str
) -> None:
    answer = fal.send("result", simulator.add_video("fal", outcome=outcome))
    check_schema(answer.json(), "fal-answer")
    detail = answer.json()["detail"]
    found = detail[0]["type"] if isinstance(detail, list) else answer.headers["X-Fal-Error-Type"]
    assert (answer.status_code, found) == (status_code, kind)


def test_the_result_of_a_job_has_a_file(simulator: Simulator, fal: Api, check_schema: CheckSchema) -> None:
    answer = fal.send("result", simulator.add_video("fal"))
    check_schema(answer.json(), "fal-answer")
    assert answer.headers["X-Fal-Billable-Units"] == "8"
    assert fal.session.get(answer.json()["video"]["url"], timeout=10).headers["Content-Type"] == "video/mp4"


def test_ready_without_urls_has_no_video(simulator: Simulator, fal: Api) -> None:
    answer = fal.send("result", simulator.add_video("fal", outcome="ready_without_urls"))
    assert (answer.status_code, answer.json()) == (200, {"seed": 42})


def test_a_result_can_be_asked_for_too_early(simulator: Simulator, fal: Api) -> None:
    answer = fal.send("result", simulator.add_video("fal", generating=600))
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})


def test_a_job_is_cancelled_until_it_is_completed(simulator: Simulator, fal: Api) -> None:
    video_id = simulator.add_video("fal", generating=600)
    answer = fal.send("cancel", video_id)
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert fal.send("result", video_id).status_code == 499
    answer = fal.send("cancel", video_id)
    assert (answer.status_code, answer.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert fal.send("cancel", f"{video_id}0").json() == {"status": "NOT_FOUND"}


def test_without_a_balance_orders_are_a_403_and_polls_go_on(simulator: Simulator, fal: Api) -> None:
    simulator.add_fault(Fault("status", status=403, endpoint="create"))
    answer = fal.order()
    assert answer.status_code == 403
    assert "Exhausted balance" in answer.json()["detail"]
    assert fal.send("get", simulator.add_video("fal")).ok
