# SPDX-License-Identifier: Apache-2.0
"""Starts when videos of a Tavus account become ready, however they were ordered, and keeps the file of each.

No task waits: a watcher in the triggerer lists the account twice a minute. Videos that are ready already when the Dag
is first unpaused are not reported.
"""

from __future__ import annotations

from tempfile import gettempdir
from typing import Any

from airflow.sdk import Asset, AssetWatcher, Param, dag, task

from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.triggers.account_videos import AccountVideosTrigger

CONN_ID = "tavus_default"
ready_videos = Asset(
    "example-ready-videos",
    watchers=[AssetWatcher(name="account", trigger=AccountVideosTrigger(conn_id=CONN_ID, poll_interval=30))],
)


@dag(
    schedule=[ready_videos],
    params={
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
def example_watch_account() -> None:
    @task
    def list_videos(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        # Events that arrive together start one run.
        return [video for event in triggering_asset_events[ready_videos] for video in event.extra["payload"]["videos"]]

    keep = DownloadVideoOperator.partial(task_id="keep", conn_id=CONN_ID, path="{{ params.path }}").expand(
        video_id=list_videos()
    )

    @task
    def publish(files: list[dict[str, Any]]) -> None:
        for file in files:
            print(f"Video {file['video_id']} is at {file['path']}")

    publish(keep.output)


example_watch_account()
