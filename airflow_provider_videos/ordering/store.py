# SPDX-License-Identifier: Apache-2.0
"""Where the record of an order is kept: Airflow's task state store, as long as the run itself."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import VideoRecordError
from airflow_provider_videos.ordering.record import OrderRecord

if TYPE_CHECKING:
    from airflow.sdk import Context

KEY = "video_order"


class OrderStore:
    """The record of a task instance's order.

    :param context: the task's context.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context.get("task_state_store")

    @property
    def is_there(self) -> bool:
        """Whether Airflow has such a store, as it does from 3.3 on."""
        return self._store is not None

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

    def report_failure(self, *, max_tries: int) -> None:
        """Remember that the task fails because the video did, so that only a user's clear orders another one."""
        record = self.read()
        if record is not None:
            self.write(dataclasses.replace(record, is_reported=True, max_tries=max_tries))

    def write(self, record: OrderRecord | None) -> None:
        """Keep a record, or none."""
        if not self.is_there:
            return
        if record is None:
            self._store.delete(KEY)
            return
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        self._store.set(KEY, record.to_dict(), retention=NEVER_EXPIRE)
