# SPDX-License-Identifier: Apache-2.0
"""The record of many orders of one task instance, in few keys of Airflow's task state store."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import unlimited_retention
from airflow_provider_videos.exceptions import VideoError, VideoRecordError
from airflow_provider_videos.ordering.record import OrderRecord, OrderState
from airflow_provider_videos.ordering.shard_format import (
    INDEX_KEY,
    SHARD_KEY,
    VERSION,
    compact,
    new_index,
    read_orders,
    read_shard,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The newest process that orders. Only that writes it, once and before it reads anything: the index is written by all.
OWNER_KEY = "video_batch_owner"
#: Orders per key. An order takes some 250 bytes, 600 while it is sent; Airflow warns of values beyond 65,535.
ORDERS_PER_SHARD = 48
MAX_SHARD_CHARACTERS = 48_000
#: How many orders of one place are remembered: one that is ordered anew leaves the one before it.
MAX_ORDERS_OF_SLOT = 4
#: Seconds for which a process that was the newest is taken for the newest still, except right before an order is sent.
OWNER_LIFETIME = 2.0
MAX_REASON_CHARACTERS = 800


class TakenOverError(VideoError):
    """Another process of the task instance has begun to order; raised before anything is sent. Airflow retries."""

    def __init__(self) -> None:
        super().__init__(
            "Another process of this task has begun to order, so this one sends nothing more. What is ordered is "
            "recorded: a retry continues with it."
        )


class ShardedRecord:
    """Keeps what is known of each order by its slot: the fingerprint of its request and its place among equal ones.

    An index names the shards, so that one which is missing is never taken for one that was not written. Another key
    names the process that writes them: one that Airflow has given up must not go on beside the next one. Opening reads
    the index and each shard once. An order writes its shard before it is sent, and asks once whether the process is
    still the newest. Its answer is written with the order that follows at once, else by :meth:`write_held`.

    :param context: the task's context, of an Airflow that has the store.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context["task_state_store"]
        self._attempt: int = context["ti"].try_number
        self._owner = uuid.uuid4().hex
        self._owned_at = 0.0
        self._index: dict[str, Any] = {}
        self._shards: list[dict[str, Any]] = []
        self._shard_of: dict[str, int] = {}
        self._unwritten: set[int] = set()
        #: Shards with an answer that the next order is written with.
        self._held: set[int] = set()

    def open(self, *, requests: str, may_lack_orders: bool) -> bool:
        """Read the record, and take it over from the process before this one.

        :param requests: a digest of all that the task is to order.
        :param may_lack_orders: whether orders may have been made that a record which is not there would have held.
        :return: whether all processes of this attempt were to order the same.
        :raises VideoRecordError: if it can't be read.
        """
        # From now on the process before this one sends nothing. What it has written before that is read after it.
        self._store.set(OWNER_KEY, self._owner, **unlimited_retention())
        self._owned_at = time.monotonic()
        stored = self._store.get(INDEX_KEY)
        if isinstance(stored, dict) and stored.get("attempt") not in {None, self._attempt}:
            # The process of an earlier attempt may still run, as after a clear. From then on it asks before it writes.
            time.sleep(max(OWNER_LIFETIME, 0.0))
            stored = self._store.get(INDEX_KEY)
        if stored is None:
            stored = new_index(may_lack_orders=may_lack_orders)
        if not isinstance(stored, dict) or (stored.get("version"), type(stored.get("shards"))) != (VERSION, int):
            raise VideoRecordError(key=INDEX_KEY, problem="it is not an index of orders that this package reads")
        self._index = stored
        if stored.get("attempt") != self._attempt:
            self._index |= {"attempt": self._attempt, "began_at": time.time(), "limited": 0, "requests": requests}
            self._index.pop("stopped_by", None)
        self._write_index()
        for number in range(self._index["shards"]):
            self._shards.append(read_shard(self._store, number))
            for slot in self._shards[-1]:
                # A slot that was moved is in the shard before, too, if the process died in between.
                if slot in self._shard_of:
                    del self._shards[self._shard_of[slot]][slot]
                self._shard_of[slot] = number
        return bool(self._index.get("requests") == requests)

    @property
    def may_lack_orders(self) -> bool:
        """Whether a slot that is not there may have been ordered."""
        return bool(self._index["may_lack_orders"])

    @property
    def created_at(self) -> float:
        """Unix time at which the record was begun."""
        return float(self._index["created_at"])

    @property
    def began_at(self) -> float:
        """Unix time at which this attempt began."""
        return float(self._index["began_at"])

    def count_limit(self, limited: int | None = None) -> int:
        """Return how often in a row an order was refused for now; set it if it is given."""
        if limited is not None and limited != self._index["limited"]:
            self._index["limited"] = limited
            self._write_index()
        return int(self._index["limited"])

    @property
    def stopped_by(self) -> VideoError | None:
        """What has ended the ordering in this attempt."""
        stopped_by = self._index.get("stopped_by")
        return None if stopped_by is None else VideoError.from_dict(stopped_by)

    def stop(self, error: VideoError) -> None:
        """Remember in this attempt what has ended the ordering; raises as :meth:`put` does."""
        self._index["stopped_by"] = error.to_dict()
        self._write_index()

    def permit(self, slots: Iterable[str]) -> None:
        """Remember that a user allows to order each of some slots again whose latest order is lost."""
        for slot in slots:
            self._set(slot, {**self._entry(slot), "again_after": self._latest_number(slot)})
        self.flush()

    def is_permitted(self, slot: str) -> bool:
        """Return whether the latest order of a slot may be followed by another one, though it is lost."""
        return self._entry(slot).get("again_after") == self._latest_number(slot)

    def _latest_number(self, slot: str) -> int:
        record = self.get(slot)
        return 0 if record is None else record.orders[-1].number

    def get(self, slot: str) -> OrderRecord | None:
        """Return the orders of a slot, ``None`` if none is recorded.

        :raises VideoRecordError: if they can't be read.
        """
        number = self._shard_of.get(slot)
        if number is None or not self._shards[number][slot].get("orders"):
            return None
        try:
            orders = read_orders(slot, self._shards[number][slot])
        except (ValueError, TypeError) as error:
            raise VideoRecordError(key=SHARD_KEY.format(number), problem=str(error)) from None
        return OrderRecord(orders=tuple(orders), attempt=self._attempt)

    def put(self, slot: str, record: OrderRecord, *, with_next: bool = False) -> None:
        """Keep the orders of a slot; at once, unless it says no more of its video than before.

        :param with_next: whether an accepted order may be written with the next one, in one write if they share a
            shard. The caller calls :meth:`write_held` before anything else that takes time.
        :raises TakenOverError: if this process is no longer the newest. Nothing may be sent then.
        """
        before = self.get(slot)
        if before is not None:
            self.write_held()  # It may move to another shard, and must not be in none meanwhile.
        orders = [compact(order) for order in record.orders[-MAX_ORDERS_OF_SLOT:]]
        permission = {name: value for name, value in self._entry(slot).items() if name == "again_after"}
        self._set(slot, {**permission, "orders": orders})
        is_settled = all(order.state is OrderState.ACCEPTED for order in record.orders)
        if is_settled and before is not None and _known(before) == _known(record):
            return
        if is_settled and before is not None and with_next:
            self._held.add(self._shard_of[slot])
            return
        self._write(self._shard_of[slot])
        if any(order.state is OrderState.SENT for order in record.orders):
            # The process after this one has read this, or this one sends nothing.
            self._check_owner(max_age=0.0)

    def fail(self, slot: str, reason: str) -> None:
        """Remember in this attempt why a slot has no video."""
        entry = {"failed": [self._attempt, reason[:MAX_REASON_CHARACTERS]]}
        self._set(slot, {**self._entry(slot), **entry})
        self._write(self._shard_of[slot])

    def failure(self, slot: str) -> str | None:
        """Return why a slot has no video, if that is known since this attempt."""
        attempt, reason = self._entry(slot).get("failed", (None, None))
        return reason if attempt == self._attempt else None

    def video_ids(self, *, without: str) -> Iterable[str]:
        """Return the ids of all videos that are recorded but those of a slot."""
        for shard in self._shards:
            for slot, entry in shard.items():
                if slot != without:
                    yield from (order["video_id"] for order in entry.get("orders", ()) if order.get("video_id"))

    def write_held(self) -> None:
        """Write the answer that was to be written with the next order."""
        if self._held:
            self._write(min(self._held))

    def flush(self) -> None:
        """Write all that was not written at once."""
        while self._unwritten:
            self._write(min(self._unwritten))

    def _entry(self, slot: str) -> Mapping[str, Any]:
        return {} if (number := self._shard_of.get(slot)) is None else self._shards[number][slot]

    def _set(self, slot: str, entry: Mapping[str, Any]) -> None:
        number = self._shard_of.get(slot)
        if number is None:
            number = len(self._shards) - 1 if self._shards and len(self._shards[-1]) < ORDERS_PER_SHARD else None
        if number is not None and self._fits(number, slot, entry):
            self._shards[number][slot] = dict(entry)
            self._unwritten.add(number)
        else:
            self._shards.append({slot: dict(entry)})
            self._unwritten.add(len(self._shards) - 1)
            if number is not None and self._shards[number].pop(slot, None) is not None:
                self._unwritten.add(number)
            number = len(self._shards) - 1
        self._shard_of[slot] = number

    def _fits(self, number: int, slot: str, entry: Mapping[str, Any]) -> bool:
        shard = {**self._shards[number], slot: entry}
        return len(shard) == 1 or len(json.dumps(shard)) <= MAX_SHARD_CHARACTERS

    def _write(self, number: int) -> None:
        numbers = sorted({number, *self._held})
        new = range(self._index["shards"], numbers[-1] + 1)
        try:
            self._check_owner(max_age=OWNER_LIFETIME)
            # An order in a new shard beside an answer that is in none would leave two of them uncertain.
            for shard in sorted(self._held.difference(new)):
                self._write_shard(shard)
            # The index may name no shard that is not there. Nothing of one that it does not name has been sent. A slot
            # that moves to a new shard leaves the one before it last.
            for shard in new:
                self._write_shard(shard)
            if new:
                self._index["shards"] = new.stop
                self._write_index()
        except TakenOverError:
            for shard in numbers:
                self._merge(shard)
            raise
        for shard in numbers:
            if shard in self._unwritten:
                self._write_shard(shard)

    def _write_shard(self, number: int) -> None:
        self._store.set(SHARD_KEY.format(number), self._shards[number], **unlimited_retention())
        self._unwritten.discard(number)
        self._held.discard(number)

    def _merge(self, number: int) -> None:
        """Add what only this process knows, the ids of its videos, to what the process after it has written."""
        if number >= self._index["shards"]:
            return
        newest = read_shard(self._store, number)
        for slot, entry in self._shards[number].items():
            theirs = newest.get(slot, {}).get("orders", [])
            if not any(order.get("video_id") for order in theirs) and any(
                order.get("video_id") for order in entry.get("orders", ())
            ):
                newest[slot] = entry
        self._store.set(SHARD_KEY.format(number), newest, **unlimited_retention())

    def _write_index(self) -> None:
        # An older process's index lacks shards, whose orders would be sent again.
        self._check_owner(max_age=0.0)
        self._store.set(INDEX_KEY, self._index, **unlimited_retention())

    def _check_owner(self, *, max_age: float) -> None:
        if time.monotonic() <= self._owned_at + max_age:
            return
        asked_at = time.monotonic()
        if self._store.get(OWNER_KEY) != self._owner:
            self._owned_at = -math.inf
            raise TakenOverError
        self._owned_at = asked_at


def _known(record: OrderRecord) -> list[tuple[int, str, str | None]]:
    return [(order.number, order.state.value, order.video_id) for order in record.orders]
