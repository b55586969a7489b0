# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger
from structlog.testing import capture_logs

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoFailedError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoRecordError,
    VideoRequestError,
    VideoTimeoutError,
    VideoUnavailableError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.waiting import polling
from tests.attempts import Attempts, Killed
from tests.generating import attempts, created, kill_at, revive, state_of_order
from tests.vendor_kit import REQUESTS, Connect


def test_a_video_is_ordered_waited_for_and_returned(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.generating = 0.3
    task = attempts(vendor, mode)
    video = task.run()
    assert video["state"] == "ready"
    described = VideoHook.get_hook(f"{vendor}_default").get_video(video["video_id"]).to_dict()
    # What the vendor doesn't tell of the order is known from the request.
    assert video == described | {field: REQUESTS[vendor].get(field) for field in ("prompt", "script")}
    assert task.ti.xcoms["vendor"] == vendor
    assert task.ti.xcoms["download_url"] == video["download_url"]
    assert created(simulator) == 1


def test_without_waiting_the_order_is_returned(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.generating = 60
    video = attempts(vendor, wait_for_completion=False).run()
    assert video["state"] in {"queued", "generating"}
    assert set(video) == set(VideoHook.get_hook(f"{vendor}_default").get_video(video["video_id"]).to_dict())


def test_a_later_attempt_goes_on_with_the_same_video(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, mode)
    first = task.run()
    assert task.run() == first
    task.clear()
    assert task.run() == first
    assert created(simulator) == 1


@pytest.mark.parametrize("outcome", ["ready", "failed"])
def test_a_later_attempt_looks_once_at_a_video_that_has_ended(
    outcome: Any, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome = outcome
    task = attempts(vendor, mode, wait_for_completion=False)
    task.run()
    task.make = attempts(vendor, mode).make
    if outcome == "ready":
        assert task.run()["download_url"]
    else:
        with pytest.raises(VideoFailedError):
            task.run()
    assert simulator.record.requests == {f"{vendor} create": 1, f"{vendor} get": 1}


@pytest.mark.parametrize("kill_before", [1, 2, 3])
def test_a_killed_process_orders_no_second_video(
    kill_before: int, mode: str, simulator: Simulator, connect: Connect
) -> None:
    # Before the record is read, before the intent is kept, and after the order before its id is.
    connect("tavus")
    task = attempts("tavus", mode)
    kill_at(task, kill_before)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_where_the_vendor_cant_be_searched_a_lost_order_fails_and_is_not_sent_again(
    simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    task = attempts("together")
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    for _ in range(2):
        with pytest.raises(VideoOrderLostError, match="order_again_if_lost") as lost:
            task.run()
    assert isinstance(lost.value, AirflowFailException)
    assert created(simulator) == 1
    task.make = attempts("together", order_again_if_lost=True).make
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_status", "accept_then_hang"])
def test_an_order_whose_answer_is_lost_is_found(kind: Any, mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus", query="timeout=0.5")
    simulator.add_fault(Fault(kind, times=1))
    assert attempts("tavus", mode).run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_status", "accept_then_hang"])
def test_an_order_whose_answer_is_lost_is_not_sent_again_where_it_cant_be_found(
    kind: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("together", query="timeout=0.5")
    simulator.add_fault(Fault(kind, times=1))
    task = attempts("together")
    with pytest.raises(VideoOrderLostError):
        task.run()
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 1


@pytest.mark.parametrize("fault", [Fault("status", status=503, times=1), Fault("reset_before", times=1)])
def test_an_order_that_did_not_arrive_is_sent_again_once_the_search_has_shown_that(
    fault: Fault, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(fault)
    assert attempts("tavus").run()["state"] == "ready"
    assert created(simulator) == 1
    assert simulator.record.requests["tavus list"] >= 1


def test_too_many_requests_is_no_order(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=429, times=2, method="POST"))
    assert attempts(vendor).run()["state"] == "ready"
    assert simulator.record.requests[f"{vendor} create"] == 3


def test_an_order_that_is_refused_can_be_made_again(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=402, times=1))
    task = attempts(vendor)
    with pytest.raises(VideoApiError):
        task.run()
    assert state_of_order(task) == "not_accepted"
    assert task.run()["state"] == "ready"


def test_a_refused_key_orders_nothing(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor, key="wrong")
    task = attempts(vendor)
    with pytest.raises(VideoAuthError):
        task.run()
    assert state_of_order(task) == "not_accepted"


def test_a_failed_video_is_ordered_anew_by_a_clear_only(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome = "failed"
    task = attempts(vendor, mode)
    for _ in range(3):
        with pytest.raises(VideoFailedError) as failed:
            task.run()
    assert any("Clear the task to order another one" in note for note in failed.value.__notes__)
    assert task.ti.xcoms["video"]["state"] == "failed"
    assert created(simulator) == 1
    simulator.outcome = "ready"
    task.clear()
    assert task.run()["state"] == "ready"
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_video_that_was_deleted_is_ordered_anew_by_a_clear_only(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus")
    VideoHook.get_hook("tavus_default").delete_video(task.run())
    with pytest.raises(VideoFailedError, match="deleted"):
        task.run()
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_a_cleared_task_orders_another_video_if_the_user_says_so(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, order_again_if_cleared=True)
    first = task.run()
    assert task.run() == first
    task.clear()
    second = task.run()
    assert second["video_id"] != first["video_id"]
    assert task.run() == second
    assert created(simulator) == 2


def test_a_second_order_is_not_taken_for_the_first(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus", order_again_if_cleared=True)
    first = task.run()
    task.clear()
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    second = task.run()
    assert second["video_id"] != first["video_id"]
    assert created(simulator) == 2


def test_a_changed_request_is_another_order(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    task = attempts(vendor)
    task.run()
    text = {"tavus": "script", "together": "prompt"}[vendor]
    task.make = attempts(vendor, request={**REQUESTS[vendor], text: "Something else."}).make
    task.run()
    assert created(simulator) == 2


@pytest.mark.parametrize(
    "change", [{"video_name": "Another name"}, {"callback_url": "https://example.com"}, {"fast": None}]
)
def test_what_changes_no_bill_is_no_other_order(change: Any, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus")
    task.run()
    task.make = attempts("tavus", request={**REQUESTS["tavus"], **change}).make
    task.run()
    assert created(simulator) == 1


def test_two_task_instances_order_two_videos(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    one, other = attempts("tavus"), attempts("tavus")
    other.ti.map_index = 1
    assert one.run()["video_id"] != other.run()["video_id"]


@pytest.mark.parametrize("has_store", [True, False])
def test_an_emptied_store_or_none_orders_no_second_tavus_video(
    has_store: bool, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", has_store=has_store)
    first = task.run()
    if task.store is not None:
        task.store.clear()
    assert task.run() == first
    task.clear()
    if task.store is not None:
        task.store.clear()
    assert task.run() == first
    assert created(simulator) == 1


def test_a_failed_video_is_ordered_anew_by_a_clear_that_empties_the_store(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.outcome = "failed"
    task = attempts("tavus")
    for videos in (1, 2):
        with pytest.raises(VideoFailedError):
            task.run()
        assert created(simulator) == videos
        task.clear()
        assert task.store is not None
        task.store.clear()
    simulator.outcome = "ready"
    assert task.run()["state"] == "ready"
    assert created(simulator) == 3


def test_without_a_store_together_is_never_asked_twice(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    task = attempts("together", has_store=False)
    task.run()
    with pytest.raises(VideoOrderLostError, match=r"before 3\.3"):
        task.run()
    assert created(simulator) == 1


def named(**more: Any) -> dict[str, Any]:
    return {**REQUESTS["tavus"], "video_name": "Greeting", **more}


def test_a_lost_order_with_a_name_of_the_users_is_found_by_name_script_and_time(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    hook = VideoHook.get_hook("tavus_default")
    hook.create_video(**named(script="Another script."))
    hook.create_video(**REQUESTS["tavus"])
    task = attempts("tavus", request=named())
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    video = task.run()
    assert (video["name"], video["script"]) == ("Greeting", "Hello.")
    assert created(simulator) == 3


@pytest.mark.parametrize("name", [None, "", " "])
def test_an_empty_name_leaves_the_name_to_the_mark_that_a_lost_order_is_found_by(
    name: str | None, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", request={**REQUESTS["tavus"], "video_name": name})
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    assert "airflow-" in task.run()["name"]
    assert created(simulator) == 1


@pytest.mark.parametrize(
    "record", ["text", [], {"number": 1}, {"fingerprint": 1, "number": 1, "intended_at": 1, "max_tries": 1}]
)
def test_a_record_that_cant_be_read_is_an_error(
    record: Any, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor)
    assert task.store is not None
    task.store["video_order"] = record
    with pytest.raises(VideoRecordError, match="video_order"):
        task.run()
    assert created(simulator) == 0


def test_a_video_whose_id_cant_be_recorded_is_waited_for(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor)
    accesses = []

    def before(access: str) -> None:
        accesses.append(access)
        if accesses.count("set") == 2:
            raise ConnectionError

    assert task.store is not None
    task.store.before = before
    assert task.run()["state"] == "ready"


def test_a_vendor_that_is_slow_to_list_a_video_has_not_lost_it(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.generating = 0.1
    simulator.add_fault(Fault("status", status=404, times=2, method="GET"))
    assert attempts(vendor, mode).run()["state"] == "ready"


def test_a_later_attempt_that_cant_ask_for_the_video_says_what_becomes_of_the_money(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor)
    video_id = task.run()["video_id"]
    connect(vendor, key="wrong")
    with pytest.raises(VideoAuthError) as refused:
        task.run()
    assert f"{video_id!r} was ordered: it may still finish" in refused.value.__notes__[0]


def test_a_timeout_says_what_becomes_of_the_money(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.generating = 1.5
    task = attempts(vendor, mode, timeout=0.3)
    with pytest.raises(VideoTimeoutError) as late:
        task.run()
    [note] = late.value.__notes__
    assert task.ti.xcoms["video_id"] in note
    assert "may still finish, and is billed" in note
    assert "orders nothing" in note
    task.make = attempts(vendor, mode).make
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize(
    ("vendor", "request_", "field"),
    [
        ("tavus", {"script": "Hello."}, "replica_id"),
        ("tavus", {"replica_id": "r1"}, "script"),
        ("tavus", {"replica_id": "r1", "script": "Hello.", "audio_url": "https://a/b.wav"}, "script"),
        ("tavus", {**REQUESTS["tavus"], "transparent_background": True}, "transparent_background"),
        ("tavus", {**REQUESTS["tavus"], "properties": {"x": object()}}, "properties"),
        ("together", {"prompt": "A cat."}, "model"),
        ("together", {"model": "m1", "prompt": ""}, "prompt"),
        ("together", {"model": "m1", "seconds": 5}, "seconds"),
        ("together", {"model": "m1", "steps": 51}, "steps"),
        ("together", {"model": "m1", "output_format": "AVI"}, "output_format"),
        ("together", {**REQUESTS["together"], "second": "5"}, "second"),
    ],
)
def test_what_the_vendor_forbids_is_refused_before_anything_is_sent(
    vendor: str, request_: Any, field: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor, request=request_)
    with pytest.raises(VideoRequestError, match=f"'{field}'"):
        task.run()
    assert task.store is not None
    assert task.store["video_order"]["orders"] == []
    assert simulator.record.requests == {}


def test_a_request_may_be_the_text_of_a_json_object(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    assert (
        attempts("tavus", request='{"replica_id": "r1", "script": "Hello.", "fast": null}').run()["script"] == "Hello."
    )


def test_a_request_is_sent_unchecked_if_the_task_says_so(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    attempts("together", request={**REQUESTS["together"], "second": "5"}, check_request=False).run()
    assert created(simulator) == 1


def test_fields_that_are_newer_than_this_package_are_passed_on(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    attempts("together", request={**REQUESTS["together"], "a_new_field": 7}).run()
    assert created(simulator) == 1


def test_nested_values_of_a_request_are_templated() -> None:
    with DAG("dag", schedule=None):
        operator = GenerateVideoOperator(
            task_id="order", conn_id="c", request={"media": {"frames": ["{{ name }}.png"]}, "prompt": "{{ name }}"}
        )
    operator.render_template_fields({"name": "cat"})  # type: ignore[typeddict-unknown-key]
    assert operator.request == {"media": {"frames": ["cat.png"]}, "prompt": "cat"}


@pytest.mark.parametrize("request_of_the_task", ["request.json", {"script": "script.txt", "replica_id": "r1"}])
def test_files_named_by_a_request_are_read_and_templated(request_of_the_task: Any, tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("Hello, {{ name }}.")
    (tmp_path / "request.json").write_text('{"script": "Hello, {{ name }}.", "replica_id": "r1"}')
    with DAG("files", schedule=None, template_searchpath=str(tmp_path)):
        operator = GenerateVideoOperator(task_id="order", conn_id="tavus_default", request=request_of_the_task)
    operator.resolve_template_files()
    operator.render_template_fields({"name": "cat"})  # type: ignore[typeddict-unknown-key]
    read = json.loads(operator.request) if isinstance(operator.request, str) else operator.request
    assert read == {"script": "Hello, cat.", "replica_id": "r1"}


def test_an_assets_event_carries_what_a_consumer_needs(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    asset = Asset("s3://videos/clip.mp4")
    task = attempts(vendor, outlets=[asset])
    video = task.run()
    names = ("vendor", "video_id", "download_url", "stream_url", "hosted_url", "cost")
    assert task.events[asset].extra == {name: video[name] for name in names}


def test_a_connection_that_is_not_there_orders_nothing() -> None:
    with pytest.raises(VideoConnectionError):
        attempts("tavus").run()


def test_deleting_on_kill_is_refused_where_the_vendor_cant(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    with pytest.raises(VideoUnsupportedError, match="Together AI has no call to delete"):
        attempts("together", delete_on_kill=True).run()
    assert created(simulator) == 0


@pytest.mark.parametrize("is_deferrable", [False, True])
def test_a_task_says_where_airflow_is_too_old_to_delete_on_kill(
    is_deferrable: bool,
    connect: Connect,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect("tavus")
    monkeypatch.delattr(BaseTrigger, "on_kill", raising=False)
    with capture_logs() as lines:
        attempts("tavus", "deferrable" if is_deferrable else "sync", delete_on_kill=True).run()
    assert any("delete_on_kill has no effect" in line["event"] for line in lines) is is_deferrable


@pytest.mark.parametrize("status", [400, 422])
def test_an_order_that_would_be_refused_again_fails_without_retry_and_leaves_no_record(
    status: int, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=status, body='{"error": "Invalid size"}', times=1))
    task = attempts(vendor, mode)
    with pytest.raises(
        VideoOrderRefusedError, match=r"Invalid size\. Nothing was ordered\. Correct the fields"
    ) as refused:
        task.run()
    assert isinstance(refused.value, AirflowFailException)
    assert "id" not in str(refused.value).replace(",", " ").split()
    assert simulator.record.requests == {f"{vendor} create": 1}
    # Corrected and cleared, it orders.
    assert task.run()["state"] == "ready"


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_that_somebody_may_have_mended_by_the_next_try_is_retried(
    status: int, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=status))
    with pytest.raises(VideoApiError) as refused:
        attempts(vendor).run()
    assert not isinstance(refused.value, AirflowFailException)


@pytest.mark.parametrize("status", [400, 402])
def test_what_certainly_was_not_ordered_says_so_to_other_tasks(
    status: int, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=status, body='{"error": "Invalid size"}', times=1))
    task = attempts(vendor, mode)
    with pytest.raises(VideoApiError) as refused:
        task.run()
    assert task.ti.xcoms["refusal"] == refused.value.to_dict()
    assert "Invalid size" in task.ti.xcoms["refusal"]["message"]
    task.run()
    assert "refusal" not in task.ti.xcoms


def test_what_may_have_been_ordered_says_nothing_of_a_refusal(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task = attempts("together")
    for _ in range(2):
        with pytest.raises(VideoOrderLostError):
            task.run()
        assert "refusal" not in task.ti.xcoms
    # Nor does a refusal of the next one, as the first may still be made.
    simulator.add_fault(Fault("status", status=400, endpoint="create", times=1))
    task.conf = {"order_again_if_lost": True}
    with pytest.raises(VideoOrderRefusedError):
        task.run()
    assert "refusal" not in task.ti.xcoms


@pytest.mark.parametrize("option", ["order_again_if_lost", "order_again_if_cleared"])
def test_a_refusal_after_an_order_that_is_forgotten_is_no_certainty_that_there_is_none(
    option: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    options: dict[str, Any] = {option: True}
    task = attempts("together", **options)
    task.run()
    # As by a clear of Airflow 3.4.
    assert task.store is not None
    task.store.clear()
    task.clear()
    simulator.add_fault(Fault("status", status=402, endpoint="create"))
    for _ in range(2):
        with pytest.raises(VideoApiError, match="402"):
            task.run()
        assert "refusal" not in task.ti.xcoms


def test_an_order_that_is_refused_after_one_whose_video_failed_says_so(simulator: Simulator, connect: Connect) -> None:
    connect("together")
    simulator.outcome = "failed"
    task = attempts("together")
    with pytest.raises(VideoFailedError):
        task.run()
    assert ("refusal" in task.ti.xcoms, task.ti.xcoms["video"]["state"]) == (False, "failed")
    task.clear()
    simulator.add_fault(Fault("status", status=400, endpoint="create", times=1))
    with pytest.raises(VideoOrderRefusedError):
        task.run()
    assert "refusal" in task.ti.xcoms


def test_a_refusal_that_cant_be_pushed_is_raised_all_the_same(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=400, endpoint="create", times=1))
    task = attempts("tavus")

    def refusing(key: str, value: Any) -> None:
        raise ConnectionError("no database")

    task.ti.xcom_push = refusing  # type: ignore[method-assign]
    with pytest.raises(VideoOrderRefusedError):
        task.run()


def test_an_order_beyond_a_limit_that_passes_waits_and_is_sent_again(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    words = '{"message": "User has reached maximum concurrent videos"}'
    simulator.add_fault(Fault("status", status=400, body=words, method="POST", times=2))
    assert attempts("tavus", mode).run()["state"] == "ready"
    assert simulator.record.requests["tavus create"] == 3
    assert created(simulator) == 1


def test_a_limit_that_does_not_pass_in_time_may_be_retried(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=400, body='{"message": "maximum concurrent videos"}', method="POST"))
    with pytest.raises(VideoUnavailableError, match="maximum concurrent") as refused:
        attempts("tavus", max_consecutive_failures=2).run()
    assert not isinstance(refused.value, AirflowFailException)
    assert "Correct" not in str(refused.value)


def test_an_order_that_is_answered_with_nothing_but_an_id_is_kept(
    vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("merge", body='{"status": null}', method="POST"))
    task = attempts(vendor, mode)
    video = task.run()
    assert video["state"] == "ready"
    assert task.run() == video
    assert simulator.record.requests[f"{vendor} create"] == 1
    assert f"{vendor} list" not in simulator.record.requests


def test_of_an_order_without_a_status_nothing_is_made_up(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.add_fault(Fault("merge", body='{"status": null}', method="POST"))
    video = attempts(vendor, wait_for_completion=False).run()
    assert (video["state"], video["status"]) == ("unknown", "unknown")


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_vendor_that_does_not_know_its_new_video_yet_is_asked_again_in_each_attempt(
    attempt: int, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.generating = 0.5
    task = attempts(vendor, mode)
    if attempt == 2:
        task.make = attempts(vendor, mode, wait_for_completion=False).make
        task.run()
        task.make = attempts(vendor, mode).make
    simulator.add_fault(Fault("unknown_video", method="GET", times=3))
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_a_video_that_is_still_unknown_a_minute_after_its_order_fails(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    task = attempts(vendor)
    task.run()
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    order["sent_at"] -= polling.GRACE_AFTER_ORDER
    simulator.add_fault(Fault("unknown_video", method="GET"))
    asked = simulator.record.requests[f"{vendor} get"]
    with pytest.raises(VideoApiError):
        task.run()
    assert simulator.record.requests[f"{vendor} get"] == asked + 1


@pytest.mark.parametrize("outcome", ["ready", "failed"])
def test_a_task_that_pushes_no_xcom_leaves_none_at_any_time(
    outcome: Any, vendor: VendorName, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome, simulator.generating = outcome, 0.3
    task = attempts(vendor, mode, do_xcom_push=False)
    pushed: list[str] = []
    task.ti.xcom_push = lambda key, value: pushed.append(key)  # type: ignore[method-assign]
    for _ in range(2):
        if outcome == "ready":
            assert task.run()["state"] == "ready"
        else:
            with pytest.raises(VideoFailedError):
                task.run()
    assert pushed == []


def test_the_id_is_pushed_before_the_wait(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.add_fault(Fault("status", status=404, method="GET", after=0))
    task = attempts(vendor, timeout=0.1)
    with pytest.raises(VideoTimeoutError):
        task.run()
    assert task.ti.xcoms["vendor"] == vendor
    assert task.store is not None
    assert task.ti.xcoms["video_id"] == task.store["video_order"]["orders"][0]["video_id"]


def test_an_id_that_cant_be_pushed_does_not_end_the_wait(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus")
    push = task.ti.xcom_push

    def refusing(key: str, value: Any) -> None:
        if "tavus get" not in simulator.record.requests:
            raise ConnectionError("no database")
        push(key, value)

    simulator.outcome = "ready"
    task.ti.xcom_push = refusing  # type: ignore[method-assign]
    assert task.run()["state"] == "ready"


@pytest.mark.parametrize(
    "odd", [{5: "x"}, {"self": "x"}, {"output_format": []}, {"extra": {1: 2}}, {"extra": b"x"}, {"prompt": 5}]
)
def test_an_odd_request_is_named_without_retry_and_orders_nothing(
    odd: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    request: Any = "{{ rendered }}"
    operator = GenerateVideoOperator(task_id="order", conn_id="together_default", request=request)
    operator.request = {**REQUESTS["together"], **odd}
    task = Attempts(lambda: operator)
    with pytest.raises(VideoRequestError, match="request, field") as refused:
        task.run()
    assert isinstance(refused.value, AirflowFailException)
    assert simulator.record.requests == {}


@pytest.mark.parametrize("mode", ["sync", "deferrable"])
def test_a_request_that_is_given_as_a_text_is_shown_as_json(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.generating = 0.3
    task = attempts("tavus", mode, request=json.dumps(REQUESTS["tavus"]))
    make, made = task.make, list[Any]()

    def make_and_note() -> Any:
        made.append(make())
        return made[-1]

    task.make = make_and_note
    task.run()
    # Airflow shows the fields of the object that a process ends with.
    assert made[-1].request == REQUESTS["tavus"]
    assert made[-1].overwrite_rtif_after_execution
