# SPDX-License-Identifier: Apache-2.0
"""Exchanges around those of a vendor: a video that was asked for, and a list that is read to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_videos.vendors.errors import UnreadableAnswerError

if TYPE_CHECKING:
    from airflow_provider_videos.vendors.answer import Answer
    from airflow_provider_videos.vendors.base import Lists, Vendor
    from airflow_provider_videos.vendors.exchange import Exchange
    from airflow_provider_videos.vendors.recovery import ShownFields
    from airflow_provider_videos.video import Video

MAX_LISTED_VIDEOS = 10_000
#: A page may be empty and not the last one; so many in a row are no list.
MAX_PAGES_WITHOUT_NEWS = 20


class ListedVideo(NamedTuple):
    """One video of a list.

    :param video: the video.
    :param shown: those fields of its order that the vendor shows, by their names in a request.
    """

    video: Video
    shown: Mapping[str, str]


class Listing:
    """Goes through a list, and notices what it may lack.

    :param vendor: the vendor.
    :param limit: how many videos to ask for at once.
    :param shown: where an entry shows fields of its order.
    :param most: how many videos are read; a list that has more is incomplete.
    """

    def __init__(self, vendor: Lists, limit: int, shown: ShownFields, *, most: int = MAX_LISTED_VIDEOS) -> None:
        self._vendor = vendor
        self._limit = limit
        self._shown = shown
        self._most = most
        self._cursor: str | None = None
        self._pages = self._pages_without_news = 0
        self._seen: set[str] = set()
        self._total = 0
        #: Whether there may be another page.
        self.are_left = True
        #: Why the list may lack videos, ``None`` as long as nothing speaks for it.
        self.problem: str | None = None

    def next_page(self) -> Exchange[list[ListedVideo]]:
        """Ask for the next page, and return those of its videos that are new.

        If it ends with an error, the page may be asked for again.
        """
        page = yield from self._vendor.list_page(self._cursor, self._limit)
        new = []
        for entry in page.entries:
            listed = self._read(entry)
            if listed is None:
                self.problem = "an entry of it can't be read"
            elif listed.video.video_id not in self._seen:
                self._seen.add(listed.video.video_id)
                new.append(listed)
        self._total = max(self._total, page.total or 0)
        # Numbers of pages may begin with 0 or 1, so the second may be the first once more.
        repeats = bool(page.entries) and self._pages > 1 and not new
        self._pages_without_news = 0 if new else self._pages_without_news + 1
        if page.cursor is None or repeats:
            self._end(repeats=repeats, entries=len(page.entries))
        elif self._pages_without_news >= MAX_PAGES_WITHOUT_NEWS:
            self.are_left = False
            self.problem = f"{MAX_PAGES_WITHOUT_NEWS} of its pages in a row are empty, and it does not end"
        elif len(self._seen) >= self._most:
            self.are_left = False
            self.problem = f"only its first {self._most:,} videos are read"
        self._cursor = page.cursor
        self._pages += 1
        return new

    def _read(self, entry: Answer | None) -> ListedVideo | None:
        if entry is None:
            return None
        try:
            return ListedVideo(self._vendor.read_listed(entry), shown_fields(entry, self._shown))
        except UnreadableAnswerError:
            return None

    def _end(self, *, repeats: bool, entries: int) -> None:
        self.are_left = False
        if len(self._seen) < self._total:
            self.problem = self.problem or f"it ended after {len(self._seen)} of {self._total} videos"
        elif repeats and self._total <= entries:
            self.problem = self.problem or "its pages repeat, and its total counts one page"


def fetch_video(vendor: Vendor, video_id: str) -> Exchange[Video]:
    """Ask for a video, and check that the answer is about it.

    :return: the video, under another id only if the one that was asked for is provisional.
    :raises UnreadableAnswerError: if it is about another one.
    """
    video = yield from vendor.fetch(video_id)
    if video.has_another_id_than(video_id) and not vendor.is_provisional(video_id):
        raise UnreadableAnswerError(f"it is about another video, {video.video_id!r:.100}")
    return video


def fetch_listed(vendor: Vendor, video_id: str, shown: ShownFields) -> Exchange[ListedVideo]:
    """Ask for a video, and read from the last answer what it shows of the order.

    :param shown: where it shows fields of the order.
    """
    exchange = fetch_video(vendor, video_id)
    call = next(exchange)
    while True:
        answer = yield call
        try:
            call = exchange.send(answer)
        except StopIteration as end:
            return ListedVideo(end.value, shown_fields(answer, shown))


def shown_fields(answer: Answer, paths: ShownFields) -> dict[str, str]:
    """Read those fields of an order that an answer shows."""
    texts = {
        field: text_of(value) if isinstance(value := answer.value(*path), Mapping | list) else answer.text(*path)
        for field, path in paths.items()
    }
    return {field: text for field, text in texts.items() if text is not None}


def text_of(value: Any) -> str | None:
    """Return the text by which a field of an order is compared with what a vendor shows of it."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return None if value is None else str(value)
