# SPDX-License-Identifier: Apache-2.0
"""Bytes on a socket as an answer, and both libraries to read them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable

from airflow_provider_videos.http.connection import VendorConnection
from airflow_provider_videos.http.session import open_async_session, open_session
from airflow_provider_videos.http.transport import Request, Response, asend, send


def by_requests(request: Request, proxy: str | None = None) -> Response:
    with open_session(_connection(request, proxy), dict) as session:
        return send(session, request)


def by_aiohttp(request: Request, proxy: str | None = None) -> Response:
    async def exchange() -> Response:
        async with await open_async_session(_connection(request, proxy)) as session:
            return await asend(session, request)

    return asyncio.run(exchange())


def _connection(request: Request, proxy: str | None) -> VendorConnection:
    return VendorConnection(
        conn_id="c", api_key="k", base_url=request.url, timeout=request.timeout, ca_file=None, proxy=proxy
    )


LIBRARIES = {"requests": by_requests, "aiohttp": by_aiohttp}
Exchange = Callable[..., Response]


Script = Callable[[socket.socket], None]


class Wire:
    """A socket that answers every request with a script, and keeps what it was sent."""

    def __init__(self, resources: contextlib.ExitStack) -> None:
        self.received = b""
        self._resources = resources

    def __call__(self, script: Script | bytes, *, waits: bool = True) -> str:
        """Begin to answer so, by default when a whole request has come; give the URL."""
        listener = self._resources.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=self._serve, args=(listener, script, waits), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v2/videos/v1"

    def _has_whole_request(self) -> bool:
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
        return bool(end) and len(body) >= (int(length[1]) if length else 0)

    def _serve(self, listener: socket.socket, script: Script | bytes, waits: bool) -> None:
        # The listener is closed at the end of the test, and clients hang up whenever they like.
        with contextlib.suppress(OSError):
            while True:
                connection = listener.accept()[0]
                with contextlib.suppress(OSError), connection:
                    self.received = b""
                    while waits and not self._has_whole_request() and (part := connection.recv(65_536)):
                        self.received += part
                    if isinstance(script, bytes):
                        connection.sendall(script)
                    else:
                        script(connection)


def answer(status: str | bytes = "200 OK", *headers: str | bytes, body: bytes = b"{}") -> bytes:
    lines = [b"HTTP/1.1 " + _bytes(status), b"Content-Length: %d" % len(body), *map(_bytes, headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def drip(content: bytes, pause: float, at_once: int = 0) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(content[:at_once])
        for byte in content[at_once:]:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return script


def then_reset(content: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(content)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script
