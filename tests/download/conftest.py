# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_videos.download import transfer
from tests.download.odd_server import OddServer, serving


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(transfer, "MAX_PAUSE", 0.02)


@pytest.fixture
def odd() -> Iterator[OddServer]:
    with serving() as server:
        yield server
