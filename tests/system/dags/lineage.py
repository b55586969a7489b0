# SPDX-License-Identifier: Apache-2.0
"""A Dag whose tasks report their lineage, in an Airflow that has an openlineage transport."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_videos.operators.download import DownloadVideoBatchOperator, DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.sensors.video import VideoSensor

# Nothing listens there.
LOST_URL = "http://127.0.0.1:1/media/lost.mp4?X-Amz-Signature=signature-that-is-found-nowhere"
REQUEST = {"replica_id": "r1", "script": "Hello."}

with DAG("lineage", schedule=None, params={"folder": ""}):
    order = GenerateVideoOperator(
        task_id="order", conn_id="tavus_default", request=REQUEST, deferrable=True, poke_interval=1
    )
    wait = VideoSensor(
        task_id="wait", conn_id="tavus_default", video_id=order.output, start_from_trigger=True, poke_interval=1
    )
    DownloadVideoOperator(
        task_id="keep", conn_id="tavus_default", video_id=wait.output, path="{{ params.folder }}", with_record=True
    )
    many = GenerateVideoBatchOperator(
        task_id="order_many",
        conn_id="tavus_default",
        requests=[REQUEST, REQUEST],
        deferrable=True,
        poke_interval=1,
    )
    DownloadVideoBatchOperator(
        task_id="keep_many", conn_id="tavus_default", video_ids=many.output, path="{{ params.folder }}"
    )
    DownloadVideoOperator(
        task_id="keep_lost",
        conn_id="tavus_default",
        video_id={"vendor": "tavus", "video_id": "lost", "download_url": LOST_URL},
        path="{{ params.folder }}",
        max_attempts=1,
    )
