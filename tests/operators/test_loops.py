# SPDX-License-Identifier: Apache-2.0
"""Orders in the iterations of a task loop, which Airflow has from 3.4 on."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoFailedError, VideoOrderLostError
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from tests.attempts import Attempts
from tests.generating import attempts, created
from tests.vendor_kit import REQUESTS, Connect


def iterations(vendor: str, count: int, mode: str = "sync", **options: Any) -> list[Attempts]:
    """Give the task instances of one task in the first iterations, each with a store of its own."""
    tasks = [attempts(vendor, mode, **options) for _ in range(count)]
    for index, task in enumerate(tasks):
        task.iteration = index
    return tasks


def empty(task: Attempts) -> None:
    assert task.store is not None
    task.store.clear()


def test_a_lost_order_finds_the_video_of_its_own_iteration(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    first, second = iterations("tavus", 2, mode)
    video_id = first.run()["video_id"]
    simulator.add_fault(Fault("accept_then_reset", times=1))
    assert second.run()["video_id"] != video_id
    assert created(simulator) == 2


def test_each_iteration_goes_on_with_its_own_video_where_a_clear_empties_the_stores(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    tasks = iterations("tavus", 3)
    video_ids = [task.run()["video_id"] for task in tasks]
    for task in tasks:
        task.clear()
        empty(task)
    assert [task.run()["video_id"] for task in tasks] == video_ids
    assert created(simulator) == len(set(video_ids)) == 3


@pytest.mark.parametrize("generating", [0, 0.5], ids=["ready", "pending"])
def test_an_iteration_that_a_clear_makes_anew_goes_on_with_the_video_of_before(
    generating: float, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = generating
    first, second = iterations("tavus", 2, mode)
    first.run()
    video_id = second.run()["video_id"]
    second.make_anew()
    assert second.run()["video_id"] == video_id
    assert created(simulator) == 2


def test_an_iteration_that_a_clear_makes_anew_orders_anew_what_failed(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.outcome = "failed"
    _, task = iterations("tavus", 2)
    with pytest.raises(VideoFailedError):
        task.run()
    simulator.outcome = "ready"
    task.make_anew()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_an_iteration_that_a_clear_makes_anew_orders_anew_where_a_clear_is_to(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    _, task = iterations(vendor, 2, order_again_if_cleared=True)
    video_ids = {task.run()["video_id"]}
    task.make_anew()
    video_ids |= {task.run()["video_id"], task.run()["video_id"]}
    assert len(video_ids) == created(simulator) == 2


def test_where_nothing_can_be_searched_an_iteration_that_a_clear_may_have_made_anew_orders_nothing(
    simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    _, task = iterations("together", 2)
    task.run()
    task.make_anew()
    with pytest.raises(VideoOrderLostError, match="may have made this iteration of the loop anew"):
        task.run()
    assert created(simulator) == 1
    task.conf = {"order_again_if_lost": True}
    assert task.run()["state"] == "ready"


def test_an_iteration_that_is_new_in_a_run_that_was_cleared_orders_after_a_search(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    first, second = iterations("tavus", 2, mode)
    video_id = first.run()["video_id"]
    second.clear_number = 1
    assert second.run()["video_id"] != video_id
    assert created(simulator) == 2


def test_a_first_iteration_is_never_made_anew(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    [first] = iterations(vendor, 1)
    first.clear_number = 1
    assert first.run()["state"] == "ready"
    assert simulator.record.requests[f"{vendor} create"] == 1
    assert f"{vendor} list" not in simulator.record.requests


def test_a_name_that_iterations_share_does_not_give_one_the_video_of_another(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    first, second = iterations("tavus", 2, request={**REQUESTS["tavus"], "video_name": "Take"})
    first.run()
    second.clear_number = 1
    with pytest.raises(VideoOrderLostError, match="does not decide it"):
        second.run()
    assert created(simulator) == 1
