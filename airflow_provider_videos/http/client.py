# SPDX-License-Identifier: Apache-2.0
"""Authenticated exchanges on one Airflow connection, which is looked up again when its key is refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from airflow_provider_videos.http.connection import VendorConnection, read_connection
from airflow_provider_videos.http.driver import adrive, drive
from airflow_provider_videos.http.lookup import alook_up, look_up
from airflow_provider_videos.http.response import ResponseReader
from airflow_provider_videos.http.session import open_async_session, open_session
from airflow_provider_videos.http.transport import NoResponseError, Request, Response, asend, send
from airflow_provider_videos.vendors.answer import Purpose
from airflow_provider_videos.vendors.base import Credentials, Vendor
from airflow_provider_videos.vendors.errors import MalformedIdError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, RefusalKind
from airflow_provider_videos.web_urls import is_same_origin

if TYPE_CHECKING:
    import aiohttp
    import requests
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

#: Seconds for which a connection that was looked up again, as its key was refused, is not looked up once more.
RENEWAL_LIFETIME = 5.0
_T = TypeVar("_T")


class _Renewal(NamedTuple):
    """A connection whose key was refused, and when the refused call was sent, on the monotonic clock."""

    refused: VendorConnection
    sent_at: float


class VendorClient:
    """Runs exchanges with a vendor, by :mod:`requests` and by :mod:`aiohttp`.

    :param conn_id: id of the Airflow connection.
    :param vendor: the vendor, whose type the connection must be of.
    """

    def __init__(self, conn_id: str, vendor: Vendor) -> None:
        self.conn_id = conn_id
        self._vendor = vendor
        self._connection: VendorConnection | None = None
        self._session: requests.Session | None = None
        self._async_session: aiohttp.ClientSession | None = None
        self._outdated_sessions: list[aiohttp.ClientSession] = []
        self._renewal_lock = asyncio.Lock()
        #: Most seconds that a call may take, where that is less than the connection's timeout.
        self.time_limit = math.inf
        # On the monotonic clock.
        self._looked_up_at = self._renewed_at = -math.inf

    def use(self, connection: Connection) -> VendorConnection:
        """Check a connection that was looked up, and use it from now on.

        :raises VideoConnectionError: if it can't be used; then the one from before stays in use.
        """
        used, checked = self._connection, read_connection(connection, self._vendor)
        self._connection = checked
        self._looked_up_at = time.monotonic()
        if checked != used and self._session is not None:
            self._session.close()
            self._session = None
        return checked

    def connection(self) -> VendorConnection:
        """Return the connection in use, looked up the first time.

        :raises VideoConnectionError: if it can't be used.
        """
        return self._connection or self.use(look_up(self.conn_id))

    async def aconnection(self) -> VendorConnection:
        """Async version of :meth:`connection`."""
        return self._connection or await self._alook_up()

    async def _alook_up(self) -> VendorConnection:
        # A CA file may have to be read.
        return await asyncio.to_thread(self.use, await alook_up(self.conn_id))

    def file_headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that carry the key for a file of the connection's own host that needs it, else none."""
        connection = self.connection()
        is_own = is_same_origin(url, connection.base_url)
        return self._headers(connection) if is_own and self._vendor.file_needs_key(url) else {}

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be seen where an answer echoes it."""
        return self._vendor.secrets(self._credentials(self.connection()))

    def session(self) -> requests.Session:
        """Return an authenticated session, the same one each time.

        :raises VideoConnectionError: if the connection can't be used.
        """
        if self._session is None:
            connection = self.connection()
            self._session = open_session(connection, lambda: self._headers(connection))
        return self._session

    async def open(self) -> None:
        """Open a connection pool for asynchronous calls; without it each opens and closes its own."""
        if self._async_session is None:
            self._async_session = await open_async_session(await self.aconnection())

    async def close(self) -> None:
        """Close the connection pool."""
        sessions, self._outdated_sessions = [*self._outdated_sessions, self._async_session], []
        self._async_session = None
        for session in sessions:
            if session is not None:
                await session.close()

    def run(self, exchange: Exchange[_T], purpose: Purpose, video_id: str | None = None) -> _T:
        """Run an exchange to its end; if the vendor refuses the key, the connection is looked up again, once.

        :param exchange: what a vendor's method returned.
        :param purpose: what it is for.
        :param video_id: id of the video that it is about, ``None`` if it is about none.
        :raises VideoError: what the exchange ends with.
        """
        return drive(self._steps(exchange, purpose, video_id, self.connection()), self._perform)

    async def arun(self, exchange: Exchange[_T], purpose: Purpose, video_id: str | None = None) -> _T:
        """Async version of :meth:`run`."""
        return await adrive(self._steps(exchange, purpose, video_id, await self.aconnection()), self._aperform)

    def _steps(
        self, exchange: Exchange[_T], purpose: Purpose, video_id: str | None, connection: VendorConnection
    ) -> Generator[Request | _Renewal, Any, _T]:
        """Yield each request of an exchange, and what renews a connection whose key was refused.

        It is sent the response or the connection, and thrown what is raised instead.
        """
        reader = ResponseReader(self._vendor, connection, purpose=purpose, video_id=video_id)
        with contextlib.closing(exchange):
            try:
                call = next(exchange)
                while True:
                    sent_at = time.monotonic()
                    response = yield self._request(connection, call, purpose, reader)
                    answer, refusal = reader.read(response)
                    if refusal is not None and refusal.kind is RefusalKind.KEY:
                        renewed = yield _Renewal(connection, sent_at)
                        if renewed != connection:
                            connection = renewed
                            reader = ResponseReader(self._vendor, connection, purpose=purpose, video_id=video_id)
                            response = yield self._request(connection, call, purpose, reader)
                            answer, refusal = reader.read(response)
                    reader.check(call, response, answer, refusal)
                    call = exchange.send(answer)
            except StopIteration as end:
                result: _T = end.value
                return result
            except (NoResponseError, UnreadableAnswerError, MalformedIdError) as error:
                failure = reader.failure(error)
                raise failure from failure.__cause__

    def _perform(self, step: Request | _Renewal) -> Response | VendorConnection:
        if isinstance(step, Request):
            return send(self.session(), step)
        connection = self.use(look_up(self.conn_id))
        if connection != step.refused:
            self._log_renewal()
        return connection

    async def _aperform(self, step: Request | _Renewal) -> Response | VendorConnection:
        if isinstance(step, _Renewal):
            return await self.arenew(sent_at=step.sent_at)
        if self._async_session is not None:
            return await asend(self._async_session, step)
        async with await open_async_session(await self.aconnection()) as session:
            return await asend(session, step)

    async def arenew(self, *, sent_at: float = math.inf) -> VendorConnection:
        """Look the connection up again, as its key may have been rotated.

        :param sent_at: monotonic time of the call that was refused; if the connection was looked up after it, that will
            do. By default, it is looked up.
        :return: the connection that is in use from now on.
        :raises VideoConnectionError: if it can't be used; then the one from before stays in use.
        """
        async with self._renewal_lock:
            used = self._connection
            was_just_renewed = sent_at < math.inf and time.monotonic() < self._renewed_at + RENEWAL_LIFETIME
            if used is not None and (self._looked_up_at > sent_at or was_just_renewed):
                return used
            connection = await self._alook_up()
            self._renewed_at = self._looked_up_at
            if connection != used:
                self._log_renewal()
                if self._async_session is not None:
                    # Calls of others may be under way on it.
                    self._outdated_sessions.append(self._async_session)
                    self._async_session = await open_async_session(connection)
            return connection

    def _log_renewal(self) -> None:
        log.info("Connection %r has changed; the vendor is asked again with what it holds now.", self.conn_id)

    def _request(self, connection: VendorConnection, call: Call, purpose: Purpose, reader: ResponseReader) -> Request:
        credentials = self._credentials(connection)
        reader.secrets = self._vendor.secrets(credentials)
        query = f"?{urlencode(call.query)}" if call.query else ""
        timeout = connection.order_timeout if purpose == "order" else connection.timeout
        return Request(
            call.method,
            f"{connection.base_url}{call.path}{query}",
            timeout=min(timeout, self.time_limit),
            headers={**self._vendor.headers(credentials), **call.headers},
            body=call.body,
        )

    def _headers(self, connection: VendorConnection) -> Mapping[str, str]:
        return self._vendor.headers(self._credentials(connection))

    def _credentials(self, connection: VendorConnection) -> Credentials:
        return Credentials(password=connection.api_key, login=connection.login, now=time.time())
