# SPDX-License-Identifier: Apache-2.0
"""Once, for each strategy by which a vendor's lost order is found again: no cell orders twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoFailedError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoTransportError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import finders, ordering, sending
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.vendors.recovery import ResendSameKey
from tests.attempts import Attempts, Killed
from tests.contract.vendors import LOOMS, RECOVERIES
from tests.generating import attempts, created, kill_at, revive
from tests.operators.conftest import mode as mode
from tests.vendor_kit import Connect

REQUEST = {"prompt": "A cat.", "seed": 7}
ALL = tuple(RECOVERIES)
KEYED = tuple(name for name in ALL if "_key" in name)
#: A search can say that an order is not there.
SURE = ("loom_name", "loom_own_id")
FOUND = (*KEYED, *SURE, "loom_echo")
NEEDS_A_HUMAN = ("loom_human",)
ACCEPTED = [
    Fault("accept_then_reset", times=1),
    Fault("accept_then_hang", times=1),
    Fault("accept_then_status", status=503, times=1),
    Fault("accept_then_status", status=200, body="{}", times=1),
]
NOT_ACCEPTED = Fault("status", status=503, endpoint="create", times=1)
by_fault = pytest.mark.parametrize("fault", ACCEPTED, ids=lambda fault: f"{fault.kind}-{fault.status or ''}")


def refusing(status: int, times: int = 1) -> Fault:
    return Fault("status", status=status, endpoint="create", times=times)


def of(vendors: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vendor", vendors)


def order(vendor: str, mode: str = "sync", **options: Any) -> Attempts:
    return attempts(vendor, mode, **{"request": REQUEST} | options)


def orders_sent(simulator: Simulator) -> int:
    return sum(count for name, count in simulator.record.requests.items() if name.endswith(" create"))


def let_keys_live(monkeypatch: pytest.MonkeyPatch, vendor: str, seconds: float) -> None:
    recovery = RECOVERIES[vendor]
    assert isinstance(recovery, ResendSameKey)
    shorter = ResendSameKey(lifetime=seconds, afterwards=recovery.afterwards)
    monkeypatch.setattr(type(LOOMS[vendor]), "recovery", shorter)


def kill_while_it_is_sent(task: Attempts, monkeypatch: pytest.MonkeyPatch, *, is_received: bool = True) -> None:
    order_video = VideoHook.order_video

    def order_and_die(hook: VideoHook, request: Any, *, key: str | None) -> None:
        if is_received:
            order_video(hook, request, key=key)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_and_die)
        with pytest.raises(Killed):
            task.run()


@pytest.fixture(autouse=True)
def _keys_are_sent_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "KEY_PAUSE", 0.02)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Give the keys of all orders that are sent from now on."""
    sent: list[str | None] = []
    order_video = VideoHook.order_video

    def noting(hook: VideoHook, request: Any, *, key: str | None = None) -> Any:
        sent.append(key)
        return order_video(hook, request, key=key)

    monkeypatch.setattr(VideoHook, "order_video", noting)
    return sent


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
    assert None not in keys
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

    def order_both(hook: VideoHook, request: Any, *, key: str | None) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(VideoHook, "order_video", order_and_die)
            with pytest.raises(Killed):
                second.run()
        order_video(hook, request, key=key)
        raise Killed

    def order_and_die(hook: VideoHook, request: Any, *, key: str | None) -> Any:
        order_video(hook, request, key=key)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_both)
        with pytest.raises(Killed):
            first.run()


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
