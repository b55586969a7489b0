# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import requests
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.simulator import Simulator
from crash_tests.orders import Order, place
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import KEY, eventually
from tests.vendor_kit import REQUESTS

pytestmark = pytest.mark.system
HAS_STORE = hasattr(BaseTrigger, "on_kill")
needs_store = pytest.mark.skipif(not HAS_STORE, reason="Airflow has a task state store from 3.3 on")


def test_whatever_happens_to_an_order_none_is_accepted_twice(airflow: RealAirflow) -> None:
    tavus = [
        Order("tavus", "sync", "before"),
        Order("tavus", "deferrable", "in_flight"),
        Order("tavus", "sync", "unstored"),
        Order("tavus", "deferrable", "wait"),
        Order("tavus", "deferrable", "resume"),
        Order("tavus", "sync", "proxied"),
        Order("tavus", "deferrable", "late"),
    ]
    together = []
    # Without a store, what can't be found by its name is not ordered.
    if HAS_STORE:
        tavus.append(Order("tavus", "deferrable", "failed_emptied"))
        together = [
            Order("together", "sync", "in_flight"),
            Order("together", "deferrable", "clear_kept"),
            Order("together", "sync", "run_emptied"),
        ]
    outcomes = place(airflow, [*tavus, *together], KEY)
    assert {order.name: outcomes[order].created for order in outcomes} == {order.name: 1 for order in outcomes}
    assert {order.name: outcomes[order].state for order in tavus} == {order.name: "success" for order in tavus}
    if HAS_STORE:
        assert [outcomes[order].state for order in together] == ["failed", "success", "failed"]
        assert "Task State Store" in outcomes[together[0]].log
        assert "may or may not have been ordered" in outcomes[together[2]].log


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("sync", marks=pytest.mark.long),
        pytest.param(
            "deferrable",
            marks=pytest.mark.skipif(not HAS_STORE, reason="Airflow tells triggers of a kill from 3.3 on"),
        ),
    ],
)
def test_a_user_who_ends_a_task_deletes_its_video_only_if_that_was_asked_for(
    mode: str, airflow: RealAirflow, slow_vendors: Simulator
) -> None:
    dag_id, task_ids = f"killed_{mode}", ("goes_on", "deletes")
    run_id = airflow.trigger(dag_id)
    for task_id in task_ids:
        airflow.wait_for_task(dag_id, run_id, task_id, "deferred" if mode == "deferrable" else "running")
    video_ids = {task_id: eventually(airflow.xcom, dag_id, run_id, task_id, "video_id") for task_id in task_ids}
    if mode == "deferrable":
        # A trigger that has not begun is dropped without a word.
        for task_id in task_ids:
            eventually(lambda task_id=task_id: f"trigger {dag_id}/" in airflow.log(dag_id, run_id, task_id))
    for task_id in task_ids:
        airflow.set_state(dag_id, run_id, task_id, "failed")
    for task_id, words in (("goes_on", "continues at the vendor"), ("deletes", "was deleted at the vendor")):
        line = f"Video '{video_ids[task_id]}' {words}"
        eventually(lambda task_id=task_id, line=line: line in airflow.log(dag_id, run_id, task_id))
    states = {task_id: status_at(slow_vendors, video_id) for task_id, video_id in video_ids.items()}
    assert states == {"goes_on": "generating", "deletes": "deleted"}


def test_an_asset_tells_the_next_dag_of_the_video(airflow: RealAirflow, ordering_examples: dict[str, str]) -> None:
    run_id = ordering_examples["example_order_video"]
    assert airflow.wait_for_run("example_order_video", run_id) == "success"
    video = airflow.xcom("example_order_video", run_id, "order")
    # Airflow answers 500 while the consumer's run is being made.
    [event] = eventually(
        lambda: airflow.api("GET", "/assets/events", params={"source_dag_id": "example_order_video"}).json()[
            "asset_events"
        ]
    )
    names = ("vendor", "video_id", "download_url", "stream_url", "hosted_url", "cost")
    assert {name: event["extra"][name] for name in names} == {name: video[name] for name in names}

    def consumer() -> str | None:
        runs = airflow.api("GET", "/dags/example_use_ordered_video/dagRuns").json()["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    consumed = eventually(consumer)
    assert airflow.wait_for_run("example_use_ordered_video", consumed) == "success"
    assert f"{video['video_id']} of tavus" in airflow.log("example_use_ordered_video", consumed, "use")


@pytest.mark.parametrize(
    "conn_types",
    [
        # One whose answer needs a second request, one with a version header, one whose answer is billed.
        pytest.param(("fal", "runway", "together"), id="three vendors"),
        pytest.param([vendor for vendor in REQUESTS if vendor != "tavus"], id="all", marks=pytest.mark.long),
    ],
)
def test_a_clip_is_ordered_from_any_vendor(airflow: RealAirflow, conn_types: Sequence[str]) -> None:
    dag_id, clips = "example_order_clip", {vendor: REQUESTS[vendor] for vendor in conn_types}
    runs = {
        vendor: airflow.trigger(dag_id, conf={"conn_id": f"{vendor}_default", "request": request})
        for vendor, request in clips.items()
    }
    for vendor, run_id in runs.items():
        assert airflow.wait_for_run(dag_id, run_id) == "success", vendor
        video = airflow.xcom(dag_id, run_id, "order")
        assert (video["vendor"], video["state"]) == (vendor, "ready")
        assert video["download_url"] == video["file_urls"][0]
        # The form passes it as a text of JSON.
        order = airflow.api("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/order").json()
        assert order["rendered_fields"]["request"] == clips[vendor]
        # Airflow hides what looks like a token in a log.
        assert video["download_url"].partition("?")[0] in airflow.log(dag_id, run_id, "show")


@needs_store
def test_functions_say_what_is_ordered_and_each_is_called_once(airflow: RealAirflow) -> None:
    dag_id = "example_order_by_function"
    run_id = airflow.trigger(dag_id, conf={"replica_id": "r1", "guests": ["Ada", "Grace"]})
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    greetings = [airflow.xcom(dag_id, run_id, "greet", map_index=index) for index in (0, 1)]
    assert [video["script"] for video in greetings] == ["Welcome, Ada.", "Welcome, Grace."]
    goodbyes = airflow.xcom(dag_id, run_id, "say_goodbye")
    assert [video["script"] for video in goodbyes] == ["Goodbye, Ada.", "Goodbye, Grace."]
    assert {video["state"] for video in (*greetings, *goodbyes)} == {"ready"}
    instances = airflow.task_instances(dag_id, run_id)
    rendered = {(one["task_id"], one["map_index"]): one["rendered_fields"] for one in instances}
    assert rendered["greet", 1]["request"] == {"replica_id": "r1", "script": "Welcome, Grace."}
    assert [request["script"] for request in rendered["say_goodbye", -1]["requests"]] == [
        "Goodbye, Ada.",
        "Goodbye, Grace.",
    ]
    assert airflow.log(dag_id, run_id, "say_goodbye").count("is ordered at Tavus") == 2


def test_many_are_ordered_and_what_they_cost_is_gathered(airflow: RealAirflow) -> None:
    dag_id = "example_order_many_videos"
    run_id = airflow.trigger(dag_id, conf={"model": "m1", "prompts": ["A cat.", "A dog."]})
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    gathered = airflow.xcom(dag_id, run_id, "gather")
    assert len(set(gathered["urls"])) == 2
    costs = [airflow.xcom(dag_id, run_id, "wait", map_index=index)["cost"] for index in (0, 1)]
    assert sum(costs) > 0
    assert gathered["cost"] == pytest.approx(sum(costs))


@pytest.fixture
def slow_vendors(vendors: Simulator) -> Iterator[Simulator]:
    """Let an order take an hour."""
    before, vendors.queued, vendors.generating = (vendors.queued, vendors.generating), 0, 3600
    yield vendors
    vendors.queued, vendors.generating = before


def status_at(vendors: Simulator, video_id: str) -> str:
    answer = requests.get(f"{vendors.url}/v2/videos/{video_id}", headers={"x-api-key": KEY}, timeout=10)
    return str(answer.json()["status"])
