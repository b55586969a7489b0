# SPDX-License-Identifier: Apache-2.0
"""TLS that fails before the request was sent certainly carried none; TLS that fails after it may have."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_videos.http.transport import NoResponseError, Request
from airflow_provider_videos.simulator import Proxy
from airflow_provider_videos.simulator.certificate import make_certificate
from tests.wire import Exchange, Script, Wire, answer, by_requests

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

#: A fatal alert.
PROTOCOL_VERSION = b"\x15\x03\x03\x00\x02\x02\x46"
Order = Callable[[str], NoResponseError]


@pytest.fixture(params=["direct", "tunnel"])
def order(request: pytest.FixtureRequest, exchange: Exchange) -> Iterator[Order]:
    """Give a function that sends an order by TLS, by either library, directly and through a proxy's tunnel."""
    with contextlib.ExitStack() as resources:
        proxy = resources.enter_context(Proxy()).url if request.param == "tunnel" else None

        def order(url: str) -> NoResponseError:
            url = url.replace("http:", "https:")
            with pytest.raises(NoResponseError) as failure:
                exchange(Request("POST", url, timeout=2, body={"script": "Hello."}), proxy)
            return failure.value

        yield order


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def answer_in_plain(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(answer("400 Bad Request"))


def close(connection: socket.socket) -> None:
    connection.recv(65_536)


def reset(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refuse_the_version(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(PROTOCOL_VERSION)


def close_after_the_greeting(connection: socket.socket) -> None:
    connection.recv(65_536)
    # The beginning of a ServerHello.
    connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (answer_in_plain, "it does not speak TLS"),
        (refuse_the_version, "TLS could not be agreed on"),
        (close, ""),
        (reset, ""),
        (close_after_the_greeting, ""),
    ],
)
def test_tls_that_is_not_agreed_on_has_carried_no_request(
    script: Script, reason: str, order: Order, wire: Wire
) -> None:
    failure = order(wire(script, waits=False))
    assert not failure.maybe_received
    assert reason in failure.reason
    assert failure.is_tls == (script is answer_in_plain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(answer("400 Bad Request"), id="plain http"),
        pytest.param(b"", id="closed"),
        pytest.param(PROTOCOL_VERSION, id="alert"),
        pytest.param(b"\x17\x03\x03\x00\x20" + bytes(32), id="forged record"),
    ],
)
def test_tls_that_breaks_after_the_request_may_have_carried_it(
    version: ssl.TLSVersion, rest: bytes, order: Order, wire: Wire, certificate: tuple[Path, Path]
) -> None:
    received: list[bytes] = []

    def break_off(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(*certificate)
        with connection.dup() as raw, context.wrap_socket(connection, server_side=True) as secured:
            while b"Hello." not in b"".join(received):
                received.append(secured.recv(65_536))
            raw.sendall(rest)
            raw.shutdown(socket.SHUT_RDWR)

    failure = order(wire(break_off, waits=False))
    assert b"Hello." in b"".join(received)
    assert failure.maybe_received
    assert not failure.is_tls


def test_what_tls_1_3_refuses_after_the_handshake_may_have_carried_the_request(
    order: Order, wire: Wire, certificate: tuple[Path, Path]
) -> None:
    def ask_for_a_certificate(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate[0])
        context.load_cert_chain(*certificate)
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65_536)

    assert order(wire(ask_for_a_certificate, waits=False)).maybe_received


@pytest.mark.parametrize("script", [close, reset], ids=["closed", "reset"])
def test_a_proxy_that_hangs_up_before_the_tunnel_is_there_has_carried_no_request(script: Script, wire: Wire) -> None:
    proxy = wire(script, waits=False).removesuffix("/v2/videos/v1")
    with pytest.raises(NoResponseError) as failure:
        by_requests(Request("POST", "https://vendor.test/", timeout=2, body={}), proxy)
    assert not failure.value.maybe_received


def test_a_connection_that_failed_before_says_nothing_of_the_next_request(
    exchange: Exchange, wire: Wire, unused_port: int
) -> None:
    try:
        exchange(Request("POST", f"http://127.0.0.1:{unused_port}/", timeout=2, body={}))
    except NoResponseError as error:
        first = error
        # As a caller does that falls back to a second vendor.
        with pytest.raises(NoResponseError) as second:
            exchange(Request("POST", wire(b""), timeout=2, body={}))
    assert not first.maybe_received
    assert second.value.maybe_received
