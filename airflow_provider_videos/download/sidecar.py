# SPDX-License-Identifier: Apache-2.0
"""The record that is kept beside a video: what the vendor said of it, and which file it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_videos.download.transfer import Transferred

SUFFIX = ".json"
MAX_BYTES = 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileRecord:
    """Which video a file was said to hold.

    :param vendor: connection type of its vendor.
    :param video_id: its id.
    :param size: how many bytes the file has.
    :param sha256: that of the file.
    """

    vendor: str | None = None
    video_id: str | None = None
    size: int | None = None
    sha256: str | None = None

    def is_of(self, vendor: str, video_id: str, size: int) -> bool:
        """Whether it is that video, in a file of that many bytes."""
        return (self.vendor, self.video_id, self.size) == (vendor, video_id, size)


def read_record(content: bytes | None) -> FileRecord:
    """Read the record beside a file; one that isn't there or can't be read says nothing."""
    try:
        record = json.loads(content or b"{}")
        file, video = record["file"], record["video"]
        if not isinstance(file["sha256"], str):
            return FileRecord()
        return FileRecord(vendor=video["vendor"], video_id=video["video_id"], size=file["bytes"], sha256=file["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return FileRecord()


def record_content(
    name: str, *, vendor: str, video_id: str, video: Mapping[str, Any], transferred: Transferred
) -> bytes:
    """Return what the record beside a file is to hold, as JSON.

    :param name: of the file.
    """
    record = {
        "video": {**video, "vendor": vendor, "video_id": video_id},
        "file": {
            "name": name,
            "bytes": transferred.size,
            "sha256": transferred.sha256,
            "content_type": transferred.kind.content_type,
        },
    }
    return json.dumps(record, indent=2, default=str).encode()
