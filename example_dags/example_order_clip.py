# SPDX-License-Identifier: Apache-2.0
"""Orders a clip from any vendor, waits for it, and prints its URLs. It costs money."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.operators.generate import GenerateVideoOperator


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "runway_default",
            type="string",
            description="An Airflow connection of a vendor's type, such as runway, luma, replicate, fal or together.",
        ),
        "request": Param(
            {
                "kind": "text_to_video",
                "model": "gen4.5",
                "promptText": "A cat on a roof at dawn.",
                "ratio": "1280:720",
                "duration": 5,
            },
            type="object",
            description="The vendor's own fields, as its page in the documentation lists them.",
        ),
    },
    doc_md="""
### Order a clip from any vendor

`conn_id` chooses the vendor, and `request` has the fields of its API. For example:

| vendor | request |
|---|---|
| Runway | `{"kind": "text_to_video", "model": "gen4.5", "promptText": "A cat.", "ratio": "1280:720", "duration": 5}` |
| Luma | `{"type": "video", "model": "ray-3.2", "prompt": "A cat."}` |
| Replicate | `{"model": "minimax/video-01", "input": {"prompt": "A cat."}}` |
| fal | `{"endpoint_id": "fal-ai/veo3", "prompt": "A cat.", "duration": "8s"}` |

**The vendor bills each video.** A retry continues with the same one.
""",
    tags=["example", "video"],
)
def example_order_clip() -> None:
    order = GenerateVideoOperator(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        request="{{ params.request | tojson }}",
        poke_interval=10,
        deferrable=True,
        retries=3,
    )

    @task
    def show(video: dict[str, Any]) -> None:
        print(f"Video {video['video_id']} of {video['vendor']}: {', '.join(video['file_urls'])}")

    show(order.output)


example_order_clip()
