# SPDX-License-Identifier: Apache-2.0
"""Orders the videos that functions describe: one in a task of its own for each guest, then one task for all of them.

A function is called once. A retry, a killed worker or a deferred task that comes back orders what it returned then, and
nothing twice. **The vendor bills each video**: two for each guest.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "tavus_default", type="string", title="Connection", description="An Airflow connection of type tavus."
        ),
        "replica_id": Param(
            "", type="string", title="Replica", description="The id of a Tavus replica, such as r79e1c033f."
        ),
        "guests": Param(["Ada", "Grace"], type="array", title="Guests", description="One name in each line."),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_order_by_function() -> None:
    @task
    def list_guests(params: dict[str, Any]) -> list[str]:
        return list(params["guests"])

    @task.generate_video(conn_id="{{ params.conn_id }}", deferrable=True, poke_interval=5, retries=3)
    def greet(guest: str, params: dict[str, Any]) -> dict[str, Any]:
        return {"replica_id": params["replica_id"], "script": f"Welcome, {guest}."}

    @task.generate_video_batch(conn_id="{{ params.conn_id }}", deferrable=True, poke_interval=5, retries=3)
    def say_goodbye(guests: list[str], params: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"replica_id": params["replica_id"], "script": f"Goodbye, {guest}."} for guest in guests]

    @task
    def show(videos: list[dict[str, Any]]) -> None:
        for video in videos:
            print(f"{video['script']} {video['download_url']}")

    guests = list_guests()
    greetings = greet.expand(guest=guests)
    show(greetings) >> (goodbyes := say_goodbye(guests))
    show.override(task_id="show_all")(goodbyes)


example_order_by_function()
