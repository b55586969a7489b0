# SPDX-License-Identifier: Apache-2.0
"""How the orders of a batch are written in the keys of Airflow's task state store."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import unlimited_retention
from airflow_provider_videos.exceptions import VideoRecordError
from airflow_provider_videos.ordering.record import Order, OrderState
from airflow_provider_videos.ordering.store import OrderStore

if TYPE_CHECKING:
    from airflow.sdk import Context

INDEX_KEY = "video_batch"
SHARD_KEY = "video_batch_orders_{}"
VERSION = 1
_DEFAULTS = {
    field.name: field.default for field in dataclasses.fields(Order) if field.default is not dataclasses.MISSING
}


def new_index(*, may_lack_orders: bool) -> dict[str, Any]:
    """Return the index of a record without orders.

    :param may_lack_orders: whether orders may have been made that the record does not hold.
    """
    return {"version": VERSION, "shards": 0, "may_lack_orders": may_lack_orders, "created_at": time.time()}


def read_shard(store: Any, number: int) -> dict[str, Any]:
    """Read a shard: entries by the slots of the orders.

    :param store: Airflow's task state store.
    :param number: the shard's.
    :raises VideoRecordError: if it can't be read.
    """
    key = SHARD_KEY.format(number)
    shard = store.get(key)
    if not isinstance(shard, dict) or not all(isinstance(entry, dict) for entry in shard.values()):
        raise VideoRecordError(key=key, problem="it is missing, or not an object of orders")
    return dict(shard)


def compact(order: Order) -> dict[str, Any]:
    """Return what is written of an order."""
    values = {name: value for name, value in order.to_dict().items() if value != _DEFAULTS.get(name, ...)}
    values.pop("fingerprint")
    return {name: value for name, value in values.items() if value != []}


def read_orders(slot: str, entry: Mapping[str, Any]) -> list[Order]:
    """Read the orders of a slot.

    :raises ValueError: if they can't be read.
    :raises TypeError: if they can't be read.
    """
    return [Order.from_dict({"fingerprint": slot, **order}) for order in entry.get("orders", ())]


def note_that_nothing_was_ordered(context: Context, retries: int) -> None:
    """Remember that an attempt ended before it could order, so that a later one need not search.

    :param context: the task's context.
    :param retries: of the task.
    """
    store: Any = context.get("task_state_store")
    may_lack_orders = OrderStore(context).may_have_been_emptied(retries)
    if store is not None and not may_lack_orders and store.get(INDEX_KEY) is None:
        store.set(INDEX_KEY, new_index(may_lack_orders=False), **unlimited_retention())


def has_batch_orders(context: Context) -> bool:
    """Return whether a task that orders many videos has, or may have, ordered any."""
    store: Any = context["task_state_store"]
    index = store.get(INDEX_KEY)
    for number in range((index or {}).get("shards", 0)):
        entries = (store.get(SHARD_KEY.format(number)) or {}).values()
        orders = [order for entry in entries for order in entry.get("orders", ())]
        if any(order.get("state") != OrderState.NOT_ACCEPTED.value for order in orders):
            return True
    return False
