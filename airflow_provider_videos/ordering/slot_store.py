# SPDX-License-Identifier: Apache-2.0
"""The record of one order of many, for the code that places a single one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_videos.ordering.record import OrderRecord
from airflow_provider_videos.ordering.store import OrderStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.ordering.shards import ShardedRecord


class SlotStore(OrderStore):
    """The record of one of many orders.

    :param context: the task's context.
    :param record: of all orders.
    :param slot: the key of this one.
    """

    def __init__(self, context: Context, record: ShardedRecord, slot: str) -> None:
        super().__init__(context)
        self._record = record
        self._slot = slot

    def read(self) -> OrderRecord | None:
        """Return what is recorded of the order."""
        return self._record.get(self._slot)

    def write(self, record: OrderRecord, *, with_next: bool = False) -> None:
        """Keep what is known of the order."""
        self._record.put(self._slot, record, with_next=with_next)

    def write_held(self) -> None:
        """Write what was to be written with the next order."""
        self._record.write_held()

    def may_lack_orders(self, retries: int, *, can_be_searched: bool) -> bool:
        """Return whether the record as a whole may lack orders: it is there from before the first one on."""
        return self._record.may_lack_orders

    def may_have_been_emptied(self, retries: int) -> bool:
        """Return the same."""
        return self._record.may_lack_orders

    def forgotten_at(self) -> float:
        """Return when the record was begun, which is the same for all."""
        return self._record.created_at

    @property
    def is_permitted(self) -> bool:
        """Whether a user allows to order it again though it is lost."""
        return self.is_permitted_for_run or self._record.is_permitted(self._slot)

    def takes_permission(self) -> bool:
        """Return the same: the order that follows a lost one uses the permission up."""
        return self.is_permitted

    def recorded_elsewhere(self) -> Iterable[str]:
        """Return the ids of the videos of all other orders."""
        return self._record.video_ids(without=self._slot)
