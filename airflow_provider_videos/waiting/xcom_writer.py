# SPDX-License-Identifier: Apache-2.0
"""Pushing XComs from a triggerer, so that nothing else that its supervisor does is held up.

The supervisor answers some 35 requests a second, one at a time: XComs, look-ups of connections, and the report of which
triggers have ended. Whatever is sent at once is ahead of that report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from airflow_provider_videos.airflow_compat.tasks import xcom_backend

#: XComs of ended waits that are under way at once: the report that tasks have ended waits behind no more than these.
MAX_REQUESTS = 4
#: Status reports per second, for all waits of a triggerer.
REPORTS_PER_SECOND = 5.0


class XComWriter:
    """Pushes XComs for the waits of one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._semaphore = asyncio.Semaphore(MAX_REQUESTS)
        self._allowance = REPORTS_PER_SECOND
        self._allowed_at = self._loop.time()

    def take_report(self) -> bool:
        """Return whether one more status report may be sent now; if not, it is to be dropped."""
        now = self._loop.time()
        refilled = self._allowance + (now - self._allowed_at) * REPORTS_PER_SECOND
        self._allowance, self._allowed_at = min(refilled, REPORTS_PER_SECOND), now
        # While any end waits for its turn, reports don't compete with it.
        if self._allowance < 1 or self._semaphore.locked():
            return False
        self._allowance -= 1
        return True

    async def push(self, task_instance: Any, xcoms: Mapping[str, Any]) -> None:
        """Push XComs of a task instance, one request for each.

        :raises Exception: whatever Airflow raises, also where this Airflow has its XComs elsewhere.
        """
        backend, is_airflows_own = xcom_backend()
        place = {name: getattr(task_instance, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        for key, value in xcoms.items():
            async with self._semaphore:
                if is_airflows_own:
                    await backend.aset(key=key, value=value, **place)
                else:
                    # A custom backend may store the value elsewhere, and block meanwhile.
                    await asyncio.to_thread(backend.set, key=key, value=value, **place)


_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, XComWriter] = WeakKeyDictionary()


def get_writer() -> XComWriter:
    """Return the writer of the running event loop."""
    loop = asyncio.get_running_loop()
    writer = _writers.get(loop)
    if writer is None:
        writer = _writers[loop] = XComWriter()
    return writer
