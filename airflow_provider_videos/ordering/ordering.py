# SPDX-License-Identifier: Apache-2.0
"""One order for one task instance and one request, whatever happens in between."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_videos.airflow_compat.tasks import loop_iteration
from airflow_provider_videos.exceptions import VideoApiError, VideoError, VideoOrderLostError
from airflow_provider_videos.ordering.book import OrderBook
from airflow_provider_videos.ordering.finders import finder_for
from airflow_provider_videos.ordering.lost import MAX_LOST_ORDERS, LostOrder, lost_order_error
from airflow_provider_videos.ordering.naming import Marks, fingerprint, slot_key
from airflow_provider_videos.ordering.ordered_video import may_be_billed
from airflow_provider_videos.ordering.patience import make_patiently
from airflow_provider_videos.ordering.record import Order, OrderState
from airflow_provider_videos.ordering.sending import OrderLostError, OrderSender
from airflow_provider_videos.ordering.store import ORDER_AGAIN_KEY, OrderStore
from airflow_provider_videos.vendors.base import recovery_of
from airflow_provider_videos.video import Video, VideoState

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.waiting.polling import PollingRules

log = logging.getLogger(__name__)

#: The pause before an order is sent again with its key, in seconds; it doubles.
KEY_PAUSE = 2.0


class Ordered(NamedTuple):
    """The one video of a task instance.

    :param video: as the vendor described it when it was ordered or found.
    :param at: Unix time of the order.
    :param was_asked_for: whether the vendor was asked for this very video: the answer to an order and a list may leave
        out what such an answer shows, the URLs above all.
    """

    video: Video
    at: float
    was_asked_for: bool = False

    @property
    def described(self) -> Video | None:
        """The video, if it is told enough of for a first poll."""
        is_pending = self.video.state in {VideoState.QUEUED, VideoState.GENERATING}
        return self.video if self.was_asked_for or is_pending else None


class Ordering:
    """Finds the video that a task instance has ordered, or orders it.

    :param context: the task's context.
    :param hook: the vendor.
    :param request: the order's fields, as :func:`~airflow_provider_videos.request.read_order` returns them.
    :param rules: how patient to be with transient errors.
    :param retries: of the task.
    :param order_again_if_cleared: order anew if a user has cleared the task since the order.
    :param order_again_if_lost: order anew if an order may have been accepted and can't be found.
    :param listing_delay: how long the vendor may take to list a video that it has accepted, in seconds.
    :param pause: called with seconds while a lost order is searched for; it may end the process's part by raising.
        The next process then calls :meth:`place` again.
    :param store: where the record is; by default, that of a task instance with one order.
    :param place: which of the task instance's orders of an equal request it is, where there are several.
    :param ask: asks for a video that was ordered before; by default, as patiently as for any other.
    :param waits_for_limit: whether an order beyond a limit that passes is repeated here, and not by the caller.
    """

    def __init__(
        self,
        context: Context,
        *,
        hook: VideoHook,
        request: Mapping[str, Any],
        rules: PollingRules,
        retries: int,
        order_again_if_cleared: bool,
        order_again_if_lost: bool,
        listing_delay: float,
        pause: Callable[[float], None],
        store: OrderStore | None = None,
        place: int | None = None,
        ask: Callable[[str], Video] | None = None,
        waits_for_limit: bool = True,
    ) -> None:
        self._context = context
        self._ti = context["ti"]
        self._hook = hook
        self._ask = ask
        self._patiently = functools.partial(make_patiently, rules)
        self._retries = retries
        self._order_again_if_cleared = order_again_if_cleared
        self._order_again_if_lost = order_again_if_lost
        self._listing_delay = listing_delay
        self._pause = pause
        self._store = store or OrderStore(context)
        self._book = OrderBook(self._store, max_tries=self._ti.max_tries)
        vendor = hook.vendor_of_orders()
        self._fingerprint = slot_key(fingerprint(hook.conn_type, request, vendor.free_fields), place)
        self._marks = Marks(
            dag_id=self._ti.dag_id,
            task_id=self._ti.task_id,
            run_id=self._ti.run_id,
            map_index=-1 if self._ti.map_index is None else self._ti.map_index,
            fingerprint=self._fingerprint,
            iteration=loop_iteration(context),
        )
        self._finder = finder_for(hook, self._marks, recovery_of(vendor, request))
        # A name that a template left empty finds nothing: the order's mark stands in its place.
        self._request = {
            field: value for field, value in request.items() if field != self._finder.field or str(value).strip()
        }
        self._sender = OrderSender(
            self._book,
            self._finder,
            self._request,
            functools.partial(self._patiently, "Ordering", waits_for_limit=waits_for_limit),
        )

    def place(self) -> Ordered:
        """Return the video, ordered now or before.

        :raises VideoOrderLostError: if it may have been ordered and can't be found.
        :raises VideoRecordError: if what was remembered of an order can't be read.
        :raises VideoError: if the vendor refuses the order, or can't be reached.
        """
        record = self._book.read()
        order = self._book.record.latest(self._fingerprint)
        if record is None and self._store.may_lack_orders(self._retries, can_be_searched=self._finder.can_search):
            # What is made anew after a clear has the number that a task has that nobody cleared.
            max_tries = -1 if self._store.may_be_made_anew else self._retries
            order = Order.forgotten(self._fingerprint, max_tries=max_tries, now=self._store.forgotten_at())
        if order is None:
            if videos := self._book.record.describe_videos():
                log.warning(
                    "The request has changed since this task last ordered, so another video is ordered. The vendor "
                    "bills the earlier ones all the same: %s.",
                    videos,
                )
            return self._order_anew()
        if order.state is OrderState.NOT_ACCEPTED:
            return self._send(order)
        if order.video_id is None:
            # A task that defers while it searches ends too.
            reason = "the task ended before the answer was kept" if order.lost_at is None else "its answer was lost"
            return self._go_on_with_lost(order, reason if order.number else self._store.why_it_may_be_empty)
        return self._go_on_with_accepted(order, order.video_id)

    @property
    def has_certainly_no_video(self) -> bool:
        """Whether the last order of the request was certainly not accepted, and each one before it ended in a failure.

        What is not known, such as an order whose answer was lost, is no certainty.
        """
        orders = [order for order in self._book.record.orders if order.fingerprint == self._fingerprint]
        have_ended = all(order.state is OrderState.NOT_ACCEPTED or order.is_reported for order in orders)
        return bool(orders) and orders[-1].state is OrderState.NOT_ACCEPTED and have_ended

    def _go_on_with_accepted(self, order: Order, video_id: str) -> Ordered:
        was_cleared = self._store.was_cleared_since(order, self._retries)
        if was_cleared and self._order_again_if_cleared:
            log.info("The task was cleared since video %r was ordered; another one is ordered.", video_id)
            return self._order_anew()
        try:
            video = self._get_video(video_id, order)
        except VideoError as error:
            if was_cleared and isinstance(error, VideoApiError) and error.is_unknown_video:
                log.warning("Video %r is gone, and the task was cleared; another one is ordered.", video_id)
                return self._order_anew()
            error.add_note(may_be_billed(video_id))
            raise
        # A clear of a task that runs is told by the run only, and may have deleted the video.
        is_deleted = video.state is VideoState.DELETED and self._store.clear_number > order.clear_number
        if is_deleted or (was_cleared and video.state.is_terminal and not video.is_usable):
            log.info("Video %r is %s, and the task was cleared; another one is ordered.", video_id, video.status)
            return self._order_anew()
        log.info("Video %r was ordered for this task before, so nothing is ordered.", video_id)
        return self._keep(order, video, was_asked_for=True)

    def _get_video(self, video_id: str, order: Order) -> Video:
        if self._ask is not None:
            return self._ask(video_id)
        return self._patiently(
            "Asking for the video ordered before", lambda: self._hook.get_video(video_id), ordered_at=order.sent_at
        )

    def _go_on_with_lost(self, order: Order, reason: str) -> Ordered:
        # The number of a forgotten order has to be found first, or another one would get the same mark.
        may_be_passed_over = order.number > 0 or not self._finder.can_search
        was_cleared = self._store.was_cleared_since(order, self._retries)
        if was_cleared and self._order_again_if_cleared and may_be_passed_over:
            log.warning("The task was cleared, so another video is ordered; the lost order may be billed too.")
            return self._order_anew(beside=order)
        if self._sender.has_living_key(order):
            log.info("The order is sent again with its idempotency key, so that it is not made twice.")
            return self._send(order, with_used_key=True)
        if not self._finder.can_search:
            return self._order_anew_if_allowed(order, reason)
        search = LostOrder(
            order,
            reason=reason,
            finder=self._finder,
            request=self._request,
            context=self._context,
            listing_delay=self._listing_delay,
            pause=self._pause,
            patiently=functools.partial(self._patiently, "Searching for the order"),
            write=self._book.write,
            recorded=self._store.recorded_elsewhere,
        )
        try:
            is_doubtful = order.number > 0 or self._store.may_have_been_emptied(self._retries)
            finding = search.find() if is_doubtful else search.find_now()
        except VideoError as error:
            error.add_note(
                "A video may have been ordered: a retry or a clear continues the search before it orders any."
            )
            raise
        order = search.order
        if finding.problem is not None:
            return self._order_anew_if_allowed(order, f"{reason}; {finding.problem}")
        if not finding.found:
            log.info("%s has no such video, so the order was not accepted.", self._hook.hook_name)
            return self._send_again(order, reason)
        if len(finding.found) > 1 and order.number:
            log.error("The order was accepted %d times: %s.", len(finding.found), finding.found)
        orders = [
            dataclasses.replace(order, number=number or max(order.number, 1), state=OrderState.ACCEPTED, video_id=found)
            for number, found in finding.found
        ]
        self._book.write(*orders, instead_of=order)
        order, video_id = orders[-1], finding.found[-1][1]
        return self._go_on_with_accepted(order, video_id)

    def _send_again(self, order: Order, reason: str) -> Ordered:
        if order.number == 0:
            self._book.drop(order)
            return self._order_anew()
        if order.losses >= MAX_LOST_ORDERS:
            # With a key that was refused, the losses are no count.
            sent = "" if order.key is not None else f"it was sent {order.losses} times, and "
            raise self._lost(order, f"{reason}; {sent}it can't be found")
        return self._send(dataclasses.replace(order, state=OrderState.NOT_ACCEPTED))

    def _order_anew_if_allowed(self, order: Order, reason: str) -> Ordered:
        lost = [order for order in self._book.record.orders if order.state is OrderState.SENT]
        if len(lost) >= MAX_LOST_ORDERS:
            raise self._lost(order, f"{reason}; {len(lost)} orders of this task are lost, and no more are sent")
        if not (self._order_again_if_lost or self._store.takes_permission()):
            raise self._lost(order, reason)
        log.warning("Ordering again, as %s is set; the earlier order may be billed too.", ORDER_AGAIN_KEY)
        return self._order_anew(beside=order)

    def _order_anew(self, *, beside: Order | None = None) -> Ordered:
        if beside is not None:
            # Also of a forgotten one it stays on record that it may have been accepted, whatever becomes of the next.
            self._book.write(beside)
        return self._send(
            Order(
                fingerprint=self._fingerprint,
                number=self._book.record.next_number,
                state=OrderState.NOT_ACCEPTED,
                max_tries=self._ti.max_tries,
            )
        )

    def _send(self, order: Order, *, with_used_key: bool = False) -> Ordered:
        try:
            order, video = self._sender.send(order, with_used_key=with_used_key)
        except OrderLostError as lost:
            log.warning("%s", lost.__cause__ or lost)
            if self._sender.has_living_key(lost.order):
                self._pause(KEY_PAUSE * 2 ** min(lost.order.losses - 1, 5))
            return self._go_on_with_lost(lost.order, lost.reason)
        log.info("Video %r is ordered at %s.", video.video_id, self._hook.hook_name)
        return self._keep(order, video)

    def _keep(self, order: Order, video: Video, *, was_asked_for: bool = False) -> Ordered:
        order = self._book.of_this_attempt(
            order, state=OrderState.ACCEPTED, video_id=video.video_id, name=None, earlier_video_ids=()
        )
        try:
            self._book.write(order, with_next=True)
        except Exception:
            # The video is paid for: to wait for it is worth more than to stop here.
            log.exception("The id of video %r can't be recorded; the task waits for it all the same", video.video_id)
        return Ordered(video, order.sent_at or time.time(), was_asked_for)

    def _lost(self, order: Order, reason: str) -> VideoOrderLostError:
        return lost_order_error(self._finder, order, reason, has_store=self._store.is_there)
