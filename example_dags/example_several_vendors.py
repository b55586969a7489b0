# SPDX-License-Identifier: Apache-2.0
"""Orders from several vendors at once, and gathers URLs, cost and seconds. It costs money."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.operators.generate import GenerateVideoOperator

AVATARS = [
    {"conn_id": "heygen_default", "request": {"type": "avatar", "avatar_id": "YOUR_AVATAR", "script": "Hello."}},
    {
        "conn_id": "d_id_default",
        "request": {
            "kind": "talk",
            "source_url": "https://example.com/face.jpg",
            "script": {"type": "text", "input": "Hello."},
        },
    },
    {"conn_id": "tavus_default", "request": {"replica_id": "YOUR_REPLICA", "script": "Hello."}},
]
CLIPS = [
    {
        "conn_id": "kling_default",
        "request": {"kind": "text-to-video", "model": "kling-3.0-turbo", "prompt": "A cat on a roof at dawn."},
    },
    {
        "conn_id": "minimax_default",
        "request": {"model": "MiniMax-Hailuo-2.3", "prompt": "A cat on a roof at dawn.", "duration": 6},
    },
    {
        "conn_id": "runway_default",
        "request": {
            "kind": "text_to_video",
            "model": "gen4.5",
            "promptText": "A cat on a roof at dawn.",
            "ratio": "1280:720",
            "duration": 5,
        },
    },
    {
        "conn_id": "luma_default",
        "request": {"type": "video", "model": "ray-3.2", "prompt": "A cat on a roof at dawn."},
    },
    {
        "conn_id": "fal_default",
        "request": {"endpoint_id": "fal-ai/veo3", "prompt": "A cat on a roof at dawn."},
    },
    {
        "conn_id": "replicate_default",
        "request": {"model": "minimax/video-01", "input": {"prompt": "A cat on a roof at dawn."}},
    },
    {
        "conn_id": "together_default",
        "request": {"model": "YOUR_MODEL", "prompt": "A cat on a roof at dawn.", "seconds": "5"},
    },
]


@dag(
    schedule=None,
    params={
        "avatars": Param(AVATARS, type="array", description="Talking avatars: a connection and a request for each."),
        "clips": Param(CLIPS, type="array", description="Clips: a connection and a request for each."),
    },
    doc_md="""
### Order from several vendors

Each entry of `avatars` and `clips` has a `conn_id`, whose type chooses the vendor, and a `request` with that vendor's
own fields. Take out the vendors that you have no key of.

**Each vendor bills its videos.** A retry continues with the same ones.
""",
    tags=["example", "video"],
)
def example_several_vendors() -> None:
    @task
    def list_orders(kind: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return (params or {})[kind]

    ordered = [
        GenerateVideoOperator.partial(
            task_id=kind,
            map_index_template="{{ task.conn_id }}",
            poke_interval=10,
            deferrable=True,
            retries=3,
        ).expand_kwargs(list_orders.override(task_id=f"list_{kind}")(kind))
        for kind in ("avatars", "clips")
    ]

    # What one vendor did not make is no reason to lose what the others did.
    @task(trigger_rule="all_done")
    def gather(avatars: list[dict[str, Any]] | None, clips: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        rows = [
            {
                "vendor": video["vendor"],
                "url": video["download_url"],
                "cost": video["cost"],
                "credits": video["credits"],
                "seconds": video["duration"],
                "seconds_to_make": seconds_between(video["created_at"], video["finished_at"]),
            }
            for video in [*(avatars or []), *(clips or [])]
        ]
        for row in rows:
            print(*(f"{name}: {value}" for name, value in row.items() if value is not None), sep=", ")
        return rows

    gather(ordered[0].output, ordered[1].output)


def seconds_between(first: str | None, last: str | None) -> float | None:
    """Return the seconds between two moments, as far as the vendor tells both."""
    if first is None or last is None:
        return None
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


example_several_vendors()
