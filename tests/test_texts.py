# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.texts import shorten


@pytest.mark.parametrize(("text", "short"), [("", ""), ("abc", "abc"), ("abcd", "abc…")])
def test_a_text_that_is_too_long_ends_with_an_ellipsis(text: str, short: str) -> None:
    assert shorten(text, 3) == short
