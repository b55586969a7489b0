# SPDX-License-Identifier: Apache-2.0
"""Which kept copies the API server may play from its disk, and how it sends them.

The path of a copy is what some task left in XCom, so it is not to be trusted: only regular files that are videos, below
the folders that ``[videos] playable_paths`` names, are opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any
from urllib.parse import quote

from airflow.sdk import conf
from fastapi import HTTPException
from fastapi.responses import Response, StreamingResponse

from airflow_provider_videos.download.container import HEAD_BYTES, Kind, video_kind

_CHUNK_BYTES = 1 << 18
_LOCAL_SCHEMES = ("file://", "local://")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def playable_roots() -> list[str]:
    """Return the folders below which copies may be played, without symbolic links; by default none.

    They stand in ``[videos] playable_paths``, separated by commas or line breaks. One that is not absolute is left out.
    """
    named = re.split(r"[,\n]", conf.get("videos", "playable_paths", fallback="") or "")
    return [os.path.realpath(path) for part in named if os.path.isabs(path := part.strip())]


def is_playable(path: str) -> bool:
    """Whether a copy may be played from here."""
    opened = open_copy(path)
    if opened is None:
        return False
    opened[0].close()
    return True


def open_copy(path: str) -> tuple[IO[bytes], Kind] | None:
    """Open a copy, if it is a video in a regular file below one of the roots after all symbolic links.

    :param path: as :class:`~airflow_provider_videos.operators.download.DownloadVideoOperator` returned it.
    :return: the file, to be closed by the caller, and what kind of video it is.
    """
    roots = playable_roots()
    for scheme in _LOCAL_SCHEMES:
        path = path.removeprefix(scheme)
    if not roots or not os.path.isabs(path):
        return None
    try:
        real = os.path.realpath(path)
        if not any(os.path.commonpath([root, real]) == root for root in roots):
            return None
        # A FIFO would hold this up, and the last part may have become a link since.
        descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return None
    try:
        state = os.fstat(descriptor)
        is_same = os.path.realpath(real) == real and os.path.samestat(os.stat(real), state)
        is_file = is_same and stat.S_ISREG(state.st_mode)
        kind = video_kind(os.pread(descriptor, HEAD_BYTES, 0)) if is_file else None
    except OSError:
        kind = None
    if kind is None:
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb"), kind


def send_copy(path: str | None, range_header: str | None, if_range: str | None) -> Response:
    """Send a copy, or the part of it that a player asks for.

    :param path: as for :func:`open_copy`; ``None`` if there is none.
    :param range_header: the request's ``Range``; what is no single range of bytes is ignored.
    :param if_range: the request's ``If-Range``.
    :raises HTTPException: 404 if it must not be played from here, 416 if it has no such part.
    """
    opened = open_copy(path) if path is not None else None
    if path is None or opened is None:
        raise HTTPException(404, "There is no copy of this video that can be played from here.")
    file, kind = opened
    state = os.fstat(file.fileno())
    size, etag = state.st_size, f'"{state.st_ino:x}-{state.st_mtime_ns:x}-{state.st_size:x}"'
    try:
        part = _read_range(range_header, size) if if_range in {None, etag} else None
    except ValueError:
        file.close()
        raise HTTPException(416, "The copy has no such part.", {"Content-Range": f"bytes */{size}"}) from None
    start, end = part or (0, size)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(os.path.basename(path))}",
        "Content-Length": str(end - start),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(
        _read(file, start, end), status_code=206 if part else 200, headers=headers, media_type=kind.content_type
    )


def _read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return where a part begins and ends; None for the whole.

    :raises ValueError: if there is no such part.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise ValueError
    return start, end


def _read(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (chunk := file.read(min(_CHUNK_BYTES, end - start))):
            start += len(chunk)
            yield chunk


def how_to_get(path: str) -> str:
    """Say how a copy that can't be played from here can be had."""
    scheme, has_scheme, _ = path.partition("://")
    if not has_scheme or f"{scheme}://" in _LOCAL_SCHEMES:
        return (
            "It lies on the disk of the worker that kept it. It plays here if the API server reaches it below a folder "
            "that [videos] playable_paths in airflow.cfg names."
        )
    tool = {"s3": "aws s3 cp", "gs": "gcloud storage cp"}.get(scheme)
    with_tool = f"with {tool}, or " if tool else ""
    return f"It lies in a store: copy it {with_tool}in a task with ObjectStoragePath."


def first_playable(copies: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the path of the first copy that may be played from here."""
    return next((path for copy in copies if (path := str(copy.get("path") or "")) and is_playable(path)), None)
