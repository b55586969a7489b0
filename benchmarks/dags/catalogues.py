# SPDX-License-Identifier: Apache-2.0
"""A Dag for each way to order, await and keep a catalogue of videos."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import requests
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Connection, task

from airflow_provider_videos.operators.download import DownloadVideoBatchOperator, DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator

CATALOGUES: dict[str, dict[str, Any]] = json.loads(os.environ.get("BENCHMARK_CATALOGUES", "{}"))
CONN_ID = "tavus_default"


@task
def list_orders(videos: int) -> list[dict[str, str]]:
    """Give the requests, as from a database."""
    return [{"replica_id": "r1", "script": f"Clip {number}."} for number in range(videos)]


def order_wait_and_keep(orders: list[dict[str, str]], folder: str, max_active: int, poke_interval: float) -> None:
    """Do it in a loop, as one writes it by hand: it forgets everything when it dies, and one failure ends it."""
    connection = Connection.get(CONN_ID)
    session = requests.Session()
    session.headers["x-api-key"] = connection.password or ""
    url = f"{connection.host}/v2/videos"
    Path(folder).mkdir(parents=True, exist_ok=True)
    todo, active = list(orders), set[str]()
    while todo or active:
        while todo and len(active) < max_active:
            answer = session.post(url, json=todo.pop(0), timeout=60)
            answer.raise_for_status()
            active.add(answer.json()["video_id"])
        time.sleep(poke_interval)
        for video_id in list(active):
            answer = session.get(f"{url}/{video_id}", timeout=60)
            answer.raise_for_status()
            video = answer.json()
            if video["status"] == "error":
                raise RuntimeError(video["status_details"])
            if video["status"] == "ready":
                file = session.get(video["download_url"], timeout=60)
                file.raise_for_status()
                Path(folder, f"{video_id}.mp4").write_bytes(file.content)
                active.remove(video_id)


for name, options in CATALOGUES.items():
    folder = f"{os.environ['AIRFLOW_HOME']}/videos/{name}/"
    interval = options["poke_interval"]
    limit = options["max_active"]
    with DAG(name, schedule=None, max_active_tasks=100_000):
        # Airflow would render each text of a literal list in each process of a task.
        orders = list_orders(options["videos"])
        if options["kind"] == "batch":
            batch = GenerateVideoBatchOperator(
                task_id="order",
                conn_id=CONN_ID,
                requests=orders,
                max_active=limit,
                deferrable=True,
                poke_interval=interval,
            )
            DownloadVideoBatchOperator(task_id="keep", conn_id=CONN_ID, video_ids=batch.output, path=folder)
        elif options["kind"] == "mapped":
            mapped = GenerateVideoOperator.partial(
                task_id="order", conn_id=CONN_ID, deferrable=True, poke_interval=interval
            ).expand(request=orders)
            DownloadVideoOperator.partial(task_id="keep", conn_id=CONN_ID, path=folder).expand(video_id=mapped.output)
        else:
            PythonOperator(
                task_id="loop",
                python_callable=order_wait_and_keep,
                op_args=[orders, folder, limit, interval],
            )
