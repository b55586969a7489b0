# SPDX-License-Identifier: Apache-2.0
"""Finding the videos of orders in a vendor's list.

What was not seen is not absent: only a list that was read to its end says that an order is not there.
"""

from __future__ import annotations

import dataclasses
import logging
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_videos.exceptions import VideoApiError, VideoAuthError, VideoError
from airflow_provider_videos.hooks.exchanges import ListedVideo, text_of
from airflow_provider_videos.ordering.naming import read_mark
from airflow_provider_videos.ordering.record import MAX_EARLIER_VIDEOS, MAX_REMEMBERED_NAME_CHARACTERS
from airflow_provider_videos.video import VideoState

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video

log = logging.getLogger(__name__)

#: How far a vendor's clock may be behind, in seconds.
CLOCK_SKEW = 300.0
#: How far it may be behind if it, or the worker's, is wrong.
MAX_CLOCK_ERROR = 86_400.0
#: What a vendor shows in place of a field that it has removed.
_REMOVED = ("", "{}", "[]")
#: How many videos that a list shows without a name are asked for in one search.
MAX_ASKED_FOR_NAMES = 50
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


def find_marked(
    hook: VideoHook, field: str, numbers: Mapping[str, int], name: str | None, *, since: float, patiently: Patiently
) -> SearchResult:
    """Find the videos of orders that have a mark in their names; of several of one order, the best comes last.

    :param hook: the vendor's.
    :param field: field of a request that names the video.
    :param numbers: the orders' numbers by their marks.
    :param name: the name that the order was sent with, if it is known.
    :param since: Unix time of the order.
    :param patiently: makes the calls.
    """
    result = SearchResult()
    ranks: dict[str, int] = {}
    for listed in _with_names(hook, field, _list(hook, result, patiently), result, since, patiently):
        shown = listed.shown[field]
        mark = read_mark(_normal(shown))
        if mark is None:
            is_unsure = name is not None and (_normal(shown) == _normal(name) or _is_cut(shown, name))
        else:
            is_unsure = mark not in numbers and any(other.startswith(mark) for other in numbers)
        if mark is not None and mark in numbers:
            ranks[listed.video.video_id] = _rank(listed)
            result.found.append((numbers[mark], listed.video.video_id))
        elif is_unsure:
            result.unsure.append(listed.video.video_id)
    result.found.sort(key=lambda found: (found[0], ranks[found[1]]))
    return result


def find_alike(
    hook: VideoHook,
    field: str,
    request: Mapping[str, Any],
    *,
    since: float,
    is_others: Callable[[str], bool],
    patiently: Patiently,
) -> SearchResult:
    """Find the videos that show what was ordered, with a name of the user's own.

    :param hook: the vendor's.
    :param field: field of a request that names the video.
    :param request: the order as it was sent.
    :param since: Unix time of the order; videos that were created long before it are no candidates.
    :param is_others: says whether the video of an id is known to be another order's.
    :param patiently: makes the calls.
    """
    result = SearchResult()
    for listed in _with_names(hook, field, _list(hook, result, patiently), result, since, patiently):
        if not is_alike(listed.shown[field], str(request[field])) or is_others(listed.video.video_id):
            continue
        # A list may leave out the time, and what the video is made with.
        asked = _ask(hook, listed, patiently)
        video = asked.video if asked is not None else None
        shows_all = asked is not None and _shows_all(request, {**listed.shown, **asked.shown})
        if _is_older(video, since, by=MAX_CLOCK_ERROR) or (not shows_all and _is_older(video, since, by=CLOCK_SKEW)):
            continue
        # A clock may be wrong by more than is usual: what is equal in everything else is not ordered again.
        if shows_all and not _is_older(video, since, by=CLOCK_SKEW):
            result.found.append((0, listed.video.video_id))
        else:
            result.unsure.append(listed.video.video_id)
    return result


def find_echo(
    hook: VideoHook,
    expected: Mapping[str, Any],
    *,
    since: float,
    until: float,
    is_others: Callable[[str], bool],
    patiently: Patiently,
) -> SearchResult:
    """Find the one video that shows what was ordered, where nothing of the order can be marked.

    That none shows it proves nothing: a vendor may show a request in another form than it was sent, or no more.

    :param hook: the vendor's.
    :param expected: what a video of the order shows.
    :param since: Unix time of the order.
    :param until: Unix time at which its answer was due: what was created later is another's.
    :param is_others: says whether the video of an id is known to be another order's.
    :param patiently: makes the calls.
    """
    result = SearchResult()
    shown_no_more: list[str] = []
    for listed in _list(hook, result, patiently):
        video, is_shown = listed.video, shows_order(listed, expected)
        if not (is_shown or _may_have_shown(listed, expected)) or is_others(video.video_id):
            continue
        is_near = not _is_older(video, since, by=CLOCK_SKEW) and not _is_newer(video, until, by=CLOCK_SKEW)
        if not is_shown:
            shown_no_more += [video.video_id] if is_near else []
        elif is_near and video.created_at is not None:
            result.found.append((0, video.video_id))
        elif not _is_older(video, since, by=MAX_CLOCK_ERROR) and not _is_newer(video, until, by=MAX_CLOCK_ERROR):
            result.unsure.append(video.video_id)
    if len(result.found) > 1 or (result.found and shown_no_more):
        result.unsure += [*(video_id for _, video_id in result.found), *shown_no_more]
        result.found = []
    if not result.found and not result.unsure:
        result.problem = result.problem or "none of its videos shows this order, or it shows it in another form"
    return result


def find_earlier(hook: VideoHook, is_alike: Callable[[ListedVideo], bool]) -> tuple[tuple[str, ...], bool]:
    """Return the ids of listed videos that look like an order already, and whether these are all that are listed."""
    listing = hook.listing(_PAGE_SIZE)
    earlier: list[str] = []
    number_listed = 0
    try:
        while listing.are_left and number_listed < _MAX_EARLIER_LISTED:
            page = hook.read_page(listing)
            number_listed += len(page)
            earlier += [listed.video.video_id for listed in page if is_alike(listed)]
    except VideoError as error:
        log.info("Earlier videos that look like this order can't be listed: %s", error)
        return tuple(earlier[:MAX_EARLIER_VIDEOS]), False
    return tuple(earlier[:MAX_EARLIER_VIDEOS]), listing.problem is None and len(earlier) <= MAX_EARLIER_VIDEOS


def shows_order(listed: ListedVideo, expected: Mapping[str, Any]) -> bool:
    """Return whether a listed video shows all that is expected of an order's; what it shows no more proves nothing."""
    return bool(listed.shown) and all(
        _normal(listed.shown.get(field, "")) == _normal(text_of(value) or "") for field, value in expected.items()
    )


def _may_have_shown(listed: ListedVideo, expected: Mapping[str, Any]) -> bool:
    """Return whether a listed video may have shown an order before its vendor removed a part of what it shows."""
    return all(
        listed.shown.get(field, "") in _REMOVED or _normal(listed.shown[field]) == _normal(text_of(value) or "")
        for field, value in expected.items()
    )


def _with_names(
    hook: VideoHook,
    field: str,
    videos: list[ListedVideo],
    result: SearchResult,
    since: float,
    patiently: Patiently,
) -> Iterator[ListedVideo]:
    """Go through videos that show a name; one that shows none even when it is asked for may be any."""
    asked_for = 0
    for listed in videos:
        if listed.shown.get(field):
            yield listed
            continue
        if _is_older(listed.video, since, by=CLOCK_SKEW):
            continue
        asked_for += 1
        if asked_for > MAX_ASKED_FOR_NAMES:
            result.problem = "its entries have no names"
            return
        asked = _ask(hook, listed, patiently)
        if asked is not None and asked.shown.get(field):
            yield ListedVideo(asked.video, {**listed.shown, **asked.shown})
        elif asked is None or not _is_older(asked.video, since, by=CLOCK_SKEW):
            result.unsure.append(listed.video.video_id)


def _rank(listed: ListedVideo) -> int:
    if not listed.video.state.is_terminal:
        return 1
    return 2 if listed.video.state is VideoState.READY else 0


def _ask(hook: VideoHook, listed: ListedVideo, patiently: Patiently) -> ListedVideo | None:
    try:
        return patiently(lambda: hook.get_listed_video(listed.video.video_id))
    except VideoError as error:
        log.warning("Video %r, which may be the one, can't be asked for: %s", listed.video.video_id, error)
        return None


def _shows_all(request: Mapping[str, Any], shown: Mapping[str, str]) -> bool:
    return all(_normal(str(request.get(field, ""))) == _normal(text) for field, text in shown.items())


def is_alike(shown: str, name: str) -> bool:
    """Return whether the name of a listed video is the one that was sent, or may be."""
    # Of a long name, only the beginning may be remembered.
    is_longer = len(name) >= MAX_REMEMBERED_NAME_CHARACTERS and _normal(shown).startswith(_normal(name))
    return _normal(shown) == _normal(name) or _is_cut(shown, name) or is_longer


def _list(hook: VideoHook, result: SearchResult, patiently: Patiently) -> list[ListedVideo]:
    listing = hook.listing(_PAGE_SIZE)
    listed: list[ListedVideo] = []
    try:
        while listing.are_left:
            listed += patiently(lambda: hook.read_page(listing))
    except VideoAuthError:
        raise
    except VideoApiError as refused:
        if refused.is_transient:
            raise
        result.problem = f"a page of it was refused ({refused.status_code})"
    result.problem = result.problem or listing.problem
    return listed


def _is_older(video: Video | None, since: float, *, by: float) -> bool:
    if video is None or video.created_at is None:
        return False
    return datetime.fromisoformat(video.created_at).timestamp() < since - by


def _is_newer(video: Video, until: float, *, by: float) -> bool:
    return video.created_at is not None and datetime.fromisoformat(video.created_at).timestamp() > until + by


def _normal(text: str) -> str:
    """Undo what vendors do to texts: other forms of the same characters, line ends and white space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_cut(shown: str, sent: str) -> bool:
    beginning = _normal(shown).rstrip(".…").rstrip()
    whole = _normal(sent)
    return MIN_CUT_CHARACTERS <= len(beginning) < len(whole) and whole.startswith(beginning)
