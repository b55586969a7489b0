# SPDX-License-Identifier: Apache-2.0
"""What becomes of an order whose answer is lost: it is found, or known not to be there, or a human is asked."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoOrderLostError,
    VideoTlsError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks import exchanges
from airflow_provider_videos.hooks.exchanges import shown_fields
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering.naming import fingerprint
from airflow_provider_videos.ordering.record import Order, OrderState
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.simulator import Fault, Proxy, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.tavus import Tavus
from tests.attempts import Attempts, Killed
from tests.generating import attempts, created, kill_at, revive, state_of_order
from tests.vendor_kit import REQUESTS, Connect

LIST = "tavus list"
#: A request that is not accepted, and whose answer says nothing.
NOT_ACCEPTED = Fault("status", status=503, times=1, method="POST")


LOST_ORDER = Order(
    fingerprint=fingerprint("tavus", REQUESTS["tavus"], Tavus.free_fields),
    number=1,
    state=OrderState.SENT,
    max_tries=2,
)


def named(**more: Any) -> dict[str, Any]:
    return {**REQUESTS["tavus"], "video_name": "Greeting", **more}


def kill_before_the_id_is_kept(task: Attempts) -> None:
    kill_at(task, 3)
    with pytest.raises(Killed):
        task.run()
    revive(task)


def kill_while_it_is_sent(task: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    order_video = VideoHook.order_video

    def order_and_die(hook: VideoHook, request: Any, *, key: str | None, **options: Any) -> None:
        with pytest.raises(VideoOrderLostError):
            order_video(hook, request, key=key, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_and_die)
        with pytest.raises(Killed):
            task.run()


@pytest.mark.parametrize("is_cleared", [False, True], ids=["retry", "clear"])
@pytest.mark.parametrize("vendor", ["tavus", "together"])
def test_an_order_that_no_tls_carried_is_not_lost(
    vendor: VendorName, is_cleared: bool, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor, address=f"127.0.0.1:{simulator.port}/https")
    task = attempts(vendor)
    with pytest.raises(VideoTlsError, match=r"http:// before the host") as failure:
        task.run()
    assert not failure.value.maybe_received
    assert state_of_order(task) == OrderState.NOT_ACCEPTED
    assert created(simulator) == 0
    connect(vendor)
    if is_cleared:
        task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault("hang_then_accept", seconds=1.6, times=1), Fault("status_then_accept", seconds=1.0, times=1)],
    ids=lambda fault: fault.kind,
)
def test_an_order_that_is_accepted_after_its_answer_was_lost_is_found(
    fault: Fault, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(fault)
    assert attempts("tavus", mode, listing_delay=1.5).run()["state"] == "ready"
    assert created(simulator) == 1


def test_the_log_says_why_until_when_and_to_what_end_the_vendor_is_searched(
    mode: str, simulator: Simulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="airflow_provider_videos")
    connect("tavus")
    simulator.add_fault(Fault("status_then_accept", seconds=1.6, times=1))
    began = time.time()
    task = attempts("tavus", mode, listing_delay=2.0)
    task.run()
    lines = [line for line in caplog.messages if "may have accepted the order of a video: " in line and "until" in line]
    # Each process that pauses in its search says so once.
    assert len(lines) == 1 if mode == "sync" else 2 <= len(lines) <= task.deferrals
    assert "Tavus answered 504" in lines[0]
    for line in lines:
        until = re.search(r"The task searches for it there until (\S+), next in ", line)
        assert until is not None
        assert began + 2 < datetime.fromisoformat(until[1]).timestamp() < began + 6
        assert "If it finds the video, it continues with it; if the order is certainly not there, it sends it" in line
        assert "If it can't tell, it orders nothing unless order_again_if_lost allows it." in line
    assert all(": its answer was lost. The task" in line for line in lines[1:])


def test_a_deferrable_task_gives_its_worker_back_while_it_searches(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status_then_accept", seconds=1.0, times=1))
    task = attempts("tavus", "deferrable", listing_delay=1.0)
    task.run()
    assert task.deferrals >= 1


def test_an_order_that_is_accepted_after_the_task_was_killed_is_found(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status_then_accept", seconds=1.5, times=1))
    task = attempts("tavus", mode, listing_delay=0.2)
    kill_while_it_is_sent(task, monkeypatch)
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_an_order_that_is_listed_late_is_found(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.listing_delay = 1.5
    simulator.add_fault(Fault("accept_then_reset", times=1))
    assert attempts("tavus", mode, listing_delay=1.5).run()["state"] == "ready"
    assert created(simulator) == 1


def test_behind_a_proxy_an_order_whose_answer_is_dropped_is_found(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=3))
    with Proxy() as proxy:
        connect("tavus", query=f"timeout=1&proxy={proxy.url.replace('/', '%2F').replace(':', '%3A')}")
        assert attempts("tavus", mode).run()["state"] == "ready"
    assert created(simulator) == 1


def test_an_order_is_sent_again_only_after_two_whole_lists_and_the_time_to_be_listed(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_video("tavus")
    simulator.add_fault(NOT_ACCEPTED)
    began = time.monotonic()
    assert attempts("tavus", mode, listing_delay=0.5).run()["state"] == "ready"
    assert time.monotonic() - began >= 1.5
    assert simulator.record.requests["tavus create"] == 2
    assert simulator.record.requests[LIST] >= 4
    assert created(simulator) == 1


def test_an_attempt_long_after_the_loss_still_reads_the_list_twice(simulator: Simulator, connect: Connect) -> None:
    connect("tavus", query="timeout=20")
    simulator.add_video("tavus")
    task = attempts("tavus", listing_delay=20)
    kill_at(task, 2)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    sent_at = time.time() - 100
    task.run_began_at = datetime.fromtimestamp(sent_at - 1, UTC)
    order = LOST_ORDER.to_dict() | {"sent_at": sent_at, "answer_due_at": sent_at + 20}
    assert task.store is not None
    task.store["video_order"] = {"version": 2, "orders": [order], "attempt": 1}
    assert task.run()["state"] == "ready"
    assert simulator.record.requests[LIST] == 4
    assert created(simulator) == 1


@pytest.mark.parametrize("sent_at", [-3600.0, 3600.0], ids=["an hour behind", "an hour ahead"])
def test_a_clock_that_was_wrong_neither_shortens_the_search_nor_makes_it_endless(
    sent_at: float, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.listing_delay = 1.0
    task = attempts("tavus", listing_delay=0.6)
    kill_before_the_id_is_kept(task)
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    order["sent_at"] += sent_at
    order["answer_due_at"] += sent_at
    began = time.monotonic()
    assert task.run()["state"] == "ready"
    assert time.monotonic() - began < 6
    assert created(simulator) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("list_cut"), "ended after"),
        (Fault("list_bad_entry"), "can't be read"),
        (Fault("status", status=400, endpoint="list", after=1), "a page of it was refused"),
        (Fault("json", endpoint="list", body='{"data": [], "total_count": 3}'), "it ended after 0 of 3"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_list_that_may_lack_videos_does_not_say_that_an_order_is_absent(
    fault: Fault, words: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    for _ in range(2):
        simulator.add_video("tavus")
    simulator.add_fault(NOT_ACCEPTED)
    simulator.add_fault(fault)
    with pytest.raises(VideoOrderLostError, match=words):
        attempts("tavus", mode).run()
    assert simulator.record.requests["tavus create"] == 1


@pytest.mark.parametrize("fault", [Fault("list_total_of_page"), Fault("list_bad_entry")], ids=lambda fault: fault.kind)
def test_an_order_is_found_in_a_list_with_faults(fault: Fault, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    simulator.add_fault(fault)
    task = attempts("tavus")

    def add_newer(access: str) -> None:
        if simulator.record.created and not simulator.record.requests.get(LIST):
            simulator.add_video("tavus")

    assert task.store is not None
    task.store.before = add_newer
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("status", [302, 409, 423, 425, 499])
def test_a_code_that_is_no_certain_refusal_orders_no_second_video(
    status: int, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_status", status=status, times=1))
    assert attempts("tavus").run()["state"] == "ready"
    connect("together")
    simulator.add_fault(Fault("accept_then_status", status=status, times=1))
    with pytest.raises(VideoOrderLostError):
        attempts("together").run()
    assert simulator.record.created == {"tavus": 1, "together": 1}


@pytest.mark.parametrize("texts", ["trimmed", "cut", "normalised"])
def test_a_mark_is_found_in_a_name_that_the_vendor_has_changed(
    texts: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.texts = texts
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task = attempts("tavus")
    task.ti.dag_id = "Cafe\u0301 \r\n a Dag of a long name, which a vendor may cut somewhere"
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("texts", ["trimmed", "normalised"])
def test_a_name_of_the_users_is_found_as_the_vendor_has_changed_it(
    texts: Any, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.texts = texts
    simulator.add_fault(Fault("accept_then_reset", times=1))
    request = named(video_name=" Cafe\u0301, \r\nfirst take ", script="Cafe\u0301\r\nopens at nine. ")
    assert attempts("tavus", mode, request=request).run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize(
    "changes", [{"video_name": "A name that is longer than forty characters"}, {"script": "Hello. " * 20}]
)
def test_a_video_alike_in_name_and_not_in_the_rest_is_neither_taken_nor_ordered_again(
    changes: dict[str, str], simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.texts = "cut"
    simulator.add_fault(Fault("accept_then_reset", times=1))
    with pytest.raises(VideoOrderLostError, match="what they show does not decide it"):
        attempts("tavus", request=named(**changes)).run()
    assert created(simulator) == 1


def test_a_name_that_a_template_made_a_number_is_sent_as_text(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    assert attempts("tavus", request=named(video_name=20261124)).run()["name"] == "20261124"
    assert created(simulator) == 1


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        # What the vendor's page documents of an answer shows no replica.
        ("observed", {"replica_id": "r2"}),
        ("documented", {"script": "Another script."}),
        ("documented", {"script": None, "audio_url": "https://example.com/a.wav"}),
        ("documented", {"background_url": "https://example.com"}),
    ],
    ids=["replica_id", "script", "audio_url", "background_url"],
)
def test_a_siblings_video_of_the_same_name_is_not_taken(
    form: Any, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(key="k", queued=0, generating=0, form=form) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", f"tavus://:k@127.0.0.1:{simulator.port}/http?timeout=1")
        simulator.add_fault(Fault("status", status=503, method="POST", after=1, times=1))
        task = attempts("tavus", request=named())
        order_in_between(task, simulator, named(**changes))
        with pytest.raises(VideoOrderLostError, match="what they show does not decide it"):
            task.run()
        assert created(simulator) == 1


def order_in_between(task: Attempts, simulator: Simulator, request: dict[str, Any]) -> list[str]:
    """Let somebody else order between the task's own request for the list and its order."""
    video_ids: list[str] = []

    def before(access: str) -> None:
        if access == "set" and not video_ids and simulator.record.requests.get(LIST):
            video_ids.append(VideoHook.get_hook("tavus_default").create_video(**request).video_id)

    assert task.store is not None
    task.store.before = before
    return video_ids


def test_a_video_that_another_task_has_recorded_is_not_taken(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=503, method="POST", after=1, times=1))
    task = attempts("tavus", request=named())
    video_ids = order_in_between(task, simulator, named())
    task.other_tasks["sibling"] = task.make()
    task.ti.xcom_pull = lambda task_ids, key: video_ids if "sibling" in task_ids else []  # type: ignore[method-assign]
    assert task.run()["video_id"] not in video_ids
    assert created(simulator) == 2


@pytest.mark.parametrize("has_store", [True, False])
def test_a_sensor_that_names_the_tasks_own_video_hides_it_not(
    has_store: bool, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", request=named(), has_store=has_store)
    video_id = task.run()["video_id"]
    task.other_tasks["wait"] = VideoSensor(task_id="wait", conn_id="tavus_default", video_id=video_id)
    task.ti.others["wait"] = {"video_id": video_id}
    task.clear()
    if task.store is not None:
        task.store.clear()
    assert task.run()["video_id"] == video_id
    assert created(simulator) == 1


def test_the_name_of_the_last_send_is_searched_for(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=429, method="POST", times=1))
    task = attempts("tavus", request=named(video_name="First"), max_consecutive_failures=1)
    with pytest.raises(VideoUnavailableError):
        task.run()
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task.make = attempts("tavus", request=named(video_name="Second")).make
    assert task.run()["name"] == "Second"
    assert created(simulator) == 1


@pytest.mark.parametrize("now", ["A" * 160, "another", None], ids=["the same", "another", "none"])
def test_a_name_is_found_however_long_it_is_and_whatever_the_request_says_now(
    now: str | None, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", request=named(video_name="A" * 160))
    kill_before_the_id_is_kept(task)
    task.make = attempts("tavus", request=named(video_name=now)).make
    if now == "A" * 160:
        assert task.run()["state"] == "ready"
    else:
        with pytest.raises(VideoOrderLostError):
            task.run()
    assert created(simulator) == 1


def test_a_name_that_the_request_lacks_now_is_searched_for(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus", request=named())
    kill_before_the_id_is_kept(task)
    task.make = attempts("tavus").make
    assert task.run()["name"] == "Greeting"
    assert created(simulator) == 1


@pytest.mark.parametrize("request_", [None, named()], ids=["marked", "named"])
def test_a_video_that_the_list_shows_without_a_name_is_asked_for(
    request_: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task = attempts("tavus", request=request_)

    def without_name(entry: Answer, paths: Any) -> dict[str, str]:
        is_listed = "created_at" not in entry.body
        shown = shown_fields(entry, paths)
        return {field: text for field, text in shown.items() if not is_listed or field != "video_name"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchanges, "shown_fields", without_name)
        assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_a_search_that_began_before_the_end_is_not_the_last(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status_then_accept", seconds=1.9, times=1))
    read_page = VideoHook.read_page

    def slowly(hook: VideoHook, of: Any) -> Any:
        page = read_page(hook, of)
        time.sleep(0.7)
        return page

    monkeypatch.setattr(VideoHook, "read_page", slowly)
    assert attempts("tavus", listing_delay=1.0).run()["state"] == "ready"
    assert created(simulator) == 1


def test_a_video_that_only_its_time_speaks_against_is_neither_taken_nor_ordered_again(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = attempts("tavus", request=named())
    kill_before_the_id_is_kept(task)
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    # The worker's clock was ahead.
    order["first_sent_at"] += 400
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 1


def test_of_several_videos_of_one_order_one_that_is_ready_is_taken(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus")
    kill_before_the_id_is_kept(task)
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    simulator.outcome = "failed"
    for _ in range(5):
        VideoHook.get_hook("tavus_default").create_video(**named(video_name=order["name"]))
    assert task.run()["state"] == "ready"


def test_a_video_that_was_listed_before_the_order_is_not_taken(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    earlier = VideoHook.get_hook("tavus_default").create_video(**named())
    simulator.add_fault(NOT_ACCEPTED)
    assert attempts("tavus", mode, request=named()).run()["video_id"] != earlier.video_id
    assert created(simulator) == 2


def test_of_two_videos_that_may_be_the_one_none_is_taken(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = attempts("tavus", request=named())
    order_in_between(task, simulator, named())
    simulator.add_fault(Fault("accept_then_reset", after=1, times=1))
    with pytest.raises(VideoOrderLostError):
        task.run()
    assert created(simulator) == 2


def test_a_search_that_fails_is_gone_on_with_by_the_next_attempt(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    simulator.add_fault(Fault("status", status=503, endpoint="list", times=2))
    task = attempts("tavus", mode, max_consecutive_failures=2)
    with pytest.raises(VideoUnavailableError) as failed:
        task.run()
    assert "a retry or a clear continues the search" in failed.value.__notes__[0]
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_a_key_that_is_refused_while_searching_orders_nothing(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    simulator.add_fault(Fault("status", status=401, endpoint="list"))
    task = attempts("tavus")
    with pytest.raises(VideoAuthError):
        task.run()
    simulator.clear_faults()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_an_order_that_is_lost_each_time_is_sent_three_times_at_most(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus", query="timeout=0.2")
    simulator.add_fault(Fault("status", status=503, method="POST"))
    with pytest.raises(VideoOrderLostError, match="it was sent 3 times"):
        attempts("tavus", mode, listing_delay=0.1).run()
    assert simulator.record.requests["tavus create"] == 3


def test_a_connection_that_could_not_be_made_is_no_lost_order(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together", address="127.0.0.1:1/http")
    task = attempts("together", mode, max_consecutive_failures=1)
    with pytest.raises(Exception, match="refused"):
        task.run()
    connect("together")
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1
