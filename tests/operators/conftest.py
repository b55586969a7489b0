# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.ordering import lost, shards
from tests.vendor_kit import Connect


@pytest.fixture(autouse=True)
def searches_and_attempts_follow_each_other_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(shards, "OWNER_LIFETIME", 0.1)


@pytest.fixture
def connect(connect: Connect) -> Connect:
    """Define connections whose requests time out soon, as a search for a lost order goes on for so long."""

    def define(vendor: str, *, query: str = "timeout=1", **options: Any) -> str:
        return connect(vendor, query=query, **options)

    return define


@pytest.fixture(params=["sync", "deferrable"])
def mode(request: pytest.FixtureRequest) -> str:
    """Run the test with a task that waits on its worker, and with one that defers."""
    return str(request.param)
