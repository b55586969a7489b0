# SPDX-License-Identifier: Apache-2.0
"""The orders of a task instance as this attempt changes them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.ordering.record import Order, OrderRecord

if TYPE_CHECKING:
    from airflow_provider_videos.ordering.store import OrderStore


class OrderBook:
    """Holds the record, and writes each change to the store at once.

    :param store: where the record is kept.
    :param max_tries: the task instance's.
    """

    def __init__(self, store: OrderStore, *, max_tries: int) -> None:
        self._store = store
        self._max_tries = max_tries
        #: The orders that are remembered.
        self.record = OrderRecord()

    def read(self) -> OrderRecord | None:
        """Read the record again, ``None`` if there is none.

        :raises VideoRecordError: if it can't be read.
        """
        record = self._store.read()
        self.record = record or OrderRecord()
        return record

    def write(self, *orders: Order, instead_of: Order | None = None, with_next: bool = False) -> None:
        """Keep orders, each in the place of the one of its number.

        :param instead_of: an order that goes away.
        :param with_next: whether they may be written with the task's next order, if that follows at once.
        """
        if instead_of is not None:
            self.drop(instead_of)
        for order in orders:
            self.record = self.record.with_order(order)
        self._store.write(self.record, with_next=with_next)

    def write_held(self) -> None:
        """Write what was to be written with the next order: something that takes time comes before that."""
        self._store.write_held()

    def drop(self, order: Order) -> None:
        """Leave an order out of what is written next."""
        self.record = self.record.without(order)

    def of_this_attempt(self, order: Order, **changes: Any) -> Order:
        """Change an order, and note which clears it has seen."""
        return dataclasses.replace(order, max_tries=self._max_tries, clear_number=self._store.clear_number, **changes)
