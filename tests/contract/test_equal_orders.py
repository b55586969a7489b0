# SPDX-License-Identifier: Apache-2.0
"""Once, where a list shows what was ordered: an equal order may be another's."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoAuthError, VideoOrderLostError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import search, sending
from airflow_provider_videos.simulator import Fault, Simulator
from tests.attempts import Attempts, Killed
from tests.contract.recovering import (
    KEYED,
    kill_while_it_is_sent,
    let_keys_live,
    of,
    order,
    refusing,
)
from tests.generating import created
from tests.operators.conftest import mode as mode
from tests.vendor_kit import Connect


@pytest.fixture
def task(connect: Connect) -> Attempts:
    """Give a task that orders from a vendor whose list shows what was ordered."""
    connect("loom_echo")
    return order("loom_echo")


@pytest.fixture
def other(task: Attempts) -> Attempts:
    """Give another task of the same run, which orders the same."""
    other = order("loom_echo")
    other.ti.task_id = "other"
    task.other_tasks["other"] = other.make()
    return other


@pytest.fixture
def lose_order(task: Attempts, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give a function that lets the task be killed before its order reaches the vendor."""
    return functools.partial(kill_while_it_is_sent, task, monkeypatch, is_received=False)


def order_the_same_elsewhere(task_id: str = "elsewhere") -> None:
    """Let a task order the same that is not among the run's other tasks."""
    elsewhere = order("loom_echo")
    elsewhere.ti.task_id = task_id
    elsewhere.run()


def assert_no_video_is_taken(task: Attempts) -> None:
    with pytest.raises(VideoOrderLostError):
        task.run()


@of(("loom_echo", "loom_key_echo"))
def test_of_two_equal_orders_that_are_both_lost_neither_is_guessed(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    if vendor in KEYED:
        let_keys_live(monkeypatch, vendor, 1.0)
    tasks = [order(vendor), order(vendor)]
    for map_index, task in enumerate(tasks):
        task.ti.map_index = map_index
    kill_both_at_once(tasks, monkeypatch)
    for task in tasks:
        with pytest.raises(VideoOrderLostError, match="videos that may be it are there"):
            task.run()
    assert created(simulator) == 2


def test_a_video_that_another_task_has_recorded_is_not_taken(
    task: Attempts, other: Attempts, lose_order: Callable[[], None], simulator: Simulator
) -> None:
    lose_order()
    task.ti.others["other"] = {"video_id": other.run()["video_id"]}
    assert_no_video_is_taken(task)
    assert created(simulator) == 1


def test_a_video_that_may_be_another_iterations_is_not_taken(simulator: Simulator, connect: Connect) -> None:
    connect("loom_echo")
    first, second = order("loom_echo"), order("loom_echo")
    first.iteration, second.iteration = 0, 1
    first.run()
    # In a run that was cleared, the second may have ordered before the clear.
    second.clear_number = 1
    with pytest.raises(VideoOrderLostError, match="videos that may be it are there"):
        second.run()
    assert created(simulator) == 1


def test_a_video_that_another_task_records_a_moment_later_is_not_taken(
    task: Attempts, other: Attempts, lose_order: Callable[[], None], simulator: Simulator
) -> None:
    lose_order()
    video_id = other.run()["video_id"]
    threading.Timer(0.5, lambda: task.ti.others.update(other={"video_id": video_id})).start()
    assert_no_video_is_taken(task)
    assert created(simulator) == 1


@pytest.mark.parametrize("fault", [Fault("status", status=503, endpoint="list", times=1), None])
def test_an_equal_video_that_was_there_before_is_not_taken(
    fault: Fault | None, task: Attempts, lose_order: Callable[[], None], simulator: Simulator
) -> None:
    order_the_same_elsewhere()
    if fault is not None:
        simulator.add_fault(fault)
    lose_order()
    assert_no_video_is_taken(task)
    assert created(simulator) == 1


def test_more_equal_videos_than_are_remembered_are_not_taken(
    task: Attempts, lose_order: Callable[[], None], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (search, sending):
        monkeypatch.setattr(module, "MAX_EARLIER_VIDEOS", 2)
    for number in range(3):
        order_the_same_elsewhere(f"other_{number}")
    lose_order()
    assert_no_video_is_taken(task)
    assert created(simulator) == 3


def test_a_video_that_came_after_a_refusal_and_before_the_order_is_not_taken(
    task: Attempts, lose_order: Callable[[], None], simulator: Simulator
) -> None:
    simulator.add_fault(refusing(403))
    with pytest.raises(VideoAuthError):
        task.run()
    order_the_same_elsewhere()
    lose_order()
    assert_no_video_is_taken(task)
    assert created(simulator) == 1


def test_a_video_that_was_ordered_long_after_the_answer_was_due_is_not_taken(
    task: Attempts, lose_order: Callable[[], None], simulator: Simulator
) -> None:
    lose_order()
    assert task.store is not None
    [lost] = task.store["video_order"]["orders"]
    for moment in ("first_sent_at", "sent_at", "answer_due_at"):
        lost[moment] -= 3600
    # Such as that of the next run of a Dag that always orders the same.
    order_the_same_elsewhere()
    task.clear()
    assert_no_video_is_taken(task)
    assert created(simulator) == 1


def test_a_video_is_not_taken_beside_one_that_shows_its_order_no_more(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = VideoHook.get_hook(connect("replicate"))
    request = {"model": "a/b", "input": {"prompt": "A cat."}}
    kill_while_it_is_sent(task := order("replicate", request=request), monkeypatch)
    [own] = hook.list_videos()
    simulator.set_video("replicate", own.video_id, outcome="data_removed")
    elsewhere = order("replicate", request=request)
    elsewhere.ti.task_id = "elsewhere"
    elsewhere.run()
    assert_no_video_is_taken(task)
    assert created(simulator) == 2


def kill_both_at_once(tasks: list[Attempts], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each order be sent after both have looked at what is there, and lose both answers."""
    order_video = VideoHook.order_video
    first, second = tasks

    def order_both(hook: VideoHook, request: Any, *, key: str | None, **options: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(VideoHook, "order_video", order_and_die)
            with pytest.raises(Killed):
                second.run()
        order_video(hook, request, key=key, **options)
        raise Killed

    def order_and_die(hook: VideoHook, request: Any, *, key: str | None, **options: Any) -> Any:
        order_video(hook, request, key=key, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_both)
        with pytest.raises(Killed):
            first.run()
