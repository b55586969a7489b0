# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from airflow_provider_videos.watching.memory import MAX_VIDEOS, SHARDS, ReportedVideos, UnreadableMemoryError, key_of
from tests.watching.kit import AssetStore, video


def keys(*ids: object) -> list[bytes]:
    return [key_of(video(video_id)) for video_id in ids]


WATCH = ["tavus_default", ["ready"], ""]


def memory(store: AssetStore | None) -> ReportedVideos:
    loaded = ReportedVideos(store, WATCH)
    asyncio.run(loaded.load())
    return loaded


def remember(store: AssetStore, *ids: object) -> ReportedVideos:
    remembered = memory(store)
    remembered.add(keys(*ids))
    remembered.set_baseline()
    asyncio.run(remembered.save())
    return remembered


def test_what_was_saved_is_there_in_the_next_process() -> None:
    store = AssetStore()
    remember(store, *range(1000))
    later = memory(store)
    assert later.has_baseline
    assert later.missing(keys(*range(1001))) == {*keys(1000)}


def test_as_many_videos_as_may_be_fit_into_the_store() -> None:
    store = AssetStore()
    full = remember(store, *range(MAX_VIDEOS))
    assert len(store) == SHARDS + 1
    assert full.has_room_for(keys(0))
    assert not full.has_room_for(keys(MAX_VIDEOS))


def test_only_what_has_changed_is_written() -> None:
    store = AssetStore()
    remembered = remember(store, *range(1000))
    store.writes.clear()
    remembered.add(keys(1000, 0))
    asyncio.run(remembered.save())
    asyncio.run(remembered.save())
    assert len(store.writes) == 1


def test_what_could_not_be_written_is_written_the_next_time() -> None:
    store = AssetStore()
    remembered = memory(store)
    remembered.add(keys(1))
    remembered.set_baseline()
    store.problem = ConnectionError("Airflow is away")
    with pytest.raises(ConnectionError):
        asyncio.run(remembered.save())
    store.problem = None
    assert not memory(store).has_baseline
    asyncio.run(remembered.save())
    assert not memory(store).missing(keys(1))


def test_a_baseline_that_was_not_written_to_its_end_is_none() -> None:
    store = AssetStore()
    remember(store, *range(100))
    [baseline] = [key for key in store if key.endswith("baseline")]
    del store[baseline]
    assert not memory(store).has_baseline
    assert len(memory(store).missing(keys(*range(100)))) == 100


def test_another_filter_has_a_memory_of_its_own() -> None:
    store = AssetStore()
    remember(store, 1)
    other = ReportedVideos(store, ["tavus_default", ["failed", "ready"], ""])
    asyncio.run(other.load())
    assert not other.has_baseline
    assert other.missing(keys(1))


def test_what_is_not_listed_any_more_is_forgotten() -> None:
    store = AssetStore()
    remembered = remember(store, 1, 2, 3)
    remembered.keep_only(keys(2, 4))
    asyncio.run(remembered.save())
    assert memory(store).missing(keys(1, 2, 3, 4)) == {*keys(1, 3, 4)}


@pytest.mark.parametrize("value", [7, "no base64", "nö", {"a": 1}, None])
def test_what_is_no_memory_is_said_to_be_none(value: object) -> None:
    store = AssetStore()
    remember(store, *range(100))
    store[next(key for key in store if key.endswith(":3"))] = value
    with pytest.raises(UnreadableMemoryError):
        memory(store)
