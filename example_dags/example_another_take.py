# SPDX-License-Identifier: Apache-2.0
"""Orders a clip, asks a person to approve it, and publishes it only then. It costs money.

Who rejects it can write another prompt: that starts another run, which orders another take and asks again. Each order
has a rejection and a prompt of a person before it; a retry orders nothing twice.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_videos.operators.approve import ApproveVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "together_default", type="string", title="Connection", description="An Airflow connection of type together."
        ),
        "model": Param("", type="string", title="Model", description="The name of a model of Together AI."),
        "prompt": Param("", type="string", title="Prompt", description="What the clip is to show."),
        "take": Param(1, type="integer", minimum=1, title="Take", description="The number of this attempt."),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_another_take() -> None:
    order = GenerateVideoOperator(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        request={"model": "{{ params.model }}", "prompt": "{{ params.prompt }}", "seconds": "5"},
        poke_interval=10,
        deferrable=True,
        retries=3,
    )

    approve = ApproveVideoOperator(
        task_id="approve",
        video_id=order.output,
        params={"another_prompt": Param("", type="string", title="Another prompt, to reject with")},
    )

    @task
    def publish(video: dict[str, Any]) -> None:
        print(f"Video {video['video_id']} is at {video['download_url']}")

    # What directly follows approve is skipped by a rejection, so this reads the answer by itself.
    @task(trigger_rule="all_skipped", multiple_outputs=False)
    def change_prompt(params: dict[str, Any], ti: Any = None) -> dict[str, Any]:
        answer = ti.xcom_pull(task_ids="approve", key="answer")
        prompt = (answer["params"].get("another_prompt") or "").strip()
        if not prompt or prompt == params["prompt"]:
            raise AirflowSkipException("There is no other prompt.")
        return {**params, "prompt": prompt, "take": params["take"] + 1}

    change = change_prompt()
    publish(approve.output) >> change

    TriggerDagRunOperator(
        task_id="another_take",
        trigger_dag_id="example_another_take",
        conf=change,
        # The same for each retry, so that there is one next take.
        trigger_run_id="{{ run_id.partition('__take_')[0] }}__take_{{ params.take + 1 }}",
        skip_when_already_exists=True,
        retries=3,
    )


example_another_take()
