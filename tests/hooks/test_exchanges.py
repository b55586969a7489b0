# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from airflow_provider_videos.hooks.exchanges import MAX_PAGES_WITHOUT_NEWS, Listing
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.exchange import Call, Exchange
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.tavus import Tavus
from airflow_provider_videos.video import Video
from tests.vendors.canned import run


class Endless(Tavus):
    """Answers empty pages, each with a cursor."""

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        answer = yield Call(path="/videos", query={"cursor": cursor or ""})
        return Page(entries=(), cursor=answer.text("next"))

    def read_listed(self, entry: Answer) -> Video:
        raise NotImplementedError


def test_a_list_of_empty_pages_ends_and_is_incomplete() -> None:
    listing = Listing(Endless(), 10, {})
    pages = 0
    while listing.are_left:
        run(listing.next_page(), {"next": str(pages)})
        pages += 1
    assert pages == MAX_PAGES_WITHOUT_NEWS
    assert listing.problem is not None
