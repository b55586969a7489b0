# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_videos.vendors.checks import check_choice, check_fields, check_number, check_required, check_texts
from airflow_provider_videos.vendors.errors import RequestFieldError

KNOWN = ("promptText", "image_url", "duration", "seed")


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("prompt_text", "promptText"),
        ("PromptText", "promptText"),
        ("image-url", "image_url"),
        ("durration", "duration"),
    ],
)
def test_a_field_that_looks_misspelled_is_refused_and_the_right_one_named(field: str, meant: str) -> None:
    with pytest.raises(RequestFieldError, match=f"is unknown; did you mean '{meant}'") as refused:
        check_fields({field: "x"}, KNOWN)
    assert refused.value.field == field
    assert "check_request=False" in refused.value.problem


def test_any_other_unknown_field_is_sent_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_fields({"camera_motion": "zoom", "seed": 1}, KNOWN)
    [record] = caplog.records
    assert "'camera_motion'" in record.getMessage()


@pytest.mark.parametrize("request_", [{}, {"model": ""}, {"model": None}, {"model": []}])
def test_a_required_field_is_neither_missing_nor_empty(request_: dict[str, Any]) -> None:
    with pytest.raises(RequestFieldError, match="model is missing"):
        check_required(request_, "model")


@pytest.mark.parametrize("value", [5, True, ["x"], "", "x" * 1001])
def test_a_text_is_one_and_as_long_as_it_may_be(value: Any) -> None:
    with pytest.raises(RequestFieldError):
        check_texts({"prompt": value}, "prompt", longest=1000)


@pytest.mark.parametrize("value", [True, 1.0, "1", 3, [1]])
def test_a_choice_is_one_of_them_and_of_their_type(value: Any) -> None:
    with pytest.raises(RequestFieldError, match="seconds must be one of 1, 2"):
        check_choice({"seconds": value}, "seconds", (1, 2))


@pytest.mark.parametrize("value", [9, 51, "20", 20.5, True, float("nan")])
def test_a_number_is_in_its_range(value: Any) -> None:
    with pytest.raises(RequestFieldError, match="steps must be a whole number from 10 to 50"):
        check_number({"steps": value}, "steps", 10, 50, whole=True)


def test_what_is_missing_or_right_passes() -> None:
    for request in ({}, {"prompt": "x", "seconds": 2, "steps": 10}):
        check_fields(request, ("prompt", "seconds", "steps"))
        check_texts(request, "prompt", longest=1000)
        check_choice(request, "seconds", (1, 2))
        check_number(request, "steps", 10, 50, whole=True)
