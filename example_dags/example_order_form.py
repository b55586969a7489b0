# SPDX-License-Identifier: Apache-2.0
"""### Order a clip by a form

Trigger this Dag: its form asks for what the clip shows, its shape and its length. The task orders the clip from Runway,
waits for it, and prints where it is. **Runway bills each clip by its length.** A retry continues with the same clip.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "runway_default",
            type="string",
            title="Connection",
            description="An Airflow connection of type runway.",
        ),
        "prompt": Param(
            "A cat on a roof at dawn, the camera moves slowly around it.",
            type="string",
            format="multiline",
            minLength=1,
            maxLength=1000,
            title="Prompt",
            description="What the clip shows, in up to 1,000 characters.",
        ),
        "ratio": Param(
            "1280:720",
            enum=["1280:720", "720:1280"],
            values_display={"1280:720": "landscape, 1280 x 720", "720:1280": "portrait, 720 x 1280"},
            title="Shape",
            description="Width and height in pixels.",
        ),
        "duration": Param(
            5, type="integer", minimum=2, maximum=10, title="Length", description="In seconds, from 2 to 10."
        ),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_order_form() -> None:
    @task.generate_video(conn_id="{{ params.conn_id }}", deferrable=True, poke_interval=10, retries=3)
    def order(params: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": "text_to_video",
            "model": "gen4.5",
            "promptText": params["prompt"],
            "ratio": params["ratio"],
            "duration": params["duration"],
        }

    @task
    def show(video: dict[str, Any]) -> None:
        print(f"Video {video['video_id']} of {video['vendor']}: {', '.join(video['file_urls'])}")

    show(order())


example_order_form()
