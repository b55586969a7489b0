# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoOrderLostError,
    VideoTransportError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.facts import VendorFacts
from airflow_provider_videos.http.client import Call, VendorClient
from airflow_provider_videos.http.connection import type_hint
from airflow_provider_videos.http.lookup import alook_up, look_up
from airflow_provider_videos.vendors.answer import is_html, read_error_message
from airflow_provider_videos.vendors.pages import ListedVideo, NumberedPages, read_listed
from airflow_provider_videos.video import Video

if TYPE_CHECKING:
    from types import TracebackType

    import requests
    from airflow.sdk import Connection

#: HTTP status codes that say of an order that it was not accepted. Any other one may come from a gateway that has
#: already passed the order on.
CERTAIN_REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 429, 451})


class VideoHook(VendorFacts, BaseHook):
    """Turns an Airflow connection into authenticated calls to a video vendor.

    A vendor is a subclass that states the facts of :class:`~airflow_provider_videos.hooks.facts.VendorFacts`. The base
    does the rest, for :mod:`requests` and for :mod:`aiohttp` alike.

    An instance is for one thread or one event loop. Several asynchronous calls share a connection pool inside of
    ``async with hook:``; outside of it, each opens and closes its own.

    :param conn_id: id of the Airflow connection; the vendor's ``default_conn_name`` if not given.
    """

    conn_name_attr: ClassVar[str] = "conn_id"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if missing := cls.missing_facts():
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
        hook = cause = None
        try:
            hook = connection.get_hook(hook_params=hook_params)
        except (AirflowException, AttributeError) as error:
            # Types without a hook, such as "generic", end in an AttributeError.
            cause = error
        if not isinstance(hook, VideoHook):
            raise VideoConnectionError(
                conn_id=connection.conn_id,
                field="conn_type",
                problem=f"is {connection.conn_type!r}, no video vendor's; choose one such as 'tavus' or 'together'"
                + type_hint(connection),
            ) from cause
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
        :raises VideoAnswerError: if the answer is no video record, or that of another video.
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

    def create_video(self, /, **request: Any) -> Video:
        """Order a video, which costs money. The order is sent once, whatever comes back.

        :param request: the order's fields; one that is ``None`` is left out.
        :raises VideoRequestError: before the request, if the vendor forbids it.
        :raises VideoConnectionError: before the request, if the connection can't be used.
        :raises VideoOrderLostError: if the vendor may have accepted it, but no readable answer arrives: a timeout, a
            connection that was lost, an answer without an id, any status code but those of :data:`CERTAIN_REFUSALS`.
        :raises VideoTransportError: if it certainly did not arrive: no connection could be made, or a proxy refused
            ``CONNECT``.
        :raises VideoOrderRefusedError: if the vendor refuses it with 400 or 422.
        :raises VideoApiError: if the vendor refuses it otherwise.
        """
        call = self.order_call(request)
        try:
            return self.read_answer(*self.client.call(call))
        except (VideoTransportError, VideoAnswerError, VideoApiError) as error:
            self._raise_if_lost(error)
            raise

    async def acreate_video(self, /, **request: Any) -> Video:
        """Do what :meth:`create_video` does, on an event loop."""
        call = self.order_call(request)
        try:
            return self.read_answer(*await self.client.acall(call))
        except (VideoTransportError, VideoAnswerError, VideoApiError) as error:
            self._raise_if_lost(error)
            raise

    def _raise_if_lost(self, error: VideoError) -> None:
        was_refused = isinstance(error, VideoApiError) and error.status_code in CERTAIN_REFUSALS
        never_arrived = isinstance(error, VideoTransportError) and not error.maybe_received
        if not was_refused and not never_arrived:
            raise VideoOrderLostError(vendor=self.hook_name, conn_id=self.conn_id, reason=str(error)) from error

    def video_pages(self, limit: int) -> NumberedPages:
        """Give the pages of the account's videos.

        :param limit: how many videos to ask for at once.
        :raises VideoUnsupportedError: if the vendor can't list them.
        """
        raise VideoUnsupportedError(vendor=self.hook_name, call="list videos")

    def read_page(self, pages: NumberedPages) -> list[ListedVideo]:
        """Ask for the next page of a list; what :meth:`video_pages` gave keeps its place.

        :raises VideoError: as :meth:`get_video` does; the same page may be asked for again.
        """
        return pages.read(*self.client.call(pages.call()))

    def list_videos(self, *, limit: int = 100) -> Iterator[Video]:
        """Go through the account's videos, in the vendor's order, up to 10,000.

        Of a listed video a vendor may tell less than of one that is asked for.

        :param limit: how many to ask for at once.
        :raises VideoUnsupportedError: if the vendor can't list them.
        :raises VideoAnswerError: after the last video, if the list may lack some: an entry that can't be read, an end
            before the vendor's own count, more than 10,000.
        :raises VideoError: as :meth:`get_video` does.
        """
        return self._go_through(self.video_pages(limit))

    def alist_videos(self, *, limit: int = 100) -> AsyncIterator[Video]:
        """Async version of :meth:`list_videos`."""
        return self._ago_through(self.video_pages(limit))

    def _go_through(self, pages: NumberedPages) -> Iterator[Video]:
        while pages.are_left:
            yield from (listed.video for listed in self.read_page(pages) if listed.video is not None)
        self._check_complete(pages)

    async def _ago_through(self, pages: NumberedPages) -> AsyncIterator[Video]:
        while pages.are_left:
            for listed in pages.read(*await self.client.acall(pages.call())):
                if listed.video is not None:
                    yield listed.video
        self._check_complete(pages)

    def _check_complete(self, pages: NumberedPages) -> None:
        if pages.problem is not None:
            problem = f"the list of videos is incomplete: {pages.problem}"
            raise VideoAnswerError(vendor=self.hook_name, conn_id=self.conn_id, video_id=None, problem=problem)

    def show_order(self, video_id: str) -> ListedVideo | None:
        """Ask for a video, and give what it shows of its order; ``None`` if the answer has no id.

        :raises VideoError: as :meth:`get_video` does.
        """
        response, reader = self.client.call(self.video_call(video_id))
        return read_listed(self, reader.read_object(response), reader)

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

    def test_connection(self) -> tuple[bool, str]:
        """Find out whether the connection works, without ordering anything.

        :return: whether it does, and a sentence for the user.
        """
        try:
            response, reader = self.client.call(Call(path=f"{self.videos_path}{self.test_path}", kind="test"))
            if response.status_code not in self.test_status_codes:
                raise reader.api_error(response)
            if is_html(response.body):
                page = read_error_message(response.body, secret=reader.secret)
                raise reader.answer_error(f"it is a page of HTML, {page!r}, so another service answers there")
            if response.status_code == HTTPStatus.OK:
                reader.read_object(response)
            return True, " ".join((f"{self.hook_name} accepts the API key.", *self.client.connection().warnings))
        except VideoAuthError as error:
            return False, f"{self.hook_name} refuses the API key: {error.message}"
        except VideoError as error:
            return False, str(error)
