# SPDX-License-Identifier: Apache-2.0
"""What the recipes of the documentation come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_videos.ui.addresses import video_page_url
from tests.docs.test_snippets import SNIPPETS, run


def message(task_id: str, xcoms: dict[str, Any]) -> str:
    """Return what the recipe of Slack sends."""
    [place] = [place for place, snippet in SNIPPETS.items() if "SlackWebhookOperator" in snippet]
    task: Any = run(place)[0].get_task(task_id)
    ti = SimpleNamespace(
        dag_id="d", run_id="r", task_id=task_id, map_index=-1, xcom_pull=lambda task_ids, key: xcoms.get(key)
    )
    macros = SimpleNamespace(airflow_provider_videos=SimpleNamespace(video_page_url=video_page_url))
    return str(task.render_template(task.message, {"ti": ti, "macros": macros}))


def test_a_message_leads_to_the_page_of_the_order_and_has_no_url_of_the_video() -> None:
    sent = message("tell_ready", {"video": {"download_url": "https://files.example/signed"}})
    assert sent.endswith("/videos/dags/d/runs/r/tasks/order")
    assert "files.example" not in sent


@pytest.mark.parametrize(
    ("xcoms", "reason"), [({"video": {"error_message": "the replica is gone"}}, "the replica is gone"), ({}, "the log")]
)
def test_a_message_says_why_there_is_no_video(xcoms: dict[str, Any], reason: str) -> None:
    assert message("tell_failed", xcoms).endswith(reason)
