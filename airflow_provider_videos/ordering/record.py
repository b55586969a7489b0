# SPDX-License-Identifier: Apache-2.0
"""What a task instance remembers of its orders: values only, without I/O and without a clock of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from airflow_provider_videos.numeric import is_number

#: How long a vendor may take to list a video that it has accepted, in seconds, unless a task says otherwise.
DEFAULT_LISTING_DELAY = 120.0
#: Of a name given by the user, so many characters are remembered: enough to find the video by.
MAX_REMEMBERED_NAME_CHARACTERS = 150
#: How many orders of one task instance are remembered. Those without a video go first, then the oldest.
MAX_REMEMBERED_ORDERS = 20
#: How many videos of the same name, listed before an order, are remembered with it.
MAX_EARLIER_VIDEOS = 20
VERSION = 2


class OrderState(StrEnum):
    """What is known of an order."""

    #: It is being sent, or its answer was lost: the vendor may have accepted it.
    SENT = "sent"
    #: The vendor has certainly not accepted it.
    NOT_ACCEPTED = "not_accepted"
    #: The vendor has accepted it, and told the video's id.
    ACCEPTED = "accepted"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """One order of a task instance, from just before it is first sent. Times are Unix seconds.

    :param fingerprint: of the request; see :mod:`airflow_provider_videos.ordering.naming`.
    :param number: which order of the task instance it is, from 1.
    :param state: what is known of it.
    :param max_tries: the task instance's at that time. Airflow raises it when a user clears the task.
    :param clear_number: the run's at that time. Airflow raises it when a user clears any of its tasks.
    :param name: the video's name as it was sent, as far as it is remembered; ``None`` where the vendor keeps none.
    :param first_sent_at: when it was first sent.
    :param sent_at: when it was last sent.
    :param answer_due_at: when its request times out.
    :param lost_at: when sending it ended without a readable answer; ``None`` if that is not known to have happened.
    :param losses: how often that has happened.
    :param complete_searches: how many searches since then have read the vendor's whole list and not found it.
    :param earlier_video_ids: videos of the same name that the vendor listed before it was sent.
    :param earlier_are_known: whether these are all of them.
    :param key: the idempotency key that it was last sent with, ``None`` if the vendor takes none.
    :param video_id: the vendor's id of the video, once it is known.
    :param is_reported: whether the task has failed because the video did.
    """

    fingerprint: str
    number: int
    state: OrderState
    max_tries: int
    clear_number: int = 0
    name: str | None = None
    first_sent_at: float | None = None
    sent_at: float | None = None
    answer_due_at: float | None = None
    lost_at: float | None = None
    losses: int = 0
    complete_searches: int = 0
    earlier_video_ids: tuple[str, ...] = ()
    earlier_are_known: bool = True
    key: str | None = None
    video_id: str | None = None
    is_reported: bool = False

    @classmethod
    def forgotten(cls, fingerprint: str, *, max_tries: int, now: float) -> Order:
        """Stand for the orders that a task instance may have made, and has no record of; its number is 0.

        :param max_tries: what it was before any clear.
        :param now: Unix time, as the order may have been lost just before.
        """
        return cls(fingerprint=fingerprint, number=0, state=OrderState.SENT, max_tries=max_tries, lost_at=now)

    def to_dict(self) -> dict[str, Any]:
        """Return the order as a JSON object, for :meth:`from_dict`."""
        values = {"state": self.state.value, "earlier_video_ids": list(self.earlier_video_ids)}
        return {**dataclasses.asdict(self), **values}

    @classmethod
    def from_dict(cls, stored: object) -> Order:
        """Read what :meth:`to_dict` gave; raises ``ValueError`` if it is no such thing."""
        if not isinstance(stored, Mapping):
            raise ValueError(f"an order in it is a {type(stored).__name__}, no object")
        try:
            order = cls(**{**stored, "state": OrderState(stored.get("state", ""))})
        except TypeError as error:
            raise ValueError(str(error)) from None
        texts = (order.fingerprint, order.name or "", order.key or "", order.video_id or "", *order.earlier_video_ids)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a field that should be a string is not one")
        counts = (order.number, order.max_tries, order.clear_number, order.losses, order.complete_searches)
        moments = (order.first_sent_at, order.sent_at, order.answer_due_at, order.lost_at)
        are_whole = all(is_number(count, whole=True) for count in counts)
        if not are_whole or not all(moment is None or is_number(moment) for moment in moments):
            raise ValueError("a field that should be a number is not one")
        if order.state is OrderState.ACCEPTED and not order.video_id:
            raise ValueError("an accepted order in it has no video_id")
        return dataclasses.replace(order, earlier_video_ids=tuple(order.earlier_video_ids))


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderRecord:
    """All orders of a task instance that are remembered, oldest first.

    :param orders: the orders.
    :param attempt: the number of the attempt that wrote it last.
    """

    orders: tuple[Order, ...] = ()
    attempt: int = 0

    def latest(self, fingerprint: str) -> Order | None:
        """Return the latest order of a request, ``None`` if there is none."""
        return next((order for order in reversed(self.orders) if order.fingerprint == fingerprint), None)

    def of_video(self, video_id: str) -> Order | None:
        """Return the order of a video, ``None`` if there is none."""
        return next((order for order in reversed(self.orders) if order.video_id == video_id), None)

    def describe_videos(self) -> str:
        """Name the videos of all orders that were or may have been accepted, for a log; empty if there are none."""
        states = {OrderState.SENT, OrderState.ACCEPTED}
        return ", ".join(order.video_id or "one of unknown id" for order in self.orders if order.state in states)

    @property
    def next_number(self) -> int:
        """The number of the next order."""
        return 1 + max((order.number for order in self.orders), default=0)

    def with_order(self, order: Order) -> OrderRecord:
        """Return the record with an order added, or put in the place of the one of its number."""
        others = [other for other in self.orders if other.number != order.number]
        while len(others) >= MAX_REMEMBERED_ORDERS:
            others.remove(min(others, key=lambda other: (other.video_id is not None, other.number)))
        orders = sorted([*others, order], key=lambda order: order.number)
        return dataclasses.replace(self, orders=tuple(orders))

    def without(self, order: Order) -> OrderRecord:
        """Return the record without the order of a number."""
        return dataclasses.replace(self, orders=tuple(other for other in self.orders if other.number != order.number))

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a JSON object, for :meth:`from_dict`."""
        return {"version": VERSION, "orders": [order.to_dict() for order in self.orders], "attempt": self.attempt}

    @classmethod
    def from_dict(cls, stored: object) -> OrderRecord:
        """Read what :meth:`to_dict` gave, or what was kept before records had a version: one order.

        :raises ValueError: if it is no such thing.
        """
        if not isinstance(stored, Mapping):
            raise ValueError(f"it is a {type(stored).__name__}, no object")
        if "version" not in stored:
            return cls(orders=(_order_without_version(stored),))
        if stored["version"] != VERSION:
            raise ValueError(f"it is of version {stored['version']!r}, and this package reads up to {VERSION}")
        orders, attempt = stored.get("orders"), stored.get("attempt")
        if not isinstance(orders, list | tuple) or not isinstance(attempt, int):
            raise ValueError("it has no list of orders, or no number of an attempt")
        return cls(orders=tuple(map(Order.from_dict, orders)), attempt=attempt)


def _order_without_version(stored: Mapping[str, Any]) -> Order:
    fields = dict(stored)
    # It was written before the first attempt to send the order, so it says nothing of when the answer was lost.
    fields["sent_at"] = fields.pop("intended_at", "missing")
    state = OrderState.SENT if fields.get("video_id") is None else OrderState.ACCEPTED
    return Order.from_dict({**fields, "state": state})
