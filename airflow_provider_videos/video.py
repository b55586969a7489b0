# SPDX-License-Identifier: Apache-2.0
"""The one record that every vendor's answer becomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from airflow_provider_videos.exceptions import VideoIdError

MAX_VIDEO_ID_CHARACTERS = 500


class VideoState(StrEnum):
    """What a video's status means, in one vocabulary for all vendors."""

    QUEUED = "queued"
    GENERATING = "generating"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether the vendor will not change the video any more. An unknown status is not terminal."""
        return self not in {VideoState.QUEUED, VideoState.GENERATING, VideoState.UNKNOWN}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Video:
    """A video as its vendor last described it.

    :param vendor: connection type of the vendor, such as ``tavus``.
    :param video_id: the vendor's id of the video.
    :param state: what the status means.
    :param status: the vendor's own word for it, as it was sent; ``unknown`` if the answer to an order had none.
    :param download_url: URL of the media file.
    :param stream_url: URL of an HLS playlist.
    :param hosted_url: URL of a page that plays the video. Tavus gives one before the video is ready.
    :param thumbnail_url: URL of a still image.
    :param gif_url: URL of an animated preview.
    :param name: name of the video.
    :param model: model or replica that the video is made with.
    :param script: text that the video speaks.
    :param prompt: text that the video was generated from.
    :param progress: 0 to 1.
    :param duration: length of the video in seconds.
    :param size: width and height as the vendor writes them, such as ``1280x720``.
    :param cost: what the vendor charged, in USD.
    :param error_message: why the video failed, in the vendor's words.
    :param error_code: the vendor's code for that.
    :param created_at: when it was ordered, ISO 8601 in UTC.
    :param finished_at: when it was finished, ISO 8601 in UTC.
    """

    vendor: str
    video_id: str
    state: VideoState
    status: str
    download_url: str | None = None
    stream_url: str | None = None
    hosted_url: str | None = None
    thumbnail_url: str | None = None
    gif_url: str | None = None
    name: str | None = None
    model: str | None = None
    script: str | None = None
    prompt: str | None = None
    progress: float | None = None
    duration: float | None = None
    size: str | None = None
    cost: float | None = None
    error_message: str | None = None
    error_code: str | None = None
    created_at: str | None = None
    finished_at: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the video is ready and there is a URL to have it from."""
        return self.state is VideoState.READY and any((self.download_url, self.stream_url, self.hosted_url))

    def to_dict(self) -> dict[str, Any]:
        """Give the record as a JSON object with every field of this class as a key, ``None`` where unknown."""
        return {**dataclasses.asdict(self), "state": self.state.value}


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
            f"expected an id (text), or the dict that an earlier task of this package returned, got {_kind(video)}"
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


def _kind(video: object) -> str:
    if isinstance(video, Mapping):
        return "a dict without a text under 'video_id'"
    if isinstance(video, tuple):
        return "a tuple: a single dict was expanded, so leave .expand out, or pass a list"
    return "None" if video is None else type(video).__name__


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
