# SPDX-License-Identifier: Apache-2.0
"""Orders a video, waits for it, stores its file, and tells the next Dag by an asset where it is. It costs money."""

from __future__ import annotations

from tempfile import gettempdir
from typing import Any

from airflow.sdk import Asset, Param, dag, task

from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator

kept_video = Asset("example-kept-video")


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
        "path": Param(
            f"{gettempdir()}/airflow-videos/",
            type="string",
            title="Folder",
            description="Where the file is stored: a folder on the worker, or such as s3://bucket/videos/.",
        ),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_keep_video() -> None:
    order = GenerateVideoOperator(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        request={"replica_id": "{{ params.replica_id }}", "script": "{{ params.script }}"},
        deferrable=True,
        retries=3,
    )
    DownloadVideoOperator(
        task_id="keep",
        conn_id="{{ params.conn_id }}",
        video_id=order.output,
        path="{{ params.path }}",
        outlets=[kept_video],
    )


@dag(schedule=kept_video, doc_md=__doc__, tags=["example", "video"])
def example_use_kept_video() -> None:
    @task(inlets=[kept_video])
    def show(inlet_events: Any) -> None:
        file = inlet_events[kept_video][-1].extra
        print(f"{file['path']} has {file['bytes']} bytes; its SHA-256 is {file['sha256']}.")

    show()


example_keep_video()
example_use_kept_video()
