# SPDX-License-Identifier: Apache-2.0
"""What each library makes of bytes on a wire, sane or not: the same."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
import tracemalloc
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate

import pytest

from airflow_provider_videos.http.transport import MAX_BODY_BYTES, NoResponseError, Request, read_retry_after
from tests.wire import LIBRARIES, Exchange, Script, Wire, answer, drip

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def test_header_names_are_given_in_lower_case(exchange: Exchange, wire: Wire) -> None:
    response = exchange(Request("GET", wire(answer("429 Slow down", "RETRY-After: 7")), timeout=5))
    assert response.headers["retry-after"] == "7"


def test_an_answer_that_comes_in_drops_is_read(exchange: Exchange, wire: Wire) -> None:
    content = answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"{}"))
    assert exchange(Request("GET", wire(drip(content, 0.002)), timeout=5)).body == b"{}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(answer("429 No", "Retry-After: 1", "Retry-After: 2", body=b""), id="two Retry-After"),
        pytest.param(answer("429 No", "Retry-After: é", body=b""), id="Retry-After in UTF-8"),
        pytest.param(answer("302 Found", "Location: /x", body=b'{"error": "moved"}'), id="redirect with a body"),
    ],
)
def test_both_libraries_read_the_same_out_of_an_odd_answer(wire: Wire, content: bytes) -> None:
    one, other = [exchange(Request("GET", wire(content), timeout=5)) for exchange in LIBRARIES.values()]
    assert (one.status_code, one.body) == (other.status_code, other.body)
    waits = [read_retry_after(response.headers.get("retry-after"), now=NOW) for response in (one, other)]
    assert waits[0] == waits[1]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "location",
    [b"/elsewhere", b"https://elsewhere.test/", b"", b"http://[bad", b"http://x:99999999/", b"http://caf\xe9/", b"x:y"],
)
def test_a_redirect_is_an_answer_wherever_it_leads(
    exchange: Exchange, wire: Wire, status: str, location: bytes
) -> None:
    content = answer(status, b"Location: " + location, body=b"over there")
    response = exchange(Request("GET", wire(content), timeout=5))
    assert response.status_code == int(status[:3])
    assert response.body == b"over there"


REDIRECT = ("302 Found", "Location: /elsewhere")
HUGE = b"x" * 20_000_000
BOMB = gzip.compress(b"x" * 50_000_000, compresslevel=1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(answer(body=HUGE), id="huge"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + HUGE, id="huge without a length"),
        pytest.param(answer("500 No", body=HUGE), id="huge error"),
        pytest.param(answer(*REDIRECT, body=HUGE), id="huge redirect"),
        pytest.param(answer("200 OK", "Content-Encoding: gzip", body=BOMB), id="gzip bomb"),
    ],
)
def test_a_body_larger_than_any_record_is_cut_off(exchange: Exchange, wire: Wire, content: bytes) -> None:
    request = Request("GET", wire(content), timeout=5)
    tracemalloc.start()
    try:
        response = exchange(request)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(response.body) == MAX_BODY_BYTES + 1
    assert response.is_too_large
    assert peak < 12 * MAX_BODY_BYTES


def test_a_body_of_exactly_the_limit_is_read_whole(exchange: Exchange, wire: Wire) -> None:
    response = exchange(Request("GET", wire(answer(body=b"x" * MAX_BODY_BYTES)), timeout=5))
    assert len(response.body) == MAX_BODY_BYTES
    assert not response.is_too_large


def hang(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(hang, id="hang"),
        pytest.param(drip(answer(body=b" " * 99), 0.05, at_once=-99), id="drip"),
        pytest.param(drip(answer(*REDIRECT, body=b" " * 99), 0.05, at_once=-99), id="drip of a redirect"),
    ],
)
def test_the_timeout_is_for_the_whole_exchange(exchange: Exchange, wire: Wire, script: Script) -> None:
    url = wire(script)
    began = time.monotonic()
    with pytest.raises(NoResponseError) as failure:
        exchange(Request("GET", url, timeout=0.5))
    # All drops take 5 seconds.
    assert time.monotonic() - began < 3
    assert failure.value.reason == "it took longer than 0.5 seconds"
    assert failure.value.maybe_received


def test_a_connection_that_is_never_accepted_is_surely_not_received(exchange: Exchange) -> None:
    with contextlib.ExitStack() as resources:
        listener = resources.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = resources.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(NoResponseError) as failure:
            exchange(Request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.5))
    assert failure.value.reason == "it took longer than 0.5 seconds"
    assert not failure.value.maybe_received


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_refused_connection_is_surely_not_received(exchange: Exchange, unused_port: int, host: str) -> None:
    with pytest.raises(NoResponseError) as failure:
        exchange(Request("GET", f"http://{host}:{unused_port}/", timeout=5))
    assert failure.value.reason == "the connection was refused"
    assert not failure.value.maybe_received


def test_an_unknown_host_is_surely_not_received(exchange: Exchange) -> None:
    with pytest.raises(NoResponseError) as failure:
        exchange(Request("GET", "http://nobody.invalid/", timeout=10))
    assert failure.value.reason == "the host name is not known"
    assert not failure.value.maybe_received


@pytest.mark.parametrize("path", ["/v2/videos/a%2Fb%3Fc%23d", "/v2/videos/..%2Fx", "/v2/videos/%252e%20%F0%9F%8E%AC"])
def test_an_encoded_path_is_sent_as_it_is(exchange: Exchange, wire: Wire, path: str) -> None:
    exchange(Request("GET", wire(answer()).replace("/v2/videos/v1", path), timeout=5))
    assert wire.received.startswith(f"GET {path} HTTP/1.1\r\n".encode())


def test_a_body_is_sent_as_json(exchange: Exchange, wire: Wire) -> None:
    exchange(Request("POST", wire(answer()), timeout=5, body={"script": "Žluťoučký 🎬"}))
    head, _, body = wire.received.partition(b"\r\n\r\n")
    assert head.startswith(b"POST ")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {"script": "Žluťoučký 🎬"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_body_none_is_sent(exchange: Exchange, wire: Wire, method: str) -> None:
    exchange(Request(method, wire(answer()), timeout=5))
    head, _, body = wire.received.partition(b"\r\n\r\n")
    assert b"content-type" not in head.lower()
    assert body == b""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        (" ", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("86400", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("1e400", None),
        ("inf", None),
        ("nan", None),
        ("1, 2", 1.0),
        (",", None),
        ("\ud800", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 90), 90.0),
        ("Thu, 01 Jan 2026 01:01:30 +0100", 90.0),
        ("Thu, 01 Jan 2026 00:01:30", 90.0),
        ("Thursday, 01-Jan-26 00:01:30 GMT", 90.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Mon, 32 Jan 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:01:30 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize("value", ["9" * 20, "9" * 400, "9" * 5000, format_datetime(datetime.max.replace(tzinfo=UTC))])
def test_an_endless_retry_after_is_a_day(value: str) -> None:
    assert read_retry_after(value, now=NOW) == 86_400
