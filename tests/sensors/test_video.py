# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import re
import time
from typing import Any

import pytest
from airflow.sdk import PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import Outcome as VideoOutcome
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.video import Video, VideoState
from tests.vendor_kit import REQUESTS, Connect
from tests.waiting_kit import MODES, Outcome, TaskInstance, run, wait

in_every_mode = pytest.mark.parametrize("mode", MODES)


@in_every_mode
def test_a_ready_video_is_returned_at_the_first_look(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    outcome = wait(mode, video_id=video_id, conn_id=connect(vendor))
    assert outcome.state == "success", outcome.error
    assert outcome.value == VideoHook.get_hook(f"{vendor}_default").get_video(video_id).to_dict()
    assert outcome.triggers == []


@in_every_mode
def test_a_wait_ends_when_the_video_becomes_ready(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor, queued=1.5, generating=0.5)
    outcome = wait(mode, video_id=video_id, conn_id=connect(vendor))
    assert outcome.state == "success", outcome.error
    assert outcome.value is not None
    assert outcome.value["state"] == "ready"
    assert outcome.value["download_url"].startswith(simulator.url)
    assert len(simulator.requests_for(video_id)) > 2


@in_every_mode
def test_the_fields_that_people_pass_on_are_xcoms_of_their_own(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", generating=0.1)
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert outcome.value is not None
    keys = ("vendor", "video_id", "state", "download_url", "stream_url", "hosted_url")
    seconds = outcome.xcoms.pop("status_seconds")
    outcome.xcoms.pop("waiting", None)
    assert outcome.xcoms == {key: outcome.value[key] for key in keys}
    # A task that is rescheduled remembers nothing of the look before.
    assert list(seconds) == ([] if mode == "reschedule" else ["generating"])


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_what_is_known_is_pushed_while_a_task_waits(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id = simulator.add_video("tavus", generating=0.3)
    states: list[str] = []
    push = TaskInstance.xcom_push

    def xcom_push(self: TaskInstance, key: str, value: Any) -> None:
        push(self, key, value)
        states.extend([value] if key == "state" else [])

    monkeypatch.setattr(TaskInstance, "xcom_push", xcom_push)
    wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert states == ["generating", "ready"]


def test_a_wait_goes_on_though_its_progress_can_not_be_pushed(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = TaskInstance.xcom_push

    def fail_or_push(self: TaskInstance, key: str, value: Any) -> None:
        if key in {"waiting", "status_seconds"}:
            raise ConnectionError("the API server is away")
        push(self, key, value)

    monkeypatch.setattr(TaskInstance, "xcom_push", fail_or_push)
    outcome = wait("poke", video_id=simulator.add_video("tavus", generating=0.3), conn_id=connect("tavus"))
    assert outcome.state == "success", outcome.error


@in_every_mode
def test_nothing_is_pushed_if_the_task_pushes_no_xcom(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    assert wait(mode, video_id=video_id, conn_id=connect("tavus"), do_xcom_push=False).xcoms == {}


ENDS_WITHOUT_SUCCESS = [
    ("tavus", "failed", "failed", "error"),
    ("tavus", "deleted", "deleted", "deleted"),
    ("tavus", "ready_without_urls", "ready", "ready"),
    ("together", "failed", "failed", "failed"),
    ("together", "cancelled", "cancelled", "cancelled"),
    ("together", "ready_without_urls", "ready", "completed"),
]


@in_every_mode
@pytest.mark.parametrize("generating", [0, 0.1], ids=["at the first look", "later"])
@pytest.mark.parametrize(("vendor", "outcome", "state", "status"), ENDS_WITHOUT_SUCCESS)
def test_a_video_that_ends_without_success_fails_the_task_without_retry(
    mode: str,
    vendor: VendorName,
    outcome: VideoOutcome,
    state: str,
    status: str,
    generating: float,
    simulator: Simulator,
    connect: Connect,
) -> None:
    video_id = simulator.add_video(vendor, outcome=outcome, generating=generating, without=("hosted_url",))
    ended = wait(mode, video_id=video_id, conn_id=connect(vendor))
    assert ended.state == "failed"
    # Airflow retries any failure but that of an AirflowFailException, which this is.
    assert isinstance(ended.error, VideoFailedError)
    assert ended.xcoms["video"]["state"] == state
    assert ended.error.video == ended.xcoms["video"]
    assert video_id in ended.text
    assert repr(status) in ended.text


@in_every_mode
def test_the_exception_holds_the_vendors_reason(mode: str, simulator: Simulator, connect: Connect) -> None:
    reason = "Request has failed as the script violates community guidelines."
    tavus = simulator.add_video("tavus", outcome="failed", status_details=reason)
    assert reason in wait(mode, video_id=tavus, conn_id=connect("tavus")).text
    error = {"message": "No such resolution", "code": "bad_resolution"}
    together = simulator.add_video("together", outcome="failed", error=error)
    text = wait(mode, video_id=together, conn_id=connect("together")).text
    assert "No such resolution" in text
    assert "bad_resolution" in text


def _outcomes(simulator: Simulator, connect: Connect, mode: str, option: str) -> dict[str, str]:
    conn_id = connect("tavus")
    skips = {option: True}
    failed = simulator.add_video("tavus", outcome="failed", generating=0.1)
    stuck = simulator.add_video("tavus", outcome="stuck")
    outcomes = {
        "failed": wait(mode, video_id=failed, conn_id=conn_id, **skips).state,
        "timeout": wait(mode, video_id=stuck, conn_id=conn_id, timeout=0.2, **skips).state,
        "unknown id": wait(mode, video_id="nobody", conn_id=conn_id, **skips).state,
    }
    video_id = simulator.add_video("tavus", generating=0.1)
    outcomes["refused key"] = wait(mode, video_id=video_id, conn_id=connect("tavus", key="wrong"), **skips).state
    return outcomes


@in_every_mode
def test_soft_fail_skips_for_what_the_vendor_or_the_clock_decides_only(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    assert _outcomes(simulator, connect, mode, "soft_fail") == {
        "failed": "skipped",
        "timeout": "skipped",
        "unknown id": "failed",
        "refused key": "failed",
    }


@in_every_mode
def test_soft_fail_never_skips_a_wait_that_has_no_id(mode: str, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    for video_id in ("", {"video_id": "v1", "vendor": "together"}):
        outcome = wait(mode, video_id=video_id, conn_id=conn_id, soft_fail=True)
        assert outcome.state == "failed"
        assert isinstance(outcome.error, VideoIdError)
        # Nor is it retried.
        assert isinstance(outcome.error, AirflowFailException)
    assert simulator.record.requests == {}


def test_soft_fail_does_not_skip_if_the_id_was_missing_in_the_triggerer() -> None:
    # The scheduler starts a trigger with whatever a template gives.
    event = {"video_id": "", "error": VideoIdError("the id is empty").to_dict(), "status_seconds": {}}
    context: Any = {"ti": TaskInstance()}
    sensor = VideoSensor(task_id="wait", video_id="{{ params.id }}", conn_id="c", soft_fail=True)
    with pytest.raises(VideoIdError):
        sensor.resume_execution("execute_complete", {"event": event}, context)
    video = Video(vendor="tavus", video_id="v1", state=VideoState.FAILED, status="error")
    event["error"] = VideoFailedError(video=video.to_dict()).to_dict()
    with pytest.raises(AirflowSkipException):
        sensor.resume_execution("execute_complete", {"event": event}, context)
    # What Airflow itself ends the trigger with.
    with pytest.raises(AirflowSkipException):
        sensor.resume_execution("__fail__", {"error": "Trigger timeout"}, context)


@in_every_mode
def test_never_fail_skips_for_everything(mode: str, simulator: Simulator, connect: Connect) -> None:
    assert set(_outcomes(simulator, connect, mode, "never_fail").values()) == {"skipped"}


@in_every_mode
def test_a_timeout_says_what_was_seen_and_what_may_still_come(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck", generating=0)
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=0.3, poke_interval=0.1)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert f"'{video_id}' is not finished after " in outcome.text
    assert "last status was 'generating'" in outcome.text
    assert "may still finish it and bill it" in outcome.text


@in_every_mode
def test_the_last_look_is_at_the_timeout(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=1)
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=1.8, poke_interval=60)
    assert outcome.state == "success", outcome.error
    assert len(simulator.requests_for(video_id)) == 2


@in_every_mode
def test_the_poke_interval_holds(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=0.9)
    wait(mode, video_id=video_id, conn_id=connect("tavus"), poke_interval=0.3)
    times = simulator.requests_for(video_id)
    assert all(later - earlier >= 0.29 for earlier, later in itertools.pairwise(times))
    assert 2 <= len(times) <= 5


@in_every_mode
def test_exponential_backoff_doubles_the_interval_up_to_max_wait(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    wait(
        mode,
        video_id=video_id,
        conn_id=connect("tavus"),
        poke_interval=0.1,
        exponential_backoff=True,
        max_wait=0.4,
        timeout=2,
    )
    times = simulator.requests_for(video_id)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] >= 0.09
    assert pauses[1] >= 0.19
    # Without doubling it would be twenty, and without max_wait five.
    assert len(times) <= 8


@in_every_mode
def test_silent_fail_goes_on_whatever_a_look_fails_with(mode: str, simulator: Simulator, connect: Connect) -> None:
    outcome = wait(mode, video_id="not-there-yet", conn_id=connect("tavus"), silent_fail=True, timeout=1)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert "Invalid video_id" in outcome.text
    assert len(simulator.requests_for("not-there-yet")) > 1


@in_every_mode
def test_silent_fail_does_not_hide_a_video_that_failed(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", outcome="failed")
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), silent_fail=True)
    assert isinstance(outcome.error, VideoFailedError)


@in_every_mode
def test_a_dict_of_an_earlier_task_stands_for_its_video(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=0.1)
    earlier = VideoHook.get_hook(connect("tavus")).get_video(video_id).to_dict()
    outcome = wait(mode, video_id=earlier, conn_id=connect("tavus"))
    assert outcome.value is not None
    assert outcome.value["video_id"] == video_id


@in_every_mode
def test_the_answer_about_another_video_is_asked_for_again(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=0.1)
    simulator.add_fault(Fault("merge", body='{"video_id": "another", "status": "ready"}', times=2))
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert outcome.value is not None
    assert outcome.value["video_id"] == video_id
    assert sum("it is about another video, 'another'" in line for line in outcome.log) == 2


@in_every_mode
def test_the_answer_about_another_video_never_ends_a_wait_well(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(Fault("merge", body='{"video_id": "another"}'))
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), max_consecutive_failures=2)
    assert isinstance(outcome.error, VideoAnswerError)


@in_every_mode
@pytest.mark.parametrize("vendor", ["tavus", "together"])
def test_a_video_that_was_ordered_just_now_may_not_be_known_yet(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    order = VideoHook.get_hook(connect(vendor)).create_video(**REQUESTS[vendor]).to_dict()
    simulator.add_fault(Fault("unknown_video", times=2))
    assert wait(mode, video_id=order, conn_id=connect(vendor)).state == "success"
    long_ago = {**order, "created_at": "2026-01-01T00:00:00+00:00"}
    for unknown in (long_ago, order["video_id"], {**order, "created_at": "yesterday"}):
        simulator.add_fault(Fault("unknown_video", times=1))
        assert isinstance(wait(mode, video_id=unknown, conn_id=connect(vendor)).error, VideoApiError)


@in_every_mode
def test_a_video_of_another_vendor_is_refused_before_any_request(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    earlier = {"video_id": "v1", "vendor": "together"}
    outcome = wait(mode, video_id=earlier, conn_id=connect("tavus"))
    assert isinstance(outcome.error, VideoIdError)
    assert simulator.record.to_dict()["requests"] == {}


def _status_lines(outcome: Outcome) -> list[str]:
    return [line for line in outcome.log if line.startswith("Video '")]


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_line_is_logged_when_the_status_changes_and_the_last_says_how_long_each_took(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", queued=0.8, generating=0.8)
    lines = _status_lines(wait(mode, video_id=video_id, conn_id=connect("tavus")))
    assert lines[:2] == [f"Video '{video_id}' of tavus: {status}" for status in ("queued", "generating")]
    assert len(lines) == 3
    assert lines[2].startswith(f"Video '{video_id}' of tavus ended as 'ready' after ")
    assert re.search(r"\(queued [\d.]+ s, generating [\d.]+ s\); its URL is at 127\.0\.0\.1\.$", lines[2])


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_line_is_logged_when_the_progress_changes(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=1.5, form="observed")
    lines = _status_lines(wait(mode, video_id=video_id, conn_id=connect("tavus")))
    assert sum("generating, " in line for line in lines) > 2


def test_deferring_says_when_to_look_next_and_keeps_the_deadline(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=2)
    [trigger] = wait("deferrable", video_id=video_id, conn_id=connect("tavus"), timeout=20).triggers
    stored = trigger
    assert stored["timeout"] == pytest.approx(20)
    assert stored["started_at"] < stored["next_look_at"] < stored["started_at"] + 20
    assert stored["seen"] == [["generating", pytest.approx(stored["started_at"], abs=2)]]


def test_the_defaults_fit_the_job() -> None:
    sensor = VideoSensor(task_id="wait", video_id="v", conn_id="c")
    assert (sensor.poke_interval, sensor.timeout, sensor.deferrable) == (30, 12 * 3600, False)
    assert sensor.template_fields == ("video_id", "conn_id")


class ApprovedVideoSensor(VideoSensor):
    """A subclass as people write it: it builds on one poke."""

    refusals = 2

    def poke(self, context: Any) -> PokeReturnValue:
        result = super().poke(context)
        if result.is_done and self.refusals:
            self.refusals -= 1
            return PokeReturnValue(is_done=False)
        return result


def test_a_poke_is_one_poll(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", generating=0.5)
    sensor = VideoSensor(task_id="wait", video_id=video_id, conn_id=connect("tavus"))
    context: Any = {"ti": TaskInstance()}
    first = sensor.poke(context)
    assert (first.is_done, first.xcom_value) == (False, None)
    time.sleep(0.6)
    second = sensor.poke(context)
    assert second.is_done
    assert second.xcom_value is not None
    assert second.xcom_value["video_id"] == video_id
    assert len(simulator.requests_for(video_id)) == 2
    assert context["ti"].xcoms["download_url"] == second.xcom_value["download_url"]


def test_a_poke_that_fails_transiently_is_not_done(simulator: Simulator, connect: Connect) -> None:
    simulator.add_fault(Fault("status", status=503, times=1))
    sensor = VideoSensor(task_id="wait", video_id=simulator.add_video("tavus"), conn_id=connect("tavus"))
    context: Any = {"ti": TaskInstance()}
    assert [sensor.poke(context).is_done for _ in range(2)] == [False, True]


def test_a_poke_raises_what_ends_the_wait(simulator: Simulator, connect: Connect) -> None:
    sensor = VideoSensor(
        task_id="wait", video_id=simulator.add_video("tavus", outcome="failed"), conn_id=connect("tavus")
    )
    with pytest.raises(VideoFailedError):
        sensor.poke({"ti": TaskInstance()})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_subclass_that_builds_on_poke_decides(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id, conn_id = simulator.add_video("tavus"), connect("tavus")
    made = ApprovedVideoSensor(task_id="wait", video_id=video_id, conn_id=conn_id, mode=mode, poke_interval=0.1)
    outcome = run(lambda: made)
    assert outcome.state == "success", outcome.error
    assert outcome.value is not None
    assert outcome.value["video_id"] == video_id
    assert len(simulator.requests_for(video_id)) == 3


def test_a_subclass_that_is_never_content_ends_at_the_timeout(simulator: Simulator, connect: Connect) -> None:
    class NeverContent(ApprovedVideoSensor):
        refusals = 1000

    video_id, conn_id = simulator.add_video("tavus"), connect("tavus")
    made = NeverContent(task_id="wait", video_id=video_id, conn_id=conn_id, poke_interval=0.1, timeout=0.5)
    assert isinstance(run(lambda: made).error, VideoTimeoutError)


@in_every_mode
def test_a_skip_logs_the_vendors_reason(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", outcome="failed", status_details="The script is too long.")
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), soft_fail=True)
    assert outcome.state == "skipped"
    assert any("The script is too long." in line for line in outcome.log)
