# SPDX-License-Identifier: Apache-2.0
"""Runs an exchange with answers that were written down, without a socket."""

from __future__ import annotations

from typing import Any, TypeVar

from airflow_provider_videos.http.driver import drive
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.exchange import Call, Exchange

_T = TypeVar("_T")


def run(exchange: Exchange[_T], *answers: Answer | Any) -> tuple[_T, list[Call]]:
    """Return the result of an exchange and the calls that it made; each answer is one, or the body of one."""
    calls: list[Call] = []
    left = list(answers)

    def send(call: Call) -> Answer:
        calls.append(call)
        answer = left.pop(0)
        return answer if isinstance(answer, Answer) else Answer(answer)

    result = drive(exchange, send)
    assert not left, "the exchange ended before it had asked for everything"
    return result, calls
