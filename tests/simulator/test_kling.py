# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.vendors.kling import ACCESS_KEY, VENDOR, is_token
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.kling import Kling
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
FORMS = pytest.mark.parametrize("form", ["documented", "observed"])
PHASES: list[tuple[str, dict[str, Any]]] = [
    ("submitted", {"queued": 600}),
    ("processing", {"generating": 600}),
    ("succeeded", {}),
    ("succeeded", {"outcome": "ready_without_urls"}),
    ("failed", {"outcome": "failed"}),
]


@pytest.fixture
def kling(simulator: Simulator) -> Api:
    return Api(simulator, "kling")


def post(api: Api, path: str, body: Any) -> Any:
    return api.session.post(f"{api.url}{path}", json=body, timeout=10)


def get(api: Api, path: str, **query: Any) -> Any:
    return api.session.get(f"{api.url}{path}", params=query, timeout=10)


def test_an_order_is_answered_as_documented(kling: Api, check_schema: CheckSchema) -> None:
    order = {"prompt": "A cat.", "options": {"external_task_id": "my-job-1"}}
    answer = post(kling, "/text-to-video/kling-3.0-turbo", order).json()
    check_schema(answer, "kling-created")
    assert (answer["code"], answer["data"]["external_id"]) == (0, "my-job-1")
    assert int(answer["data"]["id"]) > 2**53


@pytest.mark.parametrize("kind", ["text2video", "image2video", "avatar/image2video"])
def test_an_order_of_v1_is_answered_as_documented(kind: str, kling: Api, check_schema: CheckSchema) -> None:
    answer = post(kling, f"/v1/videos/{kind}", {"prompt": "A cat.", "external_task_id": "my-job-1"}).json()
    check_schema(answer, "kling-created")
    assert answer["data"]["task_info"] == {"external_task_id": "my-job-1"}
    found = get(kling, f"/v1/videos/{kind}/my-job-1").json()
    assert found["data"]["task_id"] == answer["data"]["task_id"]


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/text-to-video/kling-3.0", {}),
        ("/text-to-video/kling-3.0", {"prompt": "x" * 3073}),
        ("/text-to-video/kling-3.0", {"prompt": "A cat.", "settings": {"duration": "5"}}),
        ("/image-to-video/kling-3.0", {"prompt": "A cat."}),
        ("/v1/videos/text2video", {"prompt": "A cat.", "duration": 5}),
        ("/v1/videos/text2video", {"prompt": "x" * 2501}),
        ("/v1/videos/motion-control", {"prompt": "A cat."}),
        ("/v1/videos/text2video", []),
    ],
    ids=str,
)
def test_a_bad_order_is_refused(
    path: str, order: Any, kling: Api, simulator: Simulator, check_schema: CheckSchema
) -> None:
    answer = post(kling, path, order)
    check_schema(answer.json(), "kling-created")
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert simulator.record.created == {}


@FORMS
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_documented_form_and_is_read(
    kling: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    video_id = simulator.add_video("kling", form=form, **options)
    answer = kling.send("get", video_id).json()
    check_schema(answer, "kling-answer")
    [task] = answer["data"]
    assert (task["status"], task.get("message")) == (
        status,
        "content risk control" if status == "failed" else "" if form == "documented" else None,
    )
    video, _ = run(Kling().fetch(video_id), answer)
    assert (video.video_id, video.is_usable) == (video_id, not options)


@FORMS
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_of_v1_has_the_documented_form_and_is_read(
    kling: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    task_id = post(kling, "/v1/videos/text2video", {"prompt": "A cat."}).json()["data"]["task_id"]
    simulator.set_video("kling", task_id, form=form, **options)
    answer = get(kling, f"/v1/videos/text2video/{task_id}").json()
    check_schema(answer, "kling-answer")
    assert answer["data"]["task_status"] == ("succeed" if status == "succeeded" else status)
    video, _ = run(Kling().fetch(f"text2video/{task_id}"), answer)
    assert (video.video_id, video.is_usable) == (f"text2video/{task_id}", not options)


def test_what_is_not_there_is_an_empty_list_or_an_error(kling: Api, check_schema: CheckSchema) -> None:
    for query in ({"task_ids": "7"}, {"external_task_ids": "7"}):
        answer = get(kling, "/tasks", **query)
        assert (answer.status_code, answer.json()["data"]) == (200, [])
    answer = get(kling, "/v1/videos/text2video/7")
    check_schema(answer.json(), "kling-answer")
    assert (answer.status_code, answer.json()["code"]) == (404, 1203)


def test_a_task_of_one_api_or_kind_is_none_of_another(kling: Api) -> None:
    task_id = post(kling, "/v1/videos/text2video", {"prompt": "A cat."}).json()["data"]["task_id"]
    assert kling.send("get", task_id).json()["data"] == []
    assert get(kling, f"/v1/videos/image2video/{task_id}").status_code == 404
    video_id = kling.order().json()["data"]["id"]
    assert get(kling, f"/v1/videos/text2video/{video_id}").status_code == 404


def test_several_tasks_are_asked_for_at_once(kling: Api, simulator: Simulator) -> None:
    ids = [simulator.add_video("kling") for _ in range(2)]
    answer = get(kling, "/tasks", task_ids=",".join(ids)).json()
    assert [task["id"] for task in answer["data"]] == ids


def test_an_own_id_is_shown_as_late_as_a_list(kling: Api, simulator: Simulator) -> None:
    simulator.listing_delay = 600
    order = {"prompt": "A cat.", "options": {"external_task_id": "my-job-1"}}
    video_id = post(kling, "/text-to-video/kling-3.0", order).json()["data"]["id"]
    assert get(kling, "/tasks", external_task_ids="my-job-1").json()["data"] == []
    assert len(kling.send("get", video_id).json()["data"]) == 1


def test_the_list_has_cursors(kling: Api, simulator: Simulator, check_schema: CheckSchema) -> None:
    ids = [simulator.add_video("kling") for _ in range(3)]
    first = post(kling, "/tasks", {"limit": 2}).json()
    check_schema(first, "kling-answer")
    assert ([task["id"] for task in first["data"]["result"]], first["data"]["has_more"]) == (ids[:0:-1], True)
    last = post(kling, "/tasks", {"limit": 2, "cursor": first["data"]["next_cursor"]}).json()
    assert ([task["id"] for task in last["data"]["result"]], last["data"]["has_more"]) == (ids[:1], False)
    assert post(kling, "/tasks", {"limit": 501}).status_code == 400


def test_the_list_of_a_kind_of_v1_has_pages(kling: Api, check_schema: CheckSchema) -> None:
    for _ in range(2):
        post(kling, "/v1/videos/text2video", {"prompt": "A cat."})
    pages = [get(kling, "/v1/videos/text2video", pageNum=number, pageSize=1).json() for number in (1, 2, 3)]
    check_schema(pages[0], "kling-answer")
    assert [len(page["data"]) for page in pages] == [1, 1, 0]
    assert get(kling, "/v1/videos/image2video").json()["data"] == []


def test_a_token_opens_v1_only(kling: Api, simulator: Simulator) -> None:
    credentials = Credentials(login=ACCESS_KEY, password=simulator.key, now=time.time())
    kling.session.headers.update(Kling().headers(credentials))
    assert get(kling, "/v1/videos/text2video").status_code == 200
    for answer in (kling.order(), get(kling, "/tasks", task_ids="7"), post(kling, "/tasks", {})):
        assert (answer.status_code, answer.json()["code"]) == (401, 1002)


@pytest.mark.parametrize(
    ("login", "secret", "now", "is_good"),
    [
        (ACCESS_KEY, "the-secret-key", 1_000_000, True),
        ("another", "the-secret-key", 1_000_000, False),
        (ACCESS_KEY, "another", 1_000_000, False),
        (ACCESS_KEY, "the-secret-key", 1_000_000 - 3000, False),
        (ACCESS_KEY, "the-secret-key", 1_000_000 + 3000, False),
    ],
)
def test_a_token_is_good_for_its_keys_and_its_time(login: str, secret: str, now: float, is_good: bool) -> None:
    credentials = Credentials(login=login, password=secret, now=1_000_000)
    token = Kling().headers(credentials)["Authorization"].removeprefix("Bearer ")
    assert is_token(token, "the-secret-key", now) is is_good


@pytest.mark.parametrize("token", ["", "key", "a.b", "a.b.c", "e30.e30.", "é.é.é", "W10.W10.W10"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert not is_token(token, "the-secret-key", 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500, 503, 504])
def test_each_error_has_the_documented_form(check_schema: CheckSchema, status: int) -> None:
    check_schema(VENDOR.error(status).body, "kling-answer")
