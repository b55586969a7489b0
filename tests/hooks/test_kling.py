# SPDX-License-Identifier: Apache-2.0
"""What is Kling's own of orders, waits and keys, over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks.kling import KlingHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import lost
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.vendors.kling import ACCESS_KEY
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.kling import Kling
from tests.attempts import Killed
from tests.generating import attempts, created
from tests.vendor_kit import REQUESTS
from tests.waiting_kit import wait

V1_ORDER: Any = {"kind": "text2video", "model_name": "kling-v2-6", "prompt": "A cat.", "duration": "5"}
ORDERS = pytest.mark.parametrize("order", [REQUESTS["kling"], V1_ORDER], ids=["new", "v1"])
ENDS_SYNC_AND_DEFERRED = pytest.mark.parametrize("mode", ["poke", "deferrable"])


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)


@pytest.fixture
def hook(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> KlingHook:
    """Connect with an API key."""
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", simulator.connection_uri("kling", timeout=1))
    return KlingHook()


@pytest.fixture
def pair(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> KlingHook:
    """Connect with an access key and a secret key."""
    uri = simulator.connection_uri("kling", timeout=1).replace("kling://", f"kling://{ACCESS_KEY}", 1)
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", uri)
    return KlingHook()


@pytest.fixture(params=["requests", "aiohttp"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give a function that calls a method of a hook by one of the transports."""

    def call(hook: VideoHook, name: str, /, *arguments: Any, **options: Any) -> Any:
        if request.param == "requests":
            return getattr(hook, name)(*arguments, **options)
        return asyncio.run(getattr(hook, f"a{name}")(*arguments, **options))

    return call


def answer_with(simulator: Simulator, endpoint: str, status: int, code: int, **more: Any) -> None:
    body = json.dumps({"code": code, "message": f"error {code}", "request_id": "r"})
    simulator.add_fault(Fault("json", endpoint=endpoint, status=status, body=body, **more))


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("mode", ["sync", "deferrable"])
def test_a_pair_of_keys_orders_from_v1_and_waits(mode: str, simulator: Simulator) -> None:
    simulator.generating = 0.3
    record = attempts("kling", mode, request=V1_ORDER).run()
    assert (record["state"], record["video_id"][:11], record["prompt"]) == ("ready", "text2video/", "A cat.")
    assert created(simulator) == 1


def test_a_pair_of_keys_does_not_order_from_the_newer_api(
    call: Callable[..., Any], pair: KlingHook, simulator: Simulator
) -> None:
    with pytest.raises(VideoAuthError, match="need an API key"):
        call(pair, "create_video", **REQUESTS["kling"])
    assert created(simulator) == 0
    assert pair.test_connection() == (True, "Kling accepts the API key.")


@ENDS_SYNC_AND_DEFERRED
def test_a_wait_that_outlives_its_token_goes_on_with_another_one(
    mode: str, pair: KlingHook, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str] = []
    clock = time.time()

    def of_the_time_lapse(vendor: Kling, credentials: Credentials) -> dict[str, str]:
        nonlocal clock
        clock += 1000
        moved = Credentials(login=credentials.login, password=credentials.password, now=clock)
        tokens.append(headers(vendor, moved)["Authorization"])
        return {"Authorization": tokens[-1]}

    headers = Kling.headers
    video_id = pair.create_video(**V1_ORDER).video_id
    monkeypatch.setattr(Kling, "headers", of_the_time_lapse)
    moved_clock = SimpleNamespace(time=lambda: clock)
    monkeypatch.setattr("airflow_provider_videos.simulator.vendors.kling.time", moved_clock)
    simulator.set_video("kling", video_id.rpartition("/")[2], generating=1)
    outcome = wait(mode, video_id=video_id, conn_id="kling_default")
    assert outcome.state == "success", outcome.error
    assert len(set(tokens)) > 3
    assert simulator.record.keys_refused == 0


@pytest.mark.parametrize("endpoint", ["create", "get_v1"])
@pytest.mark.parametrize("status", [401, 500])
def test_neither_the_keys_nor_the_token_are_passed_on_where_they_are_echoed(
    status: int,
    endpoint: str,
    call: Callable[..., Any],
    pair: KlingHook,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    now = time.time()
    standing = SimpleNamespace(time=lambda: now, monotonic=time.monotonic)
    monkeypatch.setattr("airflow_provider_videos.http.client.time", standing)
    video_id = pair.create_video(**V1_ORDER).video_id
    token = Kling().headers(Credentials(login=ACCESS_KEY, password=simulator.key, now=now))["Authorization"]
    said = f"{token} of {ACCESS_KEY} and {simulator.key}: who?"
    body = json.dumps({"code": 1002 if status == 401 else 5000, "message": said})
    simulator.add_fault(Fault("json", endpoint=endpoint, status=status, body=body))
    name, arguments, fields = ("create_video", (), V1_ORDER) if endpoint == "create" else ("get_video", (video_id,), {})
    with pytest.raises((VideoAuthError, VideoUnavailableError, VideoOrderLostError)) as refused:
        call(pair, name, *arguments, **fields)
    told = f"{refused.value!r} {refused.value} {caplog.text}"
    assert "Bearer *** of *** and ***: who?" in told
    for part in (*token.removeprefix("Bearer ").split("."), ACCESS_KEY, simulator.key):
        assert part not in told


@ENDS_SYNC_AND_DEFERRED
@pytest.mark.parametrize("code", [1003, 1004])
def test_a_token_that_is_refused_ends_the_wait_after_one_fresh_look_up(
    code: int, mode: str, pair: KlingHook, simulator: Simulator
) -> None:
    video_id = pair.create_video(**V1_ORDER).video_id
    answer_with(simulator, "get_v1", 401, code)
    outcome = wait(mode, video_id=video_id, conn_id="kling_default")
    assert isinstance(outcome.error, VideoAuthError)
    assert "clock" in str(outcome.error)
    assert simulator.record.requests["kling get_v1"] == 1


@ORDERS
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 1201, VideoOrderRefusedError),
        (400, 1301, VideoOrderRefusedError),
        (429, 1102, VideoOrderRefusedError),
        (429, 1101, VideoOrderRefusedError),
        (404, 1203, VideoOrderRefusedError),
        (403, 1103, VideoAuthError),
        (429, 1304, VideoAuthError),
        (429, 1303, VideoUnavailableError),
        (200, 1303, VideoUnavailableError),
        (500, 5000, VideoOrderLostError),
        (503, 5001, VideoOrderLostError),
        (504, 5002, VideoOrderLostError),
        (200, 7777, VideoOrderLostError),
    ],
)
def test_the_code_says_what_became_of_an_order(
    order: Any, status: int, code: int, error: type[Exception], hook: KlingHook, simulator: Simulator
) -> None:
    answer_with(simulator, "create", status, code)
    with pytest.raises(error, match=str(code)):
        hook.create_video(**order)
    assert simulator.record.requests == {"kling create": 1}


@pytest.mark.usefixtures("hook")
def test_an_order_beyond_the_concurrency_waits_and_one_without_units_fails(simulator: Simulator) -> None:
    answer_with(simulator, "create", 429, 1303, times=2)
    assert attempts("kling").run()["state"] == "ready"
    answer_with(simulator, "create", 429, 1102)
    with pytest.raises(VideoOrderRefusedError, match="No resource pack has units left"):
        attempts("kling", request={**REQUESTS["kling"], "prompt": "Another."}).run()
    assert simulator.record.requests["kling create"] == 4
    assert created(simulator) == 1


@ORDERS
@ENDS_SYNC_AND_DEFERRED
@pytest.mark.parametrize(
    "fault",
    [
        Fault("accept_then_reset", times=1),
        Fault("accept_then_status", status=504, times=1),
        Fault("status_then_accept", seconds=0.3, times=1),
        Fault("status", status=502, endpoint="create", times=1),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_lost_order_is_asked_for_by_its_own_id(
    fault: Fault, mode: str, order: Any, hook: KlingHook, simulator: Simulator
) -> None:
    simulator.add_fault(fault)
    record = attempts("kling", "deferrable" if mode == "deferrable" else "sync", request=order, listing_delay=0.6).run()
    assert record["state"] == "ready"
    assert created(simulator) == 1
    endpoint = "find" if order is not V1_ORDER else "get_v1"
    assert simulator.record.requests[f"kling {endpoint}"] >= 1


@ORDERS
def test_an_own_id_of_ones_own_is_sent_and_searched(order: Any, hook: KlingHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=1))
    request = {**order, "external_task_id": "my-job-1"}
    video_id = attempts("kling", request=request).run()["video_id"]
    found = hook.find_video("my-job-1", order)
    assert found is not None
    assert found.video_id == video_id
    assert created(simulator) == 1


@ORDERS
def test_an_answer_that_is_about_another_ones_order_is_not_taken_for_this_ones(
    order: Any, hook: KlingHook, simulator: Simulator
) -> None:
    others = hook.create_video(**{**order, "external_task_id": "others"}).video_id
    task: dict[str, Any] = {"id": others, "external_id": "others"}
    if order is V1_ORDER:
        task = {"task_id": others.rpartition("/")[2], "task_info": {"external_task_id": "others"}}
    simulator.add_fault(Fault("merge", endpoint="create", times=1, body=json.dumps({"data": task})))
    record = attempts("kling", request=order).run()
    assert record["video_id"] != others
    assert created(simulator) == 2


@ORDERS
def test_a_search_that_is_not_answered_by_kling_proves_nothing(
    order: Any, hook: KlingHook, simulator: Simulator
) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=1))
    endpoint = "find" if order is not V1_ORDER else "get_v1"
    simulator.add_fault(Fault("status", status=404, endpoint=endpoint, body="{}"))
    with pytest.raises(Exception, match="neither that there is such a task nor that there is none"):
        attempts("kling", request=order, max_consecutive_failures=1).run()
    assert simulator.record.requests["kling create"] == created(simulator) == 1


def test_an_own_id_that_another_task_has_is_left_to_a_person(simulator: Simulator, hook: KlingHook) -> None:
    request: Any = {**REQUESTS["kling"], "external_task_id": "my-job-1"}
    first = hook.create_video(**request)
    task = {"id": first.video_id, "status": "submitted", "external_id": "my-job-1"}
    simulator.add_fault(Fault("json", endpoint="find", body=json.dumps({"code": 0, "message": "", "data": [task]})))
    simulator.add_fault(Fault("accept_then_reset", times=1))
    with pytest.raises(VideoOrderLostError, match="external_task_id is 'my-job-1'"):
        attempts("kling", request=request).run()
    assert simulator.record.requests["kling create"] == created(simulator) == 2


@ORDERS
def test_a_task_that_was_killed_while_it_ordered_goes_on_with_its_video(
    order: Any, hook: KlingHook, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = attempts("kling", request=order)
    order_video = VideoHook.order_video

    def order_and_die(*arguments: Any, **options: Any) -> None:
        order_video(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_and_die)
        with pytest.raises(Killed):
            task.run()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@ORDERS
def test_an_order_whose_record_was_emptied_is_found(order: Any, hook: KlingHook, simulator: Simulator) -> None:
    task = attempts("kling", request=order)
    video_id = task.run()["video_id"]
    assert task.store is not None
    task.store.clear()
    task.clear()
    assert task.run()["video_id"] == video_id
    assert created(simulator) == 1
