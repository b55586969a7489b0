# SPDX-License-Identifier: Apache-2.0
"""A Dag whose tasks have what no retry can cure, with retries that would take longer than a test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.video import DeleteVideoOperator, GetVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor

REQUEST = {"replica_id": "r1", "script": "Hello."}
NOTHING = "{{ params.nothing }}"

with DAG(
    "bad_input",
    schedule=None,
    params={"nothing": ""},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "conn_id": "tavus_default"},
):
    GenerateVideoOperator(task_id="order_empty", request={**REQUEST, "script": NOTHING})
    # What the vendor's answer to it is, is for the vendor to say.
    GenerateVideoOperator(task_id="order_refused", request={**REQUEST, "background_url": 5})
    GenerateVideoOperator.partial(task_id="order_mapped", timeout=-1).expand(request=[REQUEST])
    GetVideoOperator(task_id="get", video_id=NOTHING)
    DeleteVideoOperator(task_id="delete", video_id="v1", conn_id="together_default")
    DownloadVideoOperator(task_id="keep", video_id="v1", path="nobody://bucket/")
    waits: dict[str, dict[str, Any]] = {
        "wait": {},
        "wait_deferrable": {"deferrable": True},
        # Airflow starts no templated trigger before 3.3.
        "wait_without_worker": {
            "start_from_trigger": hasattr(BaseTrigger, "render_template_fields"),
            "end_from_trigger": True,
        },
    }
    for task_id, options in waits.items():
        VideoSensor(task_id=task_id, video_id=NOTHING, soft_fail=True, poke_interval=1, **options)

with DAG("quiet", schedule=None):
    for mode in ("sync", "deferrable"):
        GenerateVideoOperator(
            task_id=mode,
            conn_id="tavus_default",
            request=REQUEST,
            deferrable=mode == "deferrable",
            do_xcom_push=False,
            poke_interval=1,
        )
