# SPDX-License-Identifier: Apache-2.0
"""Orders a talking avatar from Tavus, waits for it, and tells another Dag by an asset. It costs money."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, Param, dag, task

from airflow_provider_videos.operators.generate import GenerateVideoOperator

greeting = Asset("videos://greeting")


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "tavus_default", type="string", title="Connection", description="An Airflow connection of type tavus."
        ),
        "replica_id": Param(
            "", type="string", title="Replica", description="The id of a Tavus replica, such as r79e1c033f."
        ),
        "script": Param(
            "Hello from Airflow.",
            type="string",
            format="multiline",
            title="Script",
            description="What the avatar says.",
        ),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_order_video() -> None:
    order = GenerateVideoOperator(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        request={"replica_id": "{{ params.replica_id }}", "script": "{{ params.script }}"},
        poke_interval=5,
        deferrable=True,
        # A retry goes on with the same video.
        retries=3,
        outlets=[greeting],
    )

    @task
    def show(video: dict[str, Any]) -> None:
        print(f"Download: {video['download_url']}")

    show(order.output)


@dag(schedule=[greeting], doc_md=__doc__, tags=["example", "video"])
def example_use_ordered_video() -> None:
    @task
    def use(triggering_asset_events: Any = None) -> None:
        for event in triggering_asset_events[greeting]:
            print(f"Video {event.extra['video_id']} of {event.extra['vendor']}: {event.extra['download_url']}")

    use()


example_order_video()
example_use_ordered_video()
