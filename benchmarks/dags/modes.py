# SPDX-License-Identifier: Apache-2.0
"""A Dag for each way to wait: ``conf`` names as many videos as it has waits."""

from __future__ import annotations

import json
import os
from typing import Any

from airflow.sdk import DAG

from airflow_provider_videos.sensors.video import VideoSensor

MODES: dict[str, dict[str, Any]] = json.loads(os.environ["BENCHMARK_MODES"])

for mode, options in MODES.items():
    with DAG(mode, schedule=None, params={"video_ids": []}, max_active_tasks=100_000, max_active_runs=10_000):
        for index in range(int(os.environ["BENCHMARK_WAITS"])):
            VideoSensor(
                task_id=f"wait_{index}",
                conn_id="tavus_default",
                video_id=f"{{{{ params.video_ids[{index}] }}}}",
                **options,
            )
