# SPDX-License-Identifier: Apache-2.0
"""A Dag that orders ten videos, all but one deferrably: that one holds its worker while it waits."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_videos.operators.generate import GenerateVideoOperator

with DAG("orders", schedule=None, max_active_tasks=100_000, max_active_runs=10_000):
    for index in range(10):
        GenerateVideoOperator(
            task_id=f"order_{index}",
            conn_id="tavus_default",
            request={"replica_id": "r1", "script": "Hello."},
            deferrable=index > 0,
            poke_interval=5,
            retries=5,
            retry_delay=timedelta(seconds=1),
            # The simulator lists a video at once.
            listing_delay=1,
        )
