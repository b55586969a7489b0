# SPDX-License-Identifier: Apache-2.0
"""The contract of a vendor: values in, values out. No socket, no clock, no Airflow.

Every vendor can tell how a video stands (:class:`Vendor`). What only some can do is a protocol of its own:
:class:`Orders`, :class:`OrdersInSeveralWays`, :class:`Lists`, :class:`FindsByOwnId`, :class:`Cancels`,
:class:`Deletes`, :class:`Renames`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable
from urllib.parse import quote

from airflow_provider_videos.texts import shorten
from airflow_provider_videos.vendors.errors import MalformedIdError, UnreadableAnswerError
from airflow_provider_videos.vendors.signed_urls import expiry_of
from airflow_provider_videos.video import Video, VideoState

if TYPE_CHECKING:
    from airflow_provider_videos.vendors.answer import Answer
    from airflow_provider_videos.vendors.exchange import Exchange, Refusal
    from airflow_provider_videos.vendors.listing import Page
    from airflow_provider_videos.vendors.recovery import Recovery

__all__ = [
    "Cancels",
    "Credentials",
    "Deletes",
    "FindsByOwnId",
    "Lists",
    "Orders",
    "OrdersInSeveralWays",
    "Renames",
    "Vendor",
    "path_of",
    "recovery_of",
]

MAX_STATUS_CHARACTERS = 100


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What a connection holds to authenticate with.

    :param password: the key; kept out of the ``repr``.
    :param login: the first part of a key that has two, ``None`` if the connection has none.
    :param now: Unix time in seconds, for a signature that expires.
    """

    password: str = dataclasses.field(repr=False)
    login: str | None = dataclasses.field(default=None, repr=False)
    now: float = 0.0


class Vendor(ABC):
    """One vendor of generated videos."""

    #: Connection type, which also names the vendor in a :class:`~airflow_provider_videos.video.Video`.
    conn_type: ClassVar[str]
    #: Display name.
    name: ClassVar[str]
    #: Where its API is, without a slash at the end.
    base_url: ClassVar[str]
    #: The vendor's status words, in lower case, and what they mean. One that is missing counts as pending.
    states: ClassVar[Mapping[str, VideoState]]
    #: Seconds that the answer to an order may take, if the connection says nothing; ``None`` for any call's limit.
    order_timeout: ClassVar[float | None] = None

    #: How many videos the lowest paid plan may have under way at once, where the vendor's page says it and the vendor
    #: refuses more: what a batch keeps to by default. ``None`` where a vendor queues what is beyond.
    max_active: ClassVar[int | None] = None

    @abstractmethod
    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the headers that each call carries: the key, and for some a version."""

    def secrets(self, credentials: Credentials) -> tuple[str, ...]:
        """Return what must not be seen where an answer echoes it: the key, and what :meth:`headers` makes of it."""
        return (credentials.password,)

    @abstractmethod
    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video.

        :return: its record, with the id that was asked for; with its own one, if that :meth:`is_provisional`.
        :raises UnreadableAnswerError: if the answer is no record of it.
        :raises MalformedIdError: before any call, if the id can't be one of this vendor's.
        """

    def is_provisional(self, video_id: str) -> bool:
        """Return whether an id stands for a video only until the vendor has given that one an id of its own."""
        return False

    @abstractmethod
    def probe(self) -> Exchange[None]:
        """Ask for something that costs nothing, which only a good key gets."""

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read a refusal that the HTTP status code does not tell, or tells wrongly; asked about every answer.

        :return: ``None`` leaves it to the status code.
        """
        return None

    def file_needs_key(self, url: str) -> bool:
        """Return whether a file of the connection's own host is served only with the key. No other host gets it."""
        return False

    def video(self, video_id: str | None, status: str | None, **fields: Any) -> Video:
        """Make a record of what an answer says.

        :param video_id: the id that :meth:`fetch` takes.
        :param status: the vendor's own word.
        :param fields: further fields of the record; ``state`` if the word alone does not tell it.
        :raises UnreadableAnswerError: if there is no id or no status.
        """
        status = shorten(" ".join((status or "").split()), MAX_STATUS_CHARACTERS)
        if not status:
            raise UnreadableAnswerError("it has no status")
        if not video_id:
            raise UnreadableAnswerError("it has no id")
        state = fields.pop("state", None) or self.state_of(status)
        files = tuple(url for url in fields.pop("file_urls", ()) if url)
        download_url = fields.pop("download_url", None) or next(iter(files), None)
        expires_at = fields.pop("expires_at", None) or (expiry_of(download_url) if download_url else None)
        return Video(
            vendor=self.conn_type,
            video_id=video_id,
            status=status,
            state=state,
            download_url=download_url,
            file_urls=files or ((download_url,) if download_url else ()),
            expires_at=expires_at,
            **fields,
        )

    def state_of(self, status: str | None) -> VideoState:
        """Return what one of the vendor's status words means."""
        return self.states.get(" ".join((status or "").split()).lower(), VideoState.UNKNOWN)


@runtime_checkable
class Orders(Protocol):
    """A vendor that takes orders."""

    @property
    def recovery(self) -> Recovery:
        """What can be done about an order whose answer was lost."""

    @property
    def free_fields(self) -> Collection[str]:
        """Fields of a request that change neither the video nor the bill."""

    def check(self, request: Mapping[str, Any]) -> None:
        """Refuse what the vendor's page forbids, before anything is sent. A user can switch it off.

        :param request: the fields of an order, none of them ``None``.
        :raises RequestFieldError: naming the field.
        """

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video. The call that orders it is the last one, and its id is enough of an answer.

        :param request: the fields of the order, checked unless the user has switched that off.
        :param key: idempotency key, for a vendor whose recovery is ``ResendSameKey``.
        :raises RequestFieldError: before any call, if none can be made of the request.
        """


@runtime_checkable
class OrdersInSeveralWays(Orders, Protocol):
    """A vendor whose lost orders are found again in a way that depends on the request."""

    def recovery_of(self, request: Mapping[str, Any]) -> Recovery:
        """Return what can be done about an order of a request; ``recovery`` is that of most requests."""


def recovery_of(vendor: Orders, request: Mapping[str, Any]) -> Recovery:
    """Return what can be done about a vendor's order whose answer was lost."""
    return vendor.recovery_of(request) if isinstance(vendor, OrdersInSeveralWays) else vendor.recovery


@runtime_checkable
class Lists(Protocol):
    """A vendor that lists the account's videos."""

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of the list.

        :param cursor: where the page before said that it goes on; ``None`` for the first one.
        :param limit: how many videos to ask for at once.
        """

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a page.

        :raises UnreadableAnswerError: if it has no id.
        """


@runtime_checkable
class FindsByOwnId(Protocol):
    """A vendor that finds a video by an id that the client has chosen."""

    def find(self, own_id: str, request: Mapping[str, Any]) -> Exchange[Video | None]:
        """Ask for the video of such an id; ``None`` if the vendor says that there is none.

        :param request: the fields of its order, as far as they are known, where a kind of videos has ids of its own.
        """


@runtime_checkable
class Cancels(Protocol):
    """A vendor that stops making a video."""

    def cancel(self, video_id: str) -> Exchange[None]:
        """Stop making a video."""


@runtime_checkable
class Deletes(Protocol):
    """A vendor that deletes videos."""

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a video.

        :param hard: delete its files too, for ever, where the vendor makes a difference.
        """


@runtime_checkable
class Renames(Protocol):
    """A vendor that gives a video another name."""

    def rename(self, video_id: str, name: str) -> Exchange[None]:
        """Give a video another name."""


def path_of(video_id: str, *, parts: int = 1) -> str:
    """Return an id as it stands in a path, percent-encoded.

    :param parts: the most parts that the id may have, with slashes between them, which stay as they are.
    :raises MalformedIdError: if the id has more, or one that would lead elsewhere, such as ``..``.
    """
    found = video_id.split("/") if parts > 1 else [video_id]
    if len(found) > parts or any(part.strip() in {"", ".", ".."} for part in found):
        raise MalformedIdError(f"{video_id!r:.200} is no id of this vendor's")
    return "/".join(quote(part, safe="") for part in found)
