# SPDX-License-Identifier: Apache-2.0
"""What is known of each video of a batch, and how many of them stand how: values, without I/O."""

from __future__ import annotations

import dataclasses
from typing import Any

from airflow_provider_videos.exceptions import VideoError, VideoFailedError
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.waiting.polling import Wait


class BatchVideo:
    """One of the videos, and what is known of it.

    :param wait: decides when to poll it and when to stop.
    """

    __slots__ = ("error", "is_over", "is_polled", "video", "wait")

    def __init__(self, wait: Wait) -> None:
        self.wait = wait
        #: As the last successful poll found it.
        self.video: Video | None = None
        #: What its wait ended with, unless the video is ready.
        self.error: VideoError | None = None
        self.is_over = False
        #: Whether it is over, or this process has polled it without a transient error.
        self.is_polled = False

    @property
    def video_id(self) -> str:
        """Its id, which is the vendor's own one as soon as a poll has told that in place of a provisional one."""
        return self.wait.video_id if self.video is None else self.video.video_id

    @property
    def has_own_id(self) -> bool:
        """Whether that is another one than its wait began with, which was provisional."""
        return self.video is not None and self.video.has_another_id_than(self.wait.video_id)

    @property
    def is_ready(self) -> bool:
        """Whether it is ready and usable."""
        return self.is_over and self.error is None

    @property
    def has_ended(self) -> bool:
        """Whether it is in a terminal status, and not only the wait for it is over."""
        return self.is_ready or isinstance(self.error, VideoFailedError)

    def to_dict(self, vendor: str | None) -> dict[str, Any]:
        """Return the record as far as it is known; of one that has failed, ``error_message`` says why.

        :param vendor: connection type of the vendor, for a video that was never seen.
        """
        record = self.error.video if isinstance(self.error, VideoFailedError) else None
        if record is None:
            record = self.video.to_dict() if self.video is not None else blank_record(vendor, self.wait.video_id)
        if self.error is not None and not record["error_message"]:
            return {**record, "error_message": str(self.error)}
        return record


def blank_record(vendor: str | None, video_id: str | None, reason: str | None = None) -> dict[str, Any]:
    """Return the record of a video that was never seen, with all keys that a record has.

    :param vendor: connection type of the vendor, ``None`` if it is not known.
    :param video_id: its id, ``None`` if it has none.
    :param reason: why it failed; ``None`` if it hasn't.
    """
    state = VideoState.UNKNOWN if reason is None else VideoState.FAILED
    video = Video(vendor=vendor or "", video_id=video_id or "", state=state, status="unknown", error_message=reason)
    return {**video.to_dict(), "vendor": vendor, "video_id": video_id}


@dataclasses.dataclass(frozen=True)
class Counts:
    """How many videos of a batch stand how.

    :param ready: are ready.
    :param failed: ended without success, or can't be asked for, or not in time.
    :param pending: are being made, as far as it is known.
    :param not_ordered: are not ordered yet.
    """

    ready: int = 0
    failed: int = 0
    pending: int = 0
    not_ordered: int = 0

    @property
    def videos(self) -> int:
        """How many there are."""
        return self.ready + self.failed + self.pending + self.not_ordered

    def __str__(self) -> str:
        parts = [f"{self.ready:,} of {self.videos:,} videos ready", f"{self.failed:,} failed"]
        if self.not_ordered:
            parts.append(f"{self.not_ordered:,} not ordered yet")
        return ", ".join(parts)
