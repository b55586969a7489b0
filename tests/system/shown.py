# SPDX-License-Identifier: Apache-2.0
"""A run of the Dag ``shown``, whose videos are looked at in Airflow's pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow

DAG_ID = "shown"
HOSTILE = "\"'><script>document.title='taken over'</script><img src=x onerror=alert(1)>"
HOSTILE_URL = "javascript:alert(document.title='taken over')"
#: Indexes of the mapped task's videos.
CLIP, HOSTILE_CLIP, GONE, EXPIRED = range(4)


def run_shown(airflow: RealAirflow, vendors: Simulator) -> str:
    """Run the Dag until all has ended but what waits for ever and what is to be retried, and return the run's id."""
    nowhere = f"{vendors.url}/media/tavus/nothing.mp4"
    conf: dict[str, Any] = {
        "ready": vendors.add_video(
            "tavus", video_name="Welcome", queued=0, outcome="stuck", data={"script": "Hello there."}
        ),
        "failed": vendors.add_video("tavus", outcome="failed", status_details="The script is empty."),
        "stuck": vendors.add_video("tavus", queued=0, outcome="stuck"),
        "many": [
            vendors.add_video("tavus", video_name="Clip 1"),
            vendors.add_video("tavus", video_name=HOSTILE, data={"script": HOSTILE}, hosted_url=HOSTILE_URL),
            vendors.add_video("tavus", video_name="Gone", download_url=nowhere),
            vendors.add_video("tavus", video_name="Expired", download_url=f"{nowhere}?Expires=1700000000"),
        ],
        # The hooks of this package keep such URLs out of their records; somebody else's may not.
        "hostile": {
            **dict.fromkeys(("vendor", "video_id", "status", "name", "prompt", "size", "model"), HOSTILE),
            **dict.fromkeys(("download_url", "stream_url", "hosted_url", "thumbnail_url", "gif_url"), HOSTILE_URL),
            "state": "ready",
        },
    }
    run_id = airflow.trigger(DAG_ID, conf=conf)
    for task_id in ("deferrable", "no_worker"):
        airflow.wait_for_task(DAG_ID, run_id, task_id, "deferred")
    vendors.set_video("tavus", conf["ready"], outcome="ready")
    for task_id in ("poke", "deferrable", "no_worker", "nothing", "hostile", "tell"):
        airflow.wait_for_task(DAG_ID, run_id, task_id, "success")
    for index in range(len(conf["many"])):
        airflow.wait_for_task(DAG_ID, run_id, "mapped", "success", map_index=index)
    airflow.wait_for_task(DAG_ID, run_id, "failed", "failed")
    airflow.wait_for_task(DAG_ID, run_id, "waits", "deferred")
    airflow.wait_for_task(DAG_ID, run_id, "retries", "up_for_retry")
    return run_id


def end_shown(airflow: RealAirflow, run_id: str) -> None:
    """End what would wait for ever."""
    for task_id in ("waits", "retries"):
        airflow.set_state(DAG_ID, run_id, task_id, "failed")


def path_of(
    run_id: str, task_id: str | None = None, map_index: int | str | None = None, *, dag_id: str = DAG_ID
) -> str:
    """Give the path of the page of a run, or of a task's videos, or of a task instance's."""
    path = f"/videos/dags/{dag_id}/runs/{quote(run_id, safe='')}"
    if task_id is not None:
        path += f"/tasks/{task_id}"
    return path if map_index is None else f"{path}?map_index={map_index}"
