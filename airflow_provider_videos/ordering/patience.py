# SPDX-License-Identifier: Apache-2.0
"""Repeating a call in the task's own process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.waiting.polling import may_not_be_known_yet, pause_after_failure

if TYPE_CHECKING:
    from airflow_provider_videos.waiting.polling import PollingRules

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Patience:
    """Makes calls that are safe to repeat, again after the transient errors that they raise.

    :param rules: how often, and with which pauses.
    """

    def __init__(self, rules: PollingRules) -> None:
        self._rules = rules

    def __call__(self, what: str, call: Callable[[], _T], *, ordered_at: float | None = None) -> _T:
        """Make a call and return what it returns.

        :param what: what it does, for the log.
        :param call: raises a :exc:`VideoError` if it fails.
        :param ordered_at: Unix time at which the video was ordered that it asks for, if it asks for one: soon after it,
            the vendor may not know the video yet.
        """
        failures = 0
        while True:
            try:
                return call()
            except VideoError as error:
                failures += 1
                may_pass = error.is_transient or may_not_be_known_yet(error, ordered_at, now=time.time())
                if not may_pass or failures >= self._rules.max_consecutive_failures:
                    raise
                pause = pause_after_failure(
                    first=self._rules.poke_interval, failures=failures, retry_after=error.retry_after
                )
                log.warning("%s failed, next attempt in %.0f s: %s", what, pause, error)
                time.sleep(pause)
