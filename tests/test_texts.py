# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.texts import clock, shorten


@pytest.mark.parametrize(("text", "short"), [("", ""), ("abc", "abc"), ("abcd", "abc…")])
def test_a_text_that_is_too_long_ends_with_an_ellipsis(text: str, short: str) -> None:
    assert shorten(text, 3) == short


@pytest.mark.parametrize(("seconds", "text"), [(8.2, "0:08"), (75, "1:15"), (3723, "1:02:03")])
def test_a_length_is_written_as_players_do(seconds: float, text: str) -> None:
    assert clock(seconds) == text
