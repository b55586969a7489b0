# SPDX-License-Identifier: Apache-2.0
"""One order for one task instance and one request, whatever happens in between."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from airflow_provider_videos.exceptions import VideoError, VideoOrderLostError
from airflow_provider_videos.ordering.record import OrderRecord, fingerprint, marked_name
from airflow_provider_videos.ordering.search import find_alike, find_last_marked, find_named
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.polling import PollingRules, pause_after_failure
from airflow_provider_videos.video import Video, VideoState

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.hooks.video import VideoHook

log = logging.getLogger(__name__)

#: Seconds after an order within which a vendor may not list it yet.
SETTLING_TIME = 15.0
#: How often an order is sent that can't be found at the vendor afterwards.
MAX_ORDERS = 3
_GONE = {VideoState.DELETED, VideoState.CANCELLED, VideoState.EXPIRED}

_T = TypeVar("_T")


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
        out what such a look shows, the URLs above all.
    """

    video: Video
    at: float
    was_asked_for: bool = False


class Ordering:
    """Finds the video that a task instance has ordered, or orders it.

    :param context: the task's context.
    :param hook: the vendor.
    :param request: the order's fields, as :meth:`~airflow_provider_videos.hooks.video.VideoHook.order_body` gives them.
    :param rules: how patient to be with passing faults.
    :param retries: of the task.
    :param order_again_if_cleared: order anew if a user has cleared the task since the order.
    :param order_again_if_lost: order anew if an order may have been accepted and can't be found.
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
    ) -> None:
        self._ti = context["ti"]
        self._run_started = context["dag_run"].start_date
        self._hook = hook
        # A name that a template left empty finds nothing: the order's mark stands in its place.
        self._request = {
            field: value for field, value in request.items() if field != hook.name_field or str(value).strip()
        }
        self._rules = rules
        self._retries = retries
        self._order_again_if_cleared = order_again_if_cleared
        self._order_again_if_lost = order_again_if_lost
        self._store = OrderStore(context)
        self._fingerprint = fingerprint(hook.conn_type, request, hook.free_fields)

    def place(self) -> Ordered:
        """Give the video, ordered now or before.

        :raises VideoOrderLostError: if it may have been ordered and can't be found.
        :raises VideoRecordError: if what was remembered of an order can't be read.
        :raises VideoError: if the vendor refuses the order, or can't be reached.
        """
        record = self._store.read()
        if record is None:
            return self._go_on_without_record() if self._ti.try_number > 1 else self._order(1)
        if record.fingerprint != self._fingerprint:
            log.warning(
                "The request has changed since video %s was ordered for this task, so another one is ordered. The "
                "vendor bills the earlier one all the same.",
                repr(record.video_id) if record.video_id else "(of unknown id)",
            )
            return self._order(record.number + 1, record)
        if record.video_id is None:
            return self._go_on_with_intent(record)
        return self._go_on_with_video(record, record.video_id)

    def _go_on_with_video(self, record: OrderRecord, video_id: str) -> Ordered:
        was_cleared = self._ti.max_tries > record.max_tries
        if was_cleared and (record.is_reported or self._order_again_if_cleared):
            log.info("The task was cleared since video %r was ordered; another one is ordered.", video_id)
            return self._order(record.number + 1, record)
        try:
            video = self._patiently(lambda: self._hook.get_video(video_id), "Asking for the video ordered before")
        except VideoError as error:
            error.add_note(may_be_billed(video_id))
            raise
        if was_cleared and video.state in _GONE:
            log.info("Video %r is %s, and the task was cleared; another one is ordered.", video_id, video.status)
            return self._order(record.number + 1, record)
        log.info("Video %r was ordered for this task before, so nothing is ordered.", video_id)
        return Ordered(video, record.intended_at, was_asked_for=True)

    def _go_on_with_intent(self, record: OrderRecord) -> Ordered:
        lost = self._lost("the task ended before the vendor's answer was kept")
        video = self._find(record, lost)
        return self._order(record.number, record) if video is None else self._keep(record, video)

    def _go_on_without_record(self) -> Ordered:
        """Decide for a later attempt that finds no record: none was made, Airflow has none, or a clear emptied it."""
        if self._hook.name_field is None:
            if not self._store.is_there and not self._order_again_if_lost:
                raise self._lost("this is not the first attempt, and Airflow before 3.3 keeps no record of an order")
            return self._order(1)
        log.info("Nothing is recorded of an order; %s is searched for one of this task.", self._hook.hook_name)
        if self._hook.name_field in self._request:
            since = self._run_started.timestamp() if self._run_started else 0.0
            alike = self._patiently(lambda: find_alike(self._hook, self._request, since=since), "Searching")
            video = self._only(alike, self._lost("no record of an order is there")) if alike else None
            found = (1, video) if video is not None else None
        else:
            found = self._patiently(lambda: find_last_marked(self._hook, self._name), "Searching")
        if found is None:
            return self._order(1)
        number, video = found
        was_cleared = self._ti.max_tries > self._retries
        is_over = video.state.is_terminal and video.state is not VideoState.READY
        if was_cleared and (is_over or self._order_again_if_cleared):
            return self._order(number + 1)
        return self._keep(self._intent(number), video)

    def _order(self, number: int, before: OrderRecord | None = None) -> Ordered:
        request = dict(self._request)
        if self._hook.name_field is not None:
            request.setdefault(self._hook.name_field, self._name(number))
        for _ in range(MAX_ORDERS):
            record = self._intent(number)
            self._store.write(record)
            try:
                video = self._patiently(lambda: self._hook.create_video(**request), "Ordering")
            except VideoOrderLostError as lost:
                log.warning("%s", lost)
                found = self._find(record, lost)
                if found is None:
                    continue
                video = found
            except VideoError:
                # It was refused or did not arrive: nothing is to be looked for.
                self._store.write(before)
                raise
            return self._keep(record, video)
        raise self._lost(f"it was sent {MAX_ORDERS} times, and can't be found")

    def _keep(self, record: OrderRecord, video: Video) -> Ordered:
        log.info("Video %r is ordered at %s.", video.video_id, self._hook.hook_name)
        try:
            self._store.write(dataclasses.replace(record, video_id=video.video_id))
            for key, value in (("video_id", video.video_id), ("vendor", video.vendor)):
                self._ti.xcom_push(key=key, value=value)
        except Exception:
            # The video is paid for: to wait for it is worth more than to stop here.
            log.exception("The id of video %r can't be recorded; it is waited for all the same", video.video_id)
        return Ordered(video, record.intended_at)

    def _find(self, record: OrderRecord, lost: VideoOrderLostError) -> Video | None:
        """Find the video of an order whose answer was lost; ``None`` if it was not ordered."""
        if self._hook.name_field is None:
            self._allow_another(lost)
            return None
        while True:
            is_settled = time.time() >= record.intended_at + SETTLING_TIME
            videos = self._patiently(lambda: self._search(record), "Searching for the order")
            if videos or is_settled:
                break
            time.sleep(max(record.intended_at + SETTLING_TIME - time.time(), 0.1))
        if not videos:
            log.info("%s has no such video, so the order did not arrive.", self._hook.hook_name)
            return None
        return self._only(videos, lost)

    def _search(self, record: OrderRecord) -> list[Video]:
        if self._hook.name_field in self._request:
            return find_alike(self._hook, self._request, since=record.intended_at)
        return find_named(self._hook, self._name(record.number))

    def _only(self, videos: list[Video], lost: VideoOrderLostError) -> Video | None:
        if len(videos) == 1:
            log.info("Video %r is the one that was ordered.", videos[0].video_id)
            return videos[0]
        log.warning("Several videos may be the one: %s.", ", ".join(video.video_id for video in videos))
        self._allow_another(lost)
        return None

    def _allow_another(self, lost: VideoOrderLostError) -> None:
        if not self._order_again_if_lost:
            raise self._lost(lost.reason)
        log.warning("Ordering again, as order_again_if_lost is set; the earlier order may be billed too.")

    def _lost(self, reason: str) -> VideoOrderLostError:
        return VideoOrderLostError(
            vendor=self._hook.hook_name,
            conn_id=self._hook.conn_id,
            reason=reason,
            advice=(
                f"Look among your videos at {self._hook.hook_name} for one that was ordered at about this time. To "
                "order again, set order_again_if_lost=True and clear the task; to use a video that is there, pass its "
                "id to a VideoSensor."
            ),
        )

    def _patiently(self, call: Callable[[], _T], what: str) -> _T:
        """Repeat a call that is safe to repeat after the passing faults that it raises."""
        failures = 0
        while True:
            try:
                return call()
            except VideoError as error:
                failures += 1
                if not error.is_transient or failures >= self._rules.max_consecutive_failures:
                    raise
                pause = pause_after_failure(
                    first=self._rules.poke_interval, failures=failures, retry_after=error.retry_after
                )
                log.warning("%s failed, next attempt in %.0f s: %s", what, pause, error)
                time.sleep(pause)

    def _intent(self, number: int) -> OrderRecord:
        return OrderRecord(
            fingerprint=self._fingerprint, number=number, intended_at=time.time(), max_tries=self._ti.max_tries
        )

    def _name(self, number: int) -> str:
        ti = self._ti
        map_index = -1 if ti.map_index is None else ti.map_index
        return marked_name(
            dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=map_index, record=self._intent(number)
        )
