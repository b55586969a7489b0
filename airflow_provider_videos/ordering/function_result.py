# SPDX-License-Identifier: Apache-2.0
"""What a task's function returned, kept before anything of it is ordered: called again, it may return another request.

It is in Airflow's task state store: a retry and a deferred task that comes back are other processes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import unlimited_retention
from airflow_provider_videos.exceptions import VideoRecordError, VideoRequestError
from airflow_provider_videos.ordering.record import OrderState
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.packing import pack, unpack

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

KEY = "video_request"
#: Airflow warns of values beyond 65,535 characters.
MAX_PART_CHARACTERS = 48_000
VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class FunctionResult:
    """What a function returned.

    :param value: JSON.
    :param made_from: a digest of the function and its arguments.
    :param max_tries: the task instance's, when it was last used. Airflow raises it when a user clears the task.
    :param clear_number: the run's at that time. Airflow raises it when a user clears any of its tasks.
    """

    value: Any
    made_from: str
    max_tries: int
    clear_number: int


class FunctionResultStore:
    """Keeps what the function of a task instance returned.

    :param context: the task's context, of an Airflow that has a task state store.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context["task_state_store"]
        self._orders = OrderStore(context)
        self._ti = context["ti"]

    def read(self) -> FunctionResult | None:
        """Return what is kept, ``None`` if nothing is.

        :raises VideoRecordError: if it can't be read.
        """
        index = self._store.get(KEY)
        if index is None:
            return None
        try:
            if not isinstance(index, Mapping) or index.get("version") != VERSION:
                raise ValueError("this package doesn't read its version")
            parts = [self._store.get(key) for key in index["parts"]]
            [value] = unpack("".join(parts))
            return FunctionResult(
                value=value,
                made_from=str(index["made_from"]),
                max_tries=int(index["max_tries"]),
                clear_number=int(index["clear_number"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise VideoRecordError(key=KEY, problem=f"the function's result can't be read ({error})") from None

    def read_again(self) -> Any:
        """Return the value for a task that comes back from the triggerer.

        :raises VideoRecordError: if it can't be read, or is not there.
        """
        if (kept := self.read()) is None:
            raise VideoRecordError(key=KEY, problem="the function's result is gone")
        return kept.value

    def read_or_call(
        self,
        function: Callable[[], Any],
        *,
        made_from: str,
        has_orders: Callable[[], bool],
        retries: int,
        order_again_if_cleared: bool,
    ) -> Any:
        """Return what is kept; call the function only if there is nothing, or if a user's clear asks for it.

        :param function: makes the request.
        :param made_from: a digest of the function and its arguments.
        :param has_orders: whether a video of this task instance may be alive.
        :param retries: of the task.
        :param order_again_if_cleared: whether a clear orders anew in any case.
        :raises VideoRequestError: if the function returns no JSON.
        :raises VideoRecordError: if what is kept can't be read.
        """
        kept = self.read()
        if kept is not None:
            was_cleared = self._orders.was_cleared_since(kept, retries)
            is_asked_for = order_again_if_cleared or kept.made_from != made_from
            if not was_cleared or (not is_asked_for and has_orders()):
                log.info(
                    "The function is not called again: its result is in the task state store, under %r. Delete that "
                    "key to have the function called.",
                    KEY,
                )
                return self._keep(kept.value, made_from)
        value = function()
        newest = self.read()
        if newest is not None and newest != kept:
            # A process that began after this one has called the function, and may have ordered.
            return newest.value
        return self._keep(value, made_from)

    def _keep(self, value: Any, made_from: str) -> Any:
        try:
            packed = pack([value])
        except (TypeError, ValueError, RecursionError) as error:
            raise VideoRequestError(field="request", problem=f"can't be sent as JSON: {error}") from None
        digest = hashlib.sha256(packed.encode()).hexdigest()[:16]
        texts = [packed[start : start + MAX_PART_CHARACTERS] for start in range(0, len(packed), MAX_PART_CHARACTERS)]
        parts = {f"{KEY}_{digest}_{number}": text for number, text in enumerate(texts)}
        before = (self._store.get(KEY) or {}).get("parts", [])
        if before != list(parts):
            for key, text in parts.items():
                self._store.set(key, text, **unlimited_retention())
        index = {
            "version": VERSION,
            "parts": list(parts),
            "made_from": made_from,
            "max_tries": self._ti.max_tries,
            "clear_number": self._orders.clear_number,
        }
        # Last, so that it never names a part that is not there.
        self._store.set(KEY, index, **unlimited_retention())
        for key in before:
            if key not in parts:
                self._store.delete(key)
        # What a later process reads: a tuple is a list then.
        return unpack(packed)[0]


def has_order(context: Context) -> bool:
    """Return whether a task that orders one video may have one that has not failed."""
    record = OrderStore(context).read()
    orders = () if record is None else record.orders
    return any(order.state is not OrderState.NOT_ACCEPTED and not order.is_reported for order in orders)
