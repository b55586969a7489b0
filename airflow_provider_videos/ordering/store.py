# SPDX-License-Identifier: Apache-2.0
"""Where the record of a task instance's orders is kept: Airflow's task state store, as long as the run itself."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import loop_iteration, unlimited_retention
from airflow_provider_videos.exceptions import VideoRecordError
from airflow_provider_videos.ordering.record import Order, OrderRecord

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.ordering.function_result import FunctionResult

log = logging.getLogger(__name__)

KEY = "video_order"
#: Key that a user sets to ``true`` to have a lost order ordered again, and of the run's configuration.
ORDER_AGAIN_KEY = "order_again_if_lost"


class OrderStore:
    """The record of a task instance's orders.

    :param context: the task's context.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context.get("task_state_store")
        self._ti = context["ti"]
        self._dag_run = context["dag_run"]
        #: How often a user has cleared any task of the run.
        self.clear_number: int = self._dag_run.clear_number or 0
        #: Whether it may stand for a task instance that a clear took away, with its store: as an iteration of a loop.
        self.may_be_made_anew: bool = self.clear_number > 0 and (loop_iteration(context) or 0) > 0

    @property
    def is_there(self) -> bool:
        """Whether Airflow has such a store, as it does from 3.3 on."""
        return self._store is not None

    def may_have_been_emptied(self, retries: int) -> bool:
        """Return whether a record that is not there may have been: each order is recorded before it is sent.

        :param retries: of the task.
        """
        if self._ti.try_number <= 1:
            return self.may_be_made_anew
        # A clear of a task that runs does not raise max_tries.
        return not self.is_there or self._ti.max_tries > retries or self.clear_number > 0

    def may_lack_orders(self, retries: int, *, can_be_searched: bool) -> bool:
        """Return whether to search, or ask a human, where there is no record.

        Where the vendor can be searched, a later attempt does so even if nothing speaks for an emptied store.

        :param retries: of the task.
        :param can_be_searched: whether the vendor can.
        """
        return self.may_have_been_emptied(retries) or (can_be_searched and self._ti.try_number > 1)

    def was_cleared_since(self, order: Order | FunctionResult, retries: int) -> bool:
        """Return whether a user has cleared the task since it last went on with an order, or with a function's result.

        :param retries: of the task.
        """
        ti = self._ti
        if ti.max_tries != order.max_tries:
            return True
        # A clear sets max_tries to the attempts so far and the retries. If the Dag has fewer of these now than then,
        # that may be the number that it was before.
        is_as_cleared = ti.max_tries - retries == ti.try_number - 1 > 0
        return is_as_cleared and self.clear_number > order.clear_number

    @property
    def why_it_may_be_empty(self) -> str:
        """Why it is not known whether there was an order."""
        if self._ti.try_number <= 1:
            return (
                "a clear may have made this iteration of the loop anew, so it may or may not have been ordered before"
            )
        if self.is_there:
            return "the task was cleared, and its task state store was emptied, so it may or may not have been ordered"
        return "this is not the first attempt, and Airflow before 3.3 keeps no record of an order"

    def forgotten_at(self) -> float:
        """Return the Unix time at which it was found that orders may be forgotten."""
        return time.time()

    def recorded_elsewhere(self) -> Iterable[str]:
        """Return the ids of videos that are recorded as another order's of this task instance."""
        return ()

    def note_that_nothing_was_ordered(self, retries: int) -> None:
        """Remember that an attempt ended before it could order, so that a clear need not search."""
        if self.is_there and self.read() is None and not self.may_have_been_emptied(retries):
            self.write(OrderRecord())

    def read(self) -> OrderRecord | None:
        """Read the record, ``None`` if there is none.

        :raises VideoRecordError: if it can't be read.
        """
        stored = self._store.get(KEY) if self.is_there else None
        if stored is None:
            return None
        try:
            return OrderRecord.from_dict(stored)
        except ValueError as error:
            raise VideoRecordError(key=KEY, problem=str(error)) from None

    def write(self, record: OrderRecord, *, with_next: bool = False) -> None:
        """Keep a record, as this attempt's.

        :param with_next: whether it may be written with the next order of the task, where there are many.
        """
        if self.is_there:
            kept = dataclasses.replace(record, attempt=self._ti.try_number)
            self._store.set(KEY, kept.to_dict(), **unlimited_retention())

    def write_held(self) -> None:
        """Write what was to be written with the next order."""

    def report_failure(self, video_id: str, *, max_tries: int) -> None:
        """Remember that the task fails because a video did, so that only a user's clear orders another one."""
        record = self.read()
        order = record.of_video(video_id) if record is not None else None
        if record is not None and order is not None:
            self.write(record.with_order(dataclasses.replace(order, is_reported=True, max_tries=max_tries)))

    def replace_video_id(self, video_id: str, own_id: str) -> None:
        """Remember the id that the vendor has given a video in place of a provisional one, or log why not."""
        try:
            record = self.read()
            order = record.of_video(video_id) if record is not None else None
            if record is not None and order is not None:
                self.write(record.with_order(dataclasses.replace(order, video_id=own_id)))
        except Exception:
            # The video is paid for: to wait for it is worth more than to stop here.
            log.exception("The id of video %r can't be recorded; the task waits for it all the same", own_id)

    def is_of_this_attempt(self, video_id: str) -> bool:
        """Return whether this attempt was the last to write the record, and it holds the order of a video."""
        record = self.read()
        return record is not None and record.attempt == self._ti.try_number and record.of_video(video_id) is not None

    @property
    def is_permitted_for_run(self) -> bool:
        """Whether the run's configuration allows to order lost orders again."""
        allowed = (self._dag_run.conf or {}).get(ORDER_AGAIN_KEY)
        return allowed is True or (isinstance(allowed, list) and self._ti.task_id in allowed)

    @property
    def is_permitted_once(self) -> bool:
        """Whether a key in the store allows it for what is lost now."""
        return self.is_there and self._store.get(ORDER_AGAIN_KEY) is True

    def end_permission(self) -> None:
        """Take that key away."""
        self._store.delete(ORDER_AGAIN_KEY)

    def takes_permission(self) -> bool:
        """Return whether a user allows to order a lost order again; a permission that is for once is used up."""
        if self.is_permitted_for_run:
            return True
        if is_given := self.is_permitted_once:
            self.end_permission()
        return is_given
