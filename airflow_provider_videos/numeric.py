# SPDX-License-Identifier: Apache-2.0
"""What counts as a number, wherever one is given: in a Dag, a connection, a vendor's answer or a record."""

from __future__ import annotations

import sys
from typing import TypeGuard


def is_number(value: object, *, whole: bool = False) -> TypeGuard[float]:
    """Whether a value is a finite ``int`` or ``float``, or just an ``int``. ``True``, NaN and texts are none."""
    # To isinstance, True is an int.
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return is_one and not (whole and isinstance(value, float))


def read_number(value: object) -> float | None:
    """Return a finite number, also one that is written as a text, ``None`` if it is none.

    One without a fraction is returned as an ``int``.
    """
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return (number if number % 1 else int(number)) if is_number(number) else None
