# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Collection, Generator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode

from airflow.providers.common.compat.connection import get_async_connection
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoConnectionError,
    VideoError,
)
from airflow_provider_videos.hooks.answer import Answer, is_html, read_error_message
from airflow_provider_videos.hooks.connection import VendorConnection, read_connection
from airflow_provider_videos.hooks.response import ResponseReader
from airflow_provider_videos.hooks.session import open_async_session, open_session
from airflow_provider_videos.transport import NoResponseError, Request, Response, asend, send
from airflow_provider_videos.video import Video, VideoState, read_video_id

if TYPE_CHECKING:
    from types import TracebackType

    import aiohttp
    import requests
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
        missing += [name for name in ("auth_headers", "read_video") if getattr(cls, name) is getattr(VideoHook, name)]
        if missing:
            raise TypeError(f"{cls.__name__} does not state {', '.join(missing)}")

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id if conn_id is not None else self.default_conn_name
        self._connection: VendorConnection | None = None
        self._session: requests.Session | None = None
        self._async_session: aiohttp.ClientSession | None = None
        self._outdated_sessions: list[aiohttp.ClientSession] = []
        self._pending: dict[str, tuple[bytes, Video]] = {}
        self._renewal_lock = asyncio.Lock()
        #: Unix time of the last look-up of the connection, 0 before the first.
        self.looked_up_at = 0.0

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the headers that carry the key."""
        raise NotImplementedError

    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a :class:`~airflow_provider_videos.video.Video` out of an answer.

        :return: the fields by name, ``status`` and ``video_id`` included; ``vendor`` and ``state`` are added to them.
        """
        raise NotImplementedError

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Give the hook for a connection, by the connection's type.

        :param conn_id: id of the Airflow connection, of any type whose hook is a :class:`VideoHook`.
        :param hook_params: further arguments for the hook.
        :raises VideoConnectionError: if there is no such connection, or if it is of another type.
        """
        with _look_up(conn_id):
            connection = cls.get_connection(conn_id)
        return cls._hook_for(connection, hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Do what :meth:`get_hook` does, on an event loop."""
        with _look_up(conn_id):
            connection = await get_async_connection(conn_id)
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
        self.looked_up_at = time.time()
        return self._connection

    @property
    def max_concurrent_requests(self) -> int:
        """How many requests may be under way at once.

        :raises VideoConnectionError: if the connection can't be used.
        """
        return self._vendor_connection().max_concurrent_requests

    def _vendor_connection(self) -> VendorConnection:
        if self._connection is not None:
            return self._connection
        with _look_up(self.conn_id):
            connection = self.get_connection(self.conn_id)
        return self._use(connection)

    async def _avendor_connection(self) -> VendorConnection:
        if self._connection is not None:
            return self._connection
        with _look_up(self.conn_id):
            connection = await get_async_connection(self.conn_id)
        return self._use(connection)

    def get_conn(self) -> requests.Session:
        """Give an authenticated session, the same one each time.

        It sends the key to the connection's host, and after a redirect to another host it drops it. A ``.netrc``
        file is not read.

        :raises VideoConnectionError: if the connection can't be used.
        """
        if self._session is None:
            connection = self._vendor_connection()
            self._session = open_session(connection, self.auth_headers(connection.api_key))
        return self._session

    async def __aenter__(self) -> Self:
        if self._async_session is None:
            connection = await self._avendor_connection()
            self._async_session = await open_async_session(connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sessions, self._outdated_sessions = [*self._outdated_sessions, self._async_session], []
        self._async_session = None
        for session in sessions:
            if session is not None:
                await session.close()

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
        connection = self._vendor_connection()
        response = self._call(connection, _path(asked, query), video_id=asked)
        if response.status_code in _KEY_REFUSED and (renewed := self._renew(connection)) != connection:
            connection = renewed
            response = self._call(connection, _path(asked, query), video_id=asked)
        return self._read_video(self._reader(connection, asked), response, video_id=asked)

    async def _aget_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        asked = read_video_id(video_id, vendor=self.conn_type)
        connection = await self._avendor_connection()
        sent_at = time.time()
        response = await self._acall(connection, _path(asked, query), video_id=asked)
        if response.status_code in _KEY_REFUSED and (renewed := await self.arenew(sent_at=sent_at)) != connection:
            connection = renewed
            response = await self._acall(connection, _path(asked, query), video_id=asked)
        return self._read_video(self._reader(connection, asked), response, video_id=asked)

    def _renew(self, refused: VendorConnection) -> VendorConnection:
        """Look the connection up again, as its key may have been rotated."""
        self._connection = None
        try:
            connection = self._vendor_connection()
        except BaseException:
            self._connection = refused
            raise
        if connection != refused:
            self._log_renewal()
            if self._session is not None:
                self._session.close()
                self._session = None
        return connection

    async def arenew(self, *, sent_at: float = math.inf) -> VendorConnection:
        """Look the connection up again, as its key may have been rotated.

        :param sent_at: Unix time of the request that was refused; if the connection was looked up after it, that will
            do. By default, it is looked up.
        :return: the connection that is in use from now on.
        :raises VideoConnectionError: if it can't be used; then the one from before stays in use.
        """
        async with self._renewal_lock:
            used = self._connection
            if used is not None and self.looked_up_at > sent_at:
                return used
            with _look_up(self.conn_id):
                airflow_connection = await get_async_connection(self.conn_id)
            # A CA file may have to be read.
            connection = await asyncio.to_thread(self._use, airflow_connection)
            if connection != used:
                self._log_renewal()
                if self._async_session is not None:
                    # Calls of others may be under way on it.
                    self._outdated_sessions.append(self._async_session)
                    self._async_session = await open_async_session(connection)
            return connection

    def _log_renewal(self) -> None:
        self.log.info("Connection %r has changed; the vendor is asked again with what it holds now.", self.conn_id)

    def _call(self, connection: VendorConnection, path: str, *, video_id: str | None = None) -> Response:
        try:
            return send(self.get_conn(), self._request(connection, path))
        except NoResponseError as error:
            raise self._reader(connection, video_id).transport_error(error) from None

    async def _acall(self, connection: VendorConnection, path: str, *, video_id: str | None = None) -> Response:
        request = self._request(connection, path)
        try:
            if self._async_session is not None:
                return await asend(self._async_session, request)
            async with await open_async_session(connection) as session:
                return await asend(session, request)
        except NoResponseError as error:
            raise self._reader(connection, video_id).transport_error(error) from None

    def _request(self, connection: VendorConnection, path: str) -> Request:
        return Request(
            "GET",
            f"{connection.base_url}{self.videos_path}{path}",
            timeout=connection.timeout,
            headers=self.auth_headers(connection.api_key),
        )

    def _reader(self, connection: VendorConnection, video_id: str | None) -> ResponseReader:
        return ResponseReader(vendor=self.hook_name, connection=connection, video_id=video_id)

    def _read_video(self, reader: ResponseReader, response: Response, *, video_id: str) -> Video:
        # A pending video is mostly described in the same bytes again and again.
        known = self._pending.get(video_id)
        if known is not None and known[0] == response.body and response.status_code == HTTPStatus.OK:
            return known[1]
        body = reader.read_object(response)
        fields = self.read_video(Answer(body, secret=reader.secret))
        status = " ".join((fields.pop("status") or "").split())[:MAX_STATUS_CHARACTERS]
        if not status or not isinstance(body.get("status"), str):
            raise reader.answer_error("it has no status")
        video = Video(
            vendor=self.conn_type,
            video_id=fields.pop("video_id") or video_id,
            status=status,
            state=self.states.get(status.lower(), VideoState.UNKNOWN),
            **fields,
        )
        if video.state.is_terminal:
            self._pending.pop(video_id, None)
        else:
            self._pending[video_id] = (response.body, video)
        return video

    def test_connection(self) -> tuple[bool, str]:
        """Find out whether the connection works, without ordering anything.

        :return: whether it does, and a sentence for the user.
        """
        try:
            connection = self._vendor_connection()
            response = self._call(connection, self.test_path)
            reader = self._reader(connection, None)
            if response.status_code not in self.test_status_codes:
                raise reader.api_error(response)
            if is_html(response.body):
                page = read_error_message(response.body, secret=connection.api_key)
                raise reader.answer_error(f"it is a page of HTML, {page!r}, so another service answers there")
            if response.status_code == HTTPStatus.OK:
                reader.read_object(response)
            return True, f"{self.hook_name} accepts the API key."
        except VideoAuthError as error:
            return False, f"{self.hook_name} refuses the API key: {error.message}"
        except VideoError as error:
            return False, str(error)


MAX_STATUS_CHARACTERS = 100
_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def _path(video_id: str, query: Mapping[str, str]) -> str:
    return f"/{quote(video_id, safe='')}" + (f"?{urlencode(query)}" if query else "")


@contextlib.contextmanager
def _look_up(conn_id: str) -> Generator[None]:
    """Name the connection and the field in whatever Airflow raises; its texts may show the key."""
    try:
        yield
    except AirflowNotFoundException:
        problem = "there is no such connection, or its URI or JSON can't be read; in a URI each part is percent-encoded"
        raise VideoConnectionError(conn_id=conn_id, field="conn_id", problem=problem) from None
    except (AirflowException, ValueError):
        problem = "can't be read; in a URI each part is percent-encoded, a slash in the key as %2F"
        raise VideoConnectionError(conn_id=conn_id, field="uri", problem=problem) from None
