# SPDX-License-Identifier: Apache-2.0
"""Reading a vendor's list of videos page by page, and knowing whether it was read to its end."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from airflow_provider_videos.exceptions import VideoAnswerError
from airflow_provider_videos.http.client import Call
from airflow_provider_videos.vendors.answer import Answer

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.facts import VendorFacts
    from airflow_provider_videos.http.response import ResponseReader
    from airflow_provider_videos.http.transport import Response
    from airflow_provider_videos.video import Video

MAX_LISTED_VIDEOS = 10_000
#: Page sizes to fall back to where a larger one is refused; 0 leaves it to the vendor.
_SMALLER_PAGES = (50, 20, 10, 0)
_PAGE_SIZE_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}


class ListedVideo(NamedTuple):
    """One item of a list.

    :param video_id: the vendor's id of the video.
    :param shown: those fields of its order that the vendor shows, by their names in an order.
    :param video: the video; ``None`` if the item is no readable record.
    """

    video_id: str
    shown: Mapping[str, str]
    video: Video | None


def read_listed(facts: VendorFacts, body: object, reader: ResponseReader) -> ListedVideo | None:
    """Read an item of a list, or the answer for one video; ``None`` if it has no id."""
    if not isinstance(body, Mapping):
        return None
    answer = Answer(body, secret=reader.secret)
    fields = facts.read_video(answer)
    video_id = fields.get("video_id")
    if not video_id:
        return None
    texts = {field: answer.text(*path) for field, path in facts.order_paths.items()}
    shown = {field: text for field, text in texts.items() if text is not None}
    try:
        return ListedVideo(video_id, shown, facts.read_body(body, reader))
    except VideoAnswerError:
        return ListedVideo(video_id, shown, None)


class NumberedPages:
    """The pages of a list that is asked for by page numbers.

    The first page may have the number 0 or 1: it is asked for without one, and what comes twice is left out.

    :param facts: the vendor.
    :param limit: how many videos to ask for at once; fewer are asked for if the vendor refuses so many.
    """

    def __init__(self, facts: VendorFacts, limit: int) -> None:
        self._facts = facts
        self._limit = limit
        self._number = 0
        self._seen: set[str] = set()
        self._total = 0
        #: Whether there may be another page.
        self.are_left = True
        #: Why the list may lack videos, ``None`` as long as nothing speaks for it.
        self.problem: str | None = None

    def call(self) -> Call:
        """Make the call that asks for the next page."""
        query = ({"limit": self._limit} if self._limit else {}) | ({"page": self._number} if self._number else {})
        path = self._facts.videos_path
        return Call(path=f"{path}?{urlencode(query)}" if query else path, kind="list")

    def read(self, response: Response, reader: ResponseReader) -> list[ListedVideo]:
        """Read a page, and give those of its videos that are new. If it raises, the page may be asked for again.

        :raises VideoApiError: if the vendor answers with an error.
        :raises VideoAnswerError: if the answer is no list of videos.
        """
        if response.status_code in _PAGE_SIZE_REFUSED and not self._number and self._limit:
            self._limit = next(size for size in _SMALLER_PAGES if size < self._limit)
            return []
        # Some answer a page past the last one so.
        is_past_the_end = response.status_code == HTTPStatus.NOT_FOUND and self._number > 0
        items = [] if is_past_the_end else self._items(response, reader)
        new = []
        for item in items:
            listed = read_listed(self._facts, item, reader)
            if listed is None or listed.video is None:
                self.problem = "an entry of it can't be read"
            if listed is not None and listed.video_id not in self._seen:
                self._seen.add(listed.video_id)
                new.append(listed)
        # Fewer videos than were asked for are no sign of the end, and a total may count the page only.
        if not items or (self._number > 1 and not new):
            self._end()
            if items and self._total <= len(items):
                self.problem = self.problem or "its pages repeat, and its total counts one page"
        elif len(self._seen) >= MAX_LISTED_VIDEOS:
            self.are_left = False
            self.problem = f"only its first {MAX_LISTED_VIDEOS:,} videos are read"
        self._number += 1
        return new

    def _items(self, response: Response, reader: ResponseReader) -> list[Any]:
        body = reader.read_object(response)
        items = body.get("data")
        if not isinstance(items, list):
            raise reader.answer_error("it has no list of videos")
        total = Answer(body).number("total_count")
        self._total = max(self._total, int(total or 0))
        return items

    def _end(self) -> None:
        self.are_left = False
        if len(self._seen) < self._total:
            self.problem = self.problem or f"it ended after {len(self._seen)} of {self._total} videos"
