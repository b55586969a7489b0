# SPDX-License-Identifier: Apache-2.0
"""Dags that order one video each and are disturbed at a step of it, once; the plain ones do it by ``requests``."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any
from unittest import mock

import requests
from airflow.sdk import DAG, BaseHook, task

from airflow_provider_videos.operators.generate import GenerateVideoOperator

REQUESTS: dict[str, dict[str, Any]] = {
    "tavus": {"replica_id": "r1", "script": "Hello."},
    "together": {"model": "m1", "prompt": "A cat."},
}
#: What is ordered from further vendors.
OTHERS: dict[str, dict[str, Any]] = json.loads(os.environ.get("CRASH_TESTS_OTHER_VENDORS", "{}"))
STEPS = (
    *("before", "in_flight", "unstored", "slow", "wait", "dropped", "proxied", "late", "gateway", "lag"),
    *("clear_kept", "clear_emptied", "run_kept", "run_emptied", "failed_kept", "failed_emptied"),
)
#: Seconds that a request may take, and that the vendor may take to list a video.
TIMEOUT, LISTING_DELAY = 5, 10
TRIES: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def kill(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KilledOperator(GenerateVideoOperator):
    """Orders a video, and is killed at a step of its first try."""

    def __init__(self, *, step: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def execute(self, context: Any) -> Any:
        from airflow_provider_videos.hooks.video import VideoHook
        from airflow_provider_videos.ordering.store import OrderStore

        if context["ti"].try_number > 1:
            return super().execute(context)
        order_video, write = VideoHook.order_video, OrderStore.write

        def order_or_die(hook: VideoHook, request: Any, *, key: str | None = None, **options: Any) -> Any:
            if self.step == "before":
                kill()
            if self.step in {"in_flight", "slow"}:
                # The vendor takes the order and keeps the answer to itself.
                threading.Timer(2, kill).start()
            return order_video(hook, request, key=key, **options)

        def write_record(store: OrderStore, record: Any) -> None:
            if self.step == "unstored" and any(order.video_id is not None for order in record.orders):
                kill()
            write(store, record)

        with (
            mock.patch.object(VideoHook, "order_video", order_or_die),
            mock.patch.object(OrderStore, "write", write_record),
        ):
            if self.step == "wait" and not self.deferrable:
                with mock.patch.object(time, "sleep", kill):
                    return super().execute(context)
            return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        if self.step == "resume" and context["ti"].try_number == 1:
            kill()
        return super().execute_complete(context, event)


for vendor, request in (REQUESTS | OTHERS).items():
    for mode in ("sync", "deferrable"):
        for step in (*STEPS, "resume") if mode == "deferrable" else STEPS:
            name = f"{vendor}_{mode}_{step}"
            with DAG(f"order_{name}", schedule=None):
                KilledOperator(
                    task_id="order",
                    conn_id=name,
                    request=request,
                    step=step,
                    deferrable=mode == "deferrable",
                    poke_interval=1,
                    timeout=300,
                    listing_delay=LISTING_DELAY,
                    **TRIES,
                )
    for step in STEPS if vendor in REQUESTS else ():
        name = f"{vendor}_plain_{step}"
        with DAG(f"order_{name}", schedule=None):

            @task(task_id="order", **TRIES)
            def order(conn_id: str, request: dict[str, Any], step: str, ti: Any = None) -> Any:
                connection = BaseHook.get_connection(conn_id)
                key = connection.password or ""
                is_tavus = connection.conn_type == "tavus"
                headers = {"x-api-key": key} if is_tavus else {"Authorization": f"Bearer {key}"}
                url = f"{connection.host}/v2/videos"
                is_first = ti.try_number == 1
                if is_first and step == "before":
                    kill()
                if is_first and step in {"in_flight", "slow"}:
                    threading.Timer(2, kill).start()
                proxies = {"http": connection.extra_dejson.get("proxy")}
                answer = requests.post(url, json=request, headers=headers, timeout=TIMEOUT, proxies=proxies)
                answer.raise_for_status()
                video = answer.json()
                if is_first and step == "unstored":
                    kill()
                while video["status"] not in {"ready", "completed"}:
                    if is_first and step == "wait":
                        kill()
                    time.sleep(1)
                    video_id = video.get("video_id") or video["id"]
                    video = requests.get(f"{url}/{video_id}", headers=headers, timeout=30).json()
                return video

            order(name, request, step)
