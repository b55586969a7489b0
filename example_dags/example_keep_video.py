# SPDX-License-Identifier: Apache-2.0
"""Orders a video, waits for it, keeps its file, and tells the next Dag by an asset where it is.

It costs money. Trigger the first Dag with ``--conf '{"replica_id": "…", "script": "…", "path": "…"}'``.
The path may as well be such as ``s3://bucket/videos/{{ ds }}/``, with the ``storage_conn_id`` of an AWS connection.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, Param, dag, task

from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator

kept_video = Asset("example-kept-video")


@dag(
    schedule=None,
    params={
        "conn_id": Param("tavus_default", type="string"),
        "replica_id": Param("", type="string"),
        "script": Param("Hello from Airflow.", type="string"),
        "path": Param("/tmp/airflow-videos/", type="string"),  # ruff: ignore[hardcoded-temp-file] - an example
    },
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


@dag(schedule=kept_video, tags=["example", "video"])
def example_use_kept_video() -> None:
    @task(inlets=[kept_video])
    def show(inlet_events: Any) -> None:
        file = inlet_events[kept_video][-1].extra
        print(f"{file['path']} has {file['bytes']} bytes; its SHA-256 is {file['sha256']}.")

    show()


example_keep_video()
example_use_kept_video()
