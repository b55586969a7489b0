# SPDX-License-Identifier: Apache-2.0
"""Orders from a second vendor if the first one certainly made no video. It costs money."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.operators.generate import GenerateVideoOperator


@dag(
    schedule=None,
    params={
        "first": Param(
            {
                "conn_id": "kling_default",
                "request": {"kind": "text-to-video", "model": "kling-3.0-turbo", "prompt": "A cat on a roof at dawn."},
            },
            type="object",
            description="The connection and the request of the first order.",
        ),
        "second": Param(
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
            type="object",
            description="Those of the order that is made if the first one failed.",
        ),
    },
    doc_md="""
### Fall back to a second vendor

The second order is made if the first vendor refused its order, or says that its video failed. It is not made while the
first video may still come: after a lost answer or a timeout, the run fails and says so.

**Each vendor bills its videos**, and some bill one that failed.
""",
    tags=["example", "video"],
)
def example_second_vendor() -> None:
    first, second = (
        GenerateVideoOperator(
            task_id=task_id,
            conn_id=f"{{{{ params.{task_id}.conn_id }}}}",
            request=f"{{{{ params.{task_id}.request | tojson }}}}",
            poke_interval=10,
            deferrable=True,
            retries=3,
        )
        for task_id in ("first", "second")
    )

    @task.short_circuit(trigger_rule="all_done", ignore_downstream_trigger_rules=False)
    def has_first_failed(ti: Any = None) -> bool:
        if ti.xcom_pull(task_ids="first") is not None:
            return False
        failed_video = ti.xcom_pull(task_ids="first", key="video")
        refusal = ti.xcom_pull(task_ids="first", key="refusal")
        if failed_video is None and refusal is None:
            raise AirflowFailException(
                "The first vendor may still make its video, and bill it: look at the task 'first'. Nothing was ordered "
                "from the second one."
            )
        return True

    # The first one's failure is no failure of this task if the second one has made a video.
    @task(trigger_rule="one_success")
    def use(first: dict[str, Any] | None, second: dict[str, Any] | None) -> None:
        video = first or second or {}
        print(f"Video {video['video_id']} of {video['vendor']}: {video['download_url']}")

    first >> has_first_failed() >> second
    use(first.output, second.output)


example_second_vendor()
