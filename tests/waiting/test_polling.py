# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest

from airflow_provider_videos.clock import in_words
from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
    VideoTransportError,
    VideoUnavailableError,
)
from airflow_provider_videos.retries import JITTER, MAX_PAUSE_AFTER_FAILURE, MAX_RETRY_AFTER
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.waiting.polling import (
    DEFAULT_MAX_CONSECUTIVE_FAILURES,
    PollingRules,
    Wait,
)
from airflow_provider_videos.waiting.status_history import StatusChange

START = 1_000_000.0
CALL: dict[str, Any] = {"vendor": "Tavus", "conn_id": "c", "video_id": "v1"}
RESET = VideoTransportError(**CALL, host="h", reason="the connection was reset", maybe_received=True)
REFUSED_KEY = VideoAuthError(**CALL, status_code=401, message="Invalid access token")


def unavailable(retry_after: float | None = None) -> VideoUnavailableError:
    return VideoUnavailableError(**CALL, status_code=503, message="Overloaded", retry_after=retry_after)


def video(status: str = "generating", state: VideoState = VideoState.GENERATING, **fields: Any) -> Video:
    return Video(vendor="tavus", video_id="v1", status=status, state=state, **fields)


READY = video("ready", VideoState.READY, download_url="https://x.test/v1")


def wait_for(
    *,
    timeout: float = 10_000,
    jitter: float = 0.0,
    seen: tuple[StatusChange, ...] = (),
    failures: int = 0,
    **rules: Any,
) -> Wait:
    return Wait(
        video_id="v1",
        rules=PollingRules(**{"poke_interval": 30.0, **rules}),
        started_at=START,
        deadline=START + timeout,
        seen=seen,
        failures=failures,
        jitter=lambda: jitter,
    )


@pytest.mark.parametrize("url", ["download_url", "stream_url", "hosted_url"])
@pytest.mark.parametrize("late", [0, 10_000, 20_000], ids=["at once", "at the deadline", "after the deadline"])
def test_a_usable_video_ends_the_wait_whenever_it_is_seen(url: str, late: float) -> None:
    ready = video("ready", VideoState.READY, **{url: "https://x.test/v1"})
    step = wait_for().on_video(ready, now=START + late)
    assert (step.ends, step.video, step.error) == (True, ready, None)


@pytest.mark.parametrize(
    "ended",
    [
        video("error", VideoState.FAILED, error_message="no"),
        video("cancelled", VideoState.CANCELLED),
        video("deleted", VideoState.DELETED, download_url="https://x.test/v1"),
        video("expired", VideoState.EXPIRED),
        video("ready", VideoState.READY),
    ],
    ids=lambda ended: str(ended.state),
)
@pytest.mark.parametrize("silent_fail", [False, True])
@pytest.mark.parametrize("late", [0, 20_000], ids=["at once", "after the deadline"])
def test_a_video_that_ended_without_success_ends_the_wait(ended: Video, silent_fail: bool, late: float) -> None:
    step = wait_for(silent_fail=silent_fail).on_video(ended, now=START + late)
    assert isinstance(step.error, VideoFailedError)
    assert step.error.video == ended.to_dict()
    assert step.ends
    assert step.video is None
    assert step.log[-1][0] == logging.ERROR


@pytest.mark.parametrize(
    "pending",
    [video("queued", VideoState.QUEUED), video(), video("pondering", VideoState.UNKNOWN)],
    ids=lambda pending: str(pending.state),
)
def test_a_pending_video_is_looked_at_again_after_the_poke_interval(pending: Video) -> None:
    step = wait_for().on_video(pending, now=START)
    assert not step.ends
    assert step.pause == 30


@pytest.mark.parametrize(
    ("now", "pause"),
    [(9_970.0, 30.0), (9_971.0, 29.0), (9_999.8, pytest.approx(0.2))],
    ids=["an interval before", "less than an interval before", "just before"],
)
def test_the_last_look_is_exactly_at_the_deadline(now: float, pause: float) -> None:
    assert wait_for().on_video(video(), now=START + now).pause == pause
    assert wait_for().on_error(RESET, now=START + now).pause == pause


@pytest.mark.parametrize("late", [-0.05, 0.0, 500.0])
def test_a_pending_video_at_the_deadline_is_a_timeout(late: float) -> None:
    wait = wait_for(
        seen=(StatusChange(status="queued", since=START), StatusChange(status="generating", since=START + 9_000))
    )
    step = wait.on_video(video(), now=START + 10_000 + late)
    assert isinstance(step.error, VideoTimeoutError)
    assert step.error.waited == in_words(10_000 + late)
    assert step.error.last_seen == f"Its last status was 'generating', first seen {in_words(1_000 + late)} before."


def test_a_failed_look_at_the_deadline_is_a_timeout_that_says_so() -> None:
    step = wait_for().on_error(RESET, now=START + 10_000)
    assert isinstance(step.error, VideoTimeoutError)
    assert step.error.last_seen == f"Its status was never seen. The last poll failed: {RESET}"


def test_a_timeout_below_the_interval_leaves_two_looks() -> None:
    wait = wait_for(timeout=5)
    assert wait.on_video(video(), now=START).pause == 5
    assert wait.on_video(video(), now=START + 5).ends


def test_a_timeout_of_nothing_leaves_one_look() -> None:
    assert isinstance(wait_for(timeout=0).on_video(video(), now=START).error, VideoTimeoutError)
    assert wait_for(timeout=0).on_video(READY, now=START).video is READY


@pytest.mark.parametrize(
    "error",
    [
        VideoApiError(**CALL, status_code=404, message="Not found"),
        REFUSED_KEY,
        VideoConnectionError(conn_id="c", field="password", problem="is empty"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_answer_ends_the_wait_at_once_unless_failures_are_silent(error: VideoError) -> None:
    assert wait_for().on_error(error, now=START).error is error
    # Even past the deadline it is the answer that the user wants to know.
    assert wait_for().on_error(error, now=START + 20_000).error is error
    assert not wait_for(silent_fail=True).on_error(error, now=START).ends


def test_what_is_no_id_ends_the_wait_even_if_failures_are_silent() -> None:
    error = VideoIdError("the id is empty")
    assert wait_for(silent_fail=True).on_error(error, now=START).error is error


@pytest.mark.parametrize(
    "error",
    [RESET, unavailable(), unavailable(1), VideoAnswerError(**CALL, problem="it has no status")],
    ids=["transport", "503", "503 with Retry-After", "garbage"],
)
def test_passing_faults_end_the_wait_after_so_many_in_a_row(error: VideoError) -> None:
    wait = wait_for(max_consecutive_failures=3)
    assert [wait.on_error(error, now=START + look).error for look in range(3)] == [None, None, error]


def test_failures_in_a_row_are_counted_across_processes() -> None:
    assert wait_for(max_consecutive_failures=3, failures=2).on_error(RESET, now=START).error is RESET


def test_a_success_starts_the_count_anew() -> None:
    wait = wait_for(max_consecutive_failures=2)
    for look in range(5):
        assert wait.on_error(RESET, now=START + 2 * look).pause == 30
        assert not wait.on_video(video(), now=START + 2 * look + 1).ends


def test_silent_failures_end_at_the_deadline_only() -> None:
    wait = wait_for(silent_fail=True, max_consecutive_failures=1)
    assert not any(wait.on_error(REFUSED_KEY, now=START + look).ends for look in range(100))
    step = wait.on_error(REFUSED_KEY, now=START + 10_000)
    assert isinstance(step.error, VideoTimeoutError)
    assert str(REFUSED_KEY) in str(step.error)


@pytest.mark.parametrize(
    ("poke_interval", "pauses"),
    [(1.0, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]), (30.0, [30, 60, 120, 240, 300, 300]), (400.0, [400, 400])],
)
def test_pauses_after_failures_double_up_to_a_limit(poke_interval: float, pauses: list[float]) -> None:
    wait = wait_for(poke_interval=poke_interval)
    assert [wait.on_error(RESET, now=START).pause for _ in pauses] == pauses


def test_pauses_after_failures_are_lengthened_at_random() -> None:
    wait = wait_for(jitter=0.5)
    assert [wait.on_error(RESET, now=START).pause for _ in range(3)] == pytest.approx([33, 66, 132])
    assert wait_for(jitter=1, poke_interval=MAX_PAUSE_AFTER_FAILURE).on_error(RESET, now=START).pause == pytest.approx(
        MAX_PAUSE_AFTER_FAILURE
    )


def test_a_silent_wait_of_any_length_keeps_a_finite_pause() -> None:
    wait = wait_for(silent_fail=True, failures=100_000)
    assert wait.on_error(RESET, now=START).pause == MAX_PAUSE_AFTER_FAILURE


@pytest.mark.parametrize("poke_interval", [1.0, 30.0, 600.0])
def test_the_default_number_of_failures_rides_out_ten_minutes(poke_interval: float) -> None:
    wait = wait_for(poke_interval=poke_interval)
    now = START
    for _ in range(DEFAULT_MAX_CONSECUTIVE_FAILURES - 1):
        now += wait.on_error(RESET, now=now).pause
    assert now - START >= 600
    assert wait.on_error(RESET, now=now).error is RESET


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        (0.0, 30.0),
        (29.0, 30.0),
        (31.5, 31.5),
        (MAX_RETRY_AFTER, MAX_RETRY_AFTER),
        (86_400.0, MAX_RETRY_AFTER),
        (float("inf"), MAX_RETRY_AFTER),
    ],
)
def test_retry_after_is_obeyed_within_limits_and_never_faster_than_the_interval(
    retry_after: float, pause: float
) -> None:
    assert wait_for().on_error(unavailable(retry_after), now=START).pause == pause


def test_a_short_retry_after_does_not_use_the_failures_up_in_a_minute() -> None:
    wait, now = wait_for(), START
    while not (step := wait.on_error(unavailable(0.0), now=now)).ends:
        now += step.pause
    assert now - START >= 600


def test_retry_after_does_not_outlast_the_deadline() -> None:
    assert wait_for(timeout=50).on_error(unavailable(60), now=START).pause == 50


def looks(wait: Wait, number: int) -> list[float]:
    now, pauses = START, []
    for _ in range(number):
        pauses.append(wait.on_video(video(), now=now).pause)
        now += pauses[-1]
    return pauses


def test_exponential_backoff_doubles_the_interval() -> None:
    assert looks(wait_for(exponential_backoff=True), 6) == [30, 60, 120, 240, 480, 960]


def test_exponential_backoff_is_capped_by_max_wait() -> None:
    assert looks(wait_for(exponential_backoff=True, max_wait=100.0), 5) == [30, 60, 100, 100, 100]


def test_exponential_backoff_is_lengthened_at_random_but_not_beyond_max_wait() -> None:
    assert looks(wait_for(exponential_backoff=True, jitter=1), 1) == pytest.approx([30 * (1 + JITTER)])
    assert looks(wait_for(exponential_backoff=True, jitter=1, max_wait=31.0), 1) == [31]


@pytest.mark.parametrize("max_wait", [0.0, 1.0])
def test_a_max_wait_below_the_interval_does_not_make_looks_faster(max_wait: float) -> None:
    assert min(looks(wait_for(exponential_backoff=True, max_wait=max_wait), 3)) >= 30


def test_a_failure_does_not_make_looks_faster_than_the_backoff() -> None:
    wait = wait_for(exponential_backoff=True)
    assert wait.on_error(RESET, now=START + 450).pause == 480
    assert wait.on_error(unavailable(5), now=START + 450).pause == 480


def lines(wait: Wait, *videos: Video) -> list[str]:
    return [line for at, seen in enumerate(videos) for _, line in wait.on_video(seen, now=START + 60 * at).log]


def test_a_line_is_logged_only_when_status_or_progress_changes() -> None:
    generating = video(progress=0.1)
    assert lines(
        wait_for(),
        video("queued", VideoState.QUEUED),
        video("queued", VideoState.QUEUED),
        generating,
        generating,
        dataclasses.replace(generating, progress=0.5),
        dataclasses.replace(generating, progress=0.5),
    ) == [
        "Video 'v1' of tavus: queued",
        "Video 'v1' of tavus: generating, 10%",
        "Video 'v1' of tavus: generating, 50%",
    ]


def test_a_status_that_another_process_logged_is_not_logged_again() -> None:
    assert lines(wait_for(seen=(StatusChange(status="generating", since=START),)), video(), video()) == []


def test_the_last_line_says_how_long_each_status_took() -> None:
    queued = video("queued", VideoState.QUEUED)
    last = lines(wait_for(), queued, queued, video(), READY)[-1]
    assert (
        last
        == "Video 'v1' of tavus ended as 'ready' after 3 min (queued 2 min, generating 1 min); its URL is at x.test."
    )


def test_the_last_line_of_a_video_that_was_ready_at_once_is_plain() -> None:
    assert lines(wait_for(), READY)[-1] == "Video 'v1' of tavus ended as 'ready' after 0 s; its URL is at x.test."


def test_an_unknown_status_is_named_once_as_a_warning() -> None:
    pondering = video("pondering", VideoState.UNKNOWN)
    wait = wait_for()
    [(level, line)] = wait.on_video(pondering, now=START).log
    assert level == logging.WARNING
    assert line.startswith("Video 'v1' of tavus: pondering. ")
    assert wait.on_video(pondering, now=START + 1).log == ()
    wait.on_video(video(), now=START + 2)
    assert [level for level, _ in wait.on_video(pondering, now=START + 3).log if level == logging.WARNING] == []


def test_a_failed_look_is_logged_with_its_number_its_cause_and_the_next_look() -> None:
    wait = wait_for(max_consecutive_failures=2)
    assert wait.on_error(RESET, now=START).log == (
        (logging.WARNING, f"Failed poll 1 of 2 in a row, next in 30 s: {RESET}"),
    )
    assert wait.on_error(RESET, now=START).log == (
        (logging.ERROR, "2 polls in a row failed, the most that max_consecutive_failures allows."),
    )


def test_a_silent_failure_is_logged_too() -> None:
    [(_, line)] = wait_for(silent_fail=True).on_error(REFUSED_KEY, now=START).log
    assert line == f"Failed poll 1 in a row, next in 30 s: {REFUSED_KEY}"


@pytest.mark.parametrize("planned", [START + 3600, START + 1e9], ids=["an hour ahead", "far ahead"])
@pytest.mark.parametrize(
    ("rules", "longest"), [({}, 36), ({"exponential_backoff": True}, 45), ({"failures": 1}, MAX_RETRY_AFTER)], ids=str
)
def test_a_clock_that_was_ahead_makes_no_first_pause_longer_than_the_rules(
    rules: dict[str, Any], longest: float, planned: float
) -> None:
    wait = wait_for(**rules)
    wait.next_poll_at = planned
    assert 0 < wait.first_pause(START) <= longest


@pytest.mark.parametrize("backoff", [False, True])
def test_a_clock_that_is_set_back_leaves_a_pause(backoff: bool) -> None:
    wait = wait_for(exponential_backoff=backoff)
    assert wait.on_video(video(), now=START - 7200).pause >= 30


def test_a_connection_may_be_missing_for_a_moment_when_the_scheduler_begins_a_wait() -> None:
    missing = VideoConnectionError(conn_id="c", field="conn_id", problem="there is no such connection")
    begun_by_scheduler = Wait(
        video_id="v1",
        rules=PollingRules(poke_interval=30),
        started_at=START,
        deadline=START + 10_000,
        connection_grace=60,
    )
    assert not begun_by_scheduler.on_error(missing, now=START).ends
    assert begun_by_scheduler.on_error(missing, now=START + 61).error is missing
    # On a worker, Airflow's own client has repeated the look-up.
    assert wait_for().on_error(missing, now=START).error is missing


def test_a_wait_that_polled_before_outlives_an_outage_of_airflow() -> None:
    missing = VideoConnectionError(conn_id="c", field="conn_id", problem="there is no such connection")
    wait = wait_for()
    wait.on_video(video(), now=START)
    assert not wait.on_error(missing, now=START + 30).ends


def test_the_last_line_says_what_it_cost_and_where_it_is_and_no_signed_url() -> None:
    ready = video("ready", VideoState.READY, download_url="https://cdn.test/v1?signature=secret", cost=0.35)
    [line] = lines(wait_for(), ready)
    assert line.endswith("after 0 s; it cost $0.35; its URL is at cdn.test.")
