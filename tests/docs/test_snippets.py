# SPDX-License-Identifier: Apache-2.0
"""Each Python snippet of the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.simulator import Simulator

DOCS = Path(__file__).parent.parent.parent / "docs"


def snippets(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


SNIPPETS = {
    f"{page.relative_to(DOCS)}, snippet {number}": snippet
    for page in sorted(DOCS.rglob("*.md"))
    for number, snippet in enumerate(snippets(page), 1)
}
# A reader reads them one after the other, and so uses a name of an earlier one.
SNIPPETS |= {page: "\n".join(snippets(DOCS.parent / page)) for page in ("README.md", "AGENTS.md")}


def run(place: str) -> tuple[DAG, dict[str, Any]]:
    """Run a snippet as a Dag file would, and return the Dag and the snippet's names."""
    names: dict[str, Any] = {}
    with DAG("docs", schedule=None) as dag:
        exec(compile(SNIPPETS[place], place, "exec"), names)
    return dag, names


@pytest.mark.parametrize("place", SNIPPETS)
def test_a_snippet_runs(place: str) -> None:
    run(place)


@pytest.mark.parametrize("place", [place for place in SNIPPETS if place.startswith("vendors/")])
def test_the_orders_on_a_vendors_page_are_accepted(
    place: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [task for task in run(place)[0].tasks if isinstance(task, GenerateVideoOperator)]
    for order in orders:
        assert isinstance(order.request, dict)
        uri = simulator.connection_uri(order.conn_id.removesuffix("_default"))
        monkeypatch.setenv(f"AIRFLOW_CONN_{order.conn_id.upper()}", uri)
        VideoHook.get_hook(order.conn_id).create_video(**order.request)
    assert sum(simulator.record.created.values()) == len(orders)
