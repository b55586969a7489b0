# SPDX-License-Identifier: Apache-2.0
"""The orders of a batch: each placed once, by the code that places a single one."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import (
    VideoError,
    VideoRecordError,
    VideoRequestError,
    VideoUnexpectedError,
)
from airflow_provider_videos.ordering.naming import Slot, slots_of
from airflow_provider_videos.ordering.ordering import Ordering
from airflow_provider_videos.ordering.patience import is_limit, stops_ordering
from airflow_provider_videos.ordering.record import Order, OrderState
from airflow_provider_videos.ordering.shards import ShardedRecord, TakenOverError
from airflow_provider_videos.ordering.slot_store import SlotStore
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.vendors.base import recovery_of
from airflow_provider_videos.vendors.recovery import can_search
from airflow_provider_videos.video import Video

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.hooks.video import VideoHook

log = logging.getLogger(__name__)

#: Each order whose answer is lost may be paid and never found. One that follows so many others is not sent.
MAX_LOST_IN_A_ROW = 3


class PostponedError(Exception):
    """A lost order is searched for once more later, after the other orders."""


class BatchOrders:
    """Places the orders of a batch, as many as may be under way at once.

    :param context: the task's context.
    :param hook: the vendor.
    :param requests: the orders' fields, as :func:`~airflow_provider_videos.request.read_order` returns them.
    :param retries: of the task.
    :param options: what :class:`~airflow_provider_videos.ordering.ordering.Ordering` takes besides.
    """

    def __init__(
        self,
        context: Context,
        *,
        hook: VideoHook,
        requests: Sequence[Mapping[str, Any]],
        retries: int,
        **options: Any,
    ) -> None:
        self._context = context
        self._hook = hook
        self._retries = retries
        self._options = options
        self.record = ShardedRecord(context)
        self.slots = slots_of(requests, hook.conn_type, hook.vendor_of_orders().free_fields)
        #: Whether the vendor is to give a video another id.
        self.is_provisional = hook.vendor.is_provisional
        #: What ended the ordering, though there is more to order.
        self.stopped_by: VideoError | None = None
        #: What the vendor said when it refused an order for now.
        self.limit: VideoError | None = None
        self._described: Mapping[str, Video | VideoError] = {}

    def open(self) -> None:
        """Read what is recorded of the orders.

        :raises VideoRecordError: if it can't be read.
        :raises VideoRequestError: if the list has changed since this attempt began.
        """
        vendor = self._hook.vendor_of_orders()
        can_be_searched = all(can_search(recovery_of(vendor, slot.request)) for slot in self.slots)
        store = OrderStore(self._context)
        may_lack_orders = store.may_lack_orders(self._retries, can_be_searched=can_be_searched)
        requests = hashlib.sha256("\n".join(sorted(slot.key for slot in self.slots)).encode()).hexdigest()[:32]
        if not self.record.open(requests=requests, may_lack_orders=may_lack_orders):
            raise VideoRequestError(
                field="requests",
                problem="they differ from those that this attempt began with, so nothing was ordered now. A random "
                "number or the time of day in a request changes from process to process: fix it, or return the "
                "requests from a @task.generate_video_batch. A clear continues with what is ordered and still in the "
                "list, and orders the rest",
            )
        self.stopped_by = self.record.stopped_by
        lost = [slot.key for slot in self.slots if self._is_lost(slot) or self._is_forgotten(slot)]
        if lost and store.is_permitted_once:
            self.record.permit(lost)
            store.end_permission()

    def stop(self, error: VideoError) -> None:
        """Send no more orders in this attempt.

        :param error: why.
        """
        self.stopped_by = error
        self.record.stop(error)

    def order_of(self, slot: Slot) -> Order | None:
        """Return the latest order of a slot, if the vendor has accepted it."""
        order = self._latest(slot)
        return order if order is not None and order.state is OrderState.ACCEPTED else None

    def video_ids(self) -> list[str | None]:
        """Return the ids of the videos, in the order of the list; ``None`` for one that is not ordered."""
        return [None if (order := self.order_of(slot)) is None else order.video_id for slot in self.slots]

    def replace_video_ids(self, own_ids: Mapping[str, str]) -> None:
        """Remember the ids that the vendor has given videos, by the provisional ones that they had."""
        for slot, video_id in zip(self.slots, self.video_ids(), strict=True):
            if video_id is not None and video_id in own_ids:
                self._store_of(slot).replace_video_id(video_id, own_ids[video_id])

    @property
    def vendor(self) -> str:
        """Connection type of the vendor."""
        return self._hook.conn_type

    @property
    def number_failed(self) -> int:
        """How many orders have failed in this attempt, so that there is no video."""
        return sum(1 for slot in self.slots if not self._is_placed(slot) and self.record.failure(slot.key) is not None)

    def ordered_at(self) -> dict[str, float]:
        """Return the Unix time at which each video was ordered, by id."""
        orders = [order for slot in self.slots if (order := self.order_of(slot)) is not None]
        return {order.video_id or "": order.sent_at or 0.0 for order in orders}

    def to_ask_for(self) -> list[str]:
        """Return the ids of videos whose state decides whether another one is ordered: a user has cleared the task."""
        store = OrderStore(self._context)
        orders = [order for slot in self.slots if (order := self.order_of(slot)) is not None]
        return [order.video_id or "" for order in orders if store.was_cleared_since(order, self._retries)]

    def go_on(self, described: Mapping[str, Video | VideoError]) -> None:
        """Continue with the videos of before a clear that the vendor describes as pending or ready.

        :param described: what the vendor answered, by id.
        """
        self._described = described

    @property
    def unplaced(self) -> list[Slot]:
        """The orders that have no video, and are to have one."""
        return [slot for slot in self.slots if not self._is_placed(slot) and self.record.failure(slot.key) is None]

    def place(self, *, active: int, max_active: float, pause: Callable[[float], None]) -> None:
        """Place orders until all are placed, so many are under way, or the vendor takes no more.

        :param active: how many videos are under way.
        :param max_active: how many may be.
        :param pause: called with seconds while a lost order is searched for; it may end the process's part by raising.
        """
        self.limit = None
        lost: list[Slot] = []

        def postpone(seconds: float) -> None:
            raise PostponedError

        losses = self._lost_in_a_row()
        try:
            for slot in self.unplaced:
                if self.stopped_by is not None or self.limit is not None:
                    break
                if (active >= max_active or losses >= MAX_LOST_IN_A_ROW) and self._takes_place(slot):
                    continue
                was_lost = self._is_lost(slot)
                try:
                    active += self._place(slot, postpone)
                except PostponedError:
                    lost.append(slot)
                losses = losses + (not was_lost) if self._is_lost(slot) else 0
            for slot in lost:
                if self.stopped_by is None and self.limit is None:
                    active += self._place(slot, pause)
            if losses >= MAX_LOST_IN_A_ROW and self.stopped_by is None:
                problem = f"the answers to {losses} orders in a row were lost, so no more are sent"
                self.stop(VideoUnexpectedError(problem=problem))
        finally:
            self.record.flush()

    def _is_placed(self, slot: Slot) -> bool:
        order = self.order_of(slot)
        if order is None:
            return False
        return order.video_id not in self._described or not self._is_cleared(order)

    def _latest(self, slot: Slot) -> Order | None:
        record = self.record.get(slot.key)
        return None if record is None else record.latest(slot.key)

    def _is_lost(self, slot: Slot) -> bool:
        order = self._latest(slot)
        # One with the number 0 was forgotten, and need not have been sent.
        return order is not None and order.state is OrderState.SENT and order.number > 0

    def _is_forgotten(self, slot: Slot) -> bool:
        return self.record.may_lack_orders and self.record.get(slot.key) is None

    def _lost_in_a_row(self) -> int:
        """Return how many of the last orders are lost that this attempt has sent, also in an earlier process."""
        latest = [order for slot in self.slots if (order := self._latest(slot)) is not None and order.number > 0]
        sent = sorted((order for order in latest if _sent_at(order) >= self.record.began_at), key=_sent_at)
        return len(list(itertools.takewhile(lambda order: order.state is OrderState.SENT, reversed(sent))))

    def _takes_place(self, slot: Slot) -> bool:
        """Return whether an order would be sent, and not gone on with."""
        record = self.record.get(slot.key)
        if record is None or not record.describe_videos():
            return True
        if (order := self.order_of(slot)) is None:
            # It may be under way already, and be found.
            return bool(self._options["order_again_if_lost"]) or self._store_of(slot).is_permitted
        video = self._described.get(order.video_id or "")
        is_gone = not isinstance(video, Video) or (video.state.is_terminal and not video.is_usable)
        return is_gone or bool(self._options["order_again_if_cleared"])

    def _is_cleared(self, order: Order) -> bool:
        return OrderStore(self._context).was_cleared_since(order, self._retries)

    def _place(self, slot: Slot, pause: Callable[[float], None]) -> bool:
        """Place an order, and return whether its video is one more that is under way."""
        before = self.order_of(slot)
        if self.record.may_lack_orders or self.record.get(slot.key) is not None:
            # The vendor may be asked, and nothing be sent.
            self.record.write_held()
        try:
            ordered = self._ordering(slot, pause).place()
        except (VideoRecordError, TakenOverError):
            raise
        except VideoError as error:
            self._note_failure(slot, error)
            return False
        if self.record.count_limit():
            self.record.count_limit(0)
        return before is None or before.video_id != ordered.video.video_id

    def _note_failure(self, slot: Slot, error: VideoError) -> None:
        if is_limit(error):
            log.info("The vendor takes no more orders for now: %s", error)
            self.limit = error
        elif stops_ordering(error):
            log.error("No more orders are sent: %s", error)
            self.stop(error)
        else:
            log.error("requests[%d] has no video: %s", slot.position, error)
            self.record.fail(slot.key, str(error))

    def _ordering(self, slot: Slot, pause: Callable[[float], None]) -> Ordering:
        return Ordering(
            self._context,
            hook=self._hook,
            request=slot.request,
            retries=self._retries,
            pause=pause,
            store=self._store_of(slot),
            place=slot.place,
            ask=self._ask,
            waits_for_limit=False,
            **self._options,
        )

    def _store_of(self, slot: Slot) -> SlotStore:
        return SlotStore(self._context, self.record, slot.key)

    def _ask(self, video_id: str) -> Video:
        found = self._described.get(video_id)
        if found is None:
            # It was found just now by a search.
            found = self._hook.get_video(video_id)
        if isinstance(found, VideoError):
            raise found
        return found


def _sent_at(order: Order) -> float:
    return order.sent_at or 0.0
