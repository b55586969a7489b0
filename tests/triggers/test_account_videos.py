# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.triggers.account_videos import EVENT_FIELDS, AccountVideosTrigger
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.watching.account import AccountListing
from airflow_provider_videos.watching.memory import SHARDS
from tests.vendor_kit import Connect
from tests.watching.kit import AssetStore, listing, video


def watcher(store: AssetStore | None = None, **options: Any) -> AccountVideosTrigger:
    """Make a watcher as a triggerer does, from what the database has."""
    path, arguments = AccountVideosTrigger(**{"conn_id": "tavus_default", **options}).serialize()
    assert path == "airflow_provider_videos.triggers.account_videos.AccountVideosTrigger"
    trigger = AccountVideosTrigger(**json.loads(json.dumps(arguments)))
    trigger.asset_state_store = store  # type: ignore[assignment]
    return trigger


def reported(trigger: AccountVideosTrigger, *polls: AccountListing) -> list[list[str]]:
    """Return the ids of each event that a watcher fires after these polls."""

    async def stream(listings: Iterable[AccountListing]) -> AsyncIterator[AccountListing]:
        for one in listings:
            await asyncio.sleep(0)
            yield one

    async def collect() -> list[list[str]]:
        events = [event async for event in trigger.filter_shared_stream(stream(polls))]
        return [[found["video_id"] for found in event.payload["videos"]] for event in events]

    return asyncio.run(collect())


OLD = [video(number) for number in range(5)]


def test_what_is_there_at_first_is_not_reported_and_what_comes_is_once() -> None:
    assert reported(watcher(AssetStore()), listing(*OLD), listing(*OLD, video("new")), listing(*OLD, video("new"))) == [
        ["new"]
    ]


def test_what_is_there_at_first_is_reported_if_asked_for() -> None:
    trigger = watcher(AssetStore(), include_existing=True)
    assert reported(trigger, listing(*OLD), listing(*OLD)) == [["0", "1", "2", "3", "4"]]


def test_a_video_is_reported_when_it_becomes_ready() -> None:
    pending = video("one", VideoState.GENERATING)
    assert reported(watcher(AssetStore()), listing(pending), listing(pending), listing(video("one"))) == [["one"]]


def test_a_status_that_is_not_known_is_not_the_end() -> None:
    unknown = video("one", VideoState.UNKNOWN)
    assert reported(watcher(AssetStore()), listing(), listing(unknown), listing(video("one"))) == [["one"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [["ready", "named"]]),
        ({"states": ["failed", "expired"]}, [["failed"]]),
        ({"name_contains": "greet"}, [["named"]]),
        ({"name_contains": "nobody"}, []),
    ],
)
def test_only_what_is_watched_for_is_reported(options: dict[str, Any], expected: list[list[str]]) -> None:
    found = [video("ready"), video("failed", VideoState.FAILED), video("named", name="A greeting")]
    assert reported(watcher(AssetStore(), **options), listing(), listing(*found), listing(*found)) == expected


def test_an_event_has_two_hundred_videos_at_most_and_the_rest_comes_with_the_next_polls() -> None:
    many = [video(number) for number in range(450)]
    events = reported(watcher(AssetStore()), listing(), *[listing(*many)] * 4)
    assert [len(ids) for ids in events] == [200, 200, 50]
    assert len({video_id for ids in events for video_id in ids}) == 450


def test_one_new_video_among_twelve_thousand_in_any_order_is_reported_alone() -> None:
    videos = [video(number) for number in range(12_000)]
    store, polls = AssetStore(), []
    for _ in range(5):
        random.shuffle(videos)
        polls.append(listing(*videos))
    polls.insert(3, listing(*videos, video("new")))
    assert reported(watcher(store), *polls, listing(*videos, video("new"))) == [["new"]]
    random.shuffle(videos)
    assert reported(watcher(store), listing(*videos, video("new"))) == []


def test_what_became_ready_while_no_triggerer_ran_is_reported_after() -> None:
    store = AssetStore()
    assert reported(watcher(store), listing(*OLD)) == []
    assert reported(watcher(store), listing(*OLD, video("meanwhile"))) == [["meanwhile"]]


def test_a_report_is_repeated_if_the_triggerer_died_right_after_it() -> None:
    store = AssetStore()
    assert reported(watcher(store), listing(), listing(video("one"))) == [["one"]]
    assert reported(watcher(store), listing(video("one")), listing(video("one"))) == [["one"]]
    assert reported(watcher(store), listing(video("one"))) == []


def test_an_incomplete_list_is_no_baseline(caplog: pytest.LogCaptureFixture) -> None:
    polls = [listing(OLD[0], problem="it was cut"), listing(*OLD), listing(*OLD, video("new"))]
    assert reported(watcher(AssetStore()), *polls) == [["new"]]
    assert "until the list of videos is complete: it was cut" in caplog.text


def test_what_an_incomplete_list_shows_is_reported_and_what_it_lacks_is_not_forgotten() -> None:
    polls = [listing(*OLD), listing(video("new"), problem="it was cut"), listing(*OLD, video("new"))]
    assert reported(watcher(AssetStore()), *polls) == [["new"]]


def test_a_list_that_is_empty_by_mistake_lets_nothing_be_reported_again() -> None:
    assert reported(watcher(AssetStore()), listing(*OLD), listing(), listing(*OLD)) == []


@pytest.mark.parametrize("problem", [ConnectionError("Airflow is away"), json.JSONDecodeError("no JSON", "", 0)])
def test_a_store_that_fails_is_not_taken_for_an_empty_one(problem: Exception, caplog: pytest.LogCaptureFixture) -> None:
    store = AssetStore()
    reported(watcher(store), listing(*OLD))
    trigger = watcher(store)
    store.problem = problem
    assert reported(trigger, *[listing(*OLD, video("new"))] * 3) == []
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    store.problem = None
    assert reported(trigger, listing(*OLD, video("new"))) == [["new"]]


@pytest.mark.parametrize("unreadable", [7, "no base64", "nö"])
def test_a_memory_that_cant_be_read_starts_anew_once(unreadable: object, caplog: pytest.LogCaptureFixture) -> None:
    store = AssetStore()
    reported(watcher(store), listing(*OLD))
    [baseline] = [key for key in store if key.endswith("baseline")]
    for number in range(SHARDS):
        store[baseline.replace("baseline", str(number))] = unreadable
    assert reported(watcher(store), listing(*OLD, video("lost")), listing(*OLD, video("new"))) == [["new"]]
    assert "can't be read" in caplog.text
    assert reported(watcher(store), *[listing(*OLD, video("new"), video("newer"))] * 2) == [["new", "newer"]]


@pytest.mark.parametrize("problem", [None, ValueError("Task has 2 concrete inlets and outlets")])
def test_without_a_store_the_memory_is_the_process_and_that_is_said_once(
    problem: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = AssetStore() if problem else None
    if store is not None:
        store.problem = problem
    polls = [listing(*OLD), listing(*OLD, video("new")), listing(*OLD, video("new"))]
    assert reported(watcher(store), *polls) == [["new"]]
    [record] = caplog.records
    assert "forgotten on a restart" in record.getMessage()


def test_an_account_with_too_many_videos_is_said_once_and_reported_no_more(caplog: pytest.LogCaptureFixture) -> None:
    many = [video(number) for number in range(50_001)]
    assert reported(watcher(AssetStore(), include_existing=True), *[listing(*many)] * 2) == []
    [record] = caplog.records
    assert "more than 50,000 videos" in record.getMessage()


def test_videos_that_are_gone_make_room_once_a_complete_list_says_so() -> None:
    many = [video(number) for number in range(50_000)]
    trigger = watcher(AssetStore())
    polls = [listing(*many), listing(*many[1:], video("a")), listing(*many[2:], video("a"), video("b"), problem="cut")]
    assert reported(trigger, *polls) == [["a"]]
    assert reported(trigger, listing(*many[2:], video("a"), video("b"))) == [["b"]]


def test_watchers_of_one_connection_and_interval_share_their_polls() -> None:
    key = watcher().shared_stream_key()
    assert key == watcher(states=["failed"], name_contains="x", include_existing=True).shared_stream_key()
    assert key != watcher(conn_id="another").shared_stream_key()
    assert key != watcher(poll_interval=61).shared_stream_key()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"conn_id": ""}, "conn_id"),
        ({"states": "ready"}, "states"),
        ({"states": []}, "states"),
        ({"states": ["generating"]}, "states"),
        ({"name_contains": None}, "name_contains"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"poll_interval": "60"}, "poll_interval"),
        ({"poll_interval": float("inf")}, "poll_interval"),
        ({"include_existing": "no"}, "include_existing"),
    ],
)
def test_what_cant_be_watched_is_refused_by_name_and_ends_no_triggerer(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be") as refused:
        watcher(**options)
    # What else the making of a trigger raises ends the process of all triggers.
    assert isinstance(refused.value, TypeError)


def test_it_watches_alone_where_airflow_shares_no_polls(simulator: Simulator, connect: Connect) -> None:
    simulator.queued = simulator.generating = 0
    ready = simulator.add_video("tavus", name="A greeting")
    trigger = watcher(AssetStore(), conn_id=connect("tavus"), poll_interval=0.05, include_existing=True)
    assert isinstance(trigger, BaseEventTrigger)

    async def first() -> Any:
        async for event in trigger.run():
            return event.payload

    payload = asyncio.run(asyncio.wait_for(first(), 30))
    assert payload["conn_id"] == trigger.conn_id
    [found] = payload["videos"]
    assert set(found) == set(EVENT_FIELDS)
    assert (found["video_id"], found["state"], found["vendor"]) == (ready, "ready", "tavus")
    assert found["download_url"].endswith(".mp4")
    assert json.loads(json.dumps(payload)) == payload
