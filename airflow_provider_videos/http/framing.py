# SPDX-License-Identifier: Apache-2.0
"""What both HTTP libraries accept of an answer: decided here, as each of them is lenient where the other isn't."""

from __future__ import annotations

import zlib
from collections.abc import Collection

#: Of header lines; http.client counts the blank one too, and takes a hundred.
MAX_HEADERS = 99
#: Of one header line, which is http.client's own limit.
MAX_HEADER_BYTES = 65_536
#: What is asked for, and understood.
ACCEPT_ENCODING = "gzip, deflate"
_GZIP = {"gzip", "x-gzip"}


class FramingError(Exception):
    """An answer can't be told from a broken one."""


def check_header(*, fields: int, lengths: Collection[str], transfer_codings: Collection[str]) -> None:
    """Refuse a header that says nothing certain about its body.

    :param fields: how many header lines there are.
    :param lengths: each value of ``Content-Length``.
    :param transfer_codings: each value of ``Transfer-Encoding``.
    :raises FramingError: if there are too many lines, or if the body's end can't be known.
    """
    if fields > MAX_HEADERS or len(lengths) + len(transfer_codings) > 1:
        raise FramingError
    if any(not (length.isascii() and length.isdecimal()) for length in lengths):
        raise FramingError
    if any(coding.strip().lower() != "chunked" for coding in transfer_codings):
        raise FramingError


def decode_body(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the codings of a body.

    :param body: what was received.
    :param content_encoding: the value of ``Content-Encoding``, outermost coding last.
    :param limit: the most bytes to return; what is longer is cut off.
    :raises FramingError: if a coding is not known, or the body is not coded so, or incomplete.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    for coding in reversed([coding for coding in codings if coding not in {"", "identity"}]):
        if coding not in _GZIP and coding != "deflate":
            raise FramingError
        body = _inflate(body, coding in _GZIP, limit) if body else body
    return body[:limit]


def _inflate(body: bytes, is_gzip: bool, limit: int) -> bytes:
    inflated = bytearray()
    rest = body
    try:
        # A file of gzip may have several members; what follows the last one is ignored, as every browser does.
        while not inflated or (is_gzip and rest.startswith(b"\x1f\x8b")):
            # Some servers send deflate without the header of zlib.
            is_raw = not is_gzip and rest[0] & 0x0F != zlib.DEFLATED
            decoder = zlib.decompressobj(31 if is_gzip else -zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS)
            inflated += decoder.decompress(rest, limit - len(inflated))
            if len(inflated) >= limit:
                break
            if not decoder.eof:
                raise FramingError
            rest = decoder.unused_data
            if not rest:
                break
    except zlib.error:
        raise FramingError from None
    return bytes(inflated)
