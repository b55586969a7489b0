# SPDX-License-Identifier: Apache-2.0
"""What a batch makes of a vendor, an Airflow or a key that fails for a while."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_videos.exceptions import VideoAuthError, VideoBatchError, VideoError
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.waiting.batch import BatchWait
from airflow_provider_videos.waiting.batch_worker import defer_if_it_fits
from airflow_provider_videos.waiting.polling import PollingRules, Wait
from tests.attempts import Attempts
from tests.generating import created
from tests.operators.test_generate_batch import batch, change, request
from tests.vendor_kit import Connect


def test_an_outage_while_the_videos_are_made_is_left_to_a_retry(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 3
    task = batch([request("a"), request("b")], mode=mode, max_consecutive_failures=2)
    # Both were seen, and then nobody answers.
    simulator.add_fault(Fault("status", status=503, endpoint="get", after=4))
    with pytest.raises(VideoError) as failure:
        task.run()
    assert not isinstance(failure.value, AirflowFailException)
    simulator.clear_faults()
    assert [video["state"] for video in task.run()] == ["ready", "ready"]
    assert created(simulator) == 2


def test_a_wait_whose_time_was_over_long_ago_is_handed_to_the_triggerer_for_a_last_poll() -> None:
    # Such as after an outage of the scheduler.
    rules, now = PollingRules(poke_interval=1), time.time()
    wait = Wait(video_id="v1", rules=rules, started_at=now - 7_200, deadline=now - 3_600)
    operator = batch([request("a")], mode="deferrable").make()
    with pytest.raises(TaskDeferred) as deferred:
        defer_if_it_fits(operator, BatchWait([wait]), conn_id="tavus_default", timeout=3_600)
    assert isinstance(deferred.value.timeout, timedelta)
    assert deferred.value.timeout > timedelta(0)


@pytest.mark.parametrize("key", ["waiting", "video_ids"])
def test_a_batch_goes_on_though_its_progress_can_not_be_pushed(
    key: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.5
    task = batch([request(text) for text in "ab"], mode=mode)
    forbid(task, key)
    assert [video["state"] for video in task.run()] == ["ready", "ready"]
    assert task.ti.try_number == 1


def forbid(task: Attempts, key: str) -> None:
    """Let pushes of an XCom fail."""
    push = task.ti.xcom_push

    def fail_or_push(key_: str, value: Any) -> None:
        if key_ == key:
            raise ConnectionError("the API server is away")
        push(key_, value)

    task.ti.xcom_push = lambda key, value: fail_or_push(key, value)  # type: ignore[method-assign]


def test_what_has_ended_the_ordering_ends_it_for_the_whole_attempt(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.5
    task = batch([request(text) for text in "abcd"], mode=mode)
    simulator.add_fault(Fault("status", status=402, endpoint="create", after=2))
    with pytest.raises(VideoError, match="402"):
        task.run()
    assert simulator.record.requests["tavus create"] == 3
    # A retry begins anew.
    with pytest.raises(VideoError, match="402"):
        task.run()
    assert simulator.record.requests["tavus create"] == 4


def lose(simulator: Simulator, task: Attempts, *, after: tuple[int, ...]) -> None:
    """Run a task of whose orders some are accepted without an answer.

    :param after: before each of them, how many orders get through that no fault before it strikes.
    """
    for number in after:
        simulator.add_fault(Fault("accept_then_reset", endpoint="create", times=1, after=number))
    with pytest.raises(VideoBatchError, match=rf"^{len(after)} of "):
        task.run()
    simulator.clear_faults()


def test_a_permission_to_order_again_is_for_all_orders_that_are_lost_and_for_no_later_one(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    requests = [request(text, "together") for text in "abcde"]
    task = batch(requests, "together", mode, max_active=1)
    lose(simulator, task, after=(0, 1, 2))
    assert created(simulator) == 5
    assert task.store is not None
    task.store["order_again_if_lost"] = True
    task.clear()
    assert [video["prompt"] for video in task.run()] == list("abcde")
    assert created(simulator) == 8
    assert "order_again_if_lost" not in task.store
    # What is lost from then on needs another permission.
    change(task, [*requests, request("f", "together")])
    simulator.add_fault(Fault("accept_then_reset", endpoint="create", times=1))
    for _ in range(2):
        task.clear()
        with pytest.raises(VideoBatchError, match=r"^1 of 6 videos failed\. requests\[5\]: "):
            task.run()
    assert created(simulator) == 9


def test_a_permission_that_was_taken_is_kept_though_the_process_dies(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("together")
    task = batch([request(text, "together") for text in "abcde"], "together", mode)
    lose(simulator, task, after=(0, 1))
    assert task.store is not None
    task.store["order_again_if_lost"] = True
    simulator.add_fault(Fault("status", status=401, endpoint="create", after=1))
    with pytest.raises(VideoAuthError):
        task.run()
    simulator.clear_faults()
    assert [video["prompt"] for video in task.run()] == list("abcde")
    assert created(simulator) == 7


def test_a_permission_is_for_all_orders_of_an_emptied_record(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("together")
    task = batch([request(text, "together") for text in "abc"], "together", mode)
    task.run()
    assert task.store is not None
    task.store.clear()
    task.clear()
    with pytest.raises(VideoBatchError, match="3 of 3"):
        task.run()
    task.store["order_again_if_lost"] = True
    task.clear()
    assert [video["prompt"] for video in task.run()] == list("abc")
    assert created(simulator) == 6


def test_a_pack_that_is_used_up_ends_the_ordering_as_no_money_does(
    mode: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", simulator.connection_uri("kling", timeout=1))
    task = batch([request(text, "kling") for text in "abc"], "kling", mode)
    body = json.dumps({"code": 1102, "message": "used up", "request_id": "r"})
    simulator.add_fault(Fault("json", endpoint="create", after=1, status=429, body=body))
    with pytest.raises(VideoError, match="No resource pack has units left"):
        task.run()
    assert simulator.record.requests["kling create"] == 2
    simulator.clear_faults()
    task.clear()
    assert len(task.run()) == 3
    assert created(simulator) == 3
