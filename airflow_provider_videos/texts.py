# SPDX-License-Identifier: Apache-2.0
"""Making a text short enough for a message, and numbers of a video's record as a person writes them."""

from __future__ import annotations


def shorten(text: str, most: int) -> str:
    """Cut a text off after so many characters, and say so with ``…``.

    :param most: characters that are kept, the ``…`` not counted.
    """
    return text if len(text) <= most else text[:most] + "…"


def clock(seconds: float) -> str:
    """Write a length as a player does, such as ``0:08`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def dollars(cost: float) -> str:
    """Write a cost in USD, with more digits where it is below a cent."""
    return f"${cost:,.4f}".rstrip("0").rstrip(".") if cost < 0.01 else f"${cost:,.2f}"
