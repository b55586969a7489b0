# SPDX-License-Identifier: Apache-2.0
"""Listing all videos of an account, again and again."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Mapping

from airflow_provider_videos.clock import in_words
from airflow_provider_videos.exceptions import VideoError, VideoUnsupportedError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.retries import pause_after_failure
from airflow_provider_videos.video import Video
from airflow_provider_videos.watching.memory import MAX_VIDEOS, key_of

log = logging.getLogger(__name__)

#: How many videos are asked for at once.
PAGE_SIZE = 100
#: Seconds until a vendor that can't list is looked up again: the connection may be of another type by then.
UNSUPPORTED_PAUSE = 3600.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class AccountListing:
    """The videos of an account, as one poll listed them.

    :param videos: by :func:`~airflow_provider_videos.watching.memory.key_of`, in the vendor's order.
    :param problem: why some may be missing, ``None`` if the list is complete.
    """

    videos: Mapping[bytes, Video]
    problem: str | None


async def listings(conn_id: str, poll_interval: float) -> AsyncIterator[AccountListing]:
    """List an account's videos at each poll, for ever; whatever fails is logged once and tried again.

    :param conn_id: id of the Airflow connection, which is looked up for each poll.
    :param poll_interval: seconds between two polls. After failures the pause doubles, and a ``Retry-After`` is obeyed.
    """
    failures = 0
    last_line: str | None = None
    while True:
        try:
            listing = await _list(conn_id)
        except Exception as error:
            failures += 1
            pause = _pause_after(error, failures, poll_interval)
            line = _line(error, conn_id)
            # A line for each of many failed polls would say no more than the first one.
            if line != last_line:
                log.error(
                    "%s Next try in %s; a failure that is the same is not logged again.",
                    line,
                    in_words(pause),
                    exc_info=None if isinstance(error, VideoError) else error,
                )
            last_line = line
        else:
            if last_line is not None:
                log.info("The videos of connection %r can be listed again.", conn_id)
            failures, last_line, pause = 0, None, poll_interval
            yield listing
        await asyncio.sleep(pause)


async def _list(conn_id: str) -> AccountListing:
    hook = await VideoHook.aget_hook(conn_id)
    async with hook:
        listing = hook.listing(PAGE_SIZE, most=MAX_VIDEOS + 1)
        videos: dict[bytes, Video] = {}
        while listing.are_left:
            videos |= {key_of(listed.video): listed.video for listed in await hook.aread_page(listing)}
    return AccountListing(videos=videos, problem=listing.problem)


def _pause_after(error: Exception, failures: int, poll_interval: float) -> float:
    if isinstance(error, VideoUnsupportedError):
        return max(UNSUPPORTED_PAUSE, poll_interval)
    retry_after = error.retry_after if isinstance(error, VideoError) else None
    return max(pause_after_failure(first=poll_interval, failures=failures, retry_after=retry_after), poll_interval)


def _line(error: Exception, conn_id: str) -> str:
    if isinstance(error, VideoUnsupportedError):
        return (
            f"The account of connection {conn_id!r} can't be watched: {error} Use a VideoSensor for each video, or the "
            "outlets of the task that orders it."
        )
    reason = str(error) if isinstance(error, VideoError) else f"{type(error).__name__}: {error}."
    return f"The videos of connection {conn_id!r} can't be listed: {reason}"
