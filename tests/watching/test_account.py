# SPDX-License-Identifier: Apache-2.0
"""Listing an account of the simulator over a real socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.watching import account
from airflow_provider_videos.watching.account import AccountListing, listings
from tests.vendor_kit import Connect


def listed(
    conn_id: str, count: int = 1, *, poll_interval: float = 0.05, meanwhile: Callable[[], None] | None = None
) -> list[AccountListing]:
    async def collect() -> list[AccountListing]:
        found = []
        async for listing in listings(conn_id, poll_interval):
            found.append(listing)
            if meanwhile is not None:
                meanwhile()
            if len(found) == count:
                break
        return found

    return asyncio.run(asyncio.wait_for(collect(), 30))


def test_each_poll_lists_all_videos(simulator: Simulator, connect: Connect) -> None:
    ids = {simulator.add_video("tavus") for _ in range(250)}
    first, second = listed(connect("tavus"), 2, meanwhile=lambda: ids.add(simulator.add_video("tavus")))
    assert (len(first.videos), first.problem) == (250, None)
    assert (len(second.videos), len(second.videos.keys() - first.videos.keys())) == (251, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=502),
        Fault("status", status=429, retry_after="0"),
        Fault("reset_before"),
        Fault("html"),
        Fault("status", status=401),
    ],
)
def test_a_failure_is_logged_once_and_tried_again(
    fault: Fault, simulator: Simulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.add_video("tavus")
    simulator.add_fault(Fault(**{**vars(fault), "endpoint": "list", "times": 3}))
    with caplog.at_level(logging.INFO, logger="airflow_provider_videos.watching"):
        [listing] = listed(connect("tavus"))
    assert len(listing.videos) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "can't be listed" in caplog.records[0].getMessage()


def test_a_list_that_may_lack_videos_says_so(simulator: Simulator, connect: Connect) -> None:
    for _ in range(3):
        simulator.add_video("tavus")
    simulator.add_fault(Fault("list_bad_entry", times=1))
    [listing] = listed(connect("tavus"))
    assert listing.problem == "an entry of it can't be read"


def test_a_vendor_that_cant_list_is_looked_up_again_seldom(
    connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, simulator: Simulator
) -> None:
    monkeypatch.setattr(account, "UNSUPPORTED_PAUSE", 0.2)
    conn_id = connect("together")

    async def watch() -> None:
        async with asyncio.timeout(0.9):
            async for _ in listings(conn_id, 0.01):
                raise AssertionError("it can't be listed")

    with pytest.raises(TimeoutError):
        asyncio.run(watch())
    [record] = caplog.records
    assert "Together AI has no call to list videos" in record.getMessage()
    assert "Use a VideoSensor" in record.getMessage()
    assert simulator.record.requests == {}


def test_a_connection_that_comes_later_is_found(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.add_video("tavus")

    async def watch() -> AccountListing:
        async def connect_later() -> None:
            await asyncio.sleep(0.3)
            monkeypatch.setenv("AIRFLOW_CONN_LATER", simulator.connection_uri("tavus"))

        later = asyncio.create_task(connect_later())
        async for listing in listings("later", 0.05):
            await later
            return listing
        raise AssertionError

    assert len(asyncio.run(asyncio.wait_for(watch(), 30)).videos) == 1


def test_an_unexpected_error_does_not_end_the_watch(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.add_video("tavus")
    get_hook: Any = Connection.get_hook
    failures: list[int] = []

    def fail_once(connection: Connection, **options: object) -> object:
        if not failures:
            failures.append(1)
            raise RuntimeError("a bug")
        return get_hook(connection, **options)

    conn_id = connect("tavus")
    monkeypatch.setattr(Connection, "get_hook", fail_once)
    [listing] = listed(conn_id)
    assert len(listing.videos) == 1
    assert "RuntimeError: a bug" in caplog.text
