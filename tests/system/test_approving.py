# SPDX-License-Identifier: Apache-2.0
"""Dags that go on with what a person approves. From Airflow 3.3 on such a task waits without a trigger."""

from __future__ import annotations

import time
from http import HTTPStatus

import airflow.sdk.exceptions
import pytest
import requests

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.vendor_kit import REQUESTS

pytestmark = pytest.mark.system

WAITS = "awaiting_input" if hasattr(airflow.sdk.exceptions, "TaskAwaitingInput") else "deferred"


#: A person takes longer than Airflow's supervisor to notice that a task has given its worker back; Airflow fails a task
#: that is resumed before.
SETTLE_SECONDS = 3.0


def wait_for_request(airflow: RealAirflow, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> None:
    airflow.wait_for_task(dag_id, run_id, task_id, WAITS, timeout=120, map_index=map_index)
    time.sleep(SETTLE_SECONDS)


def states(airflow: RealAirflow, dag_id: str, run_id: str) -> dict[tuple[str, int], str]:
    return {(one["task_id"], one["map_index"]): one["state"] for one in airflow.task_instances(dag_id, run_id)}


def test_of_many_videos_those_go_on_that_a_person_approves(airflow: RealAirflow, vendors: Simulator) -> None:
    videos = [vendors.add_video("tavus", video_name=f"Clip {number}") for number in range(4)]
    run_id = airflow.trigger("approve_many", conf={"videos": videos})
    for index, option in enumerate(("Reject", "Approve", "Reject", "Approve")):
        wait_for_request(airflow, "approve_many", run_id, "approve", index)
        request = airflow.human_request("approve_many", run_id, "approve", index)
        assert request["subject"] == f"Approve this video? Clip {index}"
        assert request["options"] == ["Approve", "Reject"]
        airflow.respond("approve_many", run_id, "approve", option, index, comment=f"{index}")
    assert airflow.wait_for_run("approve_many", run_id) == "success"
    ended = states(airflow, "approve_many", run_id)
    assert [ended["approve", index] for index in range(4)] == ["success"] * 4
    # Mapped over what was approved, it counts that.
    published = [airflow.xcom("approve_many", run_id, "publish", map_index=index) for index in range(2)]
    assert published == [videos[1], videos[3]]
    assert ("publish", 2) not in ended
    assert airflow.xcom("approve_many", run_id, "list_ids") == [videos[1], videos[3]]
    # Mapped over what was asked about, it has the same indexes.
    assert [ended["alike", index] for index in range(4)] == ["skipped", "success", "skipped", "success"]
    assert airflow.xcom("approve_many", run_id, "count") == 2
    answer = airflow.xcom("approve_many", run_id, "approve", "answer", map_index=2)
    assert (answer["option"], answer["comment"], answer["user"]["name"]) == ("Reject", "2", "admin")
    assert airflow.extra_links("approve_many", run_id, "approve", 1)["Watch video"]


@pytest.mark.long
def test_in_a_mapped_group_only_what_follows_a_rejection_is_skipped(airflow: RealAirflow, vendors: Simulator) -> None:
    videos = [vendors.add_video("tavus") for _ in range(2)]
    run_id = airflow.trigger("approve_in_group", conf={"videos": videos})
    for index, option in enumerate(("Reject", "Approve")):
        wait_for_request(airflow, "approve_in_group", run_id, "each.approve", index)
        airflow.respond("approve_in_group", run_id, "each.approve", option, index)
    assert airflow.wait_for_run("approve_in_group", run_id) == "success"
    ended = states(airflow, "approve_in_group", run_id)
    assert [ended["each.publish", index] for index in range(2)] == ["skipped", "success"]
    assert airflow.xcom("approve_in_group", run_id, "each.publish", map_index=1) == videos[1]


@pytest.mark.long
@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_one_video(airflow: RealAirflow, vendors: Simulator, option: str) -> None:
    video_id = vendors.add_video("tavus")
    run_id = airflow.trigger("approve_one", conf={"video_id": video_id})
    wait_for_request(airflow, "approve_one", run_id, "approve")
    airflow.respond("approve_one", run_id, "approve", option)
    assert airflow.wait_for_run("approve_one", run_id) == "success"
    ended = states(airflow, "approve_one", run_id)
    assert ended["publish", -1] == {"Approve": "success", "Reject": "skipped"}[option]
    if option == "Approve":
        assert airflow.xcom("approve_one", run_id, "approve") == airflow.xcom("approve_one", run_id, "wait")


@pytest.mark.long
def test_an_answer_about_another_video_publishes_nothing(airflow: RealAirflow, vendors: Simulator) -> None:
    video_id = vendors.add_video("tavus")
    run_id = airflow.trigger("approve_one", conf={"video_id": video_id})
    wait_for_request(airflow, "approve_one", run_id, "approve")
    airflow.respond("approve_one", run_id, "approve", "Approve", video_id="v2")
    assert airflow.wait_for_run("approve_one", run_id) == "failed"
    assert states(airflow, "approve_one", run_id)["publish", -1] == "upstream_failed"
    # Airflow 3.2's trigger finds it before.
    assert "video_id" in airflow.log("approve_one", run_id, "approve")


@pytest.mark.long
def test_an_answer_that_names_no_video_publishes_nothing(airflow: RealAirflow, vendors: Simulator) -> None:
    video_id = vendors.add_video("tavus")
    run_id = airflow.trigger("approve_one", conf={"video_id": video_id})
    wait_for_request(airflow, "approve_one", run_id, "approve")
    path = f"/dags/approve_one/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    airflow.api("PATCH", path, json={"chosen_options": ["Approve"]})
    assert airflow.wait_for_run("approve_one", run_id) == "failed"
    assert "the answer has no field 'video_id'" in airflow.log("approve_one", run_id, "approve")
    # The request is answered, and the task over: no later answer changes that.
    with pytest.raises(requests.HTTPError) as caught:
        airflow.respond("approve_one", run_id, "approve", "Approve")
    assert caught.value.response.status_code == HTTPStatus.CONFLICT


@pytest.mark.long
def test_time_publishes_nothing(airflow: RealAirflow, vendors: Simulator) -> None:
    video_id = vendors.add_video("tavus")
    run_id = airflow.trigger("approve_in_time", conf={"video_id": video_id})
    assert airflow.wait_for_run("approve_in_time", run_id) == "failed"
    ended = states(airflow, "approve_in_time", run_id)
    assert (ended["approve_None", -1], ended["publish_None", -1]) == ("failed", "upstream_failed")
    assert (ended["approve_Reject", -1], ended["publish_Reject", -1]) == ("success", "skipped")
    assert airflow.xcom("approve_in_time", run_id, "approve_Reject", "answer")["user"] is None


@pytest.mark.long
def test_a_viewer_may_not_answer(airflow: RealAirflow, vendors: Simulator) -> None:
    run_id = airflow.trigger("approve_one", conf={"video_id": vendors.add_video("tavus")})
    wait_for_request(airflow, "approve_one", run_id, "approve")
    with pytest.raises(requests.HTTPError) as caught:
        airflow.respond("approve_one", run_id, "approve", "Approve", user="viewer")
    assert caught.value.response.status_code == HTTPStatus.FORBIDDEN
    airflow.respond("approve_one", run_id, "approve", "Reject")
    airflow.wait_for_run("approve_one", run_id)


def test_a_rejection_with_another_prompt_orders_another_take_and_an_approval_goes_on(
    airflow: RealAirflow, vendors: Simulator
) -> None:
    dag_id = "example_another_take"
    before = vendors.record.created.get("together", 0)
    run_id = airflow.trigger(dag_id, conf={"model": REQUESTS["together"]["model"], "prompt": "A cat."})
    wait_for_request(airflow, dag_id, run_id, "approve")
    airflow.respond(dag_id, run_id, "approve", "Reject", another_prompt="A dog.")
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    next_run = f"{run_id}__take_2"
    wait_for_request(airflow, dag_id, next_run, "approve")
    assert airflow.xcom(dag_id, next_run, "order")["prompt"] == "A dog."
    assert vendors.record.created.get("together", 0) == before + 2
    # A retry, or a clear, starts no second run.
    airflow.clear(dag_id, run_id, "another_take")
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    airflow.respond(dag_id, next_run, "approve", "Approve")
    assert airflow.wait_for_run(dag_id, next_run) == "success"
    ended = states(airflow, dag_id, next_run)
    assert [ended[name, -1] for name in ("publish", "another_take")] == ["success", "skipped"]
    assert vendors.record.created.get("together", 0) == before + 2
    runs = airflow.api("GET", f"/dags/{dag_id}/dagRuns").json()["dag_runs"]
    assert sorted(run["dag_run_id"] for run in runs) == sorted([run_id, next_run])


@pytest.mark.long
@pytest.mark.parametrize("prompt", ["", " ", "A cat."])
def test_a_rejection_without_another_prompt_orders_nothing(
    airflow: RealAirflow, vendors: Simulator, prompt: str
) -> None:
    dag_id = "example_another_take"
    run_id = airflow.trigger(dag_id, conf={"model": REQUESTS["together"]["model"], "prompt": "A cat."})
    wait_for_request(airflow, dag_id, run_id, "approve")
    before = vendors.record.created.get("together", 0)
    airflow.respond(dag_id, run_id, "approve", "Reject", another_prompt=prompt)
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    assert states(airflow, dag_id, run_id)["another_take", -1] == "skipped"
    assert vendors.record.created.get("together", 0) == before
