# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlencode

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoOrderLostError,
    VideoRequestError,
    VideoTransportError,
    VideoUnavailableError,
    VideoUnsupportedError,
)
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
REQUIRED_METHODS = ("auth_headers", "read_video")


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
    #: The field of an order that names the video; ``None`` if the vendor keeps no names, or can't list its videos.
    name_field: ClassVar[str | None] = None
    #: Fields of an order that change neither the video nor the bill.
    free_fields: ClassVar[Collection[str]] = ()
    #: What ``test_connection`` asks for below ``videos_path``: something that costs nothing.
    test_path: ClassVar[str]
    #: Status codes with which the vendor answers that to a good key.
    test_status_codes: ClassVar[Collection[int]] = (HTTPStatus.OK,)

    #: What a question for a video must be asked with so that the answer names a thumbnail.
    thumbnail_query: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        missing = [name for name in VideoHook.__annotations__ if not hasattr(cls, name)]
        missing += [name for name in REQUIRED_METHODS if getattr(cls, name) is getattr(VideoHook, name)]
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
    def check_request(cls, request: Mapping[str, Any]) -> None:
        """Check an order against what the vendor's page requires and forbids.

        :param request: the order's fields, none of them ``None``.
        :raises VideoRequestError: naming the field.
        :raises VideoUnsupportedError: if the vendor's hook says nothing of orders.
        """
        raise VideoUnsupportedError(vendor=cls.hook_name, call="order a video")

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
        return self.query_video(video_id)

    async def aget_video(self, video_id: str | Mapping[str, Any]) -> Video:
        """Do what :meth:`get_video` does, on an event loop."""
        return await self.aquery_video(video_id)

    def query_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        """Do what :meth:`get_video` does, with a query that changes what the answer tells.

        :param query: parameters of the URL by name, such as those of :attr:`thumbnail_query`.
        """
        return self.read_answer(*self.client.call(self.video_call(video_id, **query)))

    async def aquery_video(self, video_id: str | Mapping[str, Any], **query: str) -> Video:
        """Do what :meth:`query_video` does, on an event loop."""
        return self.read_answer(*await self.client.acall(self.video_call(video_id, **query)))

    def create_video(self, **request: Any) -> Video:
        """Order a video, which costs money. The order is sent once, whatever comes back.

        :param request: the order's fields; one that is ``None`` is left out.
        :raises VideoRequestError: before the request, if the vendor forbids it.
        :raises VideoConnectionError: before the request, if the connection can't be used.
        :raises VideoOrderLostError: if the vendor may have accepted it, but no readable answer arrives: a timeout, a
            connection that was lost, a 408 or 5xx, an answer without an id.
        :raises VideoTransportError: if it certainly did not arrive.
        :raises VideoApiError: if the vendor refuses it.
        """
        call = self.order_call(request)
        try:
            return self.read_answer(*self.client.call(call))
        except (VideoTransportError, VideoAnswerError, VideoUnavailableError) as error:
            self._raise_if_lost(error)
            raise

    async def acreate_video(self, **request: Any) -> Video:
        """Do what :meth:`create_video` does, on an event loop."""
        call = self.order_call(request)
        try:
            return self.read_answer(*await self.client.acall(call))
        except (VideoTransportError, VideoAnswerError, VideoUnavailableError) as error:
            self._raise_if_lost(error)
            raise

    def order_call(self, request: Mapping[str, Any]) -> Call:
        """Make the call that orders a video; raises what :meth:`order_body` does."""
        return Call(path=self.videos_path, method="POST", body=self.order_body(request))

    @classmethod
    def order_body(cls, request: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is sent of an order: its fields without those that are ``None``.

        :raises VideoRequestError: naming the field that the vendor forbids, or that is no JSON.
        :raises VideoUnsupportedError: if the vendor's hook says nothing of orders.
        """
        body = {field: value for field, value in request.items() if value is not None}
        for field, value in body.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise VideoRequestError(field=field, problem=f"can't be sent as JSON: {error}") from None
        cls.check_request(body)
        return body

    def _raise_if_lost(self, error: VideoError) -> None:
        was_refused = isinstance(error, VideoApiError) and error.status_code == HTTPStatus.TOO_MANY_REQUESTS
        never_arrived = isinstance(error, VideoTransportError) and not error.maybe_received
        if not was_refused and not never_arrived:
            raise VideoOrderLostError(vendor=self.hook_name, conn_id=self.conn_id, reason=str(error)) from error

    def list_videos(self, *, limit: int = 100) -> Iterator[Video]:
        """Go through the account's videos, in the vendor's order.

        :param limit: how many to ask for at once.
        :raises VideoUnsupportedError: if the vendor can't list them.
        """
        raise VideoUnsupportedError(vendor=self.hook_name, call="list videos")

    def alist_videos(self, *, limit: int = 100) -> AsyncIterator[Video]:
        """Do what :meth:`list_videos` does, on an event loop."""
        raise VideoUnsupportedError(vendor=self.hook_name, call="list videos")

    def rename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Give a video another name.

        :raises VideoUnsupportedError: if the vendor has no names.
        """
        raise VideoUnsupportedError(vendor=self.hook_name, call="rename a video")

    async def arename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Do what :meth:`rename_video` does, on an event loop."""
        raise VideoUnsupportedError(vendor=self.hook_name, call="rename a video")

    def delete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Delete a video at the vendor.

        :param hard: delete its files too, for ever.
        :raises VideoUnsupportedError: if the vendor can't delete.
        """
        raise VideoUnsupportedError(vendor=self.hook_name, call="delete a video")

    async def adelete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Do what :meth:`delete_video` does, on an event loop."""
        raise VideoUnsupportedError(vendor=self.hook_name, call="delete a video")

    def video_call(self, video_id: str | Mapping[str, Any], **query: str) -> Call:
        """Make the call that asks for a video."""
        asked = read_video_id(video_id, vendor=self.conn_type)
        path = f"{self.videos_path}/{quote(asked, safe='')}"
        return Call(path=f"{path}?{urlencode(query)}" if query else path, video_id=asked)

    def read_answer(self, response: Response, reader: ResponseReader) -> Video:
        """Read the video that a response describes; raises what :meth:`get_video` does."""
        return self.read_body(reader.read_object(response), reader)

    def read_body(self, body: Mapping[str, Any], reader: ResponseReader) -> Video:
        """Read the video that a JSON object describes."""
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

    def read_success(self, response: Response, reader: ResponseReader) -> None:
        """Read a response that says nothing but that a change was made."""
        if not 200 <= response.status_code < 300:
            raise reader.api_error(response)

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
