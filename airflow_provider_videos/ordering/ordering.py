# SPDX-License-Identifier: Apache-2.0
"""One order for one task instance and one request, whatever happens in between."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_videos.exceptions import VideoApiError, VideoError, VideoOrderLostError
from airflow_provider_videos.ordering.lost import LostOrder, lost_order_error
from airflow_provider_videos.ordering.naming import Marks, fingerprint
from airflow_provider_videos.ordering.patience import Patience
from airflow_provider_videos.ordering.record import (
    MAX_EARLIER_VIDEOS,
    MAX_REMEMBERED_NAME_CHARACTERS,
    Order,
    OrderRecord,
    OrderState,
)
from airflow_provider_videos.ordering.search import find_earlier
from airflow_provider_videos.ordering.store import ORDER_AGAIN_KEY, OrderStore
from airflow_provider_videos.video import Video, VideoState

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.waiting.polling import PollingRules

log = logging.getLogger(__name__)

#: How often a request is sent of which each order was lost.
MAX_LOST_ORDERS = 3


def may_be_billed(video_id: str) -> str:
    """Say what becomes of the money when a task fails that has ordered a video."""
    return (
        f"Video {video_id!r} was ordered: it may still finish, and is billed then. A retry or a clear goes on with it, "
        "and orders nothing."
    )


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


class Ordering:
    """Finds the video that a task instance has ordered, or orders it.

    :param context: the task's context.
    :param hook: the vendor.
    :param request: the order's fields, as :meth:`~airflow_provider_videos.hooks.video.VideoHook.order_body` gives them.
    :param rules: how patient to be with transient errors.
    :param retries: of the task.
    :param order_again_if_cleared: order anew if a user has cleared the task since the order.
    :param order_again_if_lost: order anew if an order may have been accepted and can't be found.
    :param listing_delay: how long the vendor may take to list a video that it has accepted, in seconds.
    :param pause: called with seconds while a lost order is searched for; it may end the process's part by raising.
        The next process then calls :meth:`place` again.
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
    ) -> None:
        self._context = context
        self._ti = context["ti"]
        self._hook = hook
        # A name that a template left empty finds nothing: the order's mark stands in its place.
        self._request = {
            field: value for field, value in request.items() if field != hook.name_field or str(value).strip()
        }
        self._patiently = Patience(rules)
        self._retries = retries
        self._order_again_if_cleared = order_again_if_cleared
        self._order_again_if_lost = order_again_if_lost
        self._listing_delay = listing_delay
        self._pause = pause
        self._store = OrderStore(context)
        self._record = OrderRecord()
        self._can_be_searched = hook.name_field is not None
        self._fingerprint = fingerprint(hook.conn_type, request, hook.free_fields)
        self._marks = Marks(
            dag_id=self._ti.dag_id,
            task_id=self._ti.task_id,
            run_id=self._ti.run_id,
            map_index=-1 if self._ti.map_index is None else self._ti.map_index,
            fingerprint=self._fingerprint,
        )

    def place(self) -> Ordered:
        """Give the video, ordered now or before.

        :raises VideoOrderLostError: if it may have been ordered and can't be found.
        :raises VideoRecordError: if what was remembered of an order can't be read.
        :raises VideoError: if the vendor refuses the order, or can't be reached.
        """
        record = self._store.read()
        self._record = record or OrderRecord()
        order = self._record.latest(self._fingerprint)
        if record is None and self._store.may_lack_orders(self._retries, can_be_searched=self._can_be_searched):
            order = Order.forgotten(self._fingerprint, max_tries=self._retries, now=time.time())
        if order is None:
            if videos := self._record.describe_videos():
                log.warning(
                    "The request has changed since this task last ordered, so another video is ordered. The vendor "
                    "bills the earlier ones all the same: %s.",
                    videos,
                )
            return self._order_anew()
        if order.state is OrderState.NOT_ACCEPTED:
            return self._send(order)
        if order.video_id is None:
            is_forgotten = order.number == 0
            reason = self._store.why_it_may_be_empty if is_forgotten else "the task ended before the answer was kept"
            return self._go_on_with_lost(order, reason)
        return self._go_on_with_accepted(order, order.video_id)

    def _go_on_with_accepted(self, order: Order, video_id: str) -> Ordered:
        was_cleared = self._store.was_cleared_since(order, self._retries)
        if was_cleared and self._order_again_if_cleared:
            log.info("The task was cleared since video %r was ordered; another one is ordered.", video_id)
            return self._order_anew()
        try:
            video = self._patiently(
                "Asking for the video ordered before",
                lambda: self._hook.get_video(video_id),
                ordered_at=order.sent_at,
            )
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

    def _go_on_with_lost(self, order: Order, reason: str) -> Ordered:
        # The number of a forgotten order has to be found first, or another one would get the same mark.
        may_be_passed_over = order.number > 0 or not self._can_be_searched
        was_cleared = self._store.was_cleared_since(order, self._retries)
        if was_cleared and self._order_again_if_cleared and may_be_passed_over:
            log.warning("The task was cleared, so another video is ordered; the lost order may be billed too.")
            return self._order_anew()
        if not self._can_be_searched:
            return self._order_anew_if_allowed(reason)
        search = LostOrder(
            order,
            hook=self._hook,
            request=self._request,
            mark_of=self._marks.mark,
            context=self._context,
            listing_delay=self._listing_delay,
            pause=self._pause,
            patiently=functools.partial(self._patiently, "Searching for the order"),
            write=self._write,
        )
        try:
            is_doubtful = order.number > 0 or self._store.may_have_been_emptied(self._retries)
            finding = search.find() if is_doubtful else search.find_now()
        except VideoError as error:
            error.add_note("A video may have been ordered: a retry or a clear goes on searching, before it orders any.")
            raise
        order = search.order
        if finding.problem is not None:
            return self._order_anew_if_allowed(f"{reason}; {finding.problem}")
        if not finding.found:
            log.info("%s has no such video, so the order was not accepted.", self._hook.hook_name)
            return self._send_again(order, reason)
        if len(finding.found) > 1 and order.number:
            log.error("The order was accepted %d times: %s.", len(finding.found), finding.found)
        self._record = self._record.without(order)
        for number, video_id in finding.found:
            order = dataclasses.replace(
                order, number=number or max(order.number, 1), state=OrderState.ACCEPTED, video_id=video_id
            )
            self._record = self._record.with_order(order)
        self._store.write(self._record)
        return self._go_on_with_accepted(order, video_id)

    def _send_again(self, order: Order, reason: str) -> Ordered:
        if order.number == 0:
            self._record = self._record.without(order)
            return self._order_anew()
        if order.losses >= MAX_LOST_ORDERS:
            raise self._lost(f"{reason}; it was sent {order.losses} times, and can't be found")
        return self._send(dataclasses.replace(order, state=OrderState.NOT_ACCEPTED))

    def _order_anew_if_allowed(self, reason: str) -> Ordered:
        lost = [order for order in self._record.orders if order.state is OrderState.SENT]
        if len(lost) >= MAX_LOST_ORDERS:
            raise self._lost(f"{reason}; {len(lost)} orders of this task are lost, and no more are sent")
        if not (self._order_again_if_lost or self._store.takes_permission()):
            raise self._lost(reason)
        log.warning("Ordering again, as %s is set; the earlier order may be billed too.", ORDER_AGAIN_KEY)
        return self._order_anew()

    def _order_anew(self) -> Ordered:
        return self._send(
            Order(
                fingerprint=self._fingerprint,
                number=self._record.next_number,
                state=OrderState.NOT_ACCEPTED,
                max_tries=self._ti.max_tries,
            )
        )

    def _send(self, order: Order) -> Ordered:
        request, name = dict(self._request), self._name(order.number)
        if name is not None and self._hook.name_field is not None:
            request[self._hook.name_field] = name
            remembered = name[:MAX_REMEMBERED_NAME_CHARACTERS]
            # A template may have given it another name since it was last sent.
            if order.name != remembered:
                others = tuple(other.video_id for other in self._record.orders if other.video_id is not None)
                if self._hook.name_field in self._request:
                    others += find_earlier(self._hook, name)
                order = dataclasses.replace(order, name=remembered, earlier_video_ids=others[-MAX_EARLIER_VIDEOS:])

        def send_once() -> Video:
            nonlocal order
            now = time.time()
            # With a refused key that has been replaced meanwhile, the hook sends it twice.
            due = now + 2 * self._hook.client.connection().timeout
            order = self._of_this_attempt(
                order,
                state=OrderState.SENT,
                first_sent_at=order.first_sent_at or now,
                sent_at=now,
                answer_due_at=due,
                lost_at=None,
                complete_searches=0,
            )
            self._write(order)
            try:
                return self._hook.create_video(**request)
            except VideoOrderLostError:
                raise
            except VideoError:
                order = dataclasses.replace(order, state=OrderState.NOT_ACCEPTED)
                self._write(order)
                raise

        try:
            video = self._patiently("Ordering", send_once)
        except VideoOrderLostError as lost:
            log.warning("%s", lost)
            order = dataclasses.replace(order, lost_at=time.time(), losses=order.losses + 1)
            self._write(order)
            return self._go_on_with_lost(order, lost.reason)
        log.info("Video %r is ordered at %s.", video.video_id, self._hook.hook_name)
        return self._keep(order, video)

    def _keep(self, order: Order, video: Video, *, was_asked_for: bool = False) -> Ordered:
        order = self._of_this_attempt(
            order, state=OrderState.ACCEPTED, video_id=video.video_id, name=None, earlier_video_ids=()
        )
        try:
            self._write(order)
        except Exception:
            # The video is paid for: to wait for it is worth more than to stop here.
            log.exception("The id of video %r can't be recorded; it is waited for all the same", video.video_id)
        return Ordered(video, order.sent_at or time.time(), was_asked_for)

    def _of_this_attempt(self, order: Order, **changes: Any) -> Order:
        """Change an order, and note which clears it has seen."""
        clears: dict[str, Any] = {"max_tries": self._ti.max_tries, "clear_number": self._store.clear_number}
        return dataclasses.replace(order, **clears, **changes)

    def _write(self, order: Order) -> None:
        self._record = self._record.with_order(order)
        self._store.write(self._record)

    def _lost(self, reason: str) -> VideoOrderLostError:
        return lost_order_error(self._hook, reason, has_store=self._store.is_there)

    def _name(self, number: int) -> str | None:
        """Give the name that an order is sent with, ``None`` if the vendor keeps none."""
        if self._hook.name_field is None:
            return None
        return self._request.get(self._hook.name_field) or self._marks.name(number)
