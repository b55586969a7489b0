# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from airflow_provider_videos.exceptions import VideoAuthError, VideoConnectionError, VideoError
from airflow_provider_videos.hooks.answer import Answer, is_html, read_error_message
from airflow_provider_videos.hooks.client import Call, VendorClient
from airflow_provider_videos.hooks.lookup import alook_up, look_up
from airflow_provider_videos.video import Video, VideoState, read_video_id

if TYPE_CHECKING:
    from types import TracebackType

    import requests
    from airflow.sdk import Connection

    from airflow_provider_videos.hooks.response import ResponseReader
    from airflow_provider_videos.transport import Response

MAX_STATUS_CHARACTERS = 100


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
        #: Sends the calls.
        self.client = VendorClient(
            self.conn_id,
            conn_type=self.conn_type,
            vendor=self.hook_name,
            default_url=self.base_url,
            auth_headers=self.auth_headers,
        )

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
        return cls._hook_for(look_up(conn_id), hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Do what :meth:`get_hook` does, on an event loop."""
        connection = await alook_up(conn_id)
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
        hook.client.use(connection)
        return hook

    def get_conn(self) -> requests.Session:
        """Give an authenticated session, the same one each time.

        It sends the key to the connection's host, and after a redirect to another host it drops it. A ``.netrc``
        file is not read.

        :raises VideoConnectionError: if the connection can't be used.
        """
        return self.client.session()

    async def __aenter__(self) -> Self:
        await self.client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.client.close()

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
        return self._read_video(*self.client.call(self._video_call(video_id, **query)))

    async def _aget_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        return self._read_video(*await self.client.acall(self._video_call(video_id, **query)))

    def _video_call(self, video_id: str | Mapping[str, Any], **query: str) -> Call:
        asked = read_video_id(video_id, vendor=self.conn_type)
        path = f"{self.videos_path}/{quote(asked, safe='')}"
        return Call(path=f"{path}?{urlencode(query)}" if query else path, video_id=asked)

    def _read_video(self, response: Response, reader: ResponseReader) -> Video:
        body = reader.read_object(response)
        fields = self.read_video(Answer(body, secret=reader.secret))
        status = " ".join((fields.pop("status") or "").split())[:MAX_STATUS_CHARACTERS]
        if not status or not isinstance(body.get("status"), str):
            raise reader.answer_error("it has no status")
        video_id = fields.pop("video_id") or reader.video_id
        if video_id is None:
            raise reader.answer_error("it has no id")
        return Video(
            vendor=self.conn_type,
            video_id=video_id,
            status=status,
            state=self.states.get(status.lower(), VideoState.UNKNOWN),
            **fields,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Find out whether the connection works, without ordering anything.

        :return: whether it does, and a sentence for the user.
        """
        try:
            response, reader = self.client.call(Call(path=f"{self.videos_path}{self.test_path}"))
            if response.status_code not in self.test_status_codes:
                raise reader.api_error(response)
            if is_html(response.body):
                page = read_error_message(response.body, secret=reader.secret)
                raise reader.answer_error(f"it is a page of HTML, {page!r}, so another service answers there")
            if response.status_code == HTTPStatus.OK:
                reader.read_object(response)
            return True, f"{self.hook_name} accepts the API key."
        except VideoAuthError as error:
            return False, f"{self.hook_name} refuses the API key: {error.message}"
        except VideoError as error:
            return False, str(error)


class RepeatedLook:
    """One video that is asked for again and again; an answer that hasn't changed isn't read twice.

    :param video_id: id of the video.
    """

    __slots__ = ("_answer", "_call", "_video", "video_id")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self._call: Call | None = None
        self._answer: bytes | None = None
        self._video: Video | None = None

    async def look(self, hook: VideoHook) -> Video:
        """Ask once; raises what :meth:`VideoHook.get_video` does."""
        if self._call is None:
            self._call = hook._video_call(self.video_id)
        response, reader = await hook.client.acall(self._call)
        if self._video is None or response.body != self._answer or response.status_code != HTTPStatus.OK:
            self._video = hook._read_video(response, reader)
            self._answer = response.body
        return self._video
