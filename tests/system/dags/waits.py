# SPDX-License-Identifier: Apache-2.0
"""Dags that wait in every mode, for videos that ``conf`` names."""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_videos.operators.video import GetVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.sensors.video_batch import VideoBatchSensor

MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False},
    # Airflow takes a task for lost that is due again before the scheduler has noted its process's end.
    "reschedule": {"deferrable": False, "mode": "reschedule", "poke_interval": 10},
    "deferrable": {"deferrable": True},
}


@task
def use(video: dict[str, Any], download_url: str, pulled: str) -> list[Any]:
    return [video, download_url, pulled]


with DAG("every_mode", schedule=None, params={"tavus": "", "together": ""}):
    for vendor in ("tavus", "together"):
        for mode, options in MODES.items():
            task_id = f"{vendor}_{mode}"
            wait = VideoSensor(
                task_id=task_id,
                conn_id=f"{vendor}_default",
                video_id=f"{{{{ params.{vendor} }}}}",
                **{"poke_interval": 1} | options,
            )
            use.override(task_id=f"use_{task_id}")(
                wait.output, wait.output["download_url"], f"{{{{ ti.xcom_pull('{task_id}')['download_url'] }}}}"
            )

with DAG("mapped", schedule=None, params={"video_ids": []}):

    @task
    def list_video_ids(params: dict[str, Any]) -> list[str]:
        return list(params["video_ids"])

    first = VideoSensor.partial(task_id="first", conn_id="tavus_default", poke_interval=1, deferrable=True).expand(
        video_id=list_video_ids()
    )
    # Each gets the dict that the first wait returned.
    VideoSensor.partial(task_id="again", conn_id="tavus_default", poke_interval=1, deferrable=True).expand(
        video_id=first.output
    )
    GetVideoOperator.partial(task_id="get", conn_id="tavus_default").expand(video_id=first.output)

with DAG("ends_badly", schedule=None, params={"failed": "", "stuck": ""}):
    for mode, options in MODES.items():
        common: dict[str, Any] = {
            "poke_interval": 1,
            "retries": 1,
            "retry_delay": timedelta(seconds=1),
            **options,
        }
        VideoSensor(task_id=f"failed_{mode}", conn_id="tavus_default", video_id="{{ params.failed }}", **common)
        VideoSensor(
            task_id=f"skipped_{mode}",
            conn_id="tavus_default",
            video_id="{{ params.failed }}",
            soft_fail=True,
            **common,
        )
        VideoSensor(
            task_id=f"refused_{mode}",
            conn_id="tavus_refused",
            video_id="{{ params.failed }}",
            soft_fail=True,
            **common | {"retries": 0},
        )
        VideoSensor(
            task_id=f"late_{mode}",
            conn_id="tavus_default",
            video_id="{{ params.stuck }}",
            timeout=4,
            **common | {"retries": 0},
        )

with DAG("outlives_a_triggerer", schedule=None, params={"slow": "", "stuck": ""}):
    for task_id, timeout in (("slow", 300), ("stuck", 30)):
        VideoSensor(
            task_id=task_id,
            conn_id="together_default",
            video_id=f"{{{{ params.{task_id} }}}}",
            poke_interval=1,
            timeout=timeout,
            deferrable=True,
        )

NO_WORKER: dict[str, Any] = {"poke_interval": 1, "start_from_trigger": True, "end_from_trigger": True}

with DAG("no_worker", schedule=None, params={"ready": "", "failed": "", "stuck": ""}):

    @task(multiple_outputs=True)
    def order(params: dict[str, Any]) -> dict[str, Any]:
        return {"video_id": params["ready"], "state": "queued"}

    ordered = order()
    wait = VideoSensor(task_id="whole", conn_id="tavus_default", video_id=ordered, **NO_WORKER)
    use.override(task_id="use_whole")(
        wait.output, wait.output["download_url"], "{{ ti.xcom_pull('whole')['download_url'] }}"
    )
    arguments: dict[str, dict[str, Any]] = {
        "keyed": {"video_id": ordered["video_id"]},
        "template": {"video_id": "{{ params.ready }}"},
        "only_start": {"video_id": "{{ params.ready }}", "end_from_trigger": False},
        "only_end": {"video_id": "{{ params.ready }}", "start_from_trigger": False},
        "failed": {"video_id": "{{ params.failed }}", "retries": 2, "retry_delay": timedelta(seconds=1)},
        "skipped": {"video_id": "{{ params.failed }}", "soft_fail": True},
        "late": {"video_id": "{{ params.stuck }}", "timeout": 4, "retries": 1},
        "refused": {"video_id": "{{ params.ready }}", "conn_id": "tavus_refused", "soft_fail": True},
    }
    for task_id, changes in arguments.items():
        VideoSensor(task_id=task_id, **{"conn_id": "tavus_default", **NO_WORKER, **changes})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        VideoSensor(
            task_id="unsafe",
            conn_id="tavus_default",
            video_id="{{ ti.xcom_pull('order')['video_id'] }}",
            **NO_WORKER,
        ).set_upstream(ordered)
    VideoSensor.partial(task_id="mapped", conn_id="tavus_default", **NO_WORKER).expand(
        video_id=["{{ params.ready }}", "{{ params.ready }}"]
    )

with DAG("batches", schedule=None, params={"ready": [], "failed": ""}):

    @task
    def list_videos(params: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"video_id": video_id, "state": "queued"} for video_id in params["ready"]]

    @task
    def state_of(video: dict[str, Any]) -> str:
        return str(video["state"])

    listed = list_videos()
    common = {"conn_id": "tavus_default", "poke_interval": 1}
    for mode, options in MODES.items():
        VideoBatchSensor(task_id=f"batch_{mode}", video_ids=listed, **common | options)
    VideoBatchSensor(task_id="whole", video_ids=listed, **common | NO_WORKER)
    VideoBatchSensor(task_id="literal", video_ids=["{{ params.ready[0] }}"], **common | NO_WORKER)
    expanded = VideoBatchSensor(task_id="expanded", video_ids=listed, **common | NO_WORKER)
    state_of.expand(video=expanded.output)
    waits = VideoSensor.partial(task_id="mapped", deferrable=True, **common).expand(video_id=listed)
    VideoBatchSensor(task_id="of_mapped", video_ids=waits.output, deferrable=True, **common)
    VideoBatchSensor(
        task_id="failing", video_ids=["{{ params.failed }}", "{{ params.ready[0] }}"], retries=2, **common | NO_WORKER
    )
