# SPDX-License-Identifier: Apache-2.0
"""Each Python snippet of the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

DOCS = Path(__file__).parent.parent.parent / "docs"
SNIPPETS = {
    f"{page.relative_to(DOCS)}, snippet {number}": snippet
    for page in sorted(DOCS.rglob("*.md"))
    for number, snippet in enumerate(
        re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL), 1
    )
}


def run(place: str) -> tuple[DAG, dict[str, Any]]:
    """Run a snippet as a Dag file would, and return the Dag and the snippet's names."""
    names: dict[str, Any] = {}
    with DAG("docs", schedule=None) as dag:
        exec(compile(SNIPPETS[place], place, "exec"), names)
    return dag, names


@pytest.mark.parametrize("place", SNIPPETS)
def test_a_snippet_runs(place: str) -> None:
    run(place)
