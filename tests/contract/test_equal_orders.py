# SPDX-License-Identifier: Apache-2.0
"""Once, where a list shows what was ordered: an equal order may be another's."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoOrderLostError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import sending
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


class TestEcho:
    """Two equal orders: the one never takes the other's video."""

    @of(("loom_echo", "loom_key_echo"))
    def test_of_two_equal_orders_that_are_both_lost_neither_is_guessed(
        self, vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(vendor)
        if vendor in KEYED:
            let_keys_live(monkeypatch, vendor, 1.0)
        tasks = [order(vendor), order(vendor)]
        tasks[1].ti.map_index = 1
        for task in tasks:
            task.ti.map_index += 1
        kill_both_at_once(tasks, monkeypatch)
        for task in tasks:
            with pytest.raises(VideoOrderLostError, match="videos that may be it are there"):
                task.run()
        assert created(simulator) == 2

    def test_a_video_that_another_task_has_recorded_is_not_taken(
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("loom_echo")
        task, other = order("loom_echo"), order("loom_echo")
        other.ti.task_id = "other"
        task.other_tasks["other"] = other.make()
        kill_while_it_is_sent(task, monkeypatch, is_received=False)
        task.ti.others["other"] = {"video_id": other.run()["video_id"]}
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert created(simulator) == 1

    def test_a_video_that_may_be_another_iterations_is_not_taken(self, simulator: Simulator, connect: Connect) -> None:
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
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("loom_echo")
        task, other = order("loom_echo"), order("loom_echo")
        other.ti.task_id = "other"
        task.other_tasks["other"] = other.make()
        kill_while_it_is_sent(task, monkeypatch, is_received=False)
        video_id = other.run()["video_id"]
        threading.Timer(0.5, lambda: task.ti.others.update(other={"video_id": video_id})).start()
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert created(simulator) == 1

    @pytest.mark.parametrize("fault", [Fault("status", status=503, endpoint="list", times=1), None])
    def test_an_equal_video_that_was_there_before_is_not_taken(
        self, fault: Fault | None, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("loom_echo")
        order("loom_echo").run()
        task = order("loom_echo")
        task.ti.task_id = "another"
        if fault is not None:
            simulator.add_fault(fault)
        kill_while_it_is_sent(task, monkeypatch, is_received=False)
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert created(simulator) == 1

    def test_more_equal_videos_than_are_remembered_are_not_taken(
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("loom_echo")
        monkeypatch.setattr("airflow_provider_videos.ordering.search.MAX_EARLIER_VIDEOS", 2)
        monkeypatch.setattr(sending, "MAX_EARLIER_VIDEOS", 2)
        for number in range(3):
            task = order("loom_echo")
            task.ti.task_id = f"other_{number}"
            task.run()
        task = order("loom_echo")
        kill_while_it_is_sent(task, monkeypatch, is_received=False)
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert created(simulator) == 3

    def test_a_video_that_came_after_a_refusal_and_before_the_order_is_not_taken(
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("loom_echo")
        simulator.add_fault(refusing(403))
        task = order("loom_echo")
        with pytest.raises(VideoAuthError):
            task.run()
        other = order("loom_echo")
        other.ti.task_id = "other"
        other.run()
        kill_while_it_is_sent(task, monkeypatch, is_received=False)
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert created(simulator) == 1


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
