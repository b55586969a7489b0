# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.vendors.errors import UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call


@pytest.mark.parametrize("path", [".evil.test/x", "@evil.test/x", "//evil.test/x", "https://evil.test/x", "", "x"])
def test_a_call_stays_below_the_connections_url(path: str) -> None:
    with pytest.raises(UnreadableAnswerError, match="no path"):
        Call(path=path)
