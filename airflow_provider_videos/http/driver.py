# SPDX-License-Identifier: Apache-2.0
"""Running an exchange, with requests and with aiohttp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from airflow_provider_videos.vendors.answer import Answer
    from airflow_provider_videos.vendors.exchange import Call, Exchange

_T = TypeVar("_T")


def drive(exchange: Exchange[_T], send: Callable[[Call], Answer]) -> _T:
    """Send each call of an exchange and the answer back into it, and return its result.

    :param exchange: what a vendor's method returned.
    :param send: sends a call; what it raises ends the exchange.
    """
    try:
        call = next(exchange)
        while True:
            call = exchange.send(send(call))
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        exchange.close()


async def adrive(exchange: Exchange[_T], send: Callable[[Call], Awaitable[Answer]]) -> _T:
    """Async version of :func:`drive`."""
    try:
        call = next(exchange)
        while True:
            call = exchange.send(await send(call))
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        exchange.close()
