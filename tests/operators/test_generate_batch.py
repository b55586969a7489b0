# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import itertools
import json
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, literal
from airflow.sdk import task as task_decorator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoBatchError,
    VideoError,
    VideoParameterError,
    VideoRecordError,
    VideoRequestError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators import generate_batch
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.ordering import finders, shards
from airflow_provider_videos.ordering.batch import BatchOrders
from airflow_provider_videos.ordering.record import Order, OrderRecord, OrderState
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.waiting import batch_worker
from tests.attempts import Attempts, Killed, Store
from tests.generating import created, kill_at, revive
from tests.vendor_kit import REQUESTS, Connect


def request(text: str, vendor: str = "tavus") -> dict[str, Any]:
    return {**REQUESTS[vendor], ("script" if vendor == "tavus" else "prompt"): text}


def batch(
    requests: Any, vendor: str = "tavus", mode: str = "sync", *, has_store: bool = True, **options: Any
) -> Attempts:
    retries = options.pop("retries", 2)

    def make() -> GenerateVideoBatchOperator:
        return GenerateVideoBatchOperator(
            task_id="order",
            retries=retries,
            conn_id=f"{vendor}_default",
            requests=requests,
            deferrable=mode == "deferrable",
            **{"poke_interval": 0.1, "timeout": 20, "listing_delay": 0.2} | options,
        )

    return Attempts(make, has_store=has_store, retries=retries)


def change(task: Attempts, requests: list[dict[str, Any]]) -> None:
    """Change the list in the Dag."""
    before = task.make

    def make() -> Any:
        operator: Any = before()
        operator.requests = requests
        return operator

    task.make = make


def ordered_scripts(simulator: Simulator) -> Counter[str]:
    """Give how many videos of each script the vendor has."""
    hook = VideoHook.get_hook("tavus_default")
    return Counter(hook.get_video(listed.video_id).script or "" for listed in hook.list_videos())


def test_the_records_come_in_the_order_of_the_list_and_each_is_ordered_once(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.3
    task = batch([request(text) for text in ("a", "b", "a", "c")], mode=mode)
    videos = task.run()
    assert [video["script"] for video in videos] == ["a", "b", "a", "c"]
    assert len({video["video_id"] for video in videos}) == 4
    assert {video["state"] for video in videos} == {"ready"}
    assert created(simulator) == 4
    assert task.ti.xcoms["videos"] == videos
    assert task.ti.xcoms["video_ids"] == [video["video_id"] for video in videos]


def test_a_record_is_that_of_a_single_order(vendor: str, mode: str, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    [video] = batch([REQUESTS[vendor]], vendor, mode).run()
    expected = VideoHook.get_hook(f"{vendor}_default").get_video(video["video_id"]).to_dict()
    assert {**video, "prompt": None, "script": None} == {**expected, "prompt": None, "script": None}


def test_an_empty_list_orders_nothing(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    assert batch([], mode=mode).run() == []
    assert created(simulator) == 0


def test_a_list_may_be_the_text_of_a_json_list(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    assert len(batch(json.dumps([request("a"), request("b")])).run()) == 2


def test_a_text_that_ends_like_a_file_name_is_kept_as_a_literal(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    operator: Any = batch([{**request("a"), "script": literal("See data.json")}]).make()
    operator.render_template_fields({})
    assert operator.requests == [request("See data.json")]


@pytest.mark.parametrize("access", range(1, 24))
def test_wherever_the_process_dies_at_the_store_each_is_ordered_once(
    access: int, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    monkeypatch.setattr(shards, "ORDERS_PER_SHARD", 2)
    monkeypatch.setattr(shards, "OWNER_LIFETIME", -1.0)
    texts = ["a", "b", "a", "c", "d"]
    task = batch([request(text) for text in texts], mode=mode)
    kill_at(task, access)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    videos = task.run()
    assert [video["script"] for video in videos] == texts
    assert ordered_scripts(simulator) == Counter(texts)
    assert created(simulator) == 5


@pytest.mark.parametrize(
    ("owner", "slow"), [(finders, "find_earlier"), (BatchOrders, "_ask"), (GenerateVideoBatchOperator, "_enough")]
)
def test_an_answer_is_written_before_anything_that_takes_time(
    owner: Any, slow: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    # A name of the user's own is looked for before each order.
    named = {text: {**request(text), "video_name": "mine"} for text in "abcdefg"}
    task = batch([named[text] for text in "abcd"])
    original, unwritten = getattr(owner, slow), []

    def note(*arguments: Any, **options: Any) -> Any:
        unwritten.append(recorded(task)["sent"])
        return original(*arguments, **options)

    monkeypatch.setattr(owner, slow, note)
    task.run()
    change(task, [named[text] for text in "aebfcgd"])
    task.clear()
    task.run()
    assert created(simulator) == 7
    assert unwritten == [0] * {"find_earlier": 7, "_ask": 4, "_enough": 2}[slow]


@pytest.mark.parametrize("access", range(1, 20))
def test_wherever_the_process_dies_at_the_store_one_order_at_most_is_uncertain(
    access: int, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    task = batch([request(text, "together") for text in "abcdef"], "together", mode)
    kill_at(task, access)
    with pytest.raises(Killed):
        task.run()
    orders = recorded(task)
    assert orders["sent"] <= 1
    assert orders["accepted"] <= created(simulator) <= orders["accepted"] + orders["sent"]


def recorded(task: Attempts) -> Counter[str]:
    """Count the orders that the store has in each state."""
    assert task.store is not None
    entries = [entry for key, shard in task.store.items() if "video_batch_orders" in key for entry in shard.values()]
    return Counter(order["state"] for entry in entries for order in entry["orders"])


@pytest.mark.parametrize("access", range(1, 24))
def test_wherever_the_process_dies_at_the_store_one_order_is_uncertain_at_most(
    access: int, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("together")
    monkeypatch.setattr(shards, "ORDERS_PER_SHARD", 2)
    monkeypatch.setattr(shards, "OWNER_LIFETIME", -1.0)
    requests = [request(text, "together") for text in "abcde"]
    task = batch(requests, "together", on_failure="return")
    kill_at(task, access)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    lost = [video for video in task.run() if video["state"] != "ready"]
    assert len(lost) <= 1
    assert created(simulator) >= 5 - len(lost)
    assert all("may have" in video["error_message"] for video in lost)


@pytest.mark.parametrize("vendor", ["tavus", "together"])
def test_a_hundred_are_ordered_once_though_the_process_dies_again_and_again(
    vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    monkeypatch.setattr(shards, "OWNER_LIFETIME", -1.0)
    texts = [str(number % 75) for number in range(100)]
    task = batch([request(text, vendor) for text in texts], vendor, retries=9)
    for access in (1, 4, 9, 43, 81, 60):
        kill_at(task, access)
        with pytest.raises(Killed):
            task.run()
    revive(task)
    field = "script" if vendor == "tavus" else "prompt"
    if vendor == "tavus":
        assert [video[field] for video in task.run()] == texts
        assert created(simulator) == 100
        return
    # What was being sent when the process died is uncertain, and named; nothing else is.
    with pytest.raises(VideoBatchError, match=r"of 100 videos failed\. requests\[\d+\]: Together AI may have accepted"):
        task.run()
    videos = task.ti.xcoms["videos"]
    uncertain = [video for video in videos if video["state"] != "ready"]
    assert 1 <= len(uncertain) <= 6
    assert {video["video_id"] for video in uncertain} == {None}
    ready = [video["video_id"] for video in videos if video["state"] == "ready"]
    assert len(set(ready)) == len(ready)
    assert len(ready) <= created(simulator) <= 100


@pytest.mark.parametrize("is_received", [True, False])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_an_order_that_was_being_sent_is_searched_for_and_the_others_are_left_alone(
    is_received: bool, number: int, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    texts = ["a", "b", "a", "c", "d"]
    task = batch([request(text) for text in texts], mode=mode)
    kill_while_sending(monkeypatch, number, is_received=is_received)
    with pytest.raises(Killed):
        task.run()
    videos = task.run()
    assert [video["script"] for video in videos] == texts
    assert ordered_scripts(simulator) == Counter(texts)


def kill_while_sending(monkeypatch: pytest.MonkeyPatch, number: int, *, is_received: bool) -> None:
    """Kill the process while it sends the order of a number, once."""
    order_video, sent = VideoHook.order_video, []

    def order_or_die(self: VideoHook, request: Any, **options: Any) -> Any:
        sent.append(request)
        if len(sent) == number and not is_received:
            raise Killed
        video = order_video(self, request, **options)
        if len(sent) == number:
            raise Killed
        return video

    monkeypatch.setattr(VideoHook, "order_video", order_or_die)


def test_where_nothing_can_be_searched_the_one_uncertain_order_is_named_and_the_others_are_ordered_once(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("together")
    task = batch([request(text, "together") for text in "abcde"], "together", mode)
    kill_while_sending(monkeypatch, 3, is_received=True)
    with pytest.raises(Killed):
        task.run()
    with pytest.raises(
        VideoBatchError, match=r"^1 of 5 videos failed\. requests\[2\]: .* may have accepted"
    ) as failure:
        task.run()
    assert len(failure.value.failed) == 1
    assert created(simulator) == 5
    videos = task.ti.xcoms["videos"]
    assert [video["state"] for video in videos] == ["ready", "ready", "failed", "ready", "ready"]
    assert videos[2]["video_id"] is None
    # Nobody has allowed it.
    task.clear()
    with pytest.raises(VideoBatchError):
        task.run()
    assert created(simulator) == 5
    task.conf["order_again_if_lost"] = True
    task.clear()
    assert [video["prompt"] for video in task.run()] == list("abcde")
    assert created(simulator) == 6


def test_no_more_orders_are_sent_after_the_answers_to_several_in_a_row_were_lost(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("together")
    simulator.add_fault(Fault("accept_then_reset", endpoint="create", after=1))
    task = batch([request(str(number), "together") for number in range(9)], "together", mode)
    with pytest.raises(VideoError, match="answers to 3 orders in a row were lost") as failure:
        task.run()
    # A retry orders the rest.
    assert not isinstance(failure.value, AirflowFailException)
    assert created(simulator) == 4
    assert [video["state"] for video in task.ti.xcoms["videos"]].count("ready") == 1
    simulator.clear_faults()
    with pytest.raises(VideoBatchError, match=r"^3 of 9 videos failed\. requests\[1\]: "):
        task.run()
    assert created(simulator) == 9


def test_a_lost_answer_is_searched_for_after_the_other_orders(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1, after=1))
    task = batch([request(text) for text in "abc"], mode=mode)
    assert [video["script"] for video in task.run()] == list("abc")
    assert created(simulator) == 3


def test_a_retry_goes_on_with_what_is_ordered_and_orders_the_rest(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    conn_id = connect("tavus")
    simulator.generating = 0.3
    task = batch([request(text) for text in "abcd"], mode=mode)
    simulator.add_fault(Fault("status", status=401, endpoint="create", after=2))
    with pytest.raises(VideoAuthError):
        task.run()
    # What was ordered was brought to its end.
    assert [video["state"] for video in task.ti.xcoms["videos"]] == ["ready", "ready", "failed", "failed"]
    simulator.clear_faults()
    connect("tavus")
    assert [video["script"] for video in task.run()] == list("abcd")
    assert created(simulator) == 4
    assert conn_id


def test_a_list_that_was_reordered_and_extended_orders_only_what_is_new(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = batch([request(text) for text in "aab"], mode=mode)
    before = task.run()
    change(task, [request(text) for text in "bcaa"])
    task.clear()
    after = task.run()
    assert [video["script"] for video in after] == list("bcaa")
    assert {video["video_id"] for video in before} <= {video["video_id"] for video in after}
    assert created(simulator) == 4


def test_requests_that_change_from_process_to_process_are_not_ordered_again_and_again(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.3
    numbers = itertools.count()

    def make() -> GenerateVideoBatchOperator:
        # As with random() in a Dag's file, which each process of a task reads anew.
        requests = [request(f"a {next(numbers)}"), request("b"), request("c")]
        return GenerateVideoBatchOperator(
            task_id="order",
            retries=2,
            conn_id="tavus_default",
            requests=requests,
            deferrable=True,
            poke_interval=0.1,
            max_active=1,
        )

    task = Attempts(make)
    with pytest.raises(VideoRequestError, match="differ from those that this attempt began with"):
        task.run()
    assert created(simulator) == 1
    change(task, [request("b"), request("c")])
    task.clear()
    assert [video["script"] for video in task.run()] == ["b", "c"]
    assert ordered_scripts(simulator)["b"] == ordered_scripts(simulator)["c"] == 1


def test_a_video_whose_polls_failed_for_a_while_is_waited_for_until_its_time_is_over(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 2
    simulator.add_fault(Fault("status", status=503, endpoint="get", after=1, times=2))
    task = batch([request("a")], mode=mode, max_consecutive_failures=2)
    assert [video["state"] for video in task.run()] == ["ready"]


@pytest.mark.parametrize("on_failure", ["fail", "return"])
def test_a_vendor_that_is_gone_at_the_very_end_is_asked_again_by_a_retry(
    on_failure: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    # Each has ended, and the answer about the last one is lost.
    simulator.add_fault(Fault("status", status=503, endpoint="get", after=3))
    task = batch([request("a"), request("b")], mode=mode, max_consecutive_failures=2, on_failure=on_failure)
    with pytest.raises(VideoError, match="1 of 2 videos ended can't be asked for") as failure:
        task.run()
    assert not isinstance(failure.value, AirflowFailException)
    assert [video["state"] for video in task.ti.xcoms["videos"]].count("ready") == 1
    simulator.clear_faults()
    assert [video["state"] for video in task.run()] == ["ready", "ready"]
    assert created(simulator) == 2


def test_after_a_clear_only_what_failed_is_ordered_anew(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = batch([request(text) for text in "abc"], mode=mode, on_failure="return")
    first = task.run()
    simulator.set_video("tavus", first[1]["video_id"], outcome="failed")
    # A retry orders none.
    again = task.run()
    assert [video["state"] for video in again] == ["ready", "failed", "ready"]
    assert created(simulator) == 3
    task.clear()
    third = task.run()
    assert [video["state"] for video in third] == ["ready"] * 3
    assert [video["video_id"] == other["video_id"] for video, other in zip(third, first, strict=True)] == [
        True,
        False,
        True,
    ]
    assert created(simulator) == 4
    # Nor does a retry after that.
    assert task.run() == third
    assert created(simulator) == 4


def test_all_are_ordered_anew_after_a_clear_if_the_dag_says_so(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    task = batch([request(text) for text in "ab"], mode=mode, order_again_if_cleared=True)
    task.run()
    task.clear()
    task.run()
    assert created(simulator) == 4


def test_an_emptied_record_is_searched_for_and_asks_a_person_where_nothing_can_be_searched(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    for vendor in ("tavus", "together"):
        connect(vendor)
    for vendor, message in (("tavus", None), ("together", "may or may not have been ordered")):
        task = batch([request(text, vendor) for text in "ab"], vendor, mode)
        task.run()
        before = created(simulator)
        assert task.store is not None
        task.store.clear()
        task.clear()
        for _ in range(2):
            if message is None:
                assert len(task.run()) == 2
            else:
                with pytest.raises(VideoBatchError, match=message):
                    task.run()
                task.clear()
            assert created(simulator) == before


def test_a_refused_order_fails_alone_and_is_sent_once_in_an_attempt(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.generating = 0.3
    refused = {**request("b"), "background_url": 5}
    task = batch([request("a"), refused, request("c")], mode=mode, max_active=1)
    with pytest.raises(VideoBatchError, match=r"1 of 3 videos failed\. requests\[1\]: "):
        task.run()
    assert simulator.record.requests["tavus create"] == 3
    videos = task.ti.xcoms["videos"]
    assert [video["state"] for video in videos] == ["ready", "failed", "ready"]
    assert {frozenset(video) for video in videos} == {frozenset(videos[0])}


def test_the_log_says_once_how_the_batch_has_ended(
    mode: str,
    simulator: Simulator,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("INFO")
    # The last polls take longer than the interval between two lines.
    monkeypatch.setattr(batch_worker, "STARTS_PER_SECOND", 3.0)
    connect("tavus")
    simulator.generating = 0.3
    refused = {**request("b"), "background_url": 5}
    batch([request("a"), refused, request("c")], mode=mode, on_failure="return").run()
    assert caplog.messages.count("2 of 3 videos ready, 1 failed.") == 1


def test_a_forbidden_request_is_refused_by_its_place_before_anything_is_sent(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    misspelt = {"replica_id": "r1", "scirpt": "b"}
    with pytest.raises(VideoRequestError, match=r"^requests\[1\], field 'scirpt': is unknown"):
        batch([request("a"), misspelt], mode=mode).run()
    with pytest.raises(VideoRequestError, match=r"^requests\[2\], field 'script': can't be sent as JSON"):
        batch([request("a"), request("b"), {"replica_id": "r1", "script": b"c"}], mode=mode).run()
    assert simulator.record.requests == {}


def test_after_a_list_that_could_not_be_ordered_the_mended_one_is(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    good = request("a", vendor)
    task = batch([good, {"nonsense": 1}], vendor, mode)
    with pytest.raises(VideoRequestError):
        task.run()
    change(task, [good])
    task.clear()
    assert [video["state"] for video in task.run()] == ["ready"]
    assert created(simulator) == 1


def test_more_at_once_than_a_trigger_takes_are_refused_before_anything_is_sent(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    with pytest.raises(VideoParameterError, match=r"max_active must be 1,500 or less for 1,501 videos"):
        batch([request(str(number)) for number in range(1_501)], mode="deferrable").run()
    assert simulator.record.requests == {}


def test_without_a_store_nothing_is_ordered(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    with pytest.raises(VideoParameterError, match=r"needs Airflow 3\.3"):
        batch([request("a")], mode=mode, has_store=False).run()
    assert simulator.record.requests == {}


def test_a_list_that_is_too_long_to_be_mapped_over_is_refused_before_anything_is_sent(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")

    @task_decorator
    def use(video: dict[str, Any]) -> None:
        return None

    with DAG("dag", schedule=None):
        operator: Any = batch([request(text) for text in "abc"]).make()
        use.expand(video=operator.output)
    task = Attempts(lambda: operator)
    with pytest.raises(VideoParameterError, match="max_map_length is 2"):
        task.run()
    assert simulator.record.requests == {}


class TestMaxActive:
    """Not more at once than the vendor, or the Dag, allows."""

    def test_no_more_are_under_way_than_the_dag_allows(
        self, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("tavus")
        monkeypatch.setattr(generate_batch, "MAX_IDLE_SECONDS", 0.2)
        simulator.generating = 1.5
        most = watch(simulator, monkeypatch)
        task = batch([request(str(number)) for number in range(10)], mode=mode, max_active=3)
        videos = task.run()
        assert [video["script"] for video in videos] == [str(number) for number in range(10)]
        assert created(simulator) == 10
        assert max(most) == 3

    def test_by_default_no_more_are_under_way_than_the_vendor_documents(
        self, vendor: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit = VideoHook.get_hook(connect(vendor)).vendor.max_active
        assert limit == {"heygen": 10, "luma": 10, "minimax": 30}.get(vendor)

        def end(*args: Any, **options: Any) -> None:
            raise Killed

        monkeypatch.setattr(generate_batch, "defer_if_it_fits", end)
        with pytest.raises(Killed):
            batch([REQUESTS[vendor]] * 32, vendor, "deferrable").run()
        assert created(simulator) == (limit or 32)

    def test_a_deferred_task_comes_back_in_waves(self, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        simulator.generating = 0.5
        task = batch([request(str(number)) for number in range(24)], mode="deferrable", max_active=8)
        assert len(task.run()) == 24
        # Eight at first, then at most four times for each eight, and once at the end.
        assert 3 <= task.deferrals <= 9

    def test_what_ends_together_is_one_wave(self, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        simulator.generating = 0.2
        requests = [request(str(number)) for number in range(16)]
        task = batch(requests, mode="deferrable", max_active=8, poke_interval=1.0)
        assert len(task.run()) == 16
        assert task.deferrals <= 3

    def test_a_limit_that_passes_means_to_wait(
        self, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("tavus")
        monkeypatch.setattr(generate_batch, "MAX_IDLE_SECONDS", 0.2)
        simulator.generating = 0.3
        refusal = '{"message": "You have reached the maximum concurrent videos"}'
        simulator.add_fault(Fault("status", after=2, times=3, endpoint="create", status=400, body=refusal))
        task = batch([request(text) for text in "abcd"], mode=mode)
        assert [video["script"] for video in task.run()] == list("abcd")
        assert created(simulator) == 4

    def test_a_limit_that_passes_means_to_wait_though_none_of_its_own_is_under_way(
        self, mode: str, simulator: Simulator, connect: Connect
    ) -> None:
        connect("tavus")
        simulator.add_fault(Fault("status", status=429, times=2, endpoint="create"))
        task = batch([request(text) for text in "ab"], mode=mode)
        assert [video["script"] for video in task.run()] == list("ab")

    def test_a_limit_is_tried_once_after_each_pause_though_many_have_ended(
        self, mode: str, simulator: Simulator, connect: Connect
    ) -> None:
        connect("tavus")
        simulator.add_fault(Fault("status", status=429, after=8, endpoint="create"))
        task = batch([request(str(number)) for number in range(9)], mode=mode, max_consecutive_failures=3)
        with pytest.raises(VideoApiError):
            task.run()
        # At most once for each that has ended, and then after each of three pauses.
        assert simulator.record.requests["tavus create"] <= 8 + 1 + 8 + 3 + 1

    def test_a_retry_fills_the_places_of_what_has_ended_at_once(self, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        simulator.add_fault(Fault("status", status=401, after=8, endpoint="create"))
        task = batch([request(str(number)) for number in range(16)], mode="deferrable", max_active=8)
        with pytest.raises(VideoAuthError):
            task.run()
        simulator.clear_faults()
        task.deferrals = 0
        order_video, deferrals = VideoHook.order_video, []

        def noting(self: VideoHook, request: Any, **options: Any) -> Any:
            deferrals.append(task.deferrals)
            return order_video(self, request, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(VideoHook, "order_video", noting)
            assert len(task.run()) == 16
        assert deferrals[:8] == [0] * 8

    def test_what_is_not_ordered_yet_does_not_age(
        self, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("tavus")
        monkeypatch.setattr(generate_batch, "MAX_IDLE_SECONDS", 0.1)
        simulator.generating = 1
        task = batch([request(str(number)) for number in range(4)], mode=mode, max_active=1, timeout=3)
        began = time.monotonic()
        assert {video["state"] for video in task.run()} == {"ready"}
        assert time.monotonic() - began > 3.5

    def test_a_video_that_is_stuck_is_given_up_alone(self, mode: str, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        simulator.outcome = "stuck"
        task = batch([request("a")], mode=mode, timeout=0.5, on_failure="return")
        [video] = task.run()
        assert video["state"] == "generating"
        assert "is not finished after" in video["error_message"]


def watch(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many videos are under way at each order, the new one included."""
    order_video, counts = VideoHook.order_video, []

    def counted(self: VideoHook, request: Any, **options: Any) -> Any:
        video = order_video(self, request, **options)
        counts.append(sum(1 for one in self.list_videos() if not one.state.is_terminal))
        return video

    monkeypatch.setattr(VideoHook, "order_video", counted)
    return counts


class TestRecord:
    """What is kept of the orders."""

    def test_its_keys_are_few_and_small(self, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        task = batch([request(str(number)) for number in range(100)])
        task.run()
        assert task.store is not None
        assert len(task.store) == 5
        assert max(len(json.dumps(value)) for value in task.store.values()) < 30_000

    def test_a_later_attempt_reads_each_key_once(self, simulator: Simulator, connect: Connect) -> None:
        connect("tavus")
        task = batch([request(str(number)) for number in range(100)])
        task.run()
        accesses: list[str] = []
        assert task.store is not None
        task.store.before = accesses.append
        task.clear()
        task.run()
        assert Counter(accesses)["get"] <= 8
        assert Counter(accesses)["set"] <= 5

    def test_a_large_order_moves_to_a_key_of_its_own(
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("tavus")
        monkeypatch.setattr(shards, "MAX_SHARD_CHARACTERS", 1_000)
        task = batch([request(str(number)) for number in range(12)])
        first = task.run()
        assert task.store is not None
        assert max(len(json.dumps(value)) for key, value in task.store.items() if "orders" in key) <= 1_000
        task.clear()
        assert [video["video_id"] for video in task.run()] == [video["video_id"] for video in first]

    def test_it_names_no_key_that_is_not_there_though_the_process_dies_while_orders_move(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, ti = Store(), SimpleNamespace(try_number=1)
        context: Any = {"task_state_store": store, "ti": ti}
        order = Order(fingerprint="", number=1, state=OrderState.ACCEPTED, max_tries=2, video_id="v1")
        record = shards.ShardedRecord(context)
        record.open(requests="same", may_lack_orders=False)
        for slot in "ab":
            record.put(slot, OrderRecord(orders=(order,)))
        # A clear is noted of one, which is not written at once, and does not fit any more.
        monkeypatch.setattr(shards, "MAX_SHARD_CHARACTERS", 10)
        record.put("a", OrderRecord(orders=(dataclasses.replace(order, clear_number=1),)))
        monkeypatch.setattr(shards, "ORDERS_PER_SHARD", 1)
        record.put("c", OrderRecord(orders=(order,)))
        after = shards.ShardedRecord(context)
        after.open(requests="same", may_lack_orders=False)
        assert sorted(slot for slot in "abc" if after.get(slot) is not None) == ["a", "b", "c"]

    @pytest.mark.parametrize("key", ["video_batch", "video_batch_orders_0"])
    @pytest.mark.parametrize("value", [None, [], "text", {"version": 99}, {"x": 5}])
    def test_one_that_can_not_be_read_orders_nothing(
        self, key: str, value: Any, simulator: Simulator, connect: Connect
    ) -> None:
        connect("tavus")
        task = batch([request("a")])
        task.run()
        assert task.store is not None
        if value is None:
            if key == "video_batch":
                pytest.skip("that is an emptied record")
            del task.store[key]
        else:
            task.store[key] = value
        with pytest.raises(VideoRecordError):
            task.run()
        assert created(simulator) == 1

    def test_a_process_that_airflow_has_given_up_sends_nothing_beside_the_next_one(
        self, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect("tavus")
        task = batch([request(text) for text in "abcd"])
        order_video, sent = VideoHook.order_video, []
        second: list[Any] = []

        def order(self: VideoHook, request: Any, **options: Any) -> Any:
            video = order_video(self, request, **options)
            sent.append(request)
            if len(sent) == 2:
                # The next attempt begins, and ends, while this one has the answer and has not kept it.
                thread = threading.Thread(target=lambda: second.append(task.run()))
                thread.start()
                thread.join()
            return video

        monkeypatch.setattr(shards, "OWNER_LIFETIME", -1.0)
        monkeypatch.setattr(VideoHook, "order_video", order)
        with pytest.raises(VideoError, match="Another process of this task has begun to order") as failure:
            task.run()
        # Were it the newer one that Airflow has given up, a failure without a retry would end both.
        assert not isinstance(failure.value, AirflowFailException)
        assert [video["script"] for video in second[0]] == list("abcd")
        assert ordered_scripts(simulator) == Counter("abcd")
        monkeypatch.setattr(VideoHook, "order_video", order_video)
        assert task.run() == second[0]
        assert created(simulator) == 4


def test_the_event_of_an_asset_holds_counts_and_says_where_the_records_are(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    asset = Asset("clips")
    task = batch([request("a"), request("b")], mode=mode, outlets=[asset])
    task.run()
    place = {"dag_id": "dag", "run_id": "run", "task_id": "order", "map_index": -1, "key": "videos"}
    assert task.events[asset].extra == {"videos": 2, "ready": 2, "failed": 0, **place}
