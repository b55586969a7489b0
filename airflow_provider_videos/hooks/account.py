# SPDX-License-Identifier: Apache-2.0
"""What a hook asks of a vendor's account: its videos, and what the vendor is able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_provider_videos.exceptions import VideoAnswerError, VideoUnsupportedError
from airflow_provider_videos.hooks.exchanges import MAX_LISTED_VIDEOS, ListedVideo, Listing, fetch_listed
from airflow_provider_videos.vendors.base import FindsByOwnId, Lists, Orders, Vendor
from airflow_provider_videos.vendors.recovery import shown_by
from airflow_provider_videos.video_id import read_video_id

if TYPE_CHECKING:
    from airflow_provider_videos.http.client import VendorClient
    from airflow_provider_videos.vendors.recovery import ShownFields
    from airflow_provider_videos.video import Video

_Ability = TypeVar("_Ability")


class AccountCalls:
    """The part of a :class:`~airflow_provider_videos.hooks.video.VideoHook` that lists and searches."""

    #: The vendor that the hook calls.
    vendor: ClassVar[Vendor]
    #: Connection type of the vendor.
    conn_type: ClassVar[str]
    #: Display name of the vendor.
    hook_name: ClassVar[str]
    conn_id: str
    client: VendorClient

    @classmethod
    def vendor_of_orders(cls) -> Orders:
        """Return the vendor, if it takes orders.

        :raises VideoUnsupportedError: if it doesn't.
        """
        return cls._able(Orders, "order a video")

    def list_videos(self, *, limit: int = 100) -> Iterator[Video]:
        """Go through the account's videos, in the vendor's order, up to 10,000.

        Of a listed video a vendor may tell less than of one that is asked for.

        :param limit: how many to ask for at once.
        :raises VideoUnsupportedError: if the vendor can't list them.
        :raises VideoAnswerError: after the last video, if the list may lack some: an entry that can't be read, an end
            before the vendor's own count, more than 10,000.
        :raises VideoError: as :meth:`get_video` does.
        """
        return self._go_through(self.listing(limit))

    def alist_videos(self, *, limit: int = 100) -> AsyncIterator[Video]:
        """Async version of :meth:`list_videos`."""
        return self._ago_through(self.listing(limit))

    def listing(self, limit: int, *, most: int = MAX_LISTED_VIDEOS) -> Listing:
        """Return a list of the account's videos to be read page by page, with :meth:`read_page`.

        :param limit: how many videos to ask for at once.
        :param most: how many videos are read; a list that has more is incomplete.
        :raises VideoUnsupportedError: if the vendor can't list them.
        """
        return Listing(self._able(Lists, "list videos"), limit, self._shown, most=most)

    def read_page(self, listing: Listing) -> list[ListedVideo]:
        """Ask for the next page of a list, which keeps its place.

        :raises VideoError: as :meth:`get_video` does; the same page may be asked for again.
        """
        return self.client.run(listing.next_page(), "list")

    async def aread_page(self, listing: Listing) -> list[ListedVideo]:
        """Async version of :meth:`read_page`."""
        return await self.client.arun(listing.next_page(), "list")

    def find_video(self, own_id: str, request: Mapping[str, Any] | None = None) -> Video | None:
        """Ask for the video of an id that the order chose itself; ``None`` if the vendor says that there is none.

        :param own_id: the id.
        :param request: the fields of the order, for a vendor that keeps the ids of each kind of videos apart.
        :raises VideoUnsupportedError: if the vendor takes no such ids.
        :raises VideoError: as :meth:`get_video` does.
        """
        vendor = self._able(FindsByOwnId, "find a video by an id of one's own")
        return self.client.run(vendor.find(own_id, request or {}), "list")

    def get_listed_video(self, video_id: str | Mapping[str, Any]) -> ListedVideo:
        """Ask the vendor for a video, and return what the answer shows of its order too.

        :raises VideoError: as :meth:`get_video` does.
        """
        asked = self._read_id(video_id)
        return self.client.run(fetch_listed(self.vendor, asked, self._shown), "get", asked)

    @classmethod
    def _able(cls, ability: type[_Ability], call: str) -> _Ability:
        if not isinstance(cls.vendor, ability):
            raise VideoUnsupportedError(vendor=cls.hook_name, call=call)
        return cls.vendor

    @property
    def _shown(self) -> ShownFields:
        return shown_by(self.vendor.recovery) if isinstance(self.vendor, Orders) else {}

    def _read_id(self, video_id: str | Mapping[str, Any]) -> str:
        return read_video_id(video_id, vendor=self.conn_type)

    def _go_through(self, listing: Listing) -> Iterator[Video]:
        while listing.are_left:
            yield from (listed.video for listed in self.read_page(listing))
        self._check_complete(listing)

    async def _ago_through(self, listing: Listing) -> AsyncIterator[Video]:
        while listing.are_left:
            for listed in await self.aread_page(listing):
                yield listed.video
        self._check_complete(listing)

    def _check_complete(self, listing: Listing) -> None:
        if listing.problem is not None:
            problem = f"the list of videos is incomplete: {listing.problem}"
            raise VideoAnswerError(vendor=self.hook_name, conn_id=self.conn_id, video_id=None, problem=problem)
