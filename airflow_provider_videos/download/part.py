# SPDX-License-Identifier: Apache-2.0
"""What an answer says about the file that it holds, or a part of it."""

from __future__ import annotations

import dataclasses
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)\s*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A file as an answer announces it.

    :param start: place in the file of the answer's first byte; -1 if a part doesn't say it.
    :param total: bytes of the whole file, ``None`` if it isn't said.
    :param etag: its entity tag, ``None`` if there is none.
    :param modified: when it was last modified, in the server's words.
    :param has_an_end: whether the end of the body can be told from a break.
    """

    start: int
    total: int | None
    etag: str | None
    modified: str | None
    has_an_end: bool

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` can be asked with. A weak entity tag may stand for other bytes, so it is none."""
        return self.etag if self._has_strong_etag else self.modified

    @property
    def _has_strong_etag(self) -> bool:
        return self.etag is not None and self.etag.startswith('"')

    def continues(self, earlier: Part, *, at: int) -> bool:
        """Whether this answer goes on at a place in the file of which an earlier answer sent the start.

        It does only if it says so with the validator of that answer: another file may be just as long.
        """
        if not at or self.start != at or self.total != earlier.total or earlier.validator is None:
            return False
        if earlier._has_strong_etag:
            # With it, a server may leave the date out.
            return self.etag == earlier.etag and self.modified in {None, earlier.modified}
        return (self.etag, self.modified) == (earlier.etag, earlier.modified)


def read_part(response: requests.Response) -> Part:
    """Read the headers of an answer with the status 200 or 206."""
    headers = response.headers
    length = _number(headers.get("Content-Length"))
    start, total = 0, length
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        # A 206 without a range can't be placed.
        start = int(found.group(1)) if found else -1
        total = int(found.group(3)) if found and found.group(3) != "*" else None
    return Part(
        start=start,
        total=total,
        etag=headers.get("ETag"),
        modified=headers.get("Last-Modified"),
        has_an_end=length is not None or bool(getattr(response.raw, "chunked", False)),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None
