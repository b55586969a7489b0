# SPDX-License-Identifier: Apache-2.0
"""Ordering a video of any vendor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, conf
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_provider_videos.exceptions import VideoError, VideoUnsupportedError
from airflow_provider_videos.lineage import lineage_of_orders
from airflow_provider_videos.ordering.kill import (
    delete_if_ended_by_a_user,
    say_that_it_goes_on,
    warn_of_an_old_airflow,
    within_seconds,
)
from airflow_provider_videos.ordering.ordered_video import OrderedVideo
from airflow_provider_videos.ordering.record import DEFAULT_LISTING_DELAY
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.parameters import check_parameters, check_rendered, default_timeout, in_seconds
from airflow_provider_videos.request import read_order, read_request, texts_of
from airflow_provider_videos.vendors.base import Deletes
from airflow_provider_videos.waiting.polling import DEFAULT_MAX_CONSECUTIVE_FAILURES, PollingRules, Wait
from airflow_provider_videos.waiting.worker import defer_or_sleep, read_event
from airflow_provider_videos.xcom import (
    REFUSAL_KEY,
    emit_asset_events,
    push_progress,
    push_video,
)

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from airflow_provider_videos.ordering.ordering import Ordering
    from airflow_provider_videos.video import Video

__all__ = ["GenerateVideoOperator"]

EVENT_FIELDS = ("vendor", "video_id", "download_url", "stream_url", "hosted_url", "cost")


class GenerateVideoOperator(BaseOperator):
    """Orders a video, waits until it is ready, and returns its record.

    For one task instance and one request at most one video is alive or ready, whatever happens: a lost answer, a killed
    worker or triggerer, a retry, a clear. Before the order is sent, that is recorded in Airflow's task state store, and
    the video's id after it. A later attempt continues with the same video.

    ===================================  ==============================================================================
    a later attempt finds                and then
    ===================================  ==============================================================================
    a video that is pending or ready     continues with it, and orders nothing
    a video that failed                  fails without retry; once it has, a user's clear orders anew
    a video that somebody deleted        fails without retry; a user's clear orders anew
    another request                      orders anew, and says so
    an order whose answer was lost       finds it in the way that the vendor's page names, and continues with it or
                                         orders it; where nothing can find it, fails without retry, and says what to
                                         look for
    ===================================  ==============================================================================

    Airflow before 3.3 has no task state store: there every later attempt searches a vendor that can be searched, and
    fails for any other.

    The record is the dict of :meth:`~airflow_provider_videos.video.Video.to_dict`; its ``vendor``, ``video_id``,
    ``state``, ``download_url``, ``stream_url`` and ``hosted_url`` are also pushed as XComs of those names, ``video_id``
    and ``vendor`` as soon as the video is ordered, and ``status_seconds`` says how long each of the vendor's statuses
    took, in seconds. Of a task that fails, the XCom ``video`` has the record of a video that failed, and ``refusal``
    the exception, as a dict, if the vendor certainly has no order of it. With ``outlets``, the events of its assets
    carry ``vendor``, ``video_id``, the URLs and ``cost`` (USD).

    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param request: the vendor's own fields, as a dict or as the text of a JSON object: see the vendor's request class,
        such as :class:`~airflow_provider_videos.vendors.tavus.TavusVideoRequest`. A text in it that ends in ``.txt``,
        ``.json`` or ``.j2`` names a file. (templated)
    :param wait_for_completion: wait until the video is ready; otherwise the record is that of the order.
    :param deferrable: wait in the triggerer, without a worker.
    :param poke_interval: time between two polls, in seconds or as a timedelta; above 0.
    :param timeout: how long to wait, in seconds or as a timedelta, from when an attempt begins. ``None`` means
        ``[sensors] default_timeout``.
    :param exponential_backoff: double the interval from poll to poll, with jitter.
    :param max_wait: the most that it grows to, in seconds or as a timedelta.
    :param max_consecutive_failures: consecutive failed polls (429, 5xx, timeouts) to tolerate before failing. Also how
        often an order is sent that certainly was not received.
    :param order_again_if_cleared: order another video when a user clears the task, though one is pending or ready.
    :param order_again_if_lost: order again when an order may have been accepted and can't be found, which can pay
        twice.
    :param listing_delay: how long the vendor may take to list a video that it has accepted, in seconds or as a
        timedelta. An order whose answer was lost is searched for during this time and the connection's request timeout,
        and sent again only if it is not there at the end. A deferrable task defers meanwhile.
    :param delete_on_kill: delete the video at the vendor when a user marks or clears the task while it waits. Only
        where the vendor can, and while deferred only from Airflow 3.3 on. By default it continues there.
    :param check_request: check the request against the vendor's page before it is sent. ``False`` sends any field, for
        what the vendor has added since; a misspelled one the vendor ignores, and bills the video.
    :param kwargs: what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoRequestError: before anything is ordered, if the vendor forbids the request. Airflow doesn't retry.
    :raises VideoOrderRefusedError: if the vendor refuses the order with 400 or 422. Airflow doesn't retry.
    :raises VideoOrderLostError: if a video may have been ordered and can't be found. Airflow doesn't retry.
    :raises VideoRecordError: if what was recorded of an order can't be read. Airflow doesn't retry.
    :raises VideoFailedError: if the video ends without success. Airflow doesn't retry.
    :raises VideoTimeoutError: if the video is not finished in time. Airflow doesn't retry; a clear continues the wait.
    :raises VideoError: if the vendor refuses the order, or can't be asked; see
        :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("request", "conn_id")
    template_fields_renderers = {"request": "json"}
    template_ext: Sequence[str] = (".txt", ".json", ".j2")
    # A request that was given as a text is then shown as the JSON that was read.
    overwrite_rtif_after_execution = True
    ui_color = "#e0e7ff"
    #: Key of the XCom with the ids of the videos that it has ordered.
    ordered_ids_key = "video_id"

    def __init__(
        self,
        *,
        conn_id: str,
        request: Mapping[str, Any] | str,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 30,
        timeout: timedelta | float | None = 12 * 60 * 60,
        exponential_backoff: bool = False,
        max_wait: timedelta | float | None = None,
        max_consecutive_failures: int = DEFAULT_MAX_CONSECUTIVE_FAILURES,
        order_again_if_cleared: bool = False,
        order_again_if_lost: bool = False,
        listing_delay: timedelta | float = DEFAULT_LISTING_DELAY,
        delete_on_kill: bool = False,
        check_request: bool = True,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.request = request
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poke_interval = in_seconds(poke_interval)
        self.timeout = default_timeout() if timeout is None else in_seconds(timeout)
        self.exponential_backoff = exponential_backoff
        self.max_wait = None if max_wait is None else in_seconds(max_wait)
        self.max_consecutive_failures = max_consecutive_failures
        self.order_again_if_cleared = order_again_if_cleared
        self.order_again_if_lost = order_again_if_lost
        self.listing_delay = in_seconds(listing_delay)
        self.delete_on_kill = delete_on_kill
        self.check_request = check_request
        self._ordered: OrderedVideo | None = None
        self._is_done = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Order the video, unless it was ordered before, and wait for it."""
        return self._order_and_wait(context)

    def execute_search(self, context: Context, event: Any) -> dict[str, Any]:
        """Continue the search for an order whose answer was lost."""
        return self._order_and_wait(context)

    def _order_and_wait(self, context: Context) -> dict[str, Any]:
        try:
            check_rendered(self)
            self.request = read_request(self.request)
            ordering = self._ordering(context)
        except VideoError:
            OrderStore(context).note_that_nothing_was_ordered(self.retries or 0)
            raise
        try:
            ordered = ordering.place()
        except VideoError as error:
            if ordering.has_certainly_no_video:
                push_progress(self, context, {REFUSAL_KEY: error.to_dict()})
            raise
        self._ordered = OrderedVideo(self, context, ordered.video.video_id, ordered.video.vendor)
        self._ordered.push_id()
        if not self.wait_for_completion:
            return self._end(self._ordered, ordered.video.to_dict())
        now = time.time()
        wait = Wait(
            video_id=self._ordered.video_id,
            rules=self._rules(),
            started_at=now,
            deadline=now + self.timeout,
            ordered_at=ordered.at,
        )
        return self._wait(self._ordered, wait, ordered.described)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return the record in the trigger's event, or raise what the wait ended with.

        If the video has got an id of its own, wait for that.
        """
        told = event if isinstance(event, Mapping) else {}
        self._ordered = ordered = OrderedVideo(self, context, told.get("video_id", ""))
        if (own_id := told.get("own_id")) is not None:
            ordered.replace_id(own_id)
        if (begun := told.get("wait")) is not None:
            wait = Wait.from_dict(begun, video_id=ordered.video_id, rules=self._rules(), now=time.time())
            return self._wait(ordered, wait)
        try:
            video = read_event(self, context, event)
        except VideoError as error:
            ordered.fail(error)
        return self._end(ordered, video)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the lineage of the video: see :mod:`airflow_provider_videos.lineage`."""
        ordered = self._ordered
        if ordered is None:
            return lineage_of_orders(None, [], ordered=None)
        return lineage_of_orders(ordered.vendor, [ordered.video_id] if self._is_done else [], ordered=ordered.video_id)

    def on_kill(self) -> None:
        """Log what becomes of the video, and delete it if that was asked for and a user has ended the task."""
        if (ordered := self._ordered) is None:
            return
        video_id, context = ordered.video_id, ordered.context
        if not self.delete_on_kill:
            say_that_it_goes_on(self.log, video_id)
            return
        within_seconds(lambda: delete_if_ended_by_a_user(self, context, video_id, conn_id=self.conn_id), self.log)

    def _ordering(self, context: Context) -> Ordering:
        from airflow_provider_videos.hooks.video import VideoHook
        from airflow_provider_videos.ordering.ordering import Ordering

        hook = VideoHook.get_hook(self.conn_id)
        if self.delete_on_kill and not isinstance(hook.vendor, Deletes):
            raise VideoUnsupportedError(vendor=hook.hook_name, call="delete a video, so leave delete_on_kill out")
        warn_of_an_old_airflow(self, context, deletes_while_deferred=self.delete_on_kill and self.deferrable)
        # Without a store, the next process would not know that there was an order.
        may_defer = self.deferrable and OrderStore(context).is_there
        return Ordering(
            context,
            hook=hook,
            request=read_order(read_request(self.request), hook.vendor_of_orders(), check_request=self.check_request),
            rules=self._rules(),
            retries=self.retries or 0,
            order_again_if_cleared=self.order_again_if_cleared,
            order_again_if_lost=self.order_again_if_lost,
            listing_delay=self.listing_delay,
            pause=lambda seconds: defer_or_sleep(self, seconds, deferrable=may_defer),
        )

    def _rules(self) -> PollingRules:
        return PollingRules(
            poke_interval=self.poke_interval,
            exponential_backoff=self.exponential_backoff,
            max_wait=self.max_wait,
            max_consecutive_failures=self.max_consecutive_failures,
        )

    def _wait(self, ordered: OrderedVideo, wait: Wait, described: Video | None = None) -> dict[str, Any]:
        try:
            video = ordered.wait(
                wait,
                conn_id=self.conn_id,
                described=described,
                deferrable=self.deferrable,
                delete_on_kill=self.delete_on_kill,
            )
            return self._end(ordered, video)
        except (Exception, AirflowTaskTimeout) as error:
            ordered.fail(error)

    def _end(self, ordered: OrderedVideo, video: dict[str, Any]) -> dict[str, Any]:
        self.request = read_request(self.request)
        texts = texts_of(self.request)
        video = {**video, **{field: text for field, text in texts.items() if video[field] is None}}
        ordered.video_id, ordered.vendor, self._is_done = video["video_id"], video["vendor"], True
        emit_asset_events(self, ordered.context, video, EVENT_FIELDS)
        return push_video(self, ordered.context, video)
