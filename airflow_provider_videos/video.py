# SPDX-License-Identifier: Apache-2.0
"""The one record that every vendor's answer becomes."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

__all__ = ["Video", "VideoState"]


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
    :param download_url: URL of the media file, the first of ``file_urls``.
    :param file_urls: URLs of all media files.
    :param stream_url: URL of an HLS playlist.
    :param hosted_url: URL of a page that plays the video. Tavus gives one before the video is ready.
    :param thumbnail_url: URL of a still image.
    :param gif_url: URL of an animated preview.
    :param subtitle_url: URL of the subtitles.
    :param expires_at: when these URLs end, ISO 8601 in UTC, where the vendor or a signed URL tells.
    :param name: name of the video.
    :param model: model or replica that the video is made with.
    :param script: text that the video speaks.
    :param prompt: text that the video was generated from.
    :param progress: 0 to 1.
    :param duration: length of the video in seconds.
    :param size: width and height as the vendor writes them, such as ``1280x720``.
    :param cost: what the vendor charged in USD, only where it says so.
    :param credits: what the vendor charged in a unit of its own.
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
    file_urls: tuple[str, ...] = ()
    subtitle_url: str | None = None
    expires_at: str | None = None
    name: str | None = None
    model: str | None = None
    script: str | None = None
    prompt: str | None = None
    progress: float | None = None
    duration: float | None = None
    size: str | None = None
    cost: float | None = None
    credits: float | None = None
    error_message: str | None = None
    error_code: str | None = None
    created_at: str | None = None
    finished_at: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the video is ready and there is a URL to have it from."""
        return self.state is VideoState.READY and any((self.download_url, self.stream_url, self.hosted_url))

    def has_another_id_than(self, video_id: str) -> bool:
        """Return whether its id is another one than it was asked for with."""
        # What is read is without white space at its ends.
        return self.video_id.strip() != video_id.strip()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a JSON object with every field of this class as a key, ``None`` where unknown."""
        return {**vars(self), "state": self.state.value, "file_urls": list(self.file_urls)}
