# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_videos.ordering.naming import Marks
from airflow_provider_videos.ui.presentation import Shown, total_cost
from airflow_provider_videos.ui.task_videos import TaskVideo

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def shown(task_state: str | None = "success", map_index: int = -1, **fields: Any) -> Shown:
    video = {"vendor": "tavus", "video_id": "v1", **fields} if fields else {}
    return Shown(TaskVideo(task_id="wait", map_index=map_index, task_state=task_state, video=video), now=NOW)


def test_an_expired_url_is_known_before_it_is_played() -> None:
    url = "https://a.example/v.mp4?Expires="
    assert shown(state="ready", download_url=f"{url}1763812800").expired_at == NOW.replace(year=2025)
    assert shown(state="ready", download_url=f"{url}1963812800").expired_at is None
    assert shown(state="ready", download_url="https://a.example/v.mp4").expired_at is None


@pytest.mark.parametrize(
    ("task_state", "fields", "label", "tone"),
    [
        ("success", {"state": "ready"}, "Ready", "ready"),
        ("failed", {"state": "failed"}, "Failed", "failed"),
        ("skipped", {"state": "deleted"}, "Deleted", "failed"),
        ("deferred", {"state": "generating"}, "Generating", "waiting"),
        ("up_for_reschedule", {"state": "queued"}, "Queued", "waiting"),
        ("running", {"state": "unknown"}, "Waiting", "waiting"),
        ("running", {"state": "a word of tomorrow"}, "Waiting", "waiting"),
        ("deferred", {}, "Waiting", "waiting"),
        (None, {}, "Waiting", "waiting"),
        ("failed", {"state": "generating"}, "Task failed", "failed"),
        ("failed", {}, "Task failed", "failed"),
        ("success", {}, "No video", "none"),
        ("success", {"state": "queued"}, "Queued", "waiting"),
        ("skipped", {}, "No video", "none"),
    ],
)
def test_a_word_says_how_the_video_is(task_state: str, fields: dict[str, Any], label: str, tone: str) -> None:
    video = shown(task_state, **fields)
    assert (video.label, video.tone) == (label, tone)


def test_a_page_looks_again_only_while_its_task_goes_on() -> None:
    assert shown("deferred", state="generating").is_waiting
    assert not shown("success", state="queued").is_waiting
    assert not shown("success", state="ready").is_waiting


def test_a_video_is_called_by_what_people_know_it_by() -> None:
    assert shown(state="ready", name="Welcome", prompt="A cat.").title == "Welcome"
    assert shown(state="ready", name=" ", prompt="A cat.").title == "A cat."
    assert shown(state="ready", script="Hello.").title == "Hello."
    assert shown(state="ready").title == "v1"
    marked = Marks(dag_id="dag", task_id="order", run_id="run", map_index=-1, fingerprint="f").name(1)
    assert shown(state="ready", name=marked, script="Hello.").title == "Hello."
    assert shown(state="ready", name=marked).title == marked
    made_up_by_tavus = "replica_id: r1 - May 14, 2026 - video: v1"
    assert shown(state="ready", name=made_up_by_tavus, script="Hello.").title == "Hello."
    assert shown(state="ready", name=made_up_by_tavus).title == made_up_by_tavus
    assert shown(map_index=3).title == "wait [3]"


def test_only_what_is_ready_is_played_and_only_from_the_web() -> None:
    url = "https://a.example/v"
    assert shown(state="ready", download_url=f"{url}.mp4", stream_url=f"{url}.m3u8").media_url == f"{url}.mp4"
    assert shown(state="ready", stream_url=f"{url}.m3u8").media_url == f"{url}.m3u8"
    assert shown(state="ready", download_url="javascript:alert(1)").media_url is None
    assert shown("deferred", state="generating", download_url=f"{url}.mp4").media_url is None


def test_urls_that_may_not_be_followed_are_shown_as_text() -> None:
    urls = shown(state="ready", download_url="https://a.example/v.mp4", hosted_url="javascript:alert(1)").urls
    assert urls == [("Download", "https://a.example/v.mp4", True), ("Vendor's page", "javascript:alert(1)", False)]


def test_facts_are_for_people() -> None:
    video = shown(state="ready", status="ready", duration=8.2, size="1280x720", cost=0.35, progress=1.0, name=None)
    facts = dict(video.facts)
    assert facts == {
        "Vendor": "Tavus",
        "Duration": "0:08",
        "Size": "1280 \N{MULTIPLICATION SIGN} 720",
        "Cost": "$0.35",
        "Vendor's status": "ready",
    }


def test_values_of_a_wrong_kind_are_left_out() -> None:
    video = shown(state="ready", duration="long", cost=True, name=["x"], created_at="yesterday", size=7)
    assert dict(video.facts) == {"Vendor": "Tavus"}
    assert video.moments == []


@pytest.mark.parametrize("time", ["2026-11-22T12:00:00+00:00", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00"])
def test_a_time_without_a_zone_is_of_utc(time: str) -> None:
    assert shown(state="ready", created_at=time).moments == [("Ordered", NOW)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_numbers_that_are_none_are_left_out(number: float) -> None:
    video = shown(state="ready", duration=number, cost=number, progress=number)
    assert dict(video.facts) == {"Vendor": "Tavus"}
    assert total_cost([video]) == ""
    task = TaskVideo(
        task_id="wait",
        map_index=-1,
        task_state="success",
        status_seconds={"queued": number, "generating": 90.0, "ready": "soon"},  # type: ignore[dict-item]
        copies=({"path": "/videos/v1.mp4", "bytes": number},),
    )
    assert Shown(task, now=NOW).statuses == [("generating", "1 min 30 s", 100.0)]
    assert [copy["bytes"] for copy in Shown(task, now=NOW).copies] == [None]


def test_a_vendor_of_another_package_is_shown_by_its_type() -> None:
    assert shown(state="ready", vendor="acme").vendor == "acme"


def test_the_time_in_each_status_is_told_in_words_and_parts() -> None:
    task = TaskVideo(
        task_id="wait",
        map_index=-1,
        task_state="success",
        status_seconds={"queued": 30.0, "generating": 90.0},
    )
    assert Shown(task, now=NOW).statuses == [("queued", "30 s", 25.0), ("generating", "1 min 30 s", 75.0)]


@pytest.mark.parametrize(("cost", "text"), [(0.35, "$0.35"), (0.0042, "$0.0042"), (0, "$0"), (1234.5, "$1,234.50")])
def test_a_cost_is_in_dollars(cost: float, text: str) -> None:
    assert shown(state="ready", cost=cost).cost == text


def test_costs_are_added_up_as_far_as_they_are_known() -> None:
    videos = [shown(state="ready", cost=0.25), shown(state="ready", cost=0.5), shown(state="ready")]
    assert total_cost(videos) == "$0.75"
    assert total_cost([shown(state="ready")]) == ""


def test_how_a_wait_stands_is_told_in_sentences() -> None:
    waiting = {
        "started": "2026-11-22T07:00:00+00:00",
        "since": "2026-11-22T11:30:00+00:00",
        "deadline": "2026-11-22T19:00:00+00:00",
        "failed_polls": 2,
    }
    task = TaskVideo(
        task_id="wait",
        map_index=-1,
        task_state="deferred",
        video={"vendor": "tavus", "video_id": "v1", "status": "generating"},
        waiting=waiting,
    )
    assert Shown(task, now=NOW).standing == (
        "Waiting for 5 h. 'generating' for 30 min. The task gives up in 7 h. The last 2 polls failed."
    )


@pytest.mark.parametrize("waiting", [{}, {"started": None, "failed_polls": "many"}, {"deadline": "soon", "since": 3}])
def test_a_report_that_cannot_be_read_tells_nothing(waiting: dict[str, Any]) -> None:
    task = TaskVideo(task_id="wait", map_index=-1, task_state="deferred", waiting=waiting)
    assert Shown(task, now=NOW).standing == ""


def test_an_order_is_titled_by_what_it_asks_for_before_it_has_a_video() -> None:
    task = TaskVideo(task_id="order", map_index=-1, task_state="running", request={"prompt": "A cat."})
    order = Shown(task, now=NOW)
    assert (order.title, order.words) == ("A cat.", ("Prompt", "A cat."))
