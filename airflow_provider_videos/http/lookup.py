# SPDX-License-Identifier: Apache-2.0
"""Looking an Airflow connection up, in a task and on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

from airflow.providers.common.compat.connection import get_async_connection
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from airflow_provider_videos.exceptions import VideoConnectionError

if TYPE_CHECKING:
    from airflow.sdk import Connection

#: Seconds after which a look-up on an event loop is given up.
LOOK_UP_TIMEOUT = 60.0


def look_up(conn_id: str) -> Connection:
    """Ask Airflow for a connection.

    :raises VideoConnectionError: if there is none of that id, or if it can't be read.
    """
    with _naming(conn_id):
        return BaseHook.get_connection(conn_id)


async def alook_up(conn_id: str) -> Connection:
    """Async version of :func:`look_up`, which gives up after :data:`LOOK_UP_TIMEOUT`."""
    with _naming(conn_id):
        async with asyncio.timeout(LOOK_UP_TIMEOUT):
            return await get_async_connection(conn_id)


@contextlib.contextmanager
def _naming(conn_id: str) -> Generator[None]:
    """Name the connection and the field in whatever Airflow raises; its texts may show the key."""
    try:
        yield
    except AirflowNotFoundException:
        problem = "there is no such connection, or its URI or JSON can't be read; in a URI each part is percent-encoded"
        raise VideoConnectionError(conn_id=conn_id, field="conn_id", problem=problem) from None
    except TimeoutError:
        problem = f"Airflow did not return it within {LOOK_UP_TIMEOUT:g} seconds"
        raise VideoConnectionError(conn_id=conn_id, field="conn_id", problem=problem) from None
    except (AirflowException, ValueError):
        problem = "can't be read; in a URI each part is percent-encoded, a slash in the key as %2F"
        raise VideoConnectionError(conn_id=conn_id, field="uri", problem=problem) from None
