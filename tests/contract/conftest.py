# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from airflow_provider_videos.download import transfer
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import lost, ordering
from airflow_provider_videos.simulator import Simulator
from tests.conftest import API_KEY
from tests.contract.provider_info import HOOKS
from tests.contract.simulated import SIMULATED
from tests.vendor_kit import Connect


@pytest.fixture(autouse=True)
def _known_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Airflow know the tests' own vendors."""
    known = ProvidersManagerTaskRuntime().hooks
    tavus = known["tavus"]
    assert tavus is not None
    for conn_type, path in HOOKS.items():
        hook = tavus._replace(hook_class_name=path, hook_name=conn_type, connection_type=conn_type)
        monkeypatch.setitem(known, conn_type, hook)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(transfer, "MAX_PAUSE", 0.02)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run the tests' own vendors, with videos that take no time unless a test says otherwise."""
    with Simulator(key=API_KEY, queued=0, generating=0, vendors=SIMULATED) as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> Connect:
    """Give a function that defines the connection of a vendor to the simulator and returns its id."""

    def define(vendor: str, **extra: Any) -> str:
        conn_id = f"{vendor}_default"
        monkeypatch.setenv(
            f"AIRFLOW_CONN_{conn_id.upper()}", simulator.connection_uri(vendor, **({"timeout": 1} | extra))
        )
        return conn_id

    return define


@pytest.fixture(autouse=True)
def _keys_are_sent_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "KEY_PAUSE", 0.02)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Give the keys of all orders that are sent from now on."""
    sent: list[str | None] = []
    order_video = VideoHook.order_video

    def noting(hook: VideoHook, request: Any, *, key: str | None = None, **options: Any) -> Any:
        sent.append(key)
        return order_video(hook, request, key=key, **options)

    monkeypatch.setattr(VideoHook, "order_video", noting)
    return sent
