# SPDX-License-Identifier: Apache-2.0
"""An application served by a thread with an event loop of its own, from start to stop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import pathlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from typing import cast

from aiohttp import web

from airflow_provider_videos.simulator.certificate import make_certificate

BACKLOG = 1024
GRACE_SECONDS = 0.1
"""How long running requests may go on once the thread is told to stop."""

Started = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class Serving:
    """A running server: it takes requests once it is made, and until :meth:`stop`.

    :param make_app: makes the application; called in the thread.
    :param host: name or address to listen on.
    :param port: port to listen on; 0: a free one.
    :param tls: whether to speak TLS, with a self-signed certificate.
    :param on_connection: called, in the thread, for each connection that is opened.
    :raises OSError: the address can't be listened on.
    :raises RuntimeError: TLS is asked for and the package ``cryptography`` is not installed.
    """

    def __init__(
        self,
        make_app: Callable[[], web.Application],
        *,
        host: str,
        port: int,
        tls: bool,
        on_connection: Callable[[], None],
    ) -> None:
        self._make_app = make_app
        self._on_connection = on_connection
        self.certificate: pathlib.Path | None = None
        with contextlib.ExitStack() as resources:
            context = self._tls_context(resources, host) if tls else None
            listener = resources.enter_context(_listen(host, port))
            self.port: int = listener.getsockname()[1]
            started: concurrent.futures.Future[Started] = concurrent.futures.Future()
            thread = threading.Thread(
                target=lambda: asyncio.run(self._serve(listener, context, started)),
                name="video-simulator",
                daemon=True,
            )
            thread.start()
            loop, stopping = started.result()
            resources.callback(thread.join)
            resources.callback(loop.call_soon_threadsafe, stopping.set)
            self._resources = resources.pop_all()

    def stop(self) -> None:
        """Close every connection and end the thread, within a second."""
        self._resources.close()

    def _tls_context(self, resources: contextlib.ExitStack, host: str) -> ssl.SSLContext:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="video-simulator-"))
        self.certificate, key = make_certificate(pathlib.Path(folder), host)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, key)
        return context

    async def _serve(
        self,
        listener: socket.socket,
        context: ssl.SSLContext | None,
        started: concurrent.futures.Future[Started],
    ) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        try:
            # Without cancellation, a handler that hangs would outlive the client that gave up on it.
            runner = web.AppRunner(
                self._make_app(), access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_SECONDS
            )
            await runner.setup()
            new_protocol = cast("web.Server", runner.server)

            def accept() -> asyncio.Protocol:
                self._on_connection()
                return new_protocol()

            server = await loop.create_server(accept, sock=listener, ssl=context, backlog=BACKLOG)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result((loop, stopping))
        await stopping.wait()
        server.close()
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    # One address only: a name with several would get another free port on each of them.
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
