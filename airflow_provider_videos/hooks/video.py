# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from abc import abstractmethod
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode

import aiohttp
import requests
from airflow.providers.common.compat.connection import get_async_connection
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from airflow_provider_videos import __version__
from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoTransportError,
)
from airflow_provider_videos.hooks.answer import Answer, read_error_message
from airflow_provider_videos.hooks.connection import VendorConnection, read_connection
from airflow_provider_videos.transport import NoResponseError, Request, Response, asend, read_retry_after, send
from airflow_provider_videos.video import Video, VideoState, read_video_id

if TYPE_CHECKING:
    from types import TracebackType

    from airflow.sdk import Connection


class VideoHook(BaseHook):
    """Turns an Airflow connection into authenticated calls to a video vendor.

    A vendor is a subclass that states facts: the class variables below, :meth:`auth_headers` and
    :meth:`read_video`. The base does the rest, for :mod:`requests` and for :mod:`aiohttp` alike.

    An instance is for one thread or one event loop. Several asynchronous calls share a connection pool inside of
    ``async with hook:``; outside of it, each opens and closes its own.

    :param conn_id: id of the Airflow connection; the vendor's ``default_conn_name`` if not given.
    """

    conn_name_attr: ClassVar[str] = "conn_id"
    #: Id of the connection that is used if none is given.
    default_conn_name: ClassVar[str]
    #: Connection type, which also names the vendor in a :class:`~airflow_provider_videos.video.Video`.
    conn_type: ClassVar[str]
    #: Display name of the vendor.
    hook_name: ClassVar[str]
    #: Where the vendor is, without a slash at the end.
    base_url: ClassVar[str]
    #: Path of the vendor's videos.
    videos_path: ClassVar[str]
    #: The vendor's status words, in lower case, and what they mean.
    states: ClassVar[Mapping[str, VideoState]]
    #: What ``test_connection`` asks for below ``videos_path``: something that costs nothing.
    test_path: ClassVar[str]
    #: Status codes with which the vendor answers that to a good key.
    test_status_codes: ClassVar[Collection[int]] = (HTTPStatus.OK,)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        missing = [name for name in VideoHook.__annotations__ if not hasattr(cls, name)]
        if missing:
            raise TypeError(f"{cls.__name__} does not state {', '.join(missing)}")

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id if conn_id is not None else self.default_conn_name
        self._connection: VendorConnection | None = None
        self._session: requests.Session | None = None
        self._async_session: aiohttp.ClientSession | None = None

    @staticmethod
    @abstractmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the headers that carry the key."""

    @abstractmethod
    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a :class:`~airflow_provider_videos.video.Video` out of an answer.

        :return: the fields by name, ``status`` and ``video_id`` included; ``vendor`` and ``state`` are added to them.
        """

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Give the hook for a connection, by the connection's type.

        :param conn_id: id of the Airflow connection, of any type whose hook is a :class:`VideoHook`.
        :param hook_params: further arguments for the hook.
        :raises VideoConnectionError: if there is no such connection, or if it is of another type.
        """
        try:
            connection = cls.get_connection(conn_id)
        except AirflowNotFoundException:
            raise _undefined(conn_id) from None
        return cls._hook_for(connection, hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Do what :meth:`get_hook` does, on an event loop."""
        try:
            connection = await get_async_connection(conn_id)
        except AirflowNotFoundException:
            raise _undefined(conn_id) from None
        # The first time, Airflow discovers all providers here, which takes long enough to hold up the loop.
        return await asyncio.to_thread(cls._hook_for, connection, hook_params)

    @classmethod
    def _hook_for(cls, connection: Connection, hook_params: dict[str, Any] | None) -> VideoHook:
        try:
            hook = connection.get_hook(hook_params=hook_params)
        except AirflowException:
            hook = None
        if not isinstance(hook, VideoHook):
            raise VideoConnectionError(
                conn_id=connection.conn_id,
                field="conn_type",
                problem=f"is {connection.conn_type!r}, no video vendor's; choose one such as 'tavus' or 'together'",
            )
        hook._use(connection)
        return hook

    def _use(self, connection: Connection) -> VendorConnection:
        self._connection = read_connection(connection, conn_type=self.conn_type, default_url=self.base_url)
        return self._connection

    def _vendor_connection(self) -> VendorConnection:
        if self._connection is not None:
            return self._connection
        try:
            return self._use(self.get_connection(self.conn_id))
        except AirflowNotFoundException:
            raise _undefined(self.conn_id) from None

    async def _avendor_connection(self) -> VendorConnection:
        if self._connection is not None:
            return self._connection
        try:
            return self._use(await get_async_connection(self.conn_id))
        except AirflowNotFoundException:
            raise _undefined(self.conn_id) from None

    def get_conn(self) -> requests.Session:
        """Give an authenticated session, the same one each time.

        It sends the key to the connection's host, and after a redirect to another host it drops it. A ``.netrc``
        file is not read.

        :raises VideoConnectionError: if the connection can't be used.
        """
        if self._session is None:
            connection = self._vendor_connection()
            self._session = _Session(self.auth_headers(connection.api_key))
            self._session.headers["User-Agent"] = _USER_AGENT
            self._session.verify = connection.ca_file or False
            if connection.proxy:
                self._session.proxies = {"http": connection.proxy, "https": connection.proxy}
        return self._session

    async def __aenter__(self) -> Self:
        if self._async_session is None:
            connection = await self._avendor_connection()
            self._async_session = await self._open_async_session(connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._async_session is not None:
            session, self._async_session = self._async_session, None
            await session.close()

    async def _open_async_session(self, connection: VendorConnection) -> aiohttp.ClientSession:
        # Loading the CA certificates takes tens of milliseconds of CPU.
        trust = await asyncio.to_thread(_ssl_context, connection.ca_file)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust),
            headers={**self.auth_headers(connection.api_key), "User-Agent": _USER_AGENT},
            proxy=connection.proxy,
            cookie_jar=aiohttp.DummyCookieJar(),
            # Each request has its own.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        )

    def get_video(self, video_id: str | Mapping[str, Any]) -> Video:
        """Ask the vendor for a video, once.

        :param video_id: the video's id, or the dict that a task of this package returned.
        :raises VideoIdError: before the request, if that holds no id.
        :raises VideoConnectionError: before the request, if the connection can't be used.
        :raises VideoApiError: if the vendor answers with an error.
        :raises VideoTransportError: if no answer arrives.
        :raises VideoAnswerError: if the answer is no video record.
        """
        return self._get_video(video_id)

    async def aget_video(self, video_id: str | Mapping[str, Any]) -> Video:
        """Do what :meth:`get_video` does, on an event loop."""
        return await self._aget_video(video_id)

    def _get_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        asked = read_video_id(video_id, vendor=self.conn_type)
        path = _path(asked, query)
        response = self._call("GET", path, video_id=asked)
        if response.status_code in _KEY_REFUSED and self._renew():
            response = self._call("GET", path, video_id=asked)
        return self._read_video(response, video_id=asked)

    async def _aget_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        asked = read_video_id(video_id, vendor=self.conn_type)
        path = _path(asked, query)
        response = await self._acall("GET", path, video_id=asked)
        if response.status_code in _KEY_REFUSED and await self._arenew():
            response = await self._acall("GET", path, video_id=asked)
        return self._read_video(response, video_id=asked)

    def _renew(self) -> bool:
        """Look the connection up again, as its key may have been rotated; say whether it has changed."""
        used, self._connection = self._connection, None
        if self._vendor_connection() == used:
            return False
        self.log.info("Connection %r has changed; the vendor is asked again with what it holds now.", self.conn_id)
        self._session = None
        return True

    async def _arenew(self) -> bool:
        used, self._connection = self._connection, None
        connection = await self._avendor_connection()
        if connection == used:
            return False
        self.log.info("Connection %r has changed; the vendor is asked again with what it holds now.", self.conn_id)
        if self._async_session is not None:
            outdated, self._async_session = self._async_session, await self._open_async_session(connection)
            await outdated.close()
        return True

    def _call(self, method: str, path: str, *, video_id: str | None = None) -> Response:
        connection = self._vendor_connection()
        try:
            return send(self.get_conn(), self._request(connection, method, path))
        except NoResponseError as error:
            raise self._transport_error(connection, error, video_id) from error

    async def _acall(self, method: str, path: str, *, video_id: str | None = None) -> Response:
        if self._async_session is None:
            async with self:
                return await self._acall(method, path, video_id=video_id)
        connection = await self._avendor_connection()
        try:
            return await asend(self._async_session, self._request(connection, method, path))
        except NoResponseError as error:
            raise self._transport_error(connection, error, video_id) from error

    def _request(self, connection: VendorConnection, method: str, path: str) -> Request:
        return Request(method, f"{connection.base_url}{self.videos_path}{path}", timeout=connection.timeout)

    def _transport_error(
        self, connection: VendorConnection, error: NoResponseError, video_id: str | None
    ) -> VideoTransportError:
        return VideoTransportError(
            vendor=self.hook_name,
            conn_id=self.conn_id,
            video_id=video_id,
            host=connection.host,
            reason=error.reason,
            maybe_received=error.maybe_received,
        )

    def _read_video(self, response: Response, *, video_id: str) -> Video:
        body = self._read_json_object(response, video_id=video_id)
        fields = self.read_video(Answer(body))
        status = fields.pop("status")
        if not isinstance(body.get("status"), str) or status is None:
            raise self._answer_error("it has no status", video_id)
        return Video(
            vendor=self.conn_type,
            video_id=fields.pop("video_id") or video_id,
            status=status,
            state=self.states.get(status.lower(), VideoState.UNKNOWN),
            **fields,
        )

    def _read_json_object(self, response: Response, *, video_id: str | None) -> dict[str, Any]:
        if not 200 <= response.status_code < 300:
            raise self._api_error(response, video_id)
        if response.is_too_large:
            raise self._answer_error("it is larger than 1 MB", video_id)
        try:
            body = json.loads(response.body)
        except UnicodeDecodeError:
            raise self._answer_error("it is not UTF-8", video_id) from None
        except (ValueError, RecursionError):
            what = self._scrub(read_error_message(response.body)) or "nothing"
            raise self._answer_error(f"it is no JSON but {what!r}", video_id) from None
        if not isinstance(body, dict):
            raise self._answer_error(f"it is a JSON {type(body).__name__}, no object", video_id)
        return body

    def _answer_error(self, problem: str, video_id: str | None) -> VideoAnswerError:
        return VideoAnswerError(vendor=self.hook_name, conn_id=self.conn_id, video_id=video_id, problem=problem)

    def _api_error(self, response: Response, video_id: str | None) -> VideoApiError:
        return VideoApiError.of_status_code(response.status_code)(
            vendor=self.hook_name,
            conn_id=self.conn_id,
            video_id=video_id,
            status_code=response.status_code,
            message=self._scrub(read_error_message(response.body)) or response.reason or "no message",
            retry_after=read_retry_after(response.headers.get("retry-after"), now=time.time()),
        )

    def _scrub(self, message: str | None) -> str | None:
        """Take the key out of a message, where a vendor or a gateway echoes it."""
        if message is not None and self._connection is not None:
            return message.replace(self._connection.api_key, "***")
        return message

    def test_connection(self) -> tuple[bool, str]:
        """Find out whether the connection works, without ordering anything.

        :return: whether it does, and a sentence for the user.
        """
        try:
            response = self._call("GET", self.test_path)
            if response.status_code in self.test_status_codes:
                return True, f"{self.hook_name} accepts the API key."
            raise self._api_error(response, None)
        except VideoAuthError as error:
            return False, f"{self.hook_name} refuses the API key: {error.message}"
        except VideoError as error:
            return False, str(error)


_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_USER_AGENT = f"airflow-provider-videos/{__version__}"


class _Session(requests.Session):
    """A session whose key stays with the host that it was meant for."""

    def __init__(self, auth_headers: dict[str, str]) -> None:
        super().__init__()
        # With it, requests reads proxies and CA files from the environment, which the hook has done for both
        # libraries, and lets a .netrc replace the key.
        self.trust_env = False
        self._auth_headers = auth_headers
        self.headers.update(auth_headers)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the key from a request that a redirect sends elsewhere."""
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in self._auth_headers:
                prepared_request.headers.pop(name, None)


def _path(video_id: str, query: Mapping[str, str]) -> str:
    return f"/{quote(video_id, safe='')}" + (f"?{urlencode(query)}" if query else "")


def _ssl_context(ca_file: str | None) -> ssl.SSLContext | bool:
    return False if ca_file is None else ssl.create_default_context(cafile=ca_file)


def _undefined(conn_id: str) -> VideoConnectionError:
    return VideoConnectionError(
        conn_id=conn_id,
        field="conn_id",
        problem="there is no such connection; create it, or correct the conn_id",
    )
