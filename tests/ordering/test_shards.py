# SPDX-License-Identifier: Apache-2.0
"""Two processes of one task instance, of which the older one does not know yet that Airflow has given it up."""

from __future__ import annotations

import contextlib
import copy
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoUnexpectedError
from airflow_provider_videos.ordering import shards
from airflow_provider_videos.ordering.record import Order, OrderRecord, OrderState
from airflow_provider_videos.ordering.shard_format import SHARD_KEY
from airflow_provider_videos.ordering.shards import ORDERS_PER_SHARD, ShardedRecord, TakenOverError


class TaskStore(dict[str, Any]):
    """Keeps copies, as a database does."""

    def get(self, key: str, default: Any = None) -> Any:
        return copy.deepcopy(super().get(key, default))

    def set(self, key: str, value: Any, **retention: Any) -> None:
        self[key] = copy.deepcopy(value)


def opened(store: TaskStore, *, attempt: int = 1) -> ShardedRecord:
    ti = SimpleNamespace(try_number=attempt)
    record = ShardedRecord({"task_state_store": store, "ti": ti})  # type: ignore[typeddict-item]
    record.open(requests="the same", may_lack_orders=False)
    return record


def sent(slot: str) -> OrderRecord:
    order = Order(fingerprint=slot, number=1, state=OrderState.SENT, max_tries=0)
    return OrderRecord(orders=(order,), attempt=1)


def accepted(slot: str, video_id: str = "v1") -> OrderRecord:
    order = Order(fingerprint=slot, number=1, state=OrderState.ACCEPTED, max_tries=0, video_id=video_id)
    return OrderRecord(orders=(order,), attempt=1)


def states(store: TaskStore) -> dict[str, str]:
    """Give the state of each order that another process would read."""
    record = opened(TaskStore(copy.deepcopy(store)))
    slots = [slot for key, shard in store.items() if key.startswith(SHARD_KEY.format("")) for slot in shard]
    return {slot: found.orders[-1].state.value for slot in slots if (found := record.get(slot)) is not None}


@pytest.mark.parametrize("orders", [0, 1, ORDERS_PER_SHARD - 1, ORDERS_PER_SHARD])
def test_a_process_that_was_taken_over_sends_no_order_whatever_it_has_to_write_before(orders: int) -> None:
    store = TaskStore()
    older = opened(store)
    for number in range(orders):
        older.put(f"slot {number}", sent(f"slot {number}"))
    newer = opened(store)
    with pytest.raises(TakenOverError):
        older.put("another", sent("another"))
    newer.put("another", sent("another"))
    assert [newer.get(f"slot {number}") is not None for number in range(orders)] == [True] * orders
    assert opened(store).get("another") is not None


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("write", ["stop", "count_limit"])
def test_a_process_that_was_taken_over_does_not_hide_the_orders_of_the_newer_one_by_what_it_says_of_all(
    write: str, attempt: int
) -> None:
    store = TaskStore()
    older, newer = opened(store), opened(store, attempt=attempt)
    newer.put("another", sent("another"))
    with pytest.raises(TakenOverError):
        older.stop(VideoUnexpectedError(problem="no money")) if write == "stop" else older.count_limit(1)
    after = opened(store, attempt=attempt)
    assert after.get("another") is not None
    assert after.stopped_by is None


def test_a_process_of_an_earlier_attempt_does_not_write_over_the_orders_of_the_newer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shards, "OWNER_LIFETIME", 0.3)
    store = TaskStore()
    older = opened(store)
    older.put("first", sent("first"))
    newer = opened(store, attempt=2)
    newer.put("another", sent("another"))
    # It has the answer, and thinks itself the newest.
    accepted = Order(fingerprint="first", number=1, state=OrderState.ACCEPTED, max_tries=0, video_id="v1")
    with pytest.raises(TakenOverError):
        older.put("first", OrderRecord(orders=(accepted,), attempt=1))
    after = opened(store, attempt=2)
    assert after.get("another") is not None
    assert (first := after.get("first")) is not None
    assert first.orders == (accepted,)


def test_an_answer_is_written_with_the_next_order_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TaskStore()
    record = opened(store)
    record.put("first", sent("first"))
    record.put("first", accepted("first"), with_next=True)
    assert states(store) == {"first": "sent"}
    set_one, written = TaskStore.set, []

    def note(self: TaskStore, key: str, value: Any, **retention: Any) -> None:
        written.append(key)
        set_one(self, key, value)

    with monkeypatch.context() as noting:
        noting.setattr(TaskStore, "set", note)
        record.put("second", sent("second"))
    assert written == [SHARD_KEY.format(0)]
    assert states(store) == {"first": "accepted", "second": "sent"}


def with_an_answer_held(store: TaskStore, *, is_last: bool) -> ShardedRecord:
    """Give a record whose shard is full, or has room for one order, and holds an answer that was not written."""
    record = opened(store)
    for number in range(ORDERS_PER_SHARD - (0 if is_last else 1)):
        record.put(f"slot {number}", sent(f"slot {number}"))
    record.put("slot 3", accepted("slot 3"), with_next=True)
    return record


@pytest.mark.parametrize("write", ["write_held", "flush", "fail", "put"])
@pytest.mark.parametrize("is_last", [False, True])
def test_an_answer_that_waits_for_the_next_order_is_written_with_whatever_is_written_next(
    write: str, is_last: bool
) -> None:
    store = TaskStore()
    record = with_an_answer_held(store, is_last=is_last)
    match write:
        case "write_held":
            record.write_held()
        case "flush":
            record.flush()
        case "fail":
            record.fail("another", "refused")
        case _:
            record.put("another", sent("another"))
    assert states(store)["slot 3"] == "accepted"
    if write == "put":
        assert states(store)["another"] == "sent"


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("lifetime", [-1.0, 60.0])
def test_an_answer_that_was_not_written_yet_is_told_to_the_process_that_has_taken_over(
    lifetime: float, is_last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore()
    older = with_an_answer_held(store, is_last=is_last)
    newer = opened(store)
    monkeypatch.setattr(shards, "OWNER_LIFETIME", lifetime)
    with pytest.raises(TakenOverError):
        older.put("another", sent("another"))
    assert states(store)["slot 3"] == "accepted"
    newer.put("mine", sent("mine"))
    with pytest.raises(TakenOverError):
        # Once it knows that it was taken over, it writes over nothing, also at the end of its orders.
        older.put("slot 4", accepted("slot 4", "v2"))
    assert states(store)["mine"] == "sent"


@pytest.mark.parametrize("access", range(1, 8))
def test_a_slot_that_moves_to_another_key_is_never_in_none(access: int, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TaskStore()
    record = opened(store)
    for slot in "abc":
        record.put(slot, sent(slot))
    record.put("a", accepted("a"), with_next=True)
    monkeypatch.setattr(shards, "MAX_SHARD_CHARACTERS", 10)
    set_one, sets = TaskStore.set, []

    def set_or_die(self: TaskStore, key: str, value: Any, **retention: Any) -> None:
        sets.append(key)
        if len(sets) == access:
            raise KeyboardInterrupt
        set_one(self, key, value)

    monkeypatch.setattr(TaskStore, "set", set_or_die)
    with contextlib.suppress(KeyboardInterrupt):
        record.put("b", sent("b"))
        record.flush()
    monkeypatch.setattr(TaskStore, "set", set_one)
    found = states(store)
    assert found.keys() == set("abc")
    assert {found["b"], found["c"]} == {"sent"}
