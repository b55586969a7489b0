# SPDX-License-Identifier: Apache-2.0
"""Running a generator that yields what is to be done and is sent what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

_Step = TypeVar("_Step")
_Outcome = TypeVar("_Outcome")
_T = TypeVar("_T")


def drive(steps: Generator[_Step, _Outcome, _T], perform: Callable[[_Step], _Outcome]) -> _T:
    """Perform each step, send the outcome back, and return the generator's result.

    :param steps: such as an :data:`~airflow_provider_videos.vendors.exchange.Exchange`.
    :param perform: what it raises is thrown into the generator.
    """
    try:
        step = next(steps)
        while True:
            try:
                outcome = perform(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: _T = end.value
        return result


async def adrive(steps: Generator[_Step, _Outcome, _T], perform: Callable[[_Step], Awaitable[_Outcome]]) -> _T:
    """Async version of :func:`drive`."""
    try:
        step = next(steps)
        while True:
            try:
                outcome = await perform(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: _T = end.value
        return result
