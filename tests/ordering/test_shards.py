# SPDX-License-Identifier: Apache-2.0
"""Two processes of one task instance, of which the older one does not know yet that Airflow has given it up."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoUnexpectedError
from airflow_provider_videos.ordering import shards
from airflow_provider_videos.ordering.record import Order, OrderRecord, OrderState
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
