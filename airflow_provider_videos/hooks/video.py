# SPDX-License-Identifier: Apache-2.0
"""The hook that all vendors share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from airflow_provider_videos.exceptions import (
    VideoAuthError,
    VideoConnectionError,
    VideoError,
)
from airflow_provider_videos.hooks.account import AccountCalls
from airflow_provider_videos.hooks.exchanges import fetch_video
from airflow_provider_videos.http.client import VendorClient
from airflow_provider_videos.http.connection import type_hint
from airflow_provider_videos.http.lookup import alook_up, look_up
from airflow_provider_videos.request import read_order, submit
from airflow_provider_videos.vendors.base import Cancels, Deletes, Renames, Vendor

if TYPE_CHECKING:
    from types import TracebackType

    import requests
    from airflow.sdk import Connection

    from airflow_provider_videos.vendors.exchange import Exchange
    from airflow_provider_videos.video import Video

__all__ = ["VideoHook"]


class VideoHook(AccountCalls, BaseHook):
    """Turns an Airflow connection into authenticated calls to a video vendor.

    A vendor's hook is a subclass that names its :class:`~airflow_provider_videos.vendors.base.Vendor`. This class does
    the rest, for :mod:`requests` and for :mod:`aiohttp` alike.

    An instance is for one thread or one event loop. Several asynchronous calls share a connection pool inside of
    ``async with hook:``; outside of it, each opens and closes its own.

    :param conn_id: id of the Airflow connection; the connection type followed by ``_default`` if not given.
    """

    conn_name_attr: ClassVar[str] = "conn_id"
    #: Id of the connection that is used if none is given.
    default_conn_name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        vendor = getattr(cls, "vendor", None)
        if not isinstance(vendor, Vendor):
            raise TypeError(f"{cls.__name__} does not name its vendor: set vendor to an instance of a Vendor")
        cls.conn_type = vendor.conn_type
        cls.hook_name = vendor.name
        cls.default_conn_name = f"{vendor.conn_type}_default"

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id if conn_id is not None else self.default_conn_name
        #: Runs the exchanges.
        self.client = VendorClient(self.conn_id, self.vendor)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Return the hook for a connection, by the connection's type.

        :param conn_id: id of the Airflow connection, of any type whose hook is a :class:`VideoHook`.
        :param hook_params: further arguments for the hook.
        :raises VideoConnectionError: if there is no such connection, or if it is of another type.
        """
        return cls._hook_for(look_up(conn_id), hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> VideoHook:
        """Async version of :meth:`get_hook`."""
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
        """Return an authenticated session, the same one each time.

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
        :raises VideoAnswerError: if the answer is not a video record, or that of another video.
        """
        asked = self._read_id(video_id)
        return self.client.run(fetch_video(self.vendor, asked), "get", asked)

    async def aget_video(self, video_id: str | Mapping[str, Any]) -> Video:
        """Async version of :meth:`get_video`."""
        asked = self._read_id(video_id)
        return await self.client.arun(fetch_video(self.vendor, asked), "get", asked)

    def create_video(self, /, **request: Any) -> Video:
        """Order a video, which costs money. The order is sent once, whatever comes back.

        :param request: the order's fields; one that is ``None`` is left out.
        :raises VideoRequestError: before the request, if the vendor forbids it.
        :raises VideoUnsupportedError: before the request, if the vendor takes no orders.
        :raises VideoConnectionError: before the request, if the connection can't be used.
        :raises VideoOrderLostError: if the vendor may have accepted it, but no readable answer arrives: a timeout, a
            connection that was lost, an answer without an id, any status code but those of
            :data:`~airflow_provider_videos.http.response.CERTAIN_REFUSALS`.
        :raises VideoTransportError: if it certainly did not arrive: no connection could be made, or a proxy refused
            ``CONNECT``.
        :raises VideoOrderRefusedError: if the vendor refuses it with 400 or 422, or in words that are as final.
        :raises VideoApiError: if the vendor refuses it otherwise.
        """
        return self.order_video(request)

    async def acreate_video(self, /, **request: Any) -> Video:
        """Async version of :meth:`create_video`."""
        return await self.client.arun(self._submit(request), "order")

    def order_video(self, request: Mapping[str, Any], *, key: str | None = None, check_request: bool = True) -> Video:
        """Order a video as :meth:`create_video` does.

        :param request: the order's fields.
        :param key: idempotency key, for a vendor that takes one.
        :param check_request: check the fields against the vendor's page.
        """
        return self.client.run(self._submit(request, key, check_request=check_request), "order")

    def rename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Give a video another name.

        :raises VideoUnsupportedError: if the vendor has no names.
        :raises VideoError: as :meth:`get_video` does.
        """
        asked = self._read_id(video_id)
        self.client.run(self._able(Renames, "rename a video").rename(asked, name), "rename", asked)

    async def arename_video(self, video_id: str | Mapping[str, Any], name: str) -> None:
        """Async version of :meth:`rename_video`."""
        asked = self._read_id(video_id)
        await self.client.arun(self._able(Renames, "rename a video").rename(asked, name), "rename", asked)

    def delete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Delete a video at the vendor.

        :param hard: delete its files too, for ever, where the vendor makes a difference.
        :raises VideoUnsupportedError: if the vendor can't delete.
        :raises VideoError: as :meth:`get_video` does.
        """
        asked = self._read_id(video_id)
        self.client.run(self._able(Deletes, "delete a video").delete(asked, hard=hard), "delete", asked)

    async def adelete_video(self, video_id: str | Mapping[str, Any], *, hard: bool = False) -> None:
        """Async version of :meth:`delete_video`."""
        asked = self._read_id(video_id)
        await self.client.arun(self._able(Deletes, "delete a video").delete(asked, hard=hard), "delete", asked)

    def cancel_video(self, video_id: str | Mapping[str, Any]) -> None:
        """Stop making a video at the vendor.

        :raises VideoUnsupportedError: if the vendor can't cancel.
        :raises VideoError: as :meth:`get_video` does.
        """
        asked = self._read_id(video_id)
        self.client.run(self._able(Cancels, "cancel a video").cancel(asked), "cancel", asked)

    async def acancel_video(self, video_id: str | Mapping[str, Any]) -> None:
        """Async version of :meth:`cancel_video`."""
        asked = self._read_id(video_id)
        await self.client.arun(self._able(Cancels, "cancel a video").cancel(asked), "cancel", asked)

    def test_connection(self) -> tuple[bool, str]:
        """Find out whether the connection works, without ordering anything.

        :return: whether it does, and a sentence for the user.
        """
        try:
            self.client.run(self.vendor.probe(), "test")
            return True, " ".join((f"{self.hook_name} accepts the API key.", *self.client.connection().warnings))
        except VideoAuthError as error:
            return False, f"{self.hook_name} refuses the API key: {error.message}"
        except VideoError as error:
            return False, str(error)

    def _submit(
        self, request: Mapping[str, Any], key: str | None = None, *, check_request: bool = True
    ) -> Exchange[Video]:
        vendor = self.vendor_of_orders()
        return submit(vendor, read_order(request, vendor, check_request=check_request), key=key)
