# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
import time
from typing import Any

import pytest

from airflow_provider_videos.retries import MAX_RETRY_AFTER, Retries


class TransientError(Exception):
    is_transient = True

    def __init__(self, text: str = "busy", *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Calls:
    """Raises what it is told to, one after the other, and then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def retries(most: int, **options: Any) -> Retries:
    def line(error: TransientError, failures: int, pause: str) -> str:
        return f"{failures}: {error}, {pause}"

    return Retries(**{"most": most, "first": 1.0, "line": line, **options})


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_a_call_that_goes_well_is_made_once(pauses: list[float]) -> None:
    assert retries(1).run(Calls()) == "done"
    assert pauses == []


def test_transient_errors_are_outlived_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert retries(3).run(Calls(TransientError(), TransientError("late"))) == "done"
    assert [record.message for record in caplog.records] == ["1: busy, 1 s", "2: late, 2 s"]


def test_any_other_error_ends_it_at_once(pauses: list[float]) -> None:
    with pytest.raises(KeyError):
        retries(5).run(Calls(KeyError("x")))
    assert pauses == []


def test_the_last_error_is_raised_after_the_last_attempt(pauses: list[float]) -> None:
    last = TransientError("last")
    with pytest.raises(TransientError) as raised:
        retries(3).run(Calls(TransientError(), TransientError(), last, TransientError()))
    assert raised.value is last
    assert len(pauses) == 2


def test_another_exception_may_be_raised_in_its_place() -> None:
    given_up = retries(2, given_up=lambda error, failures: ValueError(f"{error} after {failures}"))
    with pytest.raises(ValueError, match="late after 2"):
        given_up.run(Calls(TransientError(), TransientError("late")))


def test_a_call_may_say_itself_what_is_repeated() -> None:
    assert retries(2).run(Calls(TransientError()), may_repeat=lambda error: True) == "done"
    with pytest.raises(TransientError):
        retries(2).run(Calls(TransientError()), may_repeat=lambda error: False)


def test_all_calls_of_an_instance_share_its_attempts() -> None:
    shared = retries(3)
    shared.run(Calls(TransientError(), TransientError()))
    with pytest.raises(TransientError):
        shared.run(Calls(TransientError()))


def test_pauses_double_up_to_the_longest_and_are_lengthened_at_random(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.5)
    asked = [TransientError(retry_after=seconds) for seconds in (None, None, None, 7.0, 1.0, 10_000.0)]
    retries(10, longest=3.0, jitter=0.2).run(Calls(*asked))
    assert pauses == pytest.approx([1.1, 2.2, 3.3, 7, 3.3, MAX_RETRY_AFTER])
