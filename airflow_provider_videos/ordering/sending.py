# SPDX-License-Identifier: Apache-2.0
"""Sending one order: what is written down before and after it, and what its answer means for it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import VideoError, VideoOrderLostError
from airflow_provider_videos.ordering.record import (
    MAX_EARLIER_VIDEOS,
    MAX_REMEMBERED_NAME_CHARACTERS,
    Order,
    OrderState,
)
from airflow_provider_videos.vendors.recovery import ResendSameKey

if TYPE_CHECKING:
    from airflow_provider_videos.ordering.book import OrderBook
    from airflow_provider_videos.ordering.finders import OrderFinder
    from airflow_provider_videos.ordering.search import Patiently
    from airflow_provider_videos.video import Video

#: How often one order is sent with the same idempotency key, each time without a readable answer.
MAX_RESENT_KEYS = 6
#: How long before its end a key is not used any more, in seconds: the vendor's clock may be ahead.
KEY_MARGIN = 60.0


class OrderLostError(Exception):
    """The vendor may have accepted an order, and its answer is not known.

    :param order: the order, as it is recorded.
    :param reason: how that came.
    """

    def __init__(self, order: Order, reason: str) -> None:
        super().__init__(reason)
        self.order = order
        self.reason = reason


class OrderSender:
    """Sends orders, each recorded before it is sent.

    :param book: the task instance's orders.
    :param finder: marks an order so that it is found again.
    :param request: the fields of an order, without a mark.
    :param patiently: repeats a call after transient errors.
    """

    def __init__(self, book: OrderBook, finder: OrderFinder, request: Mapping[str, Any], patiently: Patiently) -> None:
        self._book = book
        self._finder = finder
        self._request = request
        self._patiently = patiently
        self._has_key = isinstance(finder.recovery, ResendSameKey)

    def send(self, order: Order, *, with_used_key: bool) -> tuple[Order, Video]:
        """Send an order until the vendor accepts or refuses it, or its answer is lost.

        :param order: the order.
        :param with_used_key: whether it may have been accepted before, and is sent again with its idempotency key.
        :return: the order and its video.
        :raises OrderLostError: if it may have been accepted.
        :raises VideoError: if it was refused, or could not be sent.
        """
        order, request = self._marked(order)

        def send_once() -> Video:
            nonlocal order, request
            if self._has_key and order.state is OrderState.NOT_ACCEPTED and order.sent_at is not None:
                order, request = self._marked(self._with_new_key(order))
            now = time.time()
            # With a refused key that has been replaced meanwhile, the hook sends it twice.
            due = now + 2 * self._finder.hook.client.connection().order_timeout
            order = self._book.of_this_attempt(
                order,
                state=OrderState.SENT,
                first_sent_at=order.first_sent_at or now,
                sent_at=now,
                answer_due_at=due,
                lost_at=None,
                complete_searches=0,
            )
            self._book.write(order)
            key = self._finder.marks.mark(order.number) if self._has_key else None
            try:
                return self._finder.hook.order_video(request, key=key)
            except VideoOrderLostError:
                raise
            except VideoError:
                # A refusal of the second says nothing of the first.
                if not with_used_key:
                    order = dataclasses.replace(order, state=OrderState.NOT_ACCEPTED)
                    self._book.write(order)
                raise

        try:
            video = self._patiently(send_once)
        except VideoOrderLostError as lost:
            order = dataclasses.replace(order, lost_at=time.time(), losses=order.losses + 1)
            self._book.write(order)
            raise OrderLostError(order, lost.reason) from lost
        except VideoError as error:
            if not with_used_key:
                raise
            if error.is_transient:
                error.add_note("A video may have been ordered: a retry or a clear sends the same order with its key.")
                raise
            order = dataclasses.replace(order, lost_at=time.time(), losses=MAX_RESENT_KEYS)
            self._book.write(order)
            raise OrderLostError(order, f"sent again with its key, it was refused: {error}") from error
        return order, video

    def has_living_key(self, order: Order) -> bool:
        """Say whether an order whose answer was lost may be sent again with its idempotency key."""
        recovery = self._finder.recovery
        if not isinstance(recovery, ResendSameKey) or not order.number or order.losses >= MAX_RESENT_KEYS:
            return False
        age = time.time() - (order.first_sent_at or 0.0)
        return 0 <= age < recovery.lifetime - KEY_MARGIN

    def _with_new_key(self, order: Order) -> Order:
        """Give an order that was refused another number: its key would be answered with the refusal again."""
        number = self._book.record.next_number
        self._book.drop(order)
        return dataclasses.replace(order, number=number, name=None, first_sent_at=None, sent_at=None)

    def _marked(self, order: Order) -> tuple[Order, dict[str, Any]]:
        """Return an order and its request with what finds it again."""
        field, request = self._finder.field, dict(self._request)
        is_users = field in request
        token = request.get(field or "") or self._finder.token(order.number)
        if field is not None and token is not None:
            request[field] = token
        remembered = None if token is None else token[:MAX_REMEMBERED_NAME_CHARACTERS]
        # A template may have given it another name since it was last sent.
        if self._finder.can_search and (order.name != remembered or order.first_sent_at is None):
            others = tuple(other.video_id for other in self._book.record.orders if other.video_id is not None)
            others += self._finder.earlier_video_ids(request, is_users=is_users)
            order = dataclasses.replace(order, name=remembered, earlier_video_ids=others[-MAX_EARLIER_VIDEOS:])
        return order, request
