# SPDX-License-Identifier: Apache-2.0
"""Once, for each strategy by which a vendor's lost order is found again: no cell orders twice."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoFailedError,
    VideoOrderLostError,
    VideoOrderRefusedError,
)
from airflow_provider_videos.ordering import finders
from airflow_provider_videos.simulator import Fault, Simulator
from tests.attempts import Killed
from tests.contract.recovering import (
    ACCEPTED,
    ALL,
    FOUND,
    KEYED,
    NEEDS_A_HUMAN,
    NOT_ACCEPTED,
    REQUEST,
    SURE,
    by_fault,
    kill_while_it_is_sent,
    let_keys_live,
    of,
    order,
    orders_sent,
    refusing,
)
from tests.generating import created, kill_at, revive
from tests.operators.conftest import mode as mode
from tests.vendor_kit import Connect


@of(ALL)
def test_a_video_is_ordered_once_and_a_retry_and_a_clear_go_on_with_it(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = order(vendor, mode)
    video_id = task.run()["video_id"]
    assert task.run()["video_id"] == video_id
    task.clear()
    assert task.run()["video_id"] == video_id
    assert orders_sent(simulator) == created(simulator) == 1


@of(FOUND)
@by_fault
def test_an_order_that_was_accepted_and_whose_answer_was_lost_is_found(
    fault: Fault, vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(fault)
    assert order(vendor, mode).run()["state"] == "ready"
    assert created(simulator) == 1


@of(NEEDS_A_HUMAN)
@by_fault
def test_an_order_that_nothing_finds_is_a_humans_to_find(
    fault: Fault, vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(fault)
    task = order(vendor, mode)
    for _ in range(2):
        with pytest.raises(VideoOrderLostError):
            task.run()
    assert orders_sent(simulator) == created(simulator) == 1


@of((*KEYED, *SURE))
def test_an_order_that_was_not_accepted_is_sent_again_once_that_is_certain(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(NOT_ACCEPTED)
    assert order(vendor, mode).run()["state"] == "ready"
    assert (orders_sent(simulator), created(simulator)) == (2, 1)


@of((*NEEDS_A_HUMAN, "loom_echo"))
def test_an_order_that_may_not_have_been_accepted_is_not_sent_again_on_a_guess(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(NOT_ACCEPTED)
    with pytest.raises(VideoOrderLostError):
        order(vendor, mode).run()
    assert (orders_sent(simulator), created(simulator)) == (1, 0)


@of(ALL)
@pytest.mark.parametrize("is_received", [True, False], ids=["received", "not received"])
def test_a_task_that_was_killed_while_it_ordered_orders_no_second_video(
    is_received: bool, vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    task = order(vendor)
    kill_while_it_is_sent(task, monkeypatch, is_received=is_received)
    is_found = vendor in FOUND if is_received else vendor in (*KEYED, *SURE)
    if is_found:
        assert task.run()["state"] == "ready"
    else:
        with pytest.raises(VideoOrderLostError, match="ended before the answer was kept"):
            task.run()
    assert created(simulator) == (1 if is_found or is_received else 0)


@of(ALL)
def test_a_task_that_was_killed_before_the_id_was_kept_orders_no_second_video(
    vendor: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = order(vendor)
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    if vendor in FOUND:
        assert task.run()["state"] == "ready"
    else:
        with pytest.raises(VideoOrderLostError):
            task.run()
    assert created(simulator) == 1


@of(ALL)
def test_an_order_that_was_refused_for_good_is_not_said_to_be_billed(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(refusing(422))
    task = order(vendor, mode)
    with pytest.raises(VideoOrderRefusedError) as refused:
        task.run()
    assert "bill" not in str(refused.value) + str(getattr(refused.value, "__notes__", ""))
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@of(ALL)
def test_a_clear_after_a_failed_video_orders_another_one_with_another_key(
    vendor: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    simulator.outcome = "failed"
    task = order(vendor)
    for _ in range(2):
        with pytest.raises(VideoFailedError):
            task.run()
    assert created(simulator) == 1
    simulator.outcome = "ready"
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2
    assert len(set(keys)) == (2 if vendor in KEYED else 1)


@of(ALL)
def test_who_asks_for_another_video_gets_one_with_another_key(
    vendor: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    task = order(vendor, order_again_if_cleared=True)
    first = task.run()["video_id"]
    task.clear()
    assert task.run()["video_id"] != first
    assert created(simulator) == 2
    assert len(set(keys)) == (2 if vendor in KEYED else 1)


@of(("loom_human", "loom_key"))
def test_who_allows_to_order_a_lost_order_again_gets_another_video(
    vendor: str, simulator: Simulator, connect: Connect, keys: list[str | None]
) -> None:
    connect(vendor)
    simulator.add_fault(ACCEPTED[0])
    simulator.add_fault(refusing(422))
    task = order(vendor)
    with pytest.raises(VideoOrderLostError):
        task.run()
    simulator.clear_faults()
    task.conf["order_again_if_lost"] = True
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


@of(ALL)
def test_a_record_that_was_emptied_makes_no_second_order(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = order(vendor, mode)
    video_id = task.run()["video_id"]
    assert task.store is not None
    task.store.clear()
    task.clear()
    if vendor in {"loom_human", "loom_key"}:
        with pytest.raises(VideoOrderLostError, match="may or may not have been ordered"):
            task.run()
    else:
        assert task.run()["video_id"] == video_id
    assert orders_sent(simulator) == created(simulator) == 1


@of(("loom_name", "loom_own_id", "loom_key_name", "loom_key_own_id"))
def test_refusals_do_not_hide_an_order_whose_record_was_emptied(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    monkeypatch.setattr(finders, "MAX_FORGOTTEN_ORDERS", 2)
    monkeypatch.setattr(finders, "MAX_FORGOTTEN_OWN_IDS", 2)
    simulator.add_fault(refusing(429, times=4))
    task = order(vendor)
    video_id = task.run()["video_id"]
    assert task.store is not None
    task.store.clear()
    task.clear()
    assert task.run()["video_id"] == video_id
    assert created(simulator) == 1


@of(("loom_name", "loom_key_name", "loom_own_id", "loom_key_own_id"))
@pytest.mark.parametrize("refusals", [0, 1])
def test_a_name_that_a_template_changed_meanwhile_does_not_hide_the_order(
    refusals: int, vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    field = "title" if vendor.endswith("_name") else "own_id"
    kill_while_it_is_sent(task := order(vendor, request={**REQUEST, field: "A"}), monkeypatch)
    task.make = order(vendor, request={**REQUEST, field: "B"}).make
    if refusals and vendor in KEYED:
        simulator.add_fault(refusing(422))
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@of(("loom_own_id", "loom_key_own_id"))
def test_an_own_id_that_another_video_has_already_proves_nothing(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    if vendor in KEYED:
        let_keys_live(monkeypatch, vendor, 1.0)
    request = {**REQUEST, "own_id": "always-the-same"}
    order(vendor, request=request).run()
    task = order(vendor, request=request)
    task.ti.run_id = "the next run"
    kill_while_it_is_sent(task, monkeypatch, is_received=False)
    with pytest.raises(VideoOrderLostError, match="videos that may be it are there"):
        task.run()
    assert created(simulator) == 1


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        ("loom_human", "Look at https://loom.invalid/jobs. To use it"),
        ("loom_name", "with the name 'A cat for you'"),
        ("loom_own_id", "for one whose own_id is 'mine'"),
        ("loom_echo", "that was ordered at about this time and shows this request"),
        ("loom_key", "among your videos at Loom for one that was ordered at about this time"),
        ("loom_key_name", "with the name 'A cat for you'"),
    ],
)
def test_each_strategy_says_where_to_look(
    vendor: str, words: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    request: dict[str, Any] = {**REQUEST, "title": "A cat for you", "own_id": "mine"}
    task = order(vendor, request=request)
    kill_while_it_is_sent(task, monkeypatch, is_received=False)
    if vendor == "loom_own_id":
        simulator.add_fault(refusing(503, times=3))
    else:
        simulator.add_fault(refusing(422))
        simulator.add_fault(Fault("list_bad_entry"))
    with pytest.raises(VideoOrderLostError) as lost:
        task.run()
    assert words in str(lost.value)
    assert "order again: set the key order_again_if_lost" in str(lost.value)
