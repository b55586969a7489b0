# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.download.progress import Progress, line


@pytest.mark.parametrize(
    ("done", "total", "rate", "text"),
    [
        (840_000_000, 2_000_000_000, 95_100_000, "42 %, 840 of 2000 MB, 95.1 MB/s, 12.2 s left"),
        (5_000_000, None, 1_000_000, "5 MB, 1.0 MB/s"),
        (5_000_000, 10_000_000, 0, "50 %, 5 of 10 MB, 0.0 MB/s, nothing arrives"),
        (10_000_000, 10_000_000, 1_000_000, "100 %, 10 of 10 MB, 1.0 MB/s, 0 s left"),
    ],
)
def test_a_line_says_part_amount_speed_and_time_left(done: int, total: int | None, rate: float, text: str) -> None:
    assert line(done, total, rate) == text


def test_there_is_a_line_every_few_seconds_and_not_more() -> None:
    lines: list[str] = []
    now = 100.0
    progress = Progress(lines.append, interval=5.0, clock=lambda: now)
    for second in range(1, 13):
        now = 100.0 + second
        progress.at(second * 1_000_000, 20_000_000)
    assert lines == ["25 %, 5 of 20 MB, 1.0 MB/s, 15 s left", "50 %, 10 of 20 MB, 1.0 MB/s, 10 s left"]


def test_a_start_from_the_beginning_is_no_negative_speed() -> None:
    lines: list[str] = []
    now = 0.0
    progress = Progress(lines.append, interval=1.0, clock=lambda: now)
    now = 1.0
    progress.at(9_000_000, 10_000_000)
    now = 2.0
    progress.at(1_000_000, 10_000_000)
    assert lines[1] == "10 %, 1 of 10 MB, 0.0 MB/s, nothing arrives"
