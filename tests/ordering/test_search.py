# SPDX-License-Identifier: Apache-2.0
"""What a listed video must show to be taken for an order that can't be marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_videos.hooks.exchanges import ListedVideo, shown_fields
from airflow_provider_videos.ordering.search import shows_order
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.recovery import SearchByEcho
from airflow_provider_videos.video import Video, VideoState

ECHO = SearchByEcho(shown={"input": ("input",), "model": ("model",)})
ORDER = {"model": "a/b", "input": {"prompt": "A cat.", "seed": 7, "images": ["x", "y"]}, "webhook": "https://a.test"}


def is_shown(entry: Mapping[str, Any], order: Mapping[str, Any] = ORDER, echo: SearchByEcho = ECHO) -> bool:
    video = Video(vendor="v", video_id="1", state=VideoState.READY, status="ready")
    return shows_order(ListedVideo(video, shown_fields(Answer(entry), echo.shown)), echo.expected_of(order))


@pytest.mark.parametrize(
    "entry",
    [
        ORDER,
        {**ORDER, "input": {"images": ["x", "y"], "seed": 7, "prompt": "A cat."}},
        {**ORDER, "webhook": None, "state": "ready"},
    ],
    ids=["as it is", "in another order", "with other fields"],
)
def test_an_entry_with_all_that_was_ordered_shows_the_order(entry: dict[str, Any]) -> None:
    assert is_shown(entry)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"model": "a/b"},
        {"input": ORDER["input"]},
        {**ORDER, "input": None},
        {**ORDER, "input": {}},
        {**ORDER, "model": "a/c"},
        {**ORDER, "input": {**ORDER["input"], "seed": 8}},  # type: ignore[dict-item]
        {**ORDER, "input": {**ORDER["input"], "steps": 5}},  # type: ignore[dict-item]
        {**ORDER, "input": {"prompt": "A cat."}},
    ],
    ids=str,
)
def test_an_entry_that_shows_less_or_something_else_does_not_show_the_order(entry: dict[str, Any]) -> None:
    assert not is_shown(entry)


def test_what_a_vendor_shows_of_an_order_that_has_no_such_field_is_another_order() -> None:
    assert not is_shown(ORDER, {"input": ORDER["input"]})


def test_a_vendor_says_in_which_form_an_order_is_shown() -> None:
    echo = SearchByEcho(shown=ECHO.shown, expected=lambda order: {"input": order["input"]})
    assert is_shown({**ORDER, "model": "added by the vendor"}, {"input": ORDER["input"]}, echo)
    assert not is_shown({**ORDER, "input": {}}, {"input": ORDER["input"]}, echo)
