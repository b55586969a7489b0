# SPDX-License-Identifier: Apache-2.0
"""Checks of values that come from a test, through the control paths or in an order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """Raise ``ValueError``, naming the field, unless the value is one of the choices."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{field} must be one of {', '.join(known)}, not {value!r}")


def check_seconds(field: str, value: object) -> None:
    """Raise ``ValueError``, naming the field, unless the value is a finite number of seconds, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{field} must be a number of seconds, 0 or more, not {value!r}")


def check_text(field: str, value: object) -> None:
    """Raise ``ValueError``, naming the field, unless the value is a text of at least one character."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a text that is not empty, not {value!r}")


def check_whole(field: str, value: object, least: int, most: int | None = None) -> None:
    """Raise ``ValueError``, naming the field, unless the value is a whole number within the bounds."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        bounds = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ValueError(f"{field} must be a whole number, {bounds}, not {value!r}")


def wrongly_typed(order: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> str | None:
    """The first field of an order whose type is not the table's; None: all are right."""
    for name, value in order.items():
        expected = types.get(name)
        if expected is None:
            continue
        # To isinstance, True is an int; to a vendor it is not.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            return name
    return None
