# SPDX-License-Identifier: Apache-2.0
"""Authenticated calls on one Airflow connection, which is looked up again when its key is refused."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.http.connection import VendorConnection, read_connection
from airflow_provider_videos.http.lookup import alook_up, look_up
from airflow_provider_videos.http.response import ResponseReader
from airflow_provider_videos.http.session import open_async_session, open_session
from airflow_provider_videos.http.transport import NoResponseError, Request, Response, asend, send

if TYPE_CHECKING:
    import aiohttp
    import requests
    from airflow.sdk import Connection

    from airflow_provider_videos.advice import CallKind

log = logging.getLogger(__name__)

#: Seconds for which a connection that was looked up again, as its key was refused, is not looked up once more.
RENEWAL_LIFETIME = 5.0
_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One call to a vendor's API.

    :param path: below the connection's URL, percent-encoded, with its query.
    :param method: HTTP method in capitals.
    :param body: what is sent as JSON; ``None`` sends nothing.
    :param video_id: id of the video that it is about, ``None`` if it is about none.
    :param kind: what it is for.
    :param limits: words, in lower case, by which a refusal (400, 422) says that a limit is reached which passes.
    """

    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    video_id: str | None = None
    kind: CallKind = "get"
    limits: Collection[str] = ()


class VendorClient:
    """Sends calls to a vendor, by :mod:`requests` and by :mod:`aiohttp`.

    :param conn_id: id of the Airflow connection.
    :param conn_type: the type that it must be of.
    :param vendor: display name of the vendor.
    :param default_url: where the vendor is, if the connection names no host.
    :param auth_headers: gives the headers that carry a key.
    """

    def __init__(
        self,
        conn_id: str,
        *,
        conn_type: str,
        vendor: str,
        default_url: str,
        auth_headers: Callable[[str], dict[str, str]],
    ) -> None:
        self.conn_id = conn_id
        self._conn_type = conn_type
        self._vendor = vendor
        self._default_url = default_url
        self._auth_headers = auth_headers
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
        self._connection = read_connection(connection, conn_type=self._conn_type, default_url=self._default_url)
        self._looked_up_at = time.monotonic()
        return self._connection

    def connection(self) -> VendorConnection:
        """Give the connection in use, looked up the first time.

        :raises VideoConnectionError: if it can't be used.
        """
        return self._connection or self.use(look_up(self.conn_id))

    async def aconnection(self) -> VendorConnection:
        """Do what :meth:`connection` does, on an event loop."""
        return self._connection or await self._alook_up()

    async def _alook_up(self) -> VendorConnection:
        # A CA file may have to be read.
        return await asyncio.to_thread(self.use, await alook_up(self.conn_id))

    def session(self) -> requests.Session:
        """Give an authenticated session, the same one each time.

        :raises VideoConnectionError: if the connection can't be used.
        """
        if self._session is None:
            connection = self.connection()
            self._session = open_session(connection, self._auth_headers(connection.api_key))
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

    def call(self, call: Call) -> tuple[Response, ResponseReader]:
        """Send a call, and give the response with what reads it.

        If the key is refused and the connection has another one by now, it is sent once more.

        :raises VideoConnectionError: before the call, if the connection can't be used.
        :raises VideoTransportError: if no answer arrives.
        """
        connection = self.connection()
        response = self._send(connection, call)
        if response.status_code in _KEY_REFUSED and (renewed := self._renew(connection)) != connection:
            connection = renewed
            response = self._send(connection, call)
        return response, self._reader(connection, call)

    async def acall(self, call: Call) -> tuple[Response, ResponseReader]:
        """Do what :meth:`call` does, on an event loop."""
        connection = self._connection or await self.aconnection()
        sent_at = time.monotonic()
        try:
            response = await self._asend(connection, call)
            if response.status_code in _KEY_REFUSED and (renewed := await self.arenew(sent_at=sent_at)) != connection:
                connection = renewed
                response = await self._asend(connection, call)
        except NoResponseError as error:
            raise self._reader(connection, call).transport_error(error) from None
        return response, self._reader(connection, call)

    def _renew(self, refused: VendorConnection) -> VendorConnection:
        connection = self.use(look_up(self.conn_id))
        if connection != refused:
            self._log_renewal()
            if self._session is not None:
                self._session.close()
                self._session = None
        return connection

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

    def _send(self, connection: VendorConnection, call: Call) -> Response:
        try:
            return send(self.session(), self._request(connection, call))
        except NoResponseError as error:
            raise self._reader(connection, call).transport_error(error) from None

    def _asend(self, connection: VendorConnection, call: Call) -> Awaitable[Response]:
        request = self._request(connection, call)
        if self._async_session is not None:
            return asend(self._async_session, request)
        return _asend_alone(connection, request)

    def _request(self, connection: VendorConnection, call: Call) -> Request:
        return Request(
            call.method,
            f"{connection.base_url}{call.path}",
            timeout=min(connection.timeout, self.time_limit),
            headers=self._auth_headers(connection.api_key),
            body=call.body,
        )

    def _reader(self, connection: VendorConnection, call: Call) -> ResponseReader:
        return ResponseReader(vendor=self._vendor, connection=connection, call=call)


async def _asend_alone(connection: VendorConnection, request: Request) -> Response:
    async with await open_async_session(connection) as session:
        return await asend(session, request)
