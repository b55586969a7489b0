# SPDX-License-Identifier: Apache-2.0
"""What a batch makes of a vendor, an Airflow or a key that fails for a while."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.waiting.batch import BatchWait
from airflow_provider_videos.waiting.batch_worker import defer_if_it_fits
from airflow_provider_videos.waiting.polling import PollingRules, Wait
from tests.attempts import Attempts
from tests.generating import created
from tests.operators.test_generate_batch import batch, request
from tests.vendor_kit import Connect


def test_an_outage_while_the_videos_are_made_is_left_to_a_retry(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.6
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
