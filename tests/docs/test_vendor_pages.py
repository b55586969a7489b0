# SPDX-License-Identifier: Apache-2.0
"""The page of each vendor says what its hook does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_videos.get_provider_info import get_provider_info
from airflow_provider_videos.hooks.d_id import DIdHook
from airflow_provider_videos.hooks.fal import FalHook
from airflow_provider_videos.hooks.heygen import HeyGenHook
from airflow_provider_videos.hooks.kling import KlingHook
from airflow_provider_videos.hooks.luma import LumaHook
from airflow_provider_videos.hooks.minimax import MiniMaxHook
from airflow_provider_videos.hooks.replicate import ReplicateHook
from airflow_provider_videos.hooks.runway import RunwayHook
from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.d_id import DIdVideoRequest
from airflow_provider_videos.vendors.fal import FalVideoRequest
from airflow_provider_videos.vendors.heygen import HeyGenVideoRequest
from airflow_provider_videos.vendors.kling import KlingVideoRequest
from airflow_provider_videos.vendors.luma import LumaVideoRequest
from airflow_provider_videos.vendors.minimax import MiniMaxVideoRequest
from airflow_provider_videos.vendors.replicate import ReplicateVideoRequest
from airflow_provider_videos.vendors.runway import RunwayVideoRequest
from airflow_provider_videos.vendors.tavus import TavusVideoRequest
from airflow_provider_videos.vendors.together import TogetherVideoRequest

PAGES = Path(__file__).parent.parent.parent / "docs" / "vendors"
REQUEST_TYPES: dict[type[VideoHook], type] = {
    DIdHook: DIdVideoRequest,
    FalHook: FalVideoRequest,
    HeyGenHook: HeyGenVideoRequest,
    KlingHook: KlingVideoRequest,
    LumaHook: LumaVideoRequest,
    MiniMaxHook: MiniMaxVideoRequest,
    ReplicateHook: ReplicateVideoRequest,
    RunwayHook: RunwayVideoRequest,
    TavusHook: TavusVideoRequest,
    TogetherHook: TogetherVideoRequest,
}
HOOKS = [*REQUEST_TYPES]


def section(hook: type[VideoHook], heading: str) -> str:
    _, _, rest = (PAGES / f"{hook.conn_type}.md").read_text().partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the words in code font of each row of the tables, cell by cell."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[" ".join(re.findall(r"`([^`]+)`", cell)) for cell in line.split(" | ")] for line in lines]


def test_every_vendor_has_a_page() -> None:
    types = {connection["connection-type"] for connection in get_provider_info()["connection-types"]}
    assert {page.stem for page in PAGES.glob("*.md")} == types == {hook.conn_type for hook in HOOKS}


@pytest.mark.parametrize(("hook", "request_type"), REQUEST_TYPES.items())
def test_each_field_of_a_request_is_listed(hook: type[VideoHook], request_type: type) -> None:
    fields = {field for first, *_ in rows(section(hook, "Request")) for field in first.split()}
    assert fields == set(request_type.__annotations__)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_status_is_listed_with_its_state(hook: type[VideoHook]) -> None:
    listed = {status: state for status, state, *_ in rows(section(hook, "Statuses")) if status}
    assert listed == {status: state.value for status, state in hook.vendor.states.items()}


@pytest.mark.parametrize("hook", HOOKS)
def test_the_connection_is_that_of_the_hook(hook: type[VideoHook]) -> None:
    text = section(hook, "Connection")
    assert {f"`{hook.conn_type}`", f"`{hook.default_conn_name}`", f"`{hook.vendor.base_url}`"} <= set(
        re.findall(r"`.*?`", text)
    )
