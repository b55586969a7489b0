# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.run_rows import Run
from airflow_provider_videos.ui.task_videos import TaskVideo, read_details, read_run_videos, read_task_video
from airflow_provider_videos.video import Video, VideoState
from tests.ui.conftest import START, XCOMS, Leave

RUN = ("dag", "run")


def record(video_id: str = "v1", state: str = "ready", **fields: Any) -> dict[str, Any]:
    return Video(vendor="tavus", video_id=video_id, state=VideoState(state), status=state, **fields).to_dict()


def read(session: Session, task_id: str, map_index: int = -1) -> TaskVideo:
    task = read_task_video(session, *RUN, task_id, map_index)
    assert task is not None
    return task


def read_whole_run(session: Session, task_id: str | None = None) -> list[TaskVideo]:
    """Read what a page shows of a run whose videos all have room on it."""
    run = Run(dag_id="dag", run_id="run", task_ids=None if task_id is None else {task_id})
    summaries = read_run_videos(session, run)
    details = read_details(session, run, summaries)
    # A count must not depend on how much was read.
    assert [(task.place, task.key, task.task_state, task.is_decided) for task in summaries] == [
        (task.place, task.key, task.task_state, task.is_decided) for task in details
    ]
    return details


def test_the_record_that_a_task_returned_is_found(session: Session, leave: Leave) -> None:
    video = record(download_url="https://a.example/v.mp4")
    leave("wait", xcoms={"return_value": video, "status_seconds": {"queued": 3.0}})
    task = read(session, "wait")
    assert (task.video, task.task_state, task.seen_at) == (video, "success", START)
    assert task.status_seconds == {"queued": 3.0}


def test_a_record_that_is_stored_as_a_text_of_json_is_found_too(session: Session, leave: Leave) -> None:
    leave("wait", xcoms={"return_value": json.dumps(record())})
    assert read(session, "wait").video == record()


def test_a_video_that_failed_is_found(session: Session, leave: Leave) -> None:
    video = record(state="failed", error_message="no")
    leave("wait", "failed", xcoms={"video": video, "vendor": "tavus", "video_id": "v1", "state": "generating"})
    assert read(session, "wait").video["error_message"] == "no"
    assert read(session, "wait").is_decided


def test_what_a_waiting_task_last_left_is_found(session: Session, leave: Leave) -> None:
    leave("wait", "deferred", xcoms={"vendor": "tavus", "video_id": "v1", "state": "generating"})
    task = read(session, "wait")
    assert task.video == {"vendor": "tavus", "video_id": "v1", "state": "generating"}
    assert task.seen_at == START
    assert not task.is_decided


def test_a_task_may_have_no_video(session: Session, leave: Leave) -> None:
    leave("other", operator="PythonOperator", xcoms={"return_value": {"video_id": 7}, "state": "New York"})
    assert read(session, "other").video == {}


def test_there_may_be_no_such_task(session: Session, leave: Leave) -> None:
    leave("wait", xcoms={"return_value": record()})
    assert read_task_video(session, *RUN, "wait", 3) is None
    assert read_task_video(session, "dag", "another_run", "wait", -1) is None


def test_other_tasks_add_what_they_know_of_the_video(session: Session, leave: Leave) -> None:
    copy = {"vendor": "tavus", "video_id": "v1", "path": "/videos/v1.mp4", "bytes": 12, "sha256": "00"}
    leave("order", xcoms={"return_value": record(state="queued", prompt="A cat.", name="mine")})
    leave("wait", "deferred", xcoms={"vendor": "tavus", "video_id": "v1", "state": "generating"})
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": copy})
    leave("wait_for_another", xcoms={"return_value": record("v2", prompt="A dog.")})
    task = read(session, "wait")
    assert (task.task_id, task.task_state, task.video["state"]) == ("wait", "deferred", "generating")
    assert (task.video["prompt"], task.video["name"]) == ("A cat.", "mine")
    assert task.copies == (copy,)
    assert read(session, "keep").video["prompt"] == "A cat."


def test_what_the_vendor_decided_is_not_undone_by_an_older_record(session: Session, leave: Leave) -> None:
    leave("wait", xcoms={"return_value": record(state="ready", download_url="https://a.example/v.mp4")})
    leave("passes_the_order_on", xcoms={"return_value": record(state="queued")})
    assert read(session, "passes_the_order_on").video["state"] == "ready"
    assert read(session, "passes_the_order_on").video["download_url"] == "https://a.example/v.mp4"


@pytest.mark.parametrize("video_id", ["50%_off", 'with "quotes" and \\', "naïve"])
def test_an_odd_id_finds_its_own_video_only(video_id: str, session: Session, leave: Leave) -> None:
    leave("wait", xcoms={"return_value": record(video_id, name="mine")})
    leave("wait_for_another", xcoms={"return_value": record("500_off", name="another")})
    assert read(session, "wait").video["name"] == "mine"


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_databases_may_write_signs_differently_within_json(ensure_ascii: bool, session: Session, leave: Leave) -> None:
    leave("order", xcoms={"return_value": record("naïve", state="queued", prompt="A cat.")})
    written = json.dumps(record("naïve", state="queued", prompt="A cat."), ensure_ascii=ensure_ascii)
    session.execute(text(f"UPDATE {XCOMS.name} SET value = :value"), {"value": written})
    leave("wait", xcoms={"return_value": record("naïve")})
    assert read(session, "wait").video["prompt"] == "A cat."


def test_a_run_shows_each_video_once(session: Session, leave: Leave) -> None:
    leave("order", xcoms={"return_value": record(state="queued", prompt="A cat.")})
    leave("wait", xcoms={"return_value": record()})
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": {**record(), "sha256": "00", "path": "p"}})
    leave("count", operator="PythonOperator", xcoms={"return_value": [record()]})
    leave("elsewhere", run_id="another_run", xcoms={"return_value": record("v9")})
    [video] = read_whole_run(session)
    assert (video.task_id, video.video["state"], video.video["prompt"]) == ("wait", "ready", "A cat.")
    assert len(video.copies) == 1


def test_a_run_shows_what_waits_and_what_failed_without_a_word(session: Session, leave: Leave) -> None:
    for index, state in enumerate(("deferred", "failed", "skipped", "upstream_failed", "success", None)):
        leave("wait", state, map_index=index)
    leave("other", "failed", operator="PythonOperator")
    assert [(video.map_index, video.task_state) for video in read_whole_run(session)] == [
        (0, "deferred"),
        (1, "failed"),
    ]


def test_a_mapped_task_shows_its_own_videos_in_order(session: Session, leave: Leave) -> None:
    for index in (10, 2, 0):
        leave("wait", map_index=index, xcoms={"return_value": record(f"v{index}")})
    leave("another", xcoms={"return_value": record("v7")})
    videos = read_whole_run(session, "wait")
    assert [video.video["video_id"] for video in videos] == ["v0", "v2", "v10"]


@pytest.mark.parametrize(
    "value",
    [
        ["video_id"],
        [[{"video_id": "v1", "vendor": "tavus"}]],
        {"video_id": ["v1"], "vendor": {"name": "tavus"}, "state": "ready"},
        {"video_id": None, "vendor": "tavus", "state": "ready"},
        "video_id",
        '{"video_id": ',
        "[" * 100_000 + '"video_id"',
        1e400,
        12,
        None,
    ],
)
def test_whatever_else_a_task_returned_is_no_video(value: Any, session: Session, leave: Leave) -> None:
    leave("other", operator="PythonOperator", xcoms={"return_value": value})
    assert read(session, "other").video == {}
    assert read_whole_run(session) == []


@pytest.mark.parametrize("state", [["ready"], {"is": "ready"}, 7, None])
def test_a_state_of_a_wrong_kind_decides_nothing(state: Any, session: Session, leave: Leave) -> None:
    leave("other", operator="PythonOperator", xcoms={"return_value": {**record(), "state": state}})
    assert not read(session, "other").is_decided
    assert len(read_whole_run(session)) == 1


@pytest.mark.parametrize("video_id", ["12345", "null", "1e3"])
def test_an_id_that_reads_as_a_number_stays_a_text(video_id: str, session: Session, leave: Leave) -> None:
    leave("wait", "deferred", xcoms={"vendor": "tavus", "video_id": video_id, "state": "generating"})
    assert read(session, "wait").video["video_id"] == video_id
    leave("once_more", "deferred", xcoms={"vendor": '"tavus"', "video_id": json.dumps(video_id)})
    assert read(session, "once_more").key == ("tavus", video_id)


def test_a_record_that_a_custom_backend_keeps_elsewhere_is_told_by_its_parts(session: Session, leave: Leave) -> None:
    video = record(download_url="https://a.example/v.mp4", prompt="A cat.")
    parts = {name: video[name] for name in ("vendor", "video_id", "state", "download_url")}
    leave("wait", xcoms={"return_value": "s3://bucket/xcom/1", **parts})
    assert read(session, "wait").video == parts
    assert [task.video for task in read_whole_run(session)] == [parts]


def test_where_a_custom_backend_keeps_all_elsewhere_there_is_nothing_to_show(session: Session, leave: Leave) -> None:
    elsewhere = "s3://bucket/xcom/1"
    leave("wait", xcoms=dict.fromkeys(("return_value", "vendor", "video_id", "state"), elsewhere))
    assert read(session, "wait").video == {}
    assert read_whole_run(session) == []


WAITING = {
    "vendor": "tavus",
    "video_id": "v1",
    "state": "generating",
    "status": "generating",
    "since": "2026-11-22T03:00:00+00:00",
    "last_poll": "2026-11-22T05:00:00+00:00",
    "failed_polls": 2,
    "started": "2026-11-22T00:00:00+00:00",
    "deadline": "2026-11-22T12:00:00+00:00",
}


def test_a_deferred_wait_shows_what_its_trigger_reported_last(session: Session, leave: Leave) -> None:
    leave(
        "wait",
        "deferred",
        xcoms={
            "vendor": "tavus",
            "video_id": "v1",
            "state": "queued",
            "hosted_url": "https://h.example",
            "waiting": WAITING,
        },
    )
    task = read(session, "wait")
    assert (task.video["state"], task.video["status"]) == ("generating", "generating")
    assert task.video["hosted_url"] == "https://h.example"
    assert task.seen_at == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert task.waiting == WAITING


def test_a_wait_that_needs_no_worker_shows_its_video_while_it_waits(session: Session, leave: Leave) -> None:
    leave("wait", "deferred", xcoms={"waiting": WAITING})
    [shown] = read_whole_run(session)
    assert (shown.key, shown.video["status"]) == (("tavus", "v1"), "generating")


def test_a_report_does_not_undo_the_record(session: Session, leave: Leave) -> None:
    leave("wait", xcoms={"waiting": WAITING, "return_value": record()})
    assert read(session, "wait").video == record()
    assert read(session, "wait").seen_at == START


def test_an_order_shows_what_it_asks_for_from_the_start(session: Session, leave: Leave) -> None:
    asked = {prompt: {"request": {"prompt": prompt}} for prompt in ("A cat.", "A dog.")}
    leave("order", "deferred", operator="GenerateVideoOperator", rendered=asked["A cat."])
    known = {"return_value": record("v2", prompt="A dog.")}
    leave("ordered", operator="GenerateVideoOperator", rendered=asked["A dog."], xcoms=known)
    assert read(session, "order").request == {"prompt": "A cat."}
    assert {task.task_id: task.request for task in read_whole_run(session)} == {
        "order": {"prompt": "A cat."},
        "ordered": {},
    }
