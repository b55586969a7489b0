# SPDX-License-Identifier: Apache-2.0
"""Repeating what is safe to repeat: how long to pause after a failed call, and how often to try."""

from __future__ import annotations

import dataclasses
import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from airflow_provider_videos.clock import in_words

log = logging.getLogger(__name__)

#: The longest pause after a failed call, in seconds.
MAX_PAUSE_AFTER_FAILURE = 300.0
#: The longest that a vendor's Retry-After is obeyed, in seconds.
MAX_RETRY_AFTER = 600.0
#: The most by which a pause that doubles is lengthened at random, as a part of it.
JITTER = 0.2

_T = TypeVar("_T")


def is_transient(error: Exception) -> bool:
    """Whether an error of this package says of itself that another attempt may go well."""
    return bool(getattr(error, "is_transient", False))


def is_transient_status(status_code: int) -> bool:
    """Whether an HTTP status code says that another attempt may go well: 408, 425, 429 and 5xx."""
    return status_code in {408, 425, 429} or status_code >= 500


@dataclasses.dataclass(kw_only=True)
class Retries:
    """Makes calls in the task's own process, and repeats them after transient errors until too many attempts failed.

    All calls of an instance share its attempts. An error says how long to wait with its ``retry_after``.

    :param most: how many attempts there are.
    :param first: the pause after the first failure, in seconds; it doubles with each.
    :param line: writes the line to log before a pause, from the error, the number of failures and the pause in words.
    :param longest: what the pause doubles up to, in seconds.
    :param jitter: the most by which a pause is lengthened at random, as a part of it.
    :param given_up: makes what is raised after the last attempt, from its error and the number of attempts; by
        default, that error is raised.
    :param failures: how many attempts have failed so far.
    """

    most: int
    first: float
    line: Callable[[Any, int, str], str]
    longest: float = MAX_PAUSE_AFTER_FAILURE
    jitter: float = 0.0
    given_up: Callable[[Any, int], Exception] = lambda error, failures: error
    failures: int = 0

    def run(self, call: Callable[[], _T], *, may_repeat: Callable[[Any], bool] = is_transient) -> _T:
        """Make a call, again if need be, and return what it returns.

        :param call: what is safe to repeat.
        :param may_repeat: whether an exception that it raised allows another attempt.
        """
        while True:
            try:
                return call()
            except Exception as error:
                if not may_repeat(error):
                    raise
                self.failures += 1
                if self.failures >= self.most:
                    raise self.given_up(error, self.failures)  # ruff: ignore[raise-without-from-inside-except]
                self._pause(error)

    def _pause(self, error: Any) -> None:
        stretch = 1 + self.jitter * random.random()
        first, longest = self.first * stretch, self.longest * stretch
        pause = pause_after_failure(first=first, failures=self.failures, retry_after=error.retry_after, longest=longest)
        log.warning("%s", self.line(error, self.failures, in_words(pause)))
        time.sleep(pause)


def pause_after_failure(
    *, first: float, failures: int, retry_after: float | None, longest: float = MAX_PAUSE_AFTER_FAILURE
) -> float:
    """Return the pause after a failed call: one that doubles with each failure, or what the other side asks for.

    :param first: the pause after the first failure, in seconds.
    :param failures: failed calls in a row, this one included.
    :param retry_after: how many seconds the other side asks to wait, ``None`` if it doesn't.
    :param longest: what the pause doubles up to, in seconds.
    :return: seconds.
    """
    doubled = min(first * 2.0 ** min(failures - 1, 30), longest)
    return max(min(retry_after or 0.0, MAX_RETRY_AFTER), doubled)
