# SPDX-License-Identifier: Apache-2.0
"""Reading a video's id out of whatever stands for a video in a Dag."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from airflow_provider_videos.exceptions import VideoIdError

MAX_VIDEO_ID_CHARACTERS = 500


def read_video_id(video: object, *, vendor: str | None = None) -> str:
    """Read the id out of whatever stands for a video: an id, or the dict that a task of this package returned.

    :param video: the id or the dict (see :meth:`Video.to_dict`).
    :param vendor: connection type of the vendor that will be asked; a dict of another vendor is refused.
    :raises VideoIdError: if there is no id in it that can be asked for.
    """
    video_id = video.get("video_id") if isinstance(video, Mapping) else video
    if isinstance(video_id, int) and not isinstance(video_id, bool):
        # Where templates render to native objects, an id of digits has become a number.
        video_id = str(video_id)
    if not isinstance(video_id, str):
        raise VideoIdError(
            f"expected an id (a string), or the dict that an earlier task of this package returned, got {_kind(video)}"
        )
    if not video_id.strip():
        raise VideoIdError("the id is empty")
    if video_id == "None":
        raise VideoIdError("the template rendered to 'None': the task that it reads returned nothing")
    if video_id in {".", ".."} or not _is_unicode(video_id):
        raise VideoIdError(f"{video_id!r} is no id")
    if video_id.startswith("{") and "video_id" in video_id:
        raise VideoIdError(
            "a dict was rendered to text; pass the task's `.output`, or a template that ends in ['video_id']"
        )
    if len(video_id) > MAX_VIDEO_ID_CHARACTERS:
        raise VideoIdError(f"the id has {len(video_id)} characters; the most is {MAX_VIDEO_ID_CHARACTERS}")
    its_vendor = video.get("vendor") if isinstance(video, Mapping) else None
    if vendor is not None and its_vendor is not None and its_vendor != vendor:
        raise VideoIdError(
            f"video {video_id!r} is of vendor {its_vendor!r}, but the connection is of type {vendor!r}; "
            "pass the connection that the video was ordered with"
        )
    return video_id


def read_ordered_at(video: object) -> float | None:
    """Return the Unix time at which a video was ordered, if what an earlier task returned of it says so."""
    try:
        created_at = video["created_at"] if isinstance(video, Mapping) else None
        return datetime.fromisoformat(created_at).timestamp() if isinstance(created_at, str) else None
    except (KeyError, ValueError, OverflowError):
        return None


def _kind(video: object) -> str:
    if isinstance(video, Mapping):
        return "a dict without a string under 'video_id'"
    if isinstance(video, tuple):
        return "a tuple: a single dict was expanded, so leave .expand out, or pass a list"
    return "None" if video is None else type(video).__name__


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
