# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from typing import Any

import pytest

from airflow_provider_videos.numeric import is_number, read_number


@pytest.mark.parametrize(("value", "whole"), [(0, False), (-1.5, False), (5, True)])
def test_a_finite_number_is_one(value: float, whole: bool) -> None:
    assert is_number(value, whole=whole)


@pytest.mark.parametrize(
    "value", [True, "5", None, [5], math.nan, math.inf, -math.inf, pytest.param(10**400, id="beyond any float")]
)
@pytest.mark.parametrize("whole", [True, False])
def test_anything_else_is_none(value: Any, whole: bool) -> None:
    assert not is_number(value, whole=whole)


def test_a_float_is_no_whole_number() -> None:
    assert not is_number(5.0, whole=True)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (0.5, 0.5),
        (200.0, 200),
        ("5", 5),
        (" 0.5 ", 0.5),
        ("1e3", 1000),
        ("-1", -1),
        (True, None),
        (None, None),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        (math.nan, None),
        (10**400, None),
        ([5], None),
    ],
    ids=repr,
)
def test_a_number_may_be_written_as_a_text(value: Any, number: float | None) -> None:
    read = read_number(value)
    assert (read, type(read)) == (number, type(number))
