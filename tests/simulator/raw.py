# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
from typing import Literal, NamedTuple

from airflow_provider_videos.simulator import Simulator


class Received(NamedTuple):
    """What came through a socket, byte by byte, and how it ended: closed, reset, or open when patience ran out."""

    data: bytes
    end: Literal["closed", "reset", "open"]

    @property
    def status(self) -> int:
        return int(self.data.split(b" ")[1])

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def promised(self) -> int:
        head = self.data.partition(b"\r\n\r\n")[0].decode().lower()
        return int(head.partition("content-length: ")[2].split("\r\n")[0])


def exchange(simulator: Simulator, method: str, path: str, *, body: bytes = b"", patience: float = 5.0) -> Received:
    """Send one request with Tavus's key; ``patience``: seconds to wait for more bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: {simulator.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    data = b""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=patience) as connection:
        connection.sendall(head.encode() + body)
        while True:
            try:
                part = connection.recv(65536)
            except ConnectionResetError:
                return Received(data, "reset")
            except TimeoutError:
                return Received(data, "open")
            if not part:
                return Received(data, "closed")
            data += part
