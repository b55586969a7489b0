# SPDX-License-Identifier: Apache-2.0
"""Finding the videos of orders in a vendor's list.

What was not seen is not absent: only a list that was read to its end says that an order is not there.
"""

from __future__ import annotations

import dataclasses
import logging
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_videos.exceptions import VideoApiError, VideoAuthError, VideoError
from airflow_provider_videos.hooks.pages import ListedVideo
from airflow_provider_videos.ordering.naming import read_mark
from airflow_provider_videos.ordering.record import MAX_EARLIER_VIDEOS

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video

log = logging.getLogger(__name__)

#: How far a vendor's clock may be behind, in seconds.
CLOCK_SKEW = 300.0
#: A shorter beginning of a name is taken for a name of its own, and not for one that was cut.
MIN_CUT_CHARACTERS = 16
_PAGE_SIZE = 100
#: How many videos are read before an order with a name of the user's own, to tell earlier ones of that name.
_MAX_EARLIER_LISTED = 1_000

_T = TypeVar("_T")


class Patiently(Protocol):
    """Makes a call that is safe to repeat, and repeats it after transient errors."""

    def __call__(self, call: Callable[[], _T], /) -> _T:
        """Make the call, and return what it returns."""


@dataclasses.dataclass
class SearchResult:
    """What one search has found.

    :param found: numbers of orders and the ids of their videos; 0 for an order with a name of the user's own.
    :param unsure: ids of videos that may be it: alike in name, and not known to be another's.
    :param problem: why the list may lack videos, ``None`` if it was read to its end.
    """

    found: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    unsure: list[str] = dataclasses.field(default_factory=list)
    problem: str | None = None


def find_marked(hook: VideoHook, numbers: Mapping[str, int], name: str | None, patiently: Patiently) -> SearchResult:
    """Find the videos of orders that have a mark in their names.

    :param hook: the vendor.
    :param numbers: the orders' numbers by their marks.
    :param name: the name that the order was sent with, if it is known.
    :param patiently: makes the calls.
    """
    result = SearchResult()
    for listed in _list(hook, result, patiently):
        shown = _shown_name(hook, listed)
        mark = read_mark(_normal(shown))
        if mark is None:
            is_unsure = name is not None and _is_cut(shown, name)
        else:
            is_unsure = mark not in numbers and any(other.startswith(mark) for other in numbers)
        if mark is not None and mark in numbers:
            result.found.append((numbers[mark], listed.video_id))
        elif is_unsure:
            result.unsure.append(listed.video_id)
    return result


def find_alike(
    hook: VideoHook,
    request: Mapping[str, Any],
    *,
    since: float,
    is_others: Callable[[str], bool],
    patiently: Patiently,
) -> SearchResult:
    """Find the videos that show what was ordered, with a name of the user's own.

    :param hook: the vendor.
    :param request: the order as it was sent.
    :param since: Unix time of the order; videos that were created before it are no candidates.
    :param is_others: says whether the video of an id is known to be another order's.
    :param patiently: makes the calls.
    """
    result = SearchResult()
    for listed in _list(hook, result, patiently):
        if not _is_alike(hook, listed, str(request[hook.name_field or ""])) or is_others(listed.video_id):
            continue
        # A list may leave out the time, and what the video is made with.
        asked = _ask(hook, listed, patiently)
        if asked is not None and asked.video is not None and _is_older(asked.video, since):
            continue
        if asked is not None and _shows_all(request, {**listed.shown, **asked.shown}):
            result.found.append((0, listed.video_id))
        else:
            result.unsure.append(listed.video_id)
    return result


def find_earlier(hook: VideoHook, name: str) -> tuple[str, ...]:
    """Give the ids of listed videos that have a name already, as far as the vendor lists them now."""
    pages = hook.video_pages(_PAGE_SIZE)
    earlier: list[str] = []
    number_listed = 0
    try:
        while pages.are_left and number_listed < _MAX_EARLIER_LISTED:
            page = hook.read_page(pages)
            number_listed += len(page)
            earlier += [listed.video_id for listed in page if _is_alike(hook, listed, name)]
    except VideoError as error:
        log.info("Earlier videos of the name %r can't be listed: %s", name, error)
    return tuple(earlier[:MAX_EARLIER_VIDEOS])


def _ask(hook: VideoHook, listed: ListedVideo, patiently: Patiently) -> ListedVideo | None:
    try:
        return patiently(lambda: hook.show_order(listed.video_id))
    except VideoError as error:
        log.warning("Video %r, which may be the one, can't be asked for: %s", listed.video_id, error)
        return None


def _shows_all(request: Mapping[str, Any], shown: Mapping[str, str]) -> bool:
    return all(_normal(str(request.get(field, ""))) == _normal(text) for field, text in shown.items())


def _is_alike(hook: VideoHook, listed: ListedVideo, name: str) -> bool:
    shown = _shown_name(hook, listed)
    return _normal(shown) == _normal(name) or _is_cut(shown, name)


def _shown_name(hook: VideoHook, listed: ListedVideo) -> str:
    return listed.shown.get(hook.name_field or "", "")


def _list(hook: VideoHook, result: SearchResult, patiently: Patiently) -> list[ListedVideo]:
    pages = hook.video_pages(_PAGE_SIZE)
    listed: list[ListedVideo] = []
    try:
        while pages.are_left:
            listed += patiently(lambda: hook.read_page(pages))
    except VideoAuthError:
        raise
    except VideoApiError as refused:
        if refused.is_transient:
            raise
        result.problem = f"a page of it was refused ({refused.status_code})"
    result.problem = result.problem or pages.problem
    return listed


def _is_older(video: Video, since: float) -> bool:
    return video.created_at is not None and datetime.fromisoformat(video.created_at).timestamp() < since - CLOCK_SKEW


def _normal(text: str) -> str:
    """Undo what vendors do to texts: other forms of the same characters, line ends and white space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_cut(shown: str, sent: str) -> bool:
    beginning = _normal(shown).rstrip(".…").rstrip()
    whole = _normal(sent)
    return MIN_CUT_CHARACTERS <= len(beginning) < len(whole) and whole.startswith(beginning)
