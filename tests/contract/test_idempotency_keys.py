# SPDX-License-Identifier: Apache-2.0
"""Once, at a vendor that answers a known idempotency key with the first video."""

from __future__ import annotations

import re

import pytest

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoFailedError,
    VideoOrderLostError,
    VideoTransportError,
)
from airflow_provider_videos.ordering import sending
from airflow_provider_videos.simulator import Simulator
from tests.contract.recovering import (
    ACCEPTED,
    KEYED,
    NOT_ACCEPTED,
    kill_while_it_is_sent,
    let_keys_live,
    of,
    order,
    orders_sent,
    refusing,
)
from tests.generating import created
from tests.operators.conftest import mode as mode
from tests.vendor_kit import Connect


@of(KEYED)
def test_a_key_that_is_still_in_use_is_sent_again_until_the_first_answer_is_there(
    vendor: str, mode: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    simulator.add_fault(ACCEPTED[0])
    simulator.add_fault(refusing(409, times=2))
    assert order(vendor, mode).run()["state"] == "ready"
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert created(simulator) == 1


def test_a_key_begins_with_the_mark_of_its_order(
    simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect("loom_key")
    simulator.outcome = "failed"
    task = order("loom_key")
    for again in (False, True):
        if again:
            task.clear()
        with pytest.raises(VideoFailedError):
            task.run()
    another = order("loom_key")
    another.ti.map_index = 1
    with pytest.raises(VideoFailedError):
        another.run()
    assert created(simulator) == 3
    parts = [str(key).partition("-") for key in keys]
    assert all(re.fullmatch(r"[0-9a-f]{24}-[0-9a-f]{32}", str(key)) for key in keys)
    # Each is another order: the second one of the task, and the first one of a mapped task instance.
    assert len({mark for mark, _, _ in parts}) == len({random for _, _, random in parts}) == 3


@of(KEYED)
def test_a_limit_of_the_account_lets_the_same_key_wait(
    vendor: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    simulator.add_fault(ACCEPTED[0])
    simulator.add_fault(refusing(429, times=2))
    assert order(vendor).run()["state"] == "ready"
    assert len(set(keys)) == 1
    assert created(simulator) == 1


@of(KEYED)
def test_a_refusal_of_the_second_says_nothing_of_the_first(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(ACCEPTED[0])
    simulator.add_fault(refusing(422))
    task = order(vendor, mode)
    if vendor == "loom_key":
        for _ in range(2):
            with pytest.raises(VideoOrderLostError):
                task.run()
    else:
        assert task.run()["state"] == "ready"
    assert (orders_sent(simulator), created(simulator)) == (2, 1)


@of(("loom_key_name", "loom_key_own_id"))
def test_an_order_that_was_refused_with_its_key_and_is_not_there_is_not_counted_as_sent_often(
    vendor: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(NOT_ACCEPTED)
    simulator.add_fault(refusing(422))
    with pytest.raises(VideoOrderLostError, match=r"it was refused: .*; it can't be found"):
        order(vendor).run()
    assert (orders_sent(simulator), created(simulator)) == (2, 0)


@of(KEYED)
def test_an_api_key_that_was_refused_with_an_order_sent_again_can_be_corrected(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, keys: list[str | None]
) -> None:
    connect(vendor)
    task = order(vendor)
    kill_while_it_is_sent(task, monkeypatch)
    good, simulator.key = simulator.key, "another-key"
    with pytest.raises(VideoAuthError) as refused:
        task.run()
    assert "sends the same order with its key" in str(refused.value.__notes__)
    simulator.key = good
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1
    assert len(set(keys)) == 1


@of(KEYED)
def test_a_vendor_out_of_reach_leaves_a_used_key_as_good_as_it_was(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    task = order(vendor, max_consecutive_failures=1)
    kill_while_it_is_sent(task, monkeypatch)
    simulator.stop()
    with pytest.raises(VideoTransportError):
        task.run()
    simulator.start()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@of(KEYED)
def test_a_key_that_has_expired_is_not_sent_again(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    let_keys_live(monkeypatch, vendor, sending.KEY_MARGIN + 1.0)
    task = order(vendor)
    kill_while_it_is_sent(task, monkeypatch)
    if vendor == "loom_key":
        with pytest.raises(VideoOrderLostError):
            task.run()
    else:
        assert task.run()["state"] == "ready"
    assert orders_sent(simulator) == created(simulator) == 1


@of(KEYED)
def test_a_key_that_expires_while_it_is_sent_again_is_sent_no_more(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor, timeout=0.5)
    let_keys_live(monkeypatch, vendor, sending.KEY_MARGIN + 1.0 + 1.5)
    simulator.add_fault(ACCEPTED[0])
    simulator.add_fault(refusing(429, times=6))
    task = order(vendor, poke_interval=0.5)
    if vendor == "loom_key":
        with pytest.raises(VideoOrderLostError):
            task.run()
    else:
        assert task.run()["state"] == "ready"
    assert orders_sent(simulator) < 7
    assert created(simulator) == 1


@of(KEYED)
@pytest.mark.parametrize("status", [429, 403])
def test_an_order_that_was_certainly_refused_gets_another_key(
    status: int, vendor: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    simulator.add_fault(refusing(status))
    task = order(vendor)
    if status == 403:
        with pytest.raises(VideoAuthError):
            task.run()
    assert task.run()["state"] == "ready"
    assert len(set(keys)) == len(keys) == 2
    # It is the same order, sent anew.
    assert len({str(key).partition("-")[0] for key in keys}) == 1
    assert created(simulator) == 1


def test_who_allows_another_order_where_the_record_was_emptied_gets_a_key_of_its_own(
    simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect("loom_key")
    simulator.outcome = "failed"
    task = order("loom_key")
    with pytest.raises(VideoFailedError):
        task.run()
    assert task.store is not None
    task.store.clear()
    task.clear()
    task.conf["order_again_if_lost"] = True
    simulator.outcome = "ready"
    assert task.run()["state"] == "ready"
    assert len(set(keys)) == 2


def test_without_a_store_a_key_serves_the_attempt_that_has_it(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("loom_key")
    simulator.add_fault(ACCEPTED[0])
    assert order("loom_key", has_store=False).run()["state"] == "ready"
    assert created(simulator) == 1
    task = order("loom_key", has_store=False)
    kill_while_it_is_sent(task, monkeypatch)
    with pytest.raises(VideoOrderLostError, match="keeps no record"):
        task.run()
    assert created(simulator) == 2
