# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering.naming import Marks, fingerprint, read_mark
from airflow_provider_videos.request import read_order
from tests.vendor_kit import REQUESTS

MARKS = Marks(dag_id="dag", task_id="order", run_id="run", map_index=-1, fingerprint="463d92064e83a7de52ba02d119c1b027")
MARK = "c271f92dc1620db347dc06d7"
TAVUS = {
    "replica_id": "r1",
    "script": "Hello, wörld.",
    "background_url": "https://example.com",
    "fast": True,
    "properties": {"start_with_wave": False, "background_scroll": True},
    "video_name": "n",
    "callback_url": "https://example.com/c",
}
TOGETHER = {
    "model": "m1",
    "prompt": "A cat.",
    "seconds": "5",
    "steps": 20,
    "guidance_scale": 7.5,
    "media": {"reference_images": ["https://example.com/a.png"]},
    "generate_audio": True,
}


@pytest.mark.parametrize(
    ("hook", "request_", "expected"),
    [
        (TavusHook, REQUESTS["tavus"], "463d92064e83a7de52ba02d119c1b027"),
        (TavusHook, TAVUS, "44d3009a4cb97e7101ab03e5b2946970"),
        (TogetherHook, REQUESTS["together"], "1d4e08c9081eb28757c306d10680fc1d"),
        (TogetherHook, TOGETHER, "db8eb23de6c8dfa52f5d5bb4b516162c"),
    ],
)
def test_no_upgrade_changes_a_fingerprint(hook: type[VideoHook], request_: dict[str, Any], expected: str) -> None:
    """A changed one reads as a changed request, and orders and pays anew."""
    vendor = hook.vendor_of_orders()
    assert fingerprint(hook.conn_type, read_order(request_, vendor), vendor.free_fields) == expected


def test_no_upgrade_changes_a_mark() -> None:
    assert MARKS.mark(1) == MARK


def test_no_two_iterations_of_a_loop_have_one_mark() -> None:
    marks = [dataclasses.replace(MARKS, iteration=iteration).mark(1) for iteration in (None, 0, 1)]
    assert len(set(marks)) == 3


@pytest.mark.parametrize(
    "name", [MARKS.name(1), f"airflow-{MARK}", f"dag.order airflow-{MARK}", f"a name of mine airflow-{MARK}"]
)
def test_a_mark_is_read_from_the_names_of_today_and_of_before(name: str) -> None:
    assert read_mark(name) == MARK


def test_the_beginning_of_a_mark_is_read_from_a_name_that_was_cut() -> None:
    assert read_mark(MARKS.name(1)[:20]) == MARK[:12]


PERSONS_NAMES = ["", "Greeting", "airflow-", "airflow-12", f"airflow-{MARK}0", f"airflow-{MARK}-x", "airflow-pipeline"]


@pytest.mark.parametrize("name", PERSONS_NAMES)
def test_a_name_of_a_persons_has_no_mark(name: str) -> None:
    assert read_mark(name) is None
