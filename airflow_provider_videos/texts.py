# SPDX-License-Identifier: Apache-2.0
"""Making a text short enough for a message."""

from __future__ import annotations


def shorten(text: str, most: int) -> str:
    """Cut a text off after so many characters, and say so with ``…``.

    :param most: characters that are kept, the ``…`` not counted.
    """
    return text if len(text) <= most else text[:most] + "…"
