# SPDX-License-Identifier: Apache-2.0
"""The record that is kept beside a video: what the vendor said of it, and which file it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_videos.download.transfer import Transferred

SUFFIX = ".json"
MAX_BYTES = 1_000_000


def sha256_in(content: bytes | None, *, vendor: str, video_id: str, size: int) -> str | None:
    """Return what the record beside a file says of the file's SHA-256, in hexadecimal digits.

    :param content: of the record, ``None`` if there is none.
    :return: ``None`` if it can't be read, or if it is of another video, or of a file of another size.
    """
    try:
        record = json.loads(content or b"")
        file, video = record["file"], record["video"]
        is_of_it = (video["vendor"], video["video_id"], file["bytes"]) == (vendor, video_id, size)
        return file["sha256"] if is_of_it and isinstance(file["sha256"], str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


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
