# SPDX-License-Identifier: Apache-2.0
"""Two processes of one task instance, of which the older one does not know yet that Airflow has given it up."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videos.ordering.record import Order, OrderRecord, OrderState
from airflow_provider_videos.ordering.shards import ORDERS_PER_SHARD, ShardedRecord, TakenOverError


class TaskStore(dict[str, Any]):
    """Keeps copies, as a database does."""

    def get(self, key: str, default: Any = None) -> Any:
        return copy.deepcopy(super().get(key, default))

    def set(self, key: str, value: Any, **retention: Any) -> None:
        self[key] = copy.deepcopy(value)


def opened(store: TaskStore) -> ShardedRecord:
    record = ShardedRecord({"task_state_store": store, "ti": SimpleNamespace(try_number=1)})  # type: ignore[typeddict-item]
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
