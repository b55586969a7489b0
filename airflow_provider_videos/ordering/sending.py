# SPDX-License-Identifier: Apache-2.0
"""Sending one order: what is written down before and after it, and what its answer means for it."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import VideoApiError, VideoAuthError, VideoError, VideoOrderLostError
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

        def send_once() -> Video:
            nonlocal order
            if not with_used_key:
                order, request = self._prepared(order)
            elif self.has_living_key(order):
                request = self._as_sent(order)
            else:
                raise OrderLostError(order, "its idempotency key expired before it was answered")
            now = time.time()
            due = now + self._longest_call()
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
            try:
                # The operator has checked the request, unless it was told not to.
                return self._finder.hook.order_video(request, key=order.key, check_request=False)
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
            is_refusal = isinstance(error, VideoApiError) and not isinstance(error, VideoAuthError)
            if error.is_transient or not is_refusal:
                error.add_note("A video may have been ordered: a retry or a clear sends the same order with its key.")
                raise
            order = dataclasses.replace(order, lost_at=time.time(), losses=MAX_RESENT_KEYS)
            self._book.write(order)
            raise OrderLostError(order, f"sent again with its key, it was refused: {error}") from error
        return order, video

    def has_living_key(self, order: Order) -> bool:
        """Return whether an order whose answer was lost may be sent again with its idempotency key."""
        recovery = self._finder.recovery
        if not isinstance(recovery, ResendSameKey) or order.key is None or order.losses >= MAX_RESENT_KEYS:
            return False
        age = time.time() - (order.first_sent_at or 0.0)
        # The vendor may get it as late as its answer is due.
        return 0 <= age < recovery.lifetime - KEY_MARGIN - self._longest_call()

    def _longest_call(self) -> float:
        # With a refused API key that has been replaced meanwhile, the hook sends an order twice.
        return 2 * self._finder.hook.client.connection().order_timeout

    def _prepared(self, order: Order) -> tuple[Order, dict[str, Any]]:
        """Return an order that the vendor has certainly not accepted as it is sent now, and its request."""
        if order.losses == 0:
            # No earlier attempt has left a video, so what has come since then is another's.
            order = dataclasses.replace(order, first_sent_at=None)
        order, request = self._marked(order)
        return dataclasses.replace(order, key=self._new_key(order) if self._has_key else None), request

    def _new_key(self, order: Order) -> str:
        # The mark tells which order it is, and no other task instance's has it. A key that was used before would be
        # answered as before, also where the record that says so was emptied: hence the random part.
        return f"{self._finder.marks.mark(order.number)}-{uuid.uuid4().hex}"

    def _as_sent(self, order: Order) -> dict[str, Any]:
        """Return the request of an order as it was sent before: with its key, the vendor takes no other."""
        field, request = self._finder.field, dict(self._request)
        if field is not None and order.name is not None:
            # Of a long name, only the beginning is remembered.
            is_same = str(request.get(field, ""))[:MAX_REMEMBERED_NAME_CHARACTERS] == order.name
            request[field] = request[field] if is_same else order.name
        return request

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
            recorded = tuple(other.video_id for other in self._book.record.orders if other.video_id is not None)
            # It may ask the vendor.
            self._book.write_held()
            earlier, are_known = self._finder.earlier_video_ids(request, is_users=is_users)
            order = dataclasses.replace(
                order,
                name=remembered,
                earlier_video_ids=tuple(dict.fromkeys((*earlier, *recorded)))[-MAX_EARLIER_VIDEOS:],
                earlier_are_known=are_known,
            )
        return order, request
