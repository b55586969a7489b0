# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videos.waiting.status_history import MAX_CHANGES, NOT_OBSERVED, StatusChange, StatusHistory


def test_each_status_took_until_the_poll_that_saw_the_next_one() -> None:
    history = StatusHistory()
    assert history.note("queued", now=100, planned_at=100)
    assert not history.note("queued", now=130, planned_at=130)
    assert history.note("generating", now=160, planned_at=160)
    assert history.seconds(200) == {"queued": 60, "generating": 40}


def test_a_status_that_comes_again_is_added_up() -> None:
    history = StatusHistory()
    for now, status in ((0, "queued"), (10, "generating"), (20, "queued")):
        history.note(status, now=now, planned_at=now)
    assert history.seconds(50) == {"queued": 40, "generating": 10}


def test_a_change_while_no_triggerer_ran_is_not_observed() -> None:
    history = StatusHistory((StatusChange(status="queued", since=0),))
    history.note("generating", now=3600, planned_at=30)
    assert history.seconds(3700) == {"queued": 30, NOT_OBSERVED: 3570, "generating": 100}


def test_an_end_while_no_triggerer_ran_is_not_observed() -> None:
    history = StatusHistory((StatusChange(status="queued", since=0),))
    history.note(None, now=3600, planned_at=30)
    assert history.seconds(3600) == {"queued": 30, NOT_OBSERVED: 3570}


def test_a_status_that_is_the_same_after_the_change_of_triggerer_has_been_so_all_along() -> None:
    history = StatusHistory((StatusChange(status="queued", since=0),))
    assert not history.note("queued", now=3600, planned_at=30)
    assert history.seconds(3610) == {"queued": 3610}


def test_a_poll_that_is_a_little_late_observes() -> None:
    history = StatusHistory((StatusChange(status="queued", since=0),))
    history.note("generating", now=60, planned_at=30)
    assert history.seconds(70) == {"queued": 60, "generating": 10}


def test_only_the_last_changes_are_remembered() -> None:
    history = StatusHistory()
    for now in range(100):
        history.note(f"status {now}", now=now, planned_at=now)
    assert len(history.seen) == MAX_CHANGES
    assert history.last == StatusChange(status="status 99", since=99)
