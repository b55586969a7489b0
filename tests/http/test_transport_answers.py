# SPDX-License-Identifier: Apache-2.0
"""One table of answers, sane and not, that both HTTP libraries must read alike."""

from __future__ import annotations

import gzip
import zlib

import pytest

from airflow_provider_videos.http.transport import NoResponseError, Request
from tests.wire import Exchange, Script, Wire, answer, then_reset


def coded(content_encoding: str, body: bytes) -> bytes:
    return answer("200 OK", f"Content-Encoding: {content_encoding}", body=body)


EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HALF_AN_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"a": '


@pytest.mark.parametrize(
    ("content", "status_code", "body"),
    [
        pytest.param(answer(), 200, b"{}", id="plain"),
        pytest.param(answer(body=b""), 200, b"", id="empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="no content"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", 200, b"{}", id="until the connection ends"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n{}", 200, b"{}", id="HTTP 1.0"),
        pytest.param(CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, b"{}", id="chunked"),
        pytest.param(answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"{}")), 200, b"{}", id="gzip"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), 200, b"{}", id="after 100"),
        pytest.param(answer("404 Not Found", body=b"no"), 404, b"no", id="404"),
        pytest.param(answer("500"), 500, b"{}", id="no reason phrase"),
        pytest.param(answer("599 Why"), 599, b"{}", id="unusual status code"),
        pytest.param(answer("200 OK", f"X: {'x' * 8_200}"), 200, b"{}", id="header of 8 KB"),
        pytest.param(answer("200 OK", f"X: {'x' * 65_000}"), 200, b"{}", id="header of 64 KB"),
        pytest.param(answer("200 OK", *[f"X-{n}: {'x' * 6_000}" for n in range(50)]), 200, b"{}", id="300 KB"),
        pytest.param(answer("200 OK", *[f"X-{number}: x" for number in range(98)]), 200, b"{}", id="99 headers"),
        pytest.param(answer("200 " + "x" * 65_000), 200, b"{}", id="reason of 64 KB"),
        pytest.param(b"HTTP/1.1 102 Processing\r\n\r\n" + answer(), 200, b"{}", id="after 102"),
        pytest.param(EARLY_HINTS + answer(), 200, b"{}", id="after 103"),
        pytest.param(b"HTTP/1.1 199 X\r\n\r\n" + answer(), 200, b"{}", id="after 199"),
        pytest.param(b"HTTP/1.1 100 X\r\n\r\n" + EARLY_HINTS * 3 + answer(), 200, b"{}", id="after 100 and 103"),
        pytest.param(b"\r\n" + answer(), 200, b"{}", id="after a blank line"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, b"", id="101"),
        pytest.param(answer("425 Too Early"), 425, b"{}", id="425"),
        pytest.param(answer("200 OK", "X: a\r\n b"), 200, b"{}", id="folded header"),
        pytest.param(answer("200 OK", b"X: \xe9"), 200, b"{}", id="Latin-1 in a header"),
        pytest.param(CHUNKED + b"2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n", 200, b"{}", id="extension and trailer"),
        pytest.param(coded("x-gzip", gzip.compress(b"{}")), 200, b"{}", id="x-gzip"),
        pytest.param(coded("GZIP", gzip.compress(b"{}")), 200, b"{}", id="GZIP"),
        pytest.param(coded("deflate", zlib.compress(b"{}")), 200, b"{}", id="deflate"),
        pytest.param(coded("deflate", zlib.compress(b"{}")[2:-4]), 200, b"{}", id="deflate without zlib's header"),
        pytest.param(coded("gzip, gzip", gzip.compress(gzip.compress(b"{}"))), 200, b"{}", id="gzip twice"),
        pytest.param(coded("deflate, gzip", gzip.compress(zlib.compress(b"{}"))), 200, b"{}", id="deflate and gzip"),
        pytest.param(coded("gzip", gzip.compress(b"{") + gzip.compress(b"}")), 200, b"{}", id="two members"),
        pytest.param(coded("gzip", gzip.compress(b"{}") + b"junk"), 200, b"{}", id="junk after gzip"),
        pytest.param(coded("gzip", b""), 200, b"", id="gzip of nothing"),
        pytest.param(coded("identity", b"{}"), 200, b"{}", id="identity"),
    ],
)
def test_an_answer_is_read(exchange: Exchange, wire: Wire, content: bytes, status_code: int, body: bytes) -> None:
    response = exchange(Request("GET", wire(content), timeout=5))
    assert (response.status_code, response.body) == (status_code, body)


BROKEN = "the connection was closed early, or what came is not an HTTP answer"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(b"", id="closed before the answer"),
        pytest.param(HALF_AN_ANSWER, id="closed in the body"),
        pytest.param(CHUNKED + b"9\r\n{}", id="closed in a chunk"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n", id="closed before the last chunk"),
        pytest.param(then_reset(b""), id="reset before the answer"),
        pytest.param(then_reset(b"HTTP/1.1 200 OK\r\nContent-Le"), id="reset in the header"),
        pytest.param(then_reset(HALF_AN_ANSWER), id="reset in the body"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", id="no HTTP"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n{}", id="HTTP 2"),
        pytest.param(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", id="broken chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
        pytest.param(answer("200 OK", "Content-Encoding: gzip", body=b"{}"), id="no gzip"),
        pytest.param(answer("200 OK", *[f"X-{number}: x" for number in range(200)]), id="too many headers"),
        pytest.param(answer("200 OK", *[f"X-{number}: x" for number in range(99)]), id="100 headers"),
        pytest.param(answer("200 OK", f"X: {'x' * 100_000}"), id="header too long"),
        pytest.param(answer("200 " + "x" * 70_000), id="reason too long"),
        pytest.param(EARLY_HINTS, id="nothing after 103"),
        pytest.param(b"HTTP/1.1 200", id="closed in the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", id="closed after the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="closed in the header"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\nX: y\r\n", id="closed after a header line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", id="length with a sign"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0_2\r\n\r\n{}", id="length as Python writes it"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", id="length of no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}", id="empty length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", id="same length twice"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", id="gzip for transfer"
        ),
        pytest.param(answer("200 OK", "nonsense"), id="header without a colon"),
        pytest.param(answer("200 OK", ": x"), id="header without a name"),
        pytest.param(answer("200 OK", "X Y: z"), id="header with a blank in its name"),
        pytest.param(answer("200 OK", "X : z"), id="header with a blank after its name"),
        pytest.param(answer("200 OK", b"X: a\rb"), id="header with half a line end"),
        pytest.param(answer("abc"), id="status of letters"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n0\r\n", id="closed before the trailers"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n0\r\nX: y\r\n", id="closed in the trailers"),
        pytest.param(coded("gzip", gzip.compress(b"{}" * 100)[:-10]), id="half of a gzip"),
        pytest.param(coded("gzip", gzip.compress(b"{}")[:-8] + b"\0" * 8), id="gzip with a wrong checksum"),
        pytest.param(coded("br", b"{}"), id="coding that was not asked for"),
        pytest.param(coded("foo", b"{}"), id="unknown coding"),
    ],
)
def test_what_is_no_whole_answer_is_none(exchange: Exchange, wire: Wire, script: Script | bytes) -> None:
    with pytest.raises(NoResponseError) as failure:
        exchange(Request("GET", wire(script), timeout=5))
    assert failure.value.reason == BROKEN
    assert failure.value.maybe_received
