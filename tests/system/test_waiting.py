# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import time

import pytest
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.videos import VendorName
from local_airflow.real_airflow import RealAirflow
from tests.conftest import VENDORS
from tests.system.conftest import eventually

pytestmark = pytest.mark.system

MODES = ("poke", "reschedule", "deferrable")
PUSHED = [
    "download_url",
    "hosted_url",
    "return_value",
    "state",
    "status_seconds",
    "stream_url",
    "vendor",
    "video_id",
]


def _states(airflow: RealAirflow, dag_id: str, run_id: str) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in airflow.task_instances(dag_id, run_id)}


def test_every_mode_waits_and_passes_the_same_urls_on(airflow: RealAirflow, vendors: Simulator) -> None:
    video_ids = {str(vendor): vendors.add_video(vendor, queued=8, generating=12) for vendor in VENDORS}
    run_id = airflow.trigger("every_mode", conf=video_ids)
    assert airflow.wait_for_run("every_mode", run_id) == "success"
    for vendor, video_id in video_ids.items():
        videos = [airflow.xcom("every_mode", run_id, f"{vendor}_{mode}") for mode in MODES]
        assert videos[0]["video_id"] == video_id
        assert videos[0]["state"] == "ready"
        assert videos[0] == videos[1] == videos[2]
        url = videos[0]["download_url"]
        for mode in MODES:
            keys = airflow.xcom_keys("every_mode", run_id, f"{vendor}_{mode}")
            # Airflow wipes what a poke of a rescheduled sensor left.
            assert keys == sorted([*PUSHED, *(["waiting"] if mode != "reschedule" else [])])
            assert airflow.xcom("every_mode", run_id, f"use_{vendor}_{mode}") == [videos[0], url, url]
    log = airflow.log("every_mode", run_id, "tavus_deferrable")
    assert f"Video '{video_ids['tavus']}' of tavus ended as 'ready' after" in log


@pytest.mark.long
def test_mapped_waits_take_ids_and_dicts(airflow: RealAirflow, vendors: Simulator) -> None:
    video_ids = [vendors.add_video("tavus", queued=2, generating=seconds) for seconds in (4, 8)]
    run_id = airflow.trigger("mapped", conf={"video_ids": video_ids})
    assert airflow.wait_for_run("mapped", run_id) == "success"
    for task_id in ("first", "again", "get"):
        videos = [airflow.xcom("mapped", run_id, task_id, map_index=index) for index in (0, 1)]
        assert [video["video_id"] for video in videos] == video_ids


@pytest.mark.long
def test_what_ends_badly_ends_alike_in_every_mode(airflow: RealAirflow, vendors: Simulator) -> None:
    reason = "Request has failed as the script violates community guidelines."
    failed = vendors.add_video("tavus", queued=6, generating=4, outcome="failed", status_details=reason)
    stuck = vendors.add_video("tavus", outcome="stuck")
    run_id = airflow.trigger("ends_badly", conf={"failed": failed, "stuck": stuck})
    assert airflow.wait_for_run("ends_badly", run_id) == "failed"
    states = _states(airflow, "ends_badly", run_id)
    for mode in MODES:
        assert states[f"failed_{mode}"] == "failed"
        assert states[f"skipped_{mode}"] == "skipped"
        assert states[f"refused_{mode}"] == "failed"
        assert states[f"late_{mode}"] == "failed"
        assert airflow.xcom("ends_badly", run_id, f"failed_{mode}", key="video")["error_message"] == reason
        assert f"ended with status 'error': {reason}" in airflow.log("ends_badly", run_id, f"failed_{mode}")
        assert "Tavus answered 401" in airflow.log("ends_badly", run_id, f"refused_{mode}")
        late = airflow.log("ends_badly", run_id, f"late_{mode}")
        assert f"Video '{stuck}' is not finished after" in late
        assert "last status was 'generating'" in late
    tries = {task["task_id"]: task["try_number"] for task in airflow.task_instances("ends_badly", run_id)}
    assert {tries[f"failed_{mode}"] for mode in MODES} == {1}


def test_the_scheduler_and_the_triggerer_wait_without_a_worker(airflow: RealAirflow, vendors: Simulator) -> None:
    video_ids = {
        "ready": vendors.add_video("tavus", outcome="stuck"),
        "failed": vendors.add_video("tavus", outcome="failed", status_details="The script is empty."),
        "stuck": vendors.add_video("tavus", outcome="stuck"),
    }
    dag_id = "no_worker"
    run_id = airflow.trigger(dag_id, conf=video_ids)
    # Airflow before 3.3 starts no trigger whose arguments are templated: there a worker begins each wait.
    is_started_by_scheduler = hasattr(BaseTrigger, "render_template_fields")
    if is_started_by_scheduler:
        eventually(lambda: "waiting" in airflow.xcom_keys(dag_id, run_id, "whole"))
    else:
        airflow.wait_for_task(dag_id, run_id, "whole", "deferred")
    vendors.set_video("tavus", video_ids["ready"], outcome="ready")
    assert airflow.wait_for_run(dag_id, run_id) == "failed"
    tasks = {(task["task_id"], task["map_index"]): task for task in airflow.task_instances(dag_id, run_id)}
    ends_well = ["whole", "keyed", "template", "only_start", "only_end", "unsafe"]
    for task_id in ends_well:
        assert tasks[task_id, -1]["state"] == "success", task_id
    for index in (0, 1):
        assert tasks["mapped", index]["state"] == "success"
    states = {task_id: tasks[task_id, -1]["state"] for task_id in ("failed", "skipped", "late", "refused")}
    assert states == {"failed": "failed", "skipped": "skipped", "late": "failed", "refused": "failed"}
    # A worker process writes its pid and its host.
    no_worker = {task_id for (task_id, _), task in tasks.items() if task["pid"] is None and not task["hostname"]}
    assert no_worker == ({"whole", "keyed", "template", "skipped"} if is_started_by_scheduler else set())
    assert (tasks["failed", -1]["try_number"], tasks["late", -1]["try_number"]) == (1, 1)
    videos = [airflow.xcom(dag_id, run_id, task_id) for task_id in ends_well]
    assert videos == [videos[0]] * len(videos)
    assert airflow.xcom(dag_id, run_id, "use_whole") == [videos[0], *[videos[0]["download_url"]] * 2]
    if is_started_by_scheduler:
        # The record, what another task reads, and what goes with the event or was reported while it waited.
        keys = ["download_url", "return_value", "status_seconds", "waiting"]
        assert airflow.xcom_keys(dag_id, run_id, "whole") == keys
    for task_id in ("failed", "skipped"):
        assert airflow.xcom(dag_id, run_id, task_id, key="video")["error_message"] == "The script is empty."
    assert "is not finished after" in airflow.log(dag_id, run_id, "late")
    assert "Skipped, as soft_fail is set" in airflow.log(dag_id, run_id, "skipped")
    assert "Tavus answered 401" in airflow.log(dag_id, run_id, "refused")


def test_a_batch_waits_in_every_mode_and_without_a_worker(airflow: RealAirflow, vendors: Simulator) -> None:
    ready = [vendors.add_video("tavus", queued=2, generating=seconds) for seconds in (12, 4, 8)]
    failed = vendors.add_video("tavus", outcome="failed", status_details="The script is empty.")
    dag_id = "batches"
    run_id = airflow.trigger(dag_id, conf={"ready": ready, "failed": failed})
    assert airflow.wait_for_run(dag_id, run_id) == "failed"
    ends_well = [*(f"batch_{mode}" for mode in MODES), "whole", "expanded", "of_mapped"]
    lists = [airflow.xcom(dag_id, run_id, task_id) for task_id in ends_well]
    assert [video["video_id"] for video in lists[0]] == ready
    assert {video["state"] for video in lists[0]} == {"ready"}
    assert lists == [lists[0]] * len(lists)
    assert airflow.xcom(dag_id, run_id, "whole", key="videos") == lists[0]
    assert [video["video_id"] for video in airflow.xcom(dag_id, run_id, "literal")] == ready[:1]
    tasks = {(task["task_id"], task["map_index"]): task for task in airflow.task_instances(dag_id, run_id)}
    assert [tasks["state_of", index]["state"] for index in range(3)] == ["success"] * 3
    no_worker = {task_id for (task_id, _), task in tasks.items() if task["pid"] is None and not task["hostname"]}
    assert no_worker == ({"whole", "literal"} if hasattr(BaseTrigger, "render_template_fields") else set())
    assert (tasks["failing", -1]["state"], tasks["failing", -1]["try_number"]) == ("failed", 1)
    assert "1 of 2 videos failed" in airflow.log(dag_id, run_id, "failing")
    states = [video["state"] for video in airflow.xcom(dag_id, run_id, "failing", key="videos")]
    assert states == ["failed", "ready"]
    assert "3 of 3 videos ready, 0 failed." in airflow.log(dag_id, run_id, "batch_deferrable")


def test_a_wait_outlives_its_triggerer_and_keeps_its_deadline(airflow: RealAirflow, vendors: Simulator) -> None:
    slow = vendors.add_video("together", outcome="stuck")
    stuck = vendors.add_video("together", outcome="stuck")
    dag_id = "outlives_a_triggerer"
    run_id = airflow.trigger(dag_id, conf={"slow": slow, "stuck": stuck})
    for task_id in ("slow", "stuck"):
        airflow.wait_for_task(dag_id, run_id, task_id, "deferred")
    killed_at = time.monotonic()
    triggerers = airflow.running("triggerer")
    for triggerer in triggerers:
        airflow.kill(triggerer)
    for triggerer in triggerers:
        airflow.start(triggerer)
    downtime = time.monotonic() - killed_at
    vendors.set_video("together", slow, outcome="ready")
    assert airflow.wait_for_run(dag_id, run_id) == "failed"
    assert _states(airflow, dag_id, run_id) == {"slow": "success", "stuck": "failed"}
    waited = re.search(r"is not finished after ([\d.]+) s", airflow.log(dag_id, run_id, "stuck"))
    assert waited is not None
    # A deadline that began again would be 30 seconds after the end of the downtime. The log's seconds begin with the
    # first poll, which may be a little after the deadline's.
    assert 29 <= float(waited[1]) < max(30, downtime) + 8


@pytest.mark.parametrize("vendor", ["tavus", pytest.param("together", marks=pytest.mark.long)])
def test_an_example_dag_waits_for_a_video(vendor: VendorName, airflow: RealAirflow, vendors: Simulator) -> None:
    video_id = vendors.add_video(vendor, queued=2, generating=4)
    dag_id = f"example_{vendor}_video"
    run_id = airflow.trigger(dag_id, conf={"video_id": video_id})
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    assert f"Download: {vendors.url}/media/{vendor}/{video_id}.mp4" in airflow.log(dag_id, run_id, "show")


def test_an_example_dag_waits_for_many_videos(airflow: RealAirflow, vendors: Simulator) -> None:
    video_ids = [vendors.add_video("tavus", queued=1, generating=seconds) for seconds in (2, 4, 8)]
    run_id = airflow.trigger("example_many_videos", conf={"video_ids": video_ids})
    assert airflow.wait_for_run("example_many_videos", run_id) == "success"
    urls = [f"{vendors.url}/media/tavus/{video_id}.mp4" for video_id in video_ids]
    assert airflow.xcom("example_many_videos", run_id, "gather") == urls
    # They share one poller, and each has its own lines.
    for index, video_id in enumerate(video_ids):
        log = airflow.log("example_many_videos", run_id, "wait", map_index=index)
        assert [other for other in video_ids if f"Video '{other}' of tavus ended" in log] == [video_id]


def test_an_example_dag_waits_without_a_worker(airflow: RealAirflow, vendors: Simulator) -> None:
    video_id = vendors.add_video("together", queued=2, generating=4)
    dag_id = "example_wait_without_worker"
    run_id = airflow.trigger(dag_id, conf={"video_id": video_id, "conn_id": "together_default"})
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    [wait] = [task for task in airflow.task_instances(dag_id, run_id) if task["task_id"] == "wait"]
    assert (wait["pid"] is None) is hasattr(BaseTrigger, "render_template_fields")
    assert f"Download: {vendors.url}/media/together/{video_id}.mp4" in airflow.log(dag_id, run_id, "show")


def test_no_dag_fails_to_import(airflow: RealAirflow) -> None:
    assert airflow.import_errors() == {}


def test_the_connection_form_is_the_declared_one(airflow: RealAirflow) -> None:
    hooks = {hook["connection_type"]: hook for hook in airflow.ui("/connections/hook_meta")}
    for vendor in VENDORS:
        assert hooks[vendor]["standard_fields"]["password"]["title"] == "API key"
        fields = {"timeout", "verify", "proxy", "public_addresses_only", "max_concurrent_requests"}
        assert set(hooks[vendor]["extra_fields"]) == fields
