# SPDX-License-Identifier: Apache-2.0
"""Tasks that ask a person to approve videos, and what follows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task, task_group

from airflow_provider_videos.operators.approve import ApproveVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor

WAIT: dict[str, Any] = {"conn_id": "tavus_default", "poke_interval": 1, "timeout": 3600, "deferrable": True}


@task
def publish(video: dict[str, Any]) -> str:
    return str(video["video_id"])


with DAG("approve_many", schedule=None, params={"videos": []}):

    @task
    def videos(params: dict[str, Any]) -> list[str]:
        return list(params["videos"])

    @task
    def count(published: list[str]) -> int:
        return len(list(published))

    wait = VideoSensor.partial(task_id="wait", **WAIT).expand(video_id=videos())
    approve = ApproveVideoOperator.partial(task_id="approve").expand(video_id=wait.output)
    publish.expand(video=approve.output)

    @task
    def list_ids(video_ids: list[str]) -> list[str]:
        return list(video_ids)

    list_ids(approve.output["video_id"])
    # It has the index of what is asked about.
    alike = publish.override(task_id="alike").expand(video=wait.output)
    approve >> alike
    count(approve.output)

with DAG("approve_in_group", schedule=None, params={"videos": []}):

    @task
    def videos_of_group(params: dict[str, Any]) -> list[str]:
        return list(params["videos"])

    @task_group
    def each(video_id: str) -> None:
        wait = VideoSensor(task_id="wait", video_id=video_id, **WAIT)
        publish(ApproveVideoOperator(task_id="approve", video_id=wait.output).output)

    each.expand(video_id=videos_of_group())

with DAG("approve_one", schedule=None, params={"video_id": ""}):
    single = VideoSensor(task_id="wait", video_id="{{ params.video_id }}", **WAIT)
    publish(ApproveVideoOperator(task_id="approve", video_id=single.output).output)

with DAG("approve_in_time", schedule=None, params={"video_id": ""}):
    for defaults in (None, "Reject"):
        of_time = ApproveVideoOperator(
            task_id=f"approve_{defaults}",
            video_id="{{ params.video_id }}",
            conn_id="tavus_default",
            defaults=defaults,
            # Airflow fails a task whose answer comes before it has noticed that the worker is free.
            response_timeout=timedelta(seconds=10),
        )
        publish.override(task_id=f"publish_{defaults}")(of_time.output)
