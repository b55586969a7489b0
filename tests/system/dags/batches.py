# SPDX-License-Identifier: Apache-2.0
"""Dags that order and keep many videos in one task each; the process of one is killed again and again."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any
from unittest import mock

from airflow.sdk import DAG

from airflow_provider_videos.operators.download import DownloadVideoBatchOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator

#: In which try the process is killed at which order, and when, by vendor.
KILLS: dict[str, dict[int, tuple[int, str]]] = {
    "tavus": {1: (6, "before"), 2: (7, "after"), 3: (12, "before"), 4: (20, "after")},
    "together": {1: (6, "after")},
}
REQUESTS: dict[str, dict[str, Any]] = {
    "tavus": {"replica_id": "r1", "script": "Hello."},
    "together": {"model": "m1", "prompt": "A cat."},
}


class KilledBatchOperator(GenerateVideoBatchOperator):
    """Orders many videos, and is killed at an order of each of its first tries."""

    def execute(self, context: Any) -> Any:
        from airflow_provider_videos.hooks.video import VideoHook

        kills = KILLS[self.conn_id.rpartition("_")[2]]
        number, moment = kills.get(context["ti"].try_number, (0, ""))
        order_video, sent = VideoHook.order_video, []

        def order_or_die(hook: VideoHook, request: Any, **options: Any) -> Any:
            sent.append(request)
            is_it = len(sent) == number
            if is_it and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            video = order_video(hook, request, **options)
            if is_it:
                os.kill(os.getpid(), signal.SIGKILL)
            return video

        with mock.patch.object(VideoHook, "order_video", order_or_die):
            return super().execute(context)


for vendor, request in REQUESTS.items():
    with DAG(f"killed_batch_{vendor}", schedule=None):
        KilledBatchOperator(
            task_id="order",
            conn_id=f"killed_batch_{vendor}",
            requests=[{**request, ("script" if vendor == "tavus" else "prompt"): str(n % 50)} for n in range(60)],
            deferrable=True,
            poke_interval=1,
            listing_delay=5,
            retries=len(KILLS[vendor]),
            retry_delay=timedelta(seconds=1),
        )

with DAG("batch_chain", schedule=None, params={"path": "", "count": 0}):
    order = GenerateVideoBatchOperator(
        task_id="order",
        conn_id="batch_chain",
        requests=[{**REQUESTS["together"], "prompt": str(n)} for n in range(12)],
        max_active=5,
        deferrable=True,
        poke_interval=1,
    )
    DownloadVideoBatchOperator(task_id="keep", conn_id="batch_chain", video_ids=order.output, path="{{ params.path }}")
