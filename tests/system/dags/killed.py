# SPDX-License-Identifier: Apache-2.0
"""Dags that order videos and are ended by a user meanwhile."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_videos.operators.generate import GenerateVideoOperator

for mode in ("sync", "deferrable"):
    with DAG(f"killed_{mode}", schedule=None):
        for task_id in ("goes_on", "deletes"):
            GenerateVideoOperator(
                task_id=task_id,
                conn_id="tavus_default",
                request={"replica_id": "r1", "script": "Hello."},
                deferrable=mode == "deferrable",
                delete_on_kill=task_id == "deletes",
                # With a retry left, only a user marks a running task as failed.
                retries=1,
                poke_interval=1,
            )
