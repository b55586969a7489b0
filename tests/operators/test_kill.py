# SPDX-License-Identifier: Apache-2.0
"""What becomes of a video at its vendor when Airflow ends the task that has ordered it, on a worker."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.ordering import kill
from airflow_provider_videos.simulator import Fault, Simulator
from tests.attempts import Attempts
from tests.generating import attempts
from tests.vendor_kit import Connect


def ordered(retries: int = 2, *, delete_on_kill: bool = True) -> tuple[Attempts, GenerateVideoOperator, str]:
    """Order a video, and give the task, its operator and the video's id."""
    task = attempts("tavus", retries=retries, delete_on_kill=delete_on_kill)
    operator: Any = task.make()
    task.make = lambda: operator
    return task, operator, task.run()["video_id"]


def set_state(task: Attempts, state: str) -> None:
    task.ti.get_ti_count = lambda *, states, **query: int(state in states)  # type: ignore[attr-defined]


def is_deleted(video_id: str) -> bool:
    return VideoHook.get_hook("tavus_default").get_video(video_id).state == "deleted"


@pytest.mark.parametrize(
    ("state", "retries", "deletes"),
    [
        ("restarting", 0, True),
        ("restarting", 2, True),
        ("success", 0, True),
        ("success", 2, True),
        ("failed", 2, True),
        # A scheduler that has lost the worker sets these.
        ("failed", 0, False),
        ("up_for_retry", 2, False),
        ("scheduled", 2, False),
        ("queued", 2, False),
        ("running", 2, False),
        ("running", 0, False),
        ("skipped", 2, False),
        ("", 2, False),
    ],
)
def test_only_what_a_user_has_ended_is_deleted(
    state: str, retries: int, deletes: bool, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task, operator, video_id = ordered(retries)
    set_state(task, state)
    operator.on_kill()
    assert is_deleted(video_id) is deletes


def test_nothing_is_deleted_unless_the_dag_says_so(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task, operator, video_id = ordered(delete_on_kill=False)
    set_state(task, "restarting")
    operator.on_kill()
    assert not is_deleted(video_id)


@pytest.mark.parametrize("state", ["success", "failed"])
def test_nothing_is_deleted_that_a_newer_attempt_goes_on_with(
    state: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task, operator, video_id = ordered()
    of_older_attempt: Any = dict(task.context)
    task.make = attempts("tavus").make
    task.run()
    of_older_attempt["ti"] = SimpleNamespace(**{**vars(task.ti), "try_number": 1})
    of_older_attempt["ti"].get_ti_count = lambda *, states, **query: int(state in states)
    operator._context = of_older_attempt
    operator.on_kill()
    assert not is_deleted(video_id)


def test_nothing_is_deleted_where_the_last_retry_was_used_up(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task, operator, video_id = ordered(retries=2)
    task.ti.try_number = 3
    set_state(task, "failed")
    operator.on_kill()
    assert not is_deleted(video_id)


def test_nothing_is_deleted_where_the_dag_fails_fast(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task, operator, video_id = ordered()
    task.context["dag"].fail_fast = True
    set_state(task, "failed")
    operator.on_kill()
    assert not is_deleted(video_id)


@pytest.mark.parametrize("broken", ["airflow", "vendor"])
def test_it_never_raises_and_says_what_went_wrong(broken: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task, operator, video_id = ordered()
    set_state(task, "restarting")
    if broken == "airflow":

        def fail(**query: Any) -> int:
            raise ConnectionError

        task.ti.get_ti_count = fail  # type: ignore[attr-defined]
    else:
        simulator.add_fault(Fault("status", status=500, method="DELETE"))
    with capture_logs() as lines:
        operator.on_kill()
    assert any("continues at the vendor" in line["event"] for line in lines)
    assert not is_deleted(video_id)


def test_it_waits_for_no_lock_that_the_interrupted_task_holds(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "MAX_SECONDS", 0.2)
    connect("tavus")
    task, operator, video_id = ordered()
    held = threading.Lock()

    def wait_for_lock(**query: Any) -> int:
        with held:
            return 0

    task.ti.get_ti_count = wait_for_lock  # type: ignore[attr-defined]
    with held, capture_logs() as lines:
        began = time.monotonic()
        operator.on_kill()
        assert time.monotonic() - began < 5
    assert any("was not decided in time" in line["event"] for line in lines)
    assert not is_deleted(video_id)
