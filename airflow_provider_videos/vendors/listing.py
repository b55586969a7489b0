# SPDX-License-Identifier: Apache-2.0
"""One page of a vendor's list of videos."""

from __future__ import annotations

import dataclasses

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.errors import UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange

__all__ = ["Page", "numbered_page"]

#: Page sizes to fall back to where a larger one is refused; 0 leaves it to the vendor.
_SMALLER_PAGES = (50, 20, 10, 0)
_PAGE_SIZE_REFUSED = (400, 422)
_PAST_THE_END = (404,)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list.

    :param entries: its entries; ``None`` for one that is no object.
    :param cursor: where the next page begins, ``None`` if this is certainly the last one.
    :param total: how many videos there are in all, as far as the vendor says.
    """

    entries: tuple[Answer | None, ...]
    cursor: str | None
    total: int | None = None


def numbered_page(
    path: str,
    cursor: str | None,
    limit: int,
    *,
    entries: str,
    total: str,
    names: tuple[str, str] = ("page", "limit"),
    first: int | None = None,
) -> Exchange[Page]:
    """Ask for a page of a list that is asked for by page numbers.

    If the first page may have the number 0 or 1, it is asked for without one. Fewer videos are asked for if the vendor
    refuses so many. Fewer videos than were asked for are no sign of the end.

    :param path: of the list.
    :param cursor: what :attr:`Page.cursor` of the page before says.
    :param limit: how many videos to ask for at once.
    :param entries: field that holds the entries.
    :param total: field that counts all videos; it may count those of the page only.
    :param names: parameters that hold the number of a page and how many videos are asked for.
    :param first: number of the first page, ``None`` if it is not known.
    """
    number, size = map(int, cursor.split("/")) if cursor else (first or 0, limit)
    of_number, of_size = names
    while True:
        query = ({of_size: size} if size else {}) | ({of_number: number} if number else {})
        can_be_smaller = cursor is None and size > 0
        accepts = _PAGE_SIZE_REFUSED if can_be_smaller else _PAST_THE_END if cursor else ()
        answer = yield Call(path=path, query=query, accepts=accepts)
        if not can_be_smaller or answer.status_code not in _PAGE_SIZE_REFUSED:
            break
        size = next(smaller for smaller in _SMALLER_PAGES if smaller < size)
    if cursor and answer.status_code in _PAST_THE_END:
        return Page(entries=(), cursor=None)
    found = answer.entries(entries)
    if found is None:
        raise UnreadableAnswerError("it has no list of videos")
    count = answer.number(total)
    return Page(
        entries=tuple(found),
        cursor=f"{number + 1}/{size}" if found else None,
        total=None if count is None else int(count),
    )
