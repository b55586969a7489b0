# SPDX-License-Identifier: Apache-2.0
"""A server that sends one byte at a time can't hold anything up for longer than the request's timeout."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import requests

from airflow_provider_videos.http.adapter import Deadline, DeadlineAdapter
from airflow_provider_videos.http.transport import NoResponseError, Request, send
from tests.wire import Exchange, Script, Wire, answer, drip

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY = b"".join(b"X-%d: x\r\n" % number for number in range(50))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(drip(answer("200 OK", f"X: {'x' * 99}"), 0.05), id="status line and header"),
        pytest.param(drip(answer("200 OK", f"X: {'x' * 99}"), 0.05, at_once=30), id="header"),
        pytest.param(drip(b"HTTP/1.1 103 X\r\n\r\n" * 99, 0.05), id="answers that are not final"),
        pytest.param(drip(answer(body=b" " * 99), 0.05, at_once=-99), id="body"),
        pytest.param(drip(CHUNKED + b"2;" + b"x" * 99 + b"\r\n", 0.05, at_once=len(CHUNKED)), id="size of a chunk"),
        pytest.param(drip(CHUNKED + b"2\r\n{}\r\n0\r\n" + MANY, 0.05, at_once=len(CHUNKED) + 10), id="trailers"),
    ],
)
def test_a_drip_ends_with_the_timeout(exchange: Exchange, wire: Wire, script: Script, method: str) -> None:
    began = time.monotonic()
    with pytest.raises(NoResponseError) as failure:
        exchange(Request(method, wire(script), timeout=0.4, body={} if method == "POST" else None))
    assert 0.3 < time.monotonic() - began < 1.5
    assert failure.value.reason == "it took longer than 0.4 seconds"
    assert failure.value.maybe_received


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Give a session with the adapter."""
    with requests.Session() as session:
        session.mount("http://", DeadlineAdapter())
        session.mount("https://", DeadlineAdapter())
        yield session


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_drips_ends_with_the_timeout(session: requests.Session, wire: Wire, scheme: str) -> None:
    proxy = wire(drip(b"HTTP/1.1 200 OK\r\n" + MANY, 0.05)).removesuffix("/v2/videos/v1")
    session.proxies = {"http": proxy, "https": proxy}
    began = time.monotonic()
    with pytest.raises(NoResponseError):
        send(session, Request("GET", f"{scheme}://vendor.test/", timeout=0.4))
    assert time.monotonic() - began < 1.5


def test_a_tls_handshake_that_never_ends_ends_with_the_timeout(session: requests.Session, wire: Wire) -> None:
    def drip_a_record(connection: socket.socket) -> None:
        for byte in b"\x16\x03\x03\x40\x00" + b"\0" * 99:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(NoResponseError) as failure:
        send(session, Request("POST", wire(drip_a_record, waits=False).replace("http:", "https:"), timeout=0.4))
    assert time.monotonic() - began < 1.5
    assert not failure.value.maybe_received


def test_after_a_deadline_the_next_request_gets_its_own_connection(session: requests.Session, wire: Wire) -> None:
    url = wire(drip(answer(), 0.05))
    with pytest.raises(NoResponseError):
        send(session, Request("GET", url, timeout=0.3))
    assert send(session, Request("GET", url, timeout=5)).body == b"{}"


def test_without_a_deadline_a_session_waits_for_as_long_as_it_is_told(session: requests.Session, wire: Wire) -> None:
    assert session.get(wire(drip(answer(), 0.005)), timeout=0.1).text == "{}"


def test_a_deadline_that_is_renewed_counts_anew() -> None:
    deadline = Deadline(0.05)
    time.sleep(0.06)
    with pytest.raises(TimeoutError):
        deadline.remaining()
    deadline.renew()
    assert 0 < deadline.remaining() <= 0.05
