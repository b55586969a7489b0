# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

import pytest

from airflow_provider_videos.clock import Clock, in_words


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_runs_on_when_the_systems_is_set(hours: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, now = Clock(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + hours * 3600)
    assert clock.now() == pytest.approx(now, abs=5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.04, "0 s"),
        (0.5, "0.5 s"),
        (10, "10 s"),
        (12.34, "12.3 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min"),
        (60, "1 min"),
        (100, "1 min 40 s"),
        (119.7, "2 min"),
        (3_599.7, "1 h"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
        (43_200, "12 h"),
        (200_000, "55 h 33 min"),
    ],
)
def test_a_time_span_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
