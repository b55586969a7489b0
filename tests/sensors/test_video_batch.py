# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoBatchError,
    VideoError,
    VideoIdError,
    VideoParameterError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.sensors.video_batch import VideoBatchSensor
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.triggers.video_batch import VideoBatchTrigger
from tests.attempts import Store
from tests.vendor_kit import Connect
from tests.waiting_kit import MODES, Outcome, TaskInstance, only_event, run, through_the_database

in_every_mode = pytest.mark.parametrize("mode", MODES)


def wait(
    mode: str,
    video_ids: Any,
    *,
    store: Any = None,
    events: Any = None,
    retries: int = 1,
    **arguments: Any,
) -> Outcome:
    """Run a VideoBatchSensor in a mode to its end."""

    def make() -> VideoBatchSensor:
        return VideoBatchSensor(
            task_id="wait",
            mode="reschedule" if mode == "reschedule" else "poke",
            deferrable=mode == "deferrable",
            video_ids=video_ids,
            **{"poke_interval": 0.05, "timeout": 20, **arguments},
        )

    context = {"task_state_store": Store() if store is None else store}
    return run(make, context=context if events is None else {**context, "outlet_events": events}, retries=retries)


def videos_of(outcome: Outcome) -> list[dict[str, Any]]:
    assert isinstance(outcome.value, list), outcome.error
    return outcome.value


@in_every_mode
def test_the_records_come_in_the_order_of_the_list_and_are_those_of_a_single_wait(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video(vendor, generating=seconds) for seconds in (0.6, 0, 0.3)]
    outcome = wait(mode, video_ids, conn_id=connect(vendor))
    assert outcome.state == "success", outcome.error
    hook = VideoHook.get_hook(f"{vendor}_default")
    assert outcome.value == [hook.get_video(video_id).to_dict() for video_id in video_ids]
    assert outcome.xcoms["videos"] == outcome.value


@in_every_mode
def test_a_list_may_hold_records_the_same_video_twice_and_be_a_text(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    first, second = (simulator.add_video("tavus") for _ in range(2))
    conn_id = connect("tavus")
    for video_ids in ([{"video_id": first, "vendor": "tavus"}, second, first], f"['{first}', '{second}', '{first}']"):
        outcome = wait(mode, video_ids, conn_id=conn_id)
        assert [video["video_id"] for video in videos_of(outcome)] == [first, second, first]


@in_every_mode
def test_an_empty_list_is_waited_for_at_once(mode: str, simulator: Simulator, connect: Connect) -> None:
    outcome = wait(mode, [], conn_id=connect("tavus"))
    assert (outcome.state, outcome.value, outcome.triggers) == ("success", [], [])


@in_every_mode
def test_a_failed_video_fails_the_task_after_all_others_have_ended(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    failed = simulator.add_video("tavus", outcome="failed", status_details="The script is empty.")
    slow = simulator.add_video("tavus", generating=0.7)
    outcome = wait(mode, [failed, slow], conn_id=connect("tavus"))
    assert outcome.state == "failed"
    assert isinstance(outcome.error, VideoBatchError)
    assert isinstance(outcome.error, AirflowFailException)
    assert outcome.text == f"1 of 2 videos failed. {failed}: The script is empty."
    assert [video["state"] for video in outcome.xcoms["videos"]] == ["failed", "ready"]
    assert outcome.xcoms["videos"][0]["error_message"] == "The script is empty."
    assert outcome.xcoms["videos"][1]["download_url"]


@in_every_mode
def test_a_failed_video_is_returned_if_the_dag_says_so(mode: str, simulator: Simulator, connect: Connect) -> None:
    failed, ready = simulator.add_video("tavus", outcome="failed"), simulator.add_video("tavus")
    stuck = simulator.add_video("tavus", outcome="stuck")
    outcome = wait(mode, [failed, ready, stuck, "nobody"], conn_id=connect("tavus"), on_failure="return", timeout=0.7)
    videos = videos_of(outcome)
    assert [video["state"] for video in videos] == ["failed", "ready", "generating", "unknown"]
    assert [bool(video["error_message"]) for video in videos] == [True, False, True, True]
    assert "is not finished after" in videos[2]["error_message"]
    assert "Invalid video_id" in videos[3]["error_message"]
    assert {frozenset(video) for video in videos} == {frozenset(videos[1])}
    assert outcome.xcoms["videos"] == videos


@in_every_mode
def test_what_has_ended_is_not_polled_again(mode: str, simulator: Simulator, connect: Connect) -> None:
    failed, ready = simulator.add_video("tavus", outcome="failed"), simulator.add_video("tavus")
    slow = simulator.add_video("tavus", generating=3)
    wait(mode, [failed, ready, slow], conn_id=connect("tavus"), poke_interval=0.2)
    assert [len(simulator.requests_for(video_id)) for video_id in (failed, ready)] == [1, 1]
    assert 3 <= len(simulator.requests_for(slow)) <= 16


def test_a_rescheduled_wait_keeps_what_has_ended_in_values_that_airflow_takes(
    simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(100)]
    slow = simulator.add_video("tavus", generating=5)
    store = Store()
    outcome = wait("reschedule", [*video_ids, slow], conn_id=connect("tavus"), store=store, poke_interval=0.5)
    assert [video["video_id"] for video in videos_of(outcome)] == [*video_ids, slow]
    assert len(store) == 3
    assert max(len(str(value)) for value in store.values()) < 65_000
    assert {len(simulator.requests_for(video_id)) for video_id in video_ids} == {1}


def test_a_rescheduled_wait_keeps_long_records_in_values_that_airflow_takes(
    simulator: Simulator, connect: Connect
) -> None:
    # As long as a script with a signed URL, and as hard to compress.
    scripts = [random.Random(number).randbytes(2_000).hex() for number in range(40)]
    video_ids = [simulator.add_video("tavus", data={"script": script}) for script in scripts]
    slow = simulator.add_video("tavus", generating=2)
    store = Store()
    outcome = wait("reschedule", [*video_ids, slow], conn_id=connect("tavus"), store=store, poke_interval=0.5)
    assert [video["script"] for video in videos_of(outcome)][:40] == scripts
    assert max(len(json.dumps(value)) for value in store.values()) < 65_000


@in_every_mode
@pytest.mark.parametrize("min_ready", [2, 0.5])
def test_a_wait_ends_well_when_enough_are_ready(
    mode: str, min_ready: float, simulator: Simulator, connect: Connect
) -> None:
    stuck, failed = simulator.add_video("tavus", outcome="stuck"), simulator.add_video("tavus", outcome="failed")
    ready = [simulator.add_video("tavus", generating=seconds) for seconds in (0.2, 0.5)]
    outcome = wait(mode, [stuck, *ready, failed], conn_id=connect("tavus"), min_ready=min_ready)
    assert [video["state"] for video in videos_of(outcome)] == ["generating", "ready", "ready", "failed"]
    assert videos_of(outcome)[0]["error_message"] is None


@in_every_mode
def test_too_few_ready_ones_fail_the_task_once_all_have_ended(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    failed = [simulator.add_video("tavus", outcome="failed") for _ in range(2)]
    slow = simulator.add_video("tavus", generating=0.5)
    outcome = wait(mode, [*failed, slow], conn_id=connect("tavus"), min_ready=2)
    assert isinstance(outcome.error, VideoBatchError)
    assert outcome.xcoms["videos"][2]["state"] == "ready"


@in_every_mode
def test_more_than_there_are_can_not_be_asked_for(mode: str, simulator: Simulator, connect: Connect) -> None:
    outcome = wait(mode, [simulator.add_video("tavus")], conn_id=connect("tavus"), min_ready=2)
    assert isinstance(outcome.error, VideoParameterError)
    assert simulator.record.requests == {}


@in_every_mode
def test_a_refused_key_fails_the_task_as_that_of_a_single_wait(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(3)]
    for on_failure in ("fail", "return"):
        conn_id = connect("tavus", key="wrong")
        outcome = wait(mode, video_ids, conn_id=conn_id, on_failure=on_failure, soft_fail=True)
        # Airflow retries it, and soft_fail does not hide it.
        assert outcome.state == "failed"
        assert isinstance(outcome.error, VideoAuthError)


@in_every_mode
@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_soft_fail_skips_for_what_the_vendor_or_the_clock_decides_only(
    mode: str, option: str, simulator: Simulator, connect: Connect
) -> None:
    failed, ready = simulator.add_video("tavus", outcome="failed"), simulator.add_video("tavus")
    stuck, conn_id = simulator.add_video("tavus", outcome="stuck"), connect("tavus")
    assert wait(mode, [failed, stuck, ready], conn_id=conn_id, timeout=0.4, **{option: True}).state == "skipped"
    state = wait(mode, [failed, "nobody"], conn_id=conn_id, **{option: True}).state
    assert state == ("failed" if option == "soft_fail" else "skipped")


@in_every_mode
def test_a_wait_survives_errors_that_pass(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_ids = [simulator.add_video("tavus", generating=0.2) for _ in range(3)]
    simulator.add_fault(Fault("status", status=503, times=4))
    outcome = wait(mode, video_ids, conn_id=connect("tavus"))
    assert [video["state"] for video in videos_of(outcome)] == ["ready"] * 3


@in_every_mode
@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_an_outage_in_the_middle_of_a_wait_is_left_to_a_retry_while_one_is_left(
    mode: str, on_failure: str, simulator: Simulator, connect: Connect
) -> None:
    for retries in (1, 0):
        simulator.forget()
        ready, slow = simulator.add_video("tavus"), simulator.add_video("tavus", generating=60)
        # Both were seen, one of them as ready.
        simulator.add_fault(Fault("status", status=503, after=3))
        options: dict[str, Any] = {"max_consecutive_failures": 2, "on_failure": on_failure, "soft_fail": True}
        outcome = wait(mode, [ready, slow], conn_id=connect("tavus"), retries=retries, **options)
        # What a rescheduled wait has seen of a video that has not ended, the next poke does not know.
        last_seen = "unknown" if mode == "reschedule" else "generating"
        assert [video["state"] for video in outcome.xcoms["videos"]] == ["ready", last_seen]
        if retries:
            assert outcome.state == "failed"
            assert isinstance(outcome.error, VideoError)
            assert not isinstance(outcome.error, AirflowFailException)
        elif on_failure == "fail":
            assert isinstance(outcome.error, VideoBatchError)
        else:
            assert "503" in videos_of(outcome)[1]["error_message"]


@in_every_mode
def test_an_entry_that_is_no_video_is_named_by_its_place(mode: str, simulator: Simulator, connect: Connect) -> None:
    for entry in ("", None, {"video_id": "v1", "vendor": "together"}):
        outcome = wait(mode, ["v1", entry], conn_id=connect("tavus"))
        assert isinstance(outcome.error, VideoIdError)
        assert "video_ids[1]" in outcome.text
    assert simulator.record.requests == {}


@in_every_mode
def test_a_video_that_was_never_ordered_has_failed_already(mode: str, simulator: Simulator, connect: Connect) -> None:
    never = {"video_id": None, "vendor": "tavus", "state": "failed", "status": "x", "error_message": "refused"}
    ready = simulator.add_video("tavus")
    outcome = wait(mode, [never, ready], conn_id=connect("tavus"), on_failure="return")
    assert videos_of(outcome)[0] == never
    assert wait(mode, [never, ready], conn_id=connect("tavus")).text == "1 of 2 videos failed. video_ids[0]: refused."


@in_every_mode
def test_of_what_was_never_ordered_a_part_that_is_to_be_ready_takes_notice(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    never = {"video_id": None, "vendor": "tavus", "state": "failed", "status": "x", "error_message": "refused"}
    videos = [simulator.add_video("tavus"), never, never]
    assert isinstance(wait(mode, videos, conn_id=connect("tavus"), min_ready=0.5).error, VideoBatchError)
    assert wait(mode, videos, conn_id=connect("tavus"), min_ready=0.3).state == "success"


def test_what_can_not_be_asked_for_when_a_worker_ends_the_wait_has_failed(
    simulator: Simulator, connect: Connect
) -> None:
    videos = [simulator.add_video("tavus") for _ in range(2)]
    # The trigger saw each ready, and leaves no records.
    simulator.add_fault(Fault("status", status=404, endpoint="get", after=3))
    outcome = wait("deferrable", videos, conn_id=connect("tavus"), do_xcom_push=False)
    assert isinstance(outcome.error, VideoBatchError), outcome.value
    assert len(outcome.error.failed) == 1


def test_all_are_shown_as_they_are_when_a_worker_ends_a_wait_for_some(simulator: Simulator, connect: Connect) -> None:
    videos = [simulator.add_video("tavus", generating=seconds) for seconds in (0, 0, 0, 60)]
    outcome = wait("deferrable", videos, conn_id=connect("tavus"), do_xcom_push=False, min_ready=1)
    assert [video["state"] for video in videos_of(outcome)] == ["ready", "ready", "ready", "generating"]


@in_every_mode
def test_a_task_that_pushes_nothing_leaves_no_xcom(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_ids = [simulator.add_video("tavus", generating=0.3) for _ in range(2)]
    outcome = wait(mode, video_ids, conn_id=connect("tavus"), do_xcom_push=False)
    assert [video["state"] for video in videos_of(outcome)] == ["ready", "ready"]
    assert outcome.xcoms == {}


def test_a_wait_goes_on_though_its_progress_can_not_be_pushed(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = TaskInstance.xcom_push

    def fail_or_push(self: TaskInstance, key: str, value: Any) -> None:
        if key == "waiting":
            raise ConnectionError("the API server is away")
        push(self, key, value)

    monkeypatch.setattr(TaskInstance, "xcom_push", fail_or_push)
    slow = simulator.add_video("tavus", generating=0.5)
    assert videos_of(wait("poke", [slow], conn_id=connect("tavus")))[0]["state"] == "ready"


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_the_progress_is_in_xcom_while_a_task_waits(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_ids = [simulator.add_video("tavus", generating=3), simulator.add_video("tavus", outcome="failed")]
    outcome = wait(mode, video_ids, conn_id=connect("tavus"), on_failure="return", poke_interval=0.1)
    waiting = outcome.xcoms["waiting"]
    counts = {name: waiting[name] for name in ("videos", "ready", "failed", "pending", "not_ordered", "failed_polls")}
    assert counts == {"videos": 2, "ready": 0, "failed": 1, "pending": 1, "not_ordered": 0, "failed_polls": 0}


def test_the_event_and_the_arguments_of_a_trigger_are_small_and_hold_no_url(
    simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(200)]
    outcome = wait("deferrable", video_ids, conn_id=connect("tavus"))
    [arguments] = outcome.triggers
    assert len(str(arguments)) < 9_000
    assert len(videos_of(outcome)) == 200


def test_a_list_that_fits_into_no_trigger_is_refused_before_any_poll(simulator: Simulator, connect: Connect) -> None:
    video_ids = [f"{number:064x}"[::-1] + str(hash(number * 7919)) + str(time.time_ns()) for number in range(9000)]
    outcome = wait("deferrable", video_ids, conn_id=connect("tavus"))
    assert isinstance(outcome.error, VideoParameterError)
    assert "split the list" in outcome.text
    assert simulator.record.requests == {}


@in_every_mode
def test_the_event_of_an_asset_holds_counts_and_says_where_the_records_are(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    asset, conn_id = Asset("videos"), connect("tavus")
    video_ids = [simulator.add_video("tavus"), simulator.add_video("tavus", outcome="failed")]
    events: dict[Any, Any] = defaultdict(lambda: SimpleNamespace(extra={}))
    wait(mode, video_ids, conn_id=conn_id, on_failure="return", outlets=[asset], events=events)
    place = {"dag_id": "dag", "run_id": "run", "task_id": "wait", "map_index": -1, "key": "videos"}
    assert events[asset].extra == {"videos": 2, "ready": 1, "failed": 1, **place}


@pytest.mark.parametrize(
    "event", [None, {}, {"counts": {"ready": 1}}, {"counts": {"else": 1}, "kinds": {}, "is_enough": True}]
)
def test_an_event_of_another_version_fails_the_task_with_a_reason(
    event: Any, simulator: Simulator, connect: Connect
) -> None:
    sensor = VideoBatchSensor(task_id="wait", video_ids=["v1"], conn_id=connect("tavus"))
    context: Any = {"ti": None}
    with pytest.raises(VideoError, match="event"):
        sensor.resume_execution("execute_complete", {"event": event}, context)


@pytest.mark.skipif(not hasattr(XCom, "aset"), reason="Airflow starts no trigger like that before 3.3")
def test_a_wait_that_no_worker_begins_leaves_the_ids_that_the_lists_of_runs_go_by(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(2)]
    ti = TaskInstance()
    monkeypatch.setattr(XCom, "aset", ti.aset)
    trigger = VideoBatchTrigger(video_ids=video_ids, conn_id=connect("tavus"), timeout=5.0, poke_interval=1)
    trigger.task_instance = ti  # type: ignore[assignment]
    event = asyncio.run(only_event(trigger))
    # The triggerer logs it whole.
    assert "http" not in str(event.payload)
    assert len(str(event.payload)) < 400
    assert ti.xcoms["video_ids"] == video_ids
    assert [video["video_id"] for video in ti.xcoms["videos"]] == video_ids


def test_a_trigger_survives_the_database() -> None:
    trigger = VideoBatchTrigger(
        video_ids=["v1"], conn_id="c", timeout=5.0, started_at=1.0, poke_interval=3, min_ready=0.5, others=[1, 2, 3, 4]
    )
    assert through_the_database(trigger, []).serialize() == trigger.serialize()
