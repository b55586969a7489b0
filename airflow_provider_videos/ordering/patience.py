# SPDX-License-Identifier: Apache-2.0
"""Repeating a call in the task's own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoOrderLostError,
)
from airflow_provider_videos.retries import Retries, is_transient
from airflow_provider_videos.waiting.polling import may_not_be_known_yet

if TYPE_CHECKING:
    from airflow_provider_videos.waiting.polling import PollingRules

_T = TypeVar("_T")
#: No money or no right is no matter of one request. A 429 that does not pass is a quota that is used up.
_STOPPING_STATUSES = frozenset({401, 402, 403, 429})


def is_limit(error: BaseException) -> bool:
    """Return whether a vendor refused an order because of a limit of the account that passes."""
    if not isinstance(error, VideoApiError) or not error.is_transient:
        return False
    return error.refusal == "limit" or error.status_code == HTTPStatus.TOO_MANY_REQUESTS


def stops_ordering(error: VideoError) -> bool:
    """Return whether what an order failed with would meet the orders after it as well."""
    if isinstance(error, VideoOrderLostError):
        return False
    is_of_account = isinstance(error, VideoApiError) and error.status_code in _STOPPING_STATUSES
    return error.is_transient or is_of_account or isinstance(error, VideoAuthError | VideoConnectionError)


def make_patiently(
    rules: PollingRules,
    what: str,
    call: Callable[[], _T],
    *,
    ordered_at: float | None = None,
    waits_for_limit: bool = True,
) -> _T:
    """Make a call that is safe to repeat, again after the transient errors that it raises, and return what it returns.

    :param rules: how often, and with which pauses.
    :param what: what it does, for the log.
    :param call: raises a :exc:`VideoError` if it fails.
    :param ordered_at: Unix time at which the video was ordered that it asks for, if it asks for one: soon after it, the
        vendor may not know the video yet.
    :param waits_for_limit: whether to repeat it where :func:`is_limit` says that it was refused for now.
    """

    def may_repeat(error: Any) -> bool:
        if not waits_for_limit and is_limit(error):
            return False
        return is_transient(error) or may_not_be_known_yet(error, ordered_at, now=time.time())

    retries = Retries(
        most=rules.max_consecutive_failures,
        first=rules.poke_interval,
        line=lambda error, failures, pause: f"{what} failed, next attempt in {pause}: {error}",
    )
    return retries.run(call, may_repeat=may_repeat)
