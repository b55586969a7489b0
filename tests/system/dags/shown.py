# SPDX-License-Identifier: Apache-2.0
"""Tasks whose videos are looked at in Airflow's pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_videos.sensors.video import VideoSensor

COMMON: dict[str, Any] = {"conn_id": "tavus_default", "poke_interval": 1, "timeout": 3600}

with DAG("shown", schedule=None, params={"ready": "", "failed": "", "stuck": "", "many": [], "hostile": {}}):

    @task
    def many(params: dict[str, Any]) -> list[str]:
        return list(params["many"])

    @task
    def nothing() -> None:
        return None

    @task(multiple_outputs=False)
    def hostile(params: dict[str, Any]) -> dict[str, Any]:
        return dict(params["hostile"])

    @task
    def tell(url: str) -> str:
        return url

    VideoSensor(task_id="poke", video_id="{{ params.ready }}", **COMMON)
    VideoSensor(task_id="deferrable", video_id="{{ params.ready }}", deferrable=True, **COMMON)
    VideoSensor(
        task_id="no_worker",
        video_id="{{ params.ready }}",
        start_from_trigger=True,
        end_from_trigger=True,
        **COMMON,
    )
    VideoSensor(task_id="failed", video_id="{{ params.failed }}", deferrable=True, **COMMON)
    VideoSensor(task_id="waits", video_id="{{ params.stuck }}", deferrable=True, **COMMON)
    VideoSensor.partial(task_id="mapped", deferrable=True, **COMMON).expand(video_id=many())
    VideoSensor(
        task_id="retries",
        conn_id="tavus_refused",
        video_id="{{ params.ready }}",
        retries=1,
        retry_delay=timedelta(hours=1),
    )
    nothing()
    hostile()
    tell("{{ macros.airflow_provider_videos.video_page_url(ti, 'poke') }}")

with DAG("shown_later", schedule=None, params={"video_id": ""}):
    VideoSensor(task_id="wait", video_id="{{ params.video_id }}", deferrable=True, **COMMON)
