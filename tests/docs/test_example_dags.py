# SPDX-License-Identifier: Apache-2.0
"""What a person sees of the example Dags in Airflow's own pages and forms."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "example_dags").glob("*.py"))


def dags_of(example: Path) -> list[DAG]:
    """Return the Dags that a file defines."""
    made: list[DAG] = []
    original = DAG.__enter__

    def noting(dag: DAG) -> Any:
        made.append(dag)
        return original(dag)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DAG, "__enter__", noting)
        runpy.run_path(str(example))
    return made


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_says_what_it_does_and_what_each_field_of_its_form_is(example: Path) -> None:
    dags = dags_of(example)
    assert example.stem in {dag.dag_id for dag in dags}
    for dag in dags:
        assert dag.doc_md
        for name in dag.params:
            assert dag.params.get_param(name).description, f"{dag.dag_id}: {name}"


def test_the_clip_that_a_form_shows_is_one_that_the_vendor_takes() -> None:
    from airflow_provider_videos.hooks.runway import RunwayHook
    from airflow_provider_videos.request import read_order

    [dag] = dags_of(next(example for example in EXAMPLES if example.stem == "example_order_clip"))
    request = dag.params["request"]
    assert read_order(request, RunwayHook.vendor_of_orders()) == request
