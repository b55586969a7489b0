# SPDX-License-Identifier: Apache-2.0
"""Lists that travel in a trigger's arguments or in its event: a text that is small, and that Jinja leaves alone."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Any

#: Characters that the lists of a trigger may take together. Airflow encrypts a trigger's arguments, which makes them a
#: third larger, into a column that holds 65,535 bytes on MySQL.
MAX_CHARACTERS = 45_000
_PREFIX = "zlib:"
#: A packed list that claims to be larger than that is none of this package's.
_MAX_BYTES = 50_000_000


def pack(values: Sequence[Any]) -> str:
    """Return a list of JSON values as a text."""
    content = json.dumps(list(values), separators=(",", ":")).encode()
    return _PREFIX + base64.b64encode(zlib.compress(content, 9)).decode()


def unpack(packed: object) -> list[Any]:
    """Return the list of a text that :func:`pack` made, of a text of JSON, or as it is.

    :raises ValueError: if it is none of these.
    """
    value = packed
    if isinstance(packed, str):
        content: str | bytes = packed
        if packed.startswith(_PREFIX):
            try:
                inflate = zlib.decompressobj()
                content = inflate.decompress(base64.b64decode(packed.removeprefix(_PREFIX), validate=True), _MAX_BYTES)
            except (binascii.Error, zlib.error) as error:
                raise ValueError(f"a packed list can't be read: {error}") from None
        try:
            value = json.loads(content)
        except RecursionError:
            value = None
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list, got {packed!r:.200}")
    return list(value)
