# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy on a real socket, to put between a connection and the simulator.

::

    with Simulator() as simulator, Proxy() as proxy:
        ...  # a connection with host=simulator.url and the extra proxy=proxy.url

It forwards plain HTTP and tunnels TLS (``CONNECT``), and passes on how the simulator ends a connection: a fault such
as ``accept_then_reset`` reaches the client through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import types
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Proxy:
    """A proxy that is served by a daemon thread, on a free port of 127.0.0.1.

    :param refuse_with: HTTP status that it answers to every request instead of passing it on, such as 407 or 503.
        None (default): it passes everything on.
    """

    def __init__(self, *, refuse_with: int | None = None) -> None:
        self._refuse_with = refuse_with
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-proxy", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The address for a connection's extra ``proxy``, such as ``http://127.0.0.1:3128``.

        :raises RuntimeError: it doesn't serve.
        """
        if self._server is None:
            raise RuntimeError("a proxy has an address while it serves: use it with `with`")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if self._refuse_with is not None:
                writer.write(
                    b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % self._refuse_with
                )
                await writer.drain()
                return
            await self._pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, fields = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        is_tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if is_tunnel else target)
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        try:
            if is_tunnel:
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                far_writer.write(f"{method} {path} {version}\r\n".encode("latin-1") + fields)
            ways = [asyncio.ensure_future(_copy(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            done, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in pending:
                way.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for way in done:
                way.result()
        finally:
            far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(CHUNK_BYTES):
        writer.write(part)
        await writer.drain()
