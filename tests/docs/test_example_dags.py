# SPDX-License-Identifier: Apache-2.0
"""What a person sees of the example Dags in Airflow's own pages and forms."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from tests.vendor_kit import REQUESTS

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


def test_what_the_forms_order_from_several_vendors_is_what_each_takes() -> None:
    from airflow.sdk import Connection

    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.request import read_order

    orders: list[dict[str, Any]] = []
    for name in ("example_several_vendors", "example_second_vendor"):
        [dag] = dags_of(next(example for example in EXAMPLES if example.stem == name))
        values = [dag.params[field] for field in dag.params]
        orders += [order for value in values for order in (value if isinstance(value, list) else [value])]
    assert len({order["conn_id"] for order in orders}) == len(REQUESTS)
    for order in orders:
        conn_type = order["conn_id"].removesuffix("_default")
        with pytest.MonkeyPatch.context() as patch:
            connection = Connection(conn_id="any", conn_type=conn_type, password="key-of-eight").get_uri()
            patch.setenv(f"AIRFLOW_CONN_{order['conn_id'].upper()}", connection)
            hook = VideoHook.get_hook(order["conn_id"])
        assert read_order(order["request"], hook.vendor_of_orders()) == order["request"]


def test_the_clip_that_a_form_shows_is_one_that_the_vendor_takes() -> None:
    from airflow_provider_videos.hooks.runway import RunwayHook
    from airflow_provider_videos.request import read_order

    [dag] = dags_of(next(example for example in EXAMPLES if example.stem == "example_order_clip"))
    request = dag.params["request"]
    assert read_order(request, RunwayHook.vendor_of_orders()) == request
