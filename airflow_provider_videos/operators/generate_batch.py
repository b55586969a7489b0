# SPDX-License-Identifier: Apache-2.0
"""Ordering many videos of any vendor in one task."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf

from airflow_provider_videos.exceptions import VideoError, VideoParameterError, VideoUnexpectedError
from airflow_provider_videos.lineage import lineage_of_orders
from airflow_provider_videos.ordering.ordered_videos import OrderedVideos
from airflow_provider_videos.ordering.record import DEFAULT_LISTING_DELAY
from airflow_provider_videos.ordering.shard_format import note_that_nothing_was_ordered
from airflow_provider_videos.packing import unpack
from airflow_provider_videos.parameters import (
    check_may_be_mapped,
    check_parameters,
    check_rendered,
    default_timeout,
    in_seconds,
)
from airflow_provider_videos.request import read_orders, read_requests
from airflow_provider_videos.retries import pause_after_failure
from airflow_provider_videos.waiting.batch import BatchWait, Enough
from airflow_provider_videos.waiting.batch_outcome import BatchOutcome
from airflow_provider_videos.waiting.batch_video import Counts
from airflow_provider_videos.waiting.batch_worker import defer_if_it_fits
from airflow_provider_videos.waiting.polling import DEFAULT_MAX_CONSECUTIVE_FAILURES, PollingRules
from airflow_provider_videos.waiting.worker import defer_or_sleep
from airflow_provider_videos.xcom import VIDEO_IDS_KEY, push_progress

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from airflow_provider_videos.ordering.batch import BatchOrders

__all__ = ["GenerateVideoBatchOperator"]

#: Part of the places that may be free before a deferred task comes back to a worker to order more.
WAVE = 0.25
#: Seconds for which a single free place waits for others.
MAX_IDLE_SECONDS = 60.0
#: Videos under way that a trigger is sure to have room for, as long as their ids are no longer than 36 characters.
MAX_DEFERRED = 1_500


class GenerateVideoBatchOperator(BaseOperator):
    """Orders many videos, waits until each has ended, and returns their records in the order of the list.

    Each is ordered once, by the code that :class:`~airflow_provider_videos.operators.generate.GenerateVideoOperator`
    uses, and whatever that one survives. An order is known by its request and by its place among equal requests, so
    that a list may be reordered and extended. A later attempt continues with what is pending or ready; after a clear,
    what failed is ordered anew. The record of the orders is in Airflow's task state store, so this needs Airflow 3.3.

    The XCom ``video_ids`` holds the ids of the videos that are ordered so far, ``videos`` the records however the task
    ends; of a video that failed, ``error_message`` says why, and one that was never ordered has no ``video_id``. While
    the task waits, ``waiting`` counts how the videos stand. The events of assets in ``outlets`` carry counts.

    An error that is not about one request, such as a refused key, ends the ordering: the videos that are ordered are
    brought to their ends, then the task fails, and a retry orders the rest.

    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param requests: the vendor's own fields of each video: a list, another task's ``.output``, or JSON. A text in it
        that ends in ``.json`` names a file. (templated)
    :param max_active: how many of its videos the task has under way at once. By default, what the vendor's page says
        that an account may have; where it says nothing, as many as there are. An order beyond the vendor's limit waits.
        A deferred task comes back two poke intervals after a quarter of the places is free, at once when all are free,
        or when one has been for a minute or two poke intervals.
    :param on_failure: what a video that fails, is not finished in time or is not ordered means. ``fail`` brings all
        others to their ends, then fails the task without retry and names each. ``return`` returns it with its reason.
    :param deferrable: wait in the triggerer, without a worker. Then up to 1,500 may be under way.
    :param poke_interval: time between two polls of a video, in seconds or as a timedelta; above 0.
    :param timeout: how long to wait for a video, in seconds or as a timedelta, from its order or, in a later attempt,
        from the attempt's beginning. ``None`` means ``[sensors] default_timeout``.
    :param max_consecutive_failures: consecutive failed polls of a video to tolerate. Also how often an order is sent
        that certainly was not received, or that a limit refuses while no video of the task is under way.
    :param order_again_if_cleared: order all videos anew when a user clears the task.
    :param order_again_if_lost: order again when an order may have been accepted and can't be found. It can pay twice.
    :param listing_delay: how long the vendor may take to list an accepted video, in seconds or as a timedelta.
    :param check_request: check each request against the vendor's page before any is sent.
    :param kwargs: what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoRequestError: before anything is ordered, if the vendor forbids a request; and when it comes back from
        the triggerer to other requests than it left. Airflow doesn't retry.
    :raises VideoParameterError: before any order, on Airflow 3.2, and if the list is too long. Airflow doesn't retry.
    :raises VideoRecordError: if what was recorded of the orders can't be read. Airflow doesn't retry.
    :raises VideoBatchError: if videos failed. Airflow doesn't retry.
    :raises VideoError: what has ended the ordering; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("requests", "conn_id")
    template_fields_renderers = {"requests": "json"}
    template_ext: Sequence[str] = (".json",)
    # Requests that were given as a text or by other tasks are then shown as the JSON that was read.
    overwrite_rtif_after_execution = True
    ui_color = "#e0e7ff"
    #: Key of the XCom with the ids of the videos that it has ordered.
    ordered_ids_key = VIDEO_IDS_KEY

    def __init__(
        self,
        *,
        conn_id: str,
        requests: Any,
        max_active: int | None = None,
        on_failure: str = "fail",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30,
        timeout: timedelta | float | None = 12 * 60 * 60,
        max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES,
        order_again_if_cleared: bool = False,
        order_again_if_lost: bool = False,
        listing_delay: timedelta | float = DEFAULT_LISTING_DELAY,
        check_request: bool = True,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.requests = requests
        self.max_active = max_active
        self.on_failure = on_failure
        self.deferrable = deferrable
        self.poke_interval = in_seconds(poke_interval)
        self.timeout = default_timeout() if timeout is None else in_seconds(timeout)
        self.max_consecutive_failures = max_consecutive_failures
        self.order_again_if_cleared = order_again_if_cleared
        self.order_again_if_lost = order_again_if_lost
        self.listing_delay = in_seconds(listing_delay)
        self.check_request = check_request
        self._has_orders = False
        self._videos: OrderedVideos | None = None

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Order the videos, unless they were ordered before, and wait for them."""
        return self._order_and_wait(context, None)

    def execute_search(self, context: Context, event: Any) -> list[dict[str, Any]]:
        """Continue the search for an order whose answer was lost, or after a limit."""
        return self._order_and_wait(context, None)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Order more, or end, after videos have ended in the triggerer."""
        return self._order_and_wait(context, event)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the lineage of the videos that are ready, also if the task fails because of others."""
        ready = [] if self._videos is None else self._videos.ready
        return lineage_of_orders(ready[0]["vendor"] if ready else None, [video["video_id"] for video in ready])

    def on_kill(self) -> None:
        """Log what becomes of the videos."""
        if self._has_orders:
            self.log.info(
                "The videos that are not finished continue at the vendor, and are billed: nothing was deleted."
            )

    def _order_and_wait(self, context: Context, event: Any) -> list[dict[str, Any]]:
        # What can't be read must not begin another order.
        outcome = None if event is None else BatchOutcome.from_dict(event)
        try:
            orders, max_active = self._prepare(context)
        except VideoError:
            note_that_nothing_was_ordered(context, self.retries or 0)
            raise
        orders.open()
        videos = OrderedVideos(self, context, orders, conn_id=self.conn_id, rules=self._rules(), timeout=self.timeout)
        self._videos = videos
        if outcome is not None:
            # The triggerer has logged them.
            videos.logged = outcome.counts
            orders.replace_video_ids(dict(unpack(event.get("own_ids", []))))
        seen = Counts() if outcome is None else outcome.counts
        ready, failed = seen.ready, max(seen.failed - orders.number_failed, 0)
        # Where it is not known which videos have ended, and others are to take their places, they are asked for.
        pending = None if outcome is None or "pending_ids" not in event else set(unpack(event["pending_ids"]))
        while True:
            active = self._place(context, orders, videos, pending, max_active)
            left = len(orders.unplaced) if orders.stopped_by is None else 0
            if not active and not left:
                batch = videos.poll_all()
                if not (pending := videos.unfinished(batch)):
                    return videos.end(batch, on_failure=self.on_failure)
                # What ended the wait for it has passed.
                time.sleep(min(self.poke_interval, MAX_IDLE_SECONDS))
                continue
            if not active:
                self._pause_for_limit(orders)
                continue
            others = Counts(ready=ready, failed=failed + orders.number_failed, not_ordered=left)
            own_ids = MAX_IDLE_SECONDS if any(map(orders.is_provisional, active)) else math.inf
            enough = dataclasses.replace(self._enough(len(active), left), own_ids=own_ids)
            batch = BatchWait(videos.waits(active), enough=enough, others=others)
            if self.deferrable:
                defer_if_it_fits(self, batch, conn_id=self.conn_id, timeout=self.timeout)
            videos.run(batch)
            pending = {one.video_id for one in batch.videos.values() if not one.is_over}
            ready, failed = batch.counts.ready, batch.counts.failed - orders.number_failed

    def _prepare(self, context: Context) -> tuple[BatchOrders, float]:
        from airflow_provider_videos.hooks.video import VideoHook
        from airflow_provider_videos.ordering.batch import BatchOrders

        check_rendered(self)
        if context.get("task_state_store") is None:
            raise VideoParameterError(
                parameter=type(self).__name__,
                problem="needs Airflow 3.3 or newer, whose task state store keeps a record of the orders: nothing was "
                "ordered. Map a GenerateVideoOperator here",
            )
        hook = VideoHook.get_hook(self.conn_id)
        vendor = hook.vendor_of_orders()
        self.requests = read_requests(self.requests)
        requests = read_orders(self.requests, vendor, check_request=self.check_request)
        check_may_be_mapped(self, len(requests), "requests")
        max_active = self.max_active or hook.vendor.max_active or math.inf
        if self.deferrable and min(max_active, len(requests)) > MAX_DEFERRED:
            raise VideoParameterError(
                parameter="max_active",
                problem=f"must be {MAX_DEFERRED:,} or less for {len(requests):,} videos, if a trigger is to wait for "
                "them: nothing was ordered",
            )
        orders = BatchOrders(
            context,
            hook=hook,
            requests=requests,
            retries=self.retries or 0,
            rules=self._rules(),
            order_again_if_cleared=self.order_again_if_cleared,
            order_again_if_lost=self.order_again_if_lost,
            listing_delay=self.listing_delay,
        )
        return orders, max_active

    def _place(
        self,
        context: Context,
        orders: BatchOrders,
        videos: OrderedVideos,
        pending: set[str] | None,
        max_active: float,
    ) -> list[str]:
        """Place as many orders as may be under way, and return the ids of the videos that are."""
        cleared = orders.to_ask_for()
        is_unknown = pending is None and bool(cleared or orders.unplaced)
        ordered = [video_id for video_id in orders.video_ids() if video_id is not None]
        if asked := list(dict.fromkeys(ordered)) if is_unknown else cleared:
            batch = videos.poll(videos.waits(asked))
            # An error that is not the video's own is what asking for it ended with.
            answers = {one.video_id: one.video or one.error for one in batch.videos.values()}
            orders.go_on({video_id: answer for video_id, answer in answers.items() if answer is not None})
            if is_unknown:
                pending = {one.video_id for one in batch.videos.values() if not one.has_ended}
        before = {video_id for video_id in orders.video_ids() if video_id is not None}
        active = [video_id for video_id in before if pending is None or video_id in pending]
        self._has_orders = True
        orders.place(active=len(active), max_active=max_active, pause=self._pause)
        ids = orders.video_ids()
        push_progress(self, context, {VIDEO_IDS_KEY: ids, "vendor": orders.vendor})
        now = dict.fromkeys(video_id for video_id in ids if video_id is not None)
        return [video_id for video_id in now if video_id not in before or video_id in active]

    def _enough(self, active: int, left: int) -> Enough:
        if not left:
            return Enough()
        wave = min(max(math.ceil(WAVE * active), 1), left)
        # What was ordered together ends together, but is seen up to a poke interval later and was ordered one after the
        # other: what a return leaves behind is a wave of its own from then on.
        linger = 2 * self.poke_interval if self.deferrable else 0.0
        return Enough(over=wave, linger=linger, idle=max(MAX_IDLE_SECONDS, 2 * self.poke_interval))

    def _pause_for_limit(self, orders: BatchOrders) -> None:
        """Wait where the vendor takes no order for now, though no video of this task is under way."""
        count = orders.record.count_limit() + 1
        if orders.limit is None or count > self.max_consecutive_failures:
            orders.stop(orders.limit or VideoUnexpectedError(problem="no order could be placed"))
            return
        orders.record.count_limit(count)
        self._pause(pause_after_failure(first=self.poke_interval, failures=count, retry_after=orders.limit.retry_after))

    def _pause(self, seconds: float) -> None:
        defer_or_sleep(self, seconds, deferrable=self.deferrable)

    def _rules(self) -> PollingRules:
        return PollingRules(poke_interval=self.poke_interval, max_consecutive_failures=self.max_consecutive_failures)
