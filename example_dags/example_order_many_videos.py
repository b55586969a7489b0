# SPDX-License-Identifier: Apache-2.0
"""Orders many clips from Together AI, waits for all, and gathers their URLs and cost. It costs money."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "together_default", type="string", title="Connection", description="An Airflow connection of type together."
        ),
        "model": Param("", type="string", title="Model", description="The name of a model of Together AI."),
        "prompts": Param([], type="array", title="Prompts", description="One prompt in each line: each makes a clip."),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_order_many_videos() -> None:
    @task
    def list_requests(params: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"model": params["model"], "prompt": prompt, "seconds": "5"} for prompt in params["prompts"]]

    order = GenerateVideoOperator.partial(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        wait_for_completion=False,
    ).expand(request=list_requests())

    wait = VideoSensor.partial(
        task_id="wait",
        conn_id="{{ params.conn_id }}",
        poke_interval=10,
        deferrable=True,
    ).expand(video_id=order.output)

    @task(multiple_outputs=True)
    def gather(videos: list[dict[str, Any]]) -> dict[str, Any]:
        cost = sum(video["cost"] or 0 for video in videos)
        print(f"{len(videos)} videos for {cost:.2f} USD")
        return {"urls": [video["download_url"] for video in videos], "cost": cost}

    gather(wait.output)


example_order_many_videos()
