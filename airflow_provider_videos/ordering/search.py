# SPDX-License-Identifier: Apache-2.0
"""Finding the video of an order whose answer was lost, where the vendor can list its videos."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video

#: How far a vendor's clock may be behind, in seconds.
CLOCK_SKEW = 300.0


def find_named(hook: VideoHook, name: str) -> list[Video]:
    """Find the videos of a name."""
    return [video for video in hook.list_videos() if video.name == name]


def find_last_marked(hook: VideoHook, name_of: Callable[[int], str]) -> tuple[int, Video] | None:
    """Find the last order of a task instance, by the names that its orders were given.

    :param name_of: gives the name for the number of an order.
    :return: its number and its video; ``None`` if there was none.
    """
    by_name = {video.name: video for video in hook.list_videos()}
    found = None
    for number in itertools.count(1):
        video = by_name.get(name_of(number))
        if video is None:
            return found
        found = number, video
    return None


def find_alike(hook: VideoHook, request: Mapping[str, Any], *, since: float) -> list[Video]:
    """Find the videos of the same name and script that were ordered since a time.

    :param request: the order, with a name of the user's own.
    :param since: Unix time; a video whose time the vendor doesn't tell counts as one since then.
    """
    alike = []
    for video in find_named(hook, request[hook.name_field or ""]):
        if request.get("script") is not None and video.script is not None and video.script != request["script"].strip():
            continue
        # A list may leave the time out.
        created_at = video.created_at or hook.get_video(video.video_id).created_at
        if created_at is None or datetime.fromisoformat(created_at).timestamp() >= since - CLOCK_SKEW:
            alike.append(video)
    return alike
