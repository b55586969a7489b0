# SPDX-License-Identifier: Apache-2.0
"""What a clear means for an order, with the task state store kept and emptied."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoConnectionError,
    VideoFailedError,
    VideoOrderLostError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering.record import MAX_REMEMBERED_ORDERS
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from tests.attempts import Attempts
from tests.generating import attempts, created
from tests.vendor_kit import REQUESTS, Connect

TEXT = {"tavus": "script", "together": "prompt"}


def another_request(vendor: str, text: str = "Something else.") -> dict[str, Any]:
    return {**REQUESTS[vendor], TEXT[vendor]: text}


def empty(task: Attempts) -> None:
    assert task.store is not None
    task.store.clear()


@pytest.mark.parametrize("generating", [0, 0.5], ids=["ready", "pending"])
def test_a_clear_goes_on_with_a_video_that_is_ready_or_pending(
    generating: float, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.generating = generating
    task = attempts(vendor, mode, wait_for_completion=False)
    video_id = task.run()["video_id"]
    task.make = attempts(vendor, mode).make
    for _ in range(2):
        task.clear()
        assert task.run()["video_id"] == video_id
    assert created(simulator) == 1


def test_a_clear_orders_anew_what_failed_before_the_task_saw_it(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome = "failed"
    task = attempts(vendor, wait_for_completion=False)
    task.run()
    simulator.outcome = "ready"
    task.make = attempts(vendor).make
    with pytest.raises(VideoFailedError):
        task.run()
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_clear_counts_once(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.generating = 3600
    task = attempts(vendor, wait_for_completion=False)
    video_id = task.run()["video_id"]
    task.clear()
    assert task.run()["video_id"] == video_id
    simulator.set_video(vendor, video_id, generating=0, outcome="failed")
    task.make = attempts(vendor).make
    # This attempt is a retry: the clear was before the video failed.
    with pytest.raises(VideoFailedError):
        task.run()
    assert created(simulator) == 1


def test_going_back_to_a_request_goes_on_with_its_video(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, mode)
    first = task.run()
    for request in (another_request(vendor), REQUESTS[vendor], another_request(vendor), REQUESTS[vendor]):
        task.clear()
        task.make = attempts(vendor, mode, request=request).make
        assert (task.run()["video_id"] == first["video_id"]) is (request == REQUESTS[vendor])
    assert created(simulator) == 2


def test_so_many_orders_of_a_task_are_remembered(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    task = attempts("together")
    for number in range(MAX_REMEMBERED_ORDERS + 1):
        task.clear()
        task.make = attempts("together", request=another_request("together", f"Cat {number}.")).make
        task.run()
    assert task.store is not None
    numbers = [order["number"] for order in task.store["video_order"]["orders"]]
    assert numbers == list(range(2, MAX_REMEMBERED_ORDERS + 2))


@pytest.mark.parametrize("is_emptied", [False, True])
def test_fewer_retries_in_the_dag_do_not_hide_a_clear(
    is_emptied: bool, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome = "failed"
    task = attempts(vendor, retries=1)
    with pytest.raises(VideoFailedError):
        task.run()
    task.make, task.retries = attempts(vendor, retries=0).make, 0
    task.clear()
    assert task.ti.max_tries == 1
    simulator.outcome = "ready"
    if is_emptied:
        empty(task)
    if is_emptied and vendor == "together":
        with pytest.raises(VideoOrderLostError, match="may or may not have been ordered"):
            task.run()
        return
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_where_nothing_can_be_searched_a_clear_that_empties_the_store_orders_nothing(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    task = attempts("together", mode)
    task.run()
    task.clear()
    empty(task)
    for _ in range(2):
        with pytest.raises(VideoOrderLostError, match="may or may not have been ordered") as lost:
            task.run()
        assert "Task State Store tab" in str(lost.value)
        assert '{"order_again_if_lost": true}' in str(lost.value)
    assert created(simulator) == 1


def test_a_clear_of_a_task_that_runs_is_told_by_the_run(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    task = attempts("together")
    task.run()
    task.clear_number += 1
    empty(task)
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 1


@pytest.mark.parametrize("allowed", [True, ["order"]])
def test_the_runs_configuration_can_allow_to_order_again(allowed: Any, simulator: Simulator, connect: Connect) -> None:
    connect("together")
    task = attempts("together")
    task.run()
    task.clear()
    empty(task)
    task.conf = {"order_again_if_lost": ["another task"]}
    with pytest.raises(VideoOrderLostError):
        task.run()
    task.conf = {"order_again_if_lost": allowed}
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_key_of_the_task_state_store_allows_to_order_again_once(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    simulator.add_fault(Fault("accept_then_reset", times=2))
    task = attempts("together", mode)
    with pytest.raises(VideoOrderLostError):
        task.run()
    task.clear()
    assert task.store is not None
    task.store["order_again_if_lost"] = True
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 2
    task.clear()
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 2


@pytest.mark.parametrize("request_", [None, {**REQUESTS["tavus"], "video_name": "Greeting"}], ids=["marked", "named"])
@pytest.mark.parametrize("outcome", ["ready", "failed"])
def test_where_the_vendor_can_be_searched_a_clear_that_empties_the_store_means_what_it_always_means(
    outcome: Any, request_: Any, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.outcome = outcome
    task = attempts("tavus", mode, request=request_)
    if outcome == "ready":
        first = task.run()
    else:
        with pytest.raises(VideoFailedError):
            task.run()
    simulator.outcome = "ready"
    task.clear()
    empty(task)
    video = task.run()
    if outcome == "ready":
        assert video == first
    assert created(simulator) == (1 if outcome == "ready" else 2)


def test_an_emptied_store_and_no_video_at_the_vendor_orders_one_after_the_search(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", mode)
    VideoHook.get_hook("tavus_default").delete_video(task.run(), hard=True)
    task.clear()
    empty(task)
    simulator.listing_delay = 0
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2
    task.clear()
    task.run()
    assert created(simulator) == 2


def test_a_user_who_orders_again_after_each_clear_gets_a_new_video_from_an_emptied_store_too(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, order_again_if_cleared=True)
    video_ids = {task.run()["video_id"]}
    for _ in range(2):
        task.clear()
        empty(task)
        video_ids.add(task.run()["video_id"])
        video_ids.add(task.run()["video_id"])
    assert len(video_ids) == created(simulator) == 3


def test_an_attempt_that_ends_before_it_can_order_leaves_no_doubt(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    task = attempts(vendor)
    with pytest.raises(VideoConnectionError):
        task.run()
    connect(vendor)
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("status", [402, 429])
def test_a_refused_order_is_made_by_a_clear(
    status: int, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=status, method="POST", times=1))
    task = attempts(vendor, max_consecutive_failures=1)
    with pytest.raises(Exception, match=str(status)):
        task.run()
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_a_lost_order_is_passed_over_by_a_clear_if_the_user_orders_again_after_each(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, order_again_if_cleared=True)
    simulator.add_fault(Fault("accept_then_reset", times=1))
    if vendor == "together":
        with pytest.raises(VideoOrderLostError):
            task.run()
    else:
        task.run()
    task.clear()
    # An order that is lost in the attempt after a clear is none of before it.
    simulator.add_fault(Fault("accept_then_reset", times=1))
    if vendor == "together":
        with pytest.raises(VideoOrderLostError):
            task.run()
    else:
        assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_video_that_is_gone_is_ordered_anew_by_a_clear_only(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus")
    VideoHook.get_hook("tavus_default").delete_video(task.run(), hard=True)
    assert task.store is not None
    # A video that is gone so soon after its order may only not be known yet.
    task.store["video_order"]["orders"][0]["sent_at"] -= 100
    with pytest.raises(VideoApiError):
        task.run()
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_video_that_a_clear_has_deleted_while_the_task_ran_is_ordered_anew(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus")
    VideoHook.get_hook("tavus_default").delete_video(task.run())
    # The clear of a task that runs raises no max_tries.
    task.clear_number += 1
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2
