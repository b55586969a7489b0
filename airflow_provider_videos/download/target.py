# SPDX-License-Identifier: Apache-2.0
"""Where a video is to be kept: a folder or a full name, on whatever Airflow's ObjectStoragePath reaches."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_videos.download.atomic_files import (
    OBJECT_STORES,
    LocalFile,
    NewFile,
    RenamedFile,
    UploadedFile,
    renames,
    special_kind,
)
from airflow_provider_videos.download.container import HEAD_BYTES, VIDEOS, Kind, video_kind
from airflow_provider_videos.download.sidecar import MAX_BYTES, SUFFIX, sha256_in
from airflow_provider_videos.exceptions import VideoPathError, VideoStorageError
from airflow_provider_videos.http.lookup import look_up
from airflow_provider_videos.parameters import check_path

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_MAX_NAME_CHARACTERS = 150
_DIGEST_CHARACTERS = 16
#: What makes a scheme known, https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/objectstorage.html.
_PROVIDERS = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    **dict.fromkeys(("gs", "gcs"), "apache-airflow-providers-google"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "apache-airflow-providers-microsoft-azure"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A video's file that is there.

    :param path: its full name, as it was asked for.
    :param size: how many bytes it has.
    :param sha256: of them, in hexadecimal digits, if the record beside it says it, else ``None``.
    :param content_type: its media type.
    """

    path: str
    size: int
    sha256: str | None
    content_type: str


class Target:
    """A folder or a full name on some storage.

    :param path: anything that :class:`airflow.sdk.ObjectStoragePath` takes. What ends with a slash or is there as a
        folder is a folder; anything else is a full name.
    :param storage_conn_id: id of the storage's Airflow connection, if it needs one.
    :raises VideoPathError: if nothing can be kept there.
    :raises VideoConnectionError: if there is no such connection.
    """

    def __init__(self, path: str, *, storage_conn_id: str | None = None) -> None:
        from airflow.sdk import ObjectStoragePath
        from fsspec.core import strip_protocol

        check_path(path)
        if storage_conn_id is not None:
            # The amazon provider would go on without the connection.
            look_up(storage_conn_id)
        try:
            storage_path = ObjectStoragePath(path, conn_id=storage_conn_id)
            if storage_path.conn_id is not None and storage_conn_id is None:
                look_up(storage_path.conn_id)
            self._fs: AbstractFileSystem = storage_path.fs
        except (ValueError, ImportError) as error:
            problem = f"no storage can be reached with it ({error})"
            provider = _PROVIDERS.get(path.partition("://")[0].rpartition("@")[2])
            problem += f"; {provider} brings what it needs" if provider else ""
            raise VideoPathError(path=path, problem=problem) from None
        self.path = path
        self._protocol = storage_path.protocol
        self._is_local = "file" in _protocols(self._fs)
        # The file system's own text for it; for a local file, an absolute path.
        self._place = str(strip_protocol(f"{self._protocol}://{storage_path.path}" if self._protocol else path))
        if not (self._is_local or self._protocol in OBJECT_STORES or renames(self._fs)):
            raise VideoPathError(
                path=path, problem=f"on {self._protocol!r} a file can't be shown in one step, only while it grows"
            )
        with self.storing():
            self.is_folder = path.endswith("/") or self._fs.isdir(self._place)
        if self._is_local and not self.is_folder and (kind := special_kind(self._place)) is not None:
            raise VideoPathError(path=path, problem=f"{kind} is there, not a regular file; choose another name")

    @contextlib.contextmanager
    def storing(self) -> Generator[None]:
        """Name the path in whatever the storage raises."""
        try:
            yield
        except VideoStorageError:
            raise
        except Exception as error:
            # What reaches a storage raises exceptions of many libraries.
            problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise VideoStorageError(path=self.path, problem=f"{type(error).__name__}: {problem}") from error

    def file_name(self, vendor: str, video_id: str, kind: Kind) -> str:
        """Return a video's file name; in a folder it is made of the video's id."""
        return default_name(vendor, video_id) + kind.suffix if self.is_folder else self._place.rpartition("/")[2]

    def full_path(self, name: str) -> str:
        """Return the path of a file beside, as a user would write it."""
        if self.is_folder:
            return f"{self.path.rstrip('/')}/{name}"
        folder, slash, _ = self.path.rpartition("/")
        return f"{folder}{slash}{name}"

    def new_file(self, name: str, *, size: int | None, content_type: str) -> NewFile:
        """Begin a file that is shown when it is committed.

        :raises OSError: if the storage refuses it.
        """
        place = self._place_of(name)
        if self._is_local:
            return LocalFile(place)
        if self._protocol in OBJECT_STORES:
            return UploadedFile(self._fs, self._protocol, place, size=size, content_type=content_type)
        return RenamedFile(self._fs, place)

    def write(self, name: str, content: bytes, *, content_type: str) -> str:
        """Write a small file.

        :return: its path.
        :raises VideoStorageError: if the storage refuses it.
        """
        with self.storing():
            file = self.new_file(name, size=len(content), content_type=content_type)
            try:
                file.write(content)
                file.commit()
            finally:
                file.discard()
        return self.full_path(name)

    def check_room(self, size: int) -> None:
        """Refuse a file for which a local disk has no room.

        :raises VideoStorageError: if there is less room than bytes.
        """
        if self._is_local:
            folder = self._place if self.is_folder else os.path.dirname(self._place)
            while not os.path.isdir(folder) and folder != os.path.dirname(folder):
                folder = os.path.dirname(folder)
            with self.storing():
                state = os.statvfs(folder)
            free = state.f_bavail * state.f_frsize
            if size > free:
                raise VideoStorageError(path=self.path, problem=f"{size} bytes are needed, and {free} are free")

    def find(self, vendor: str, video_id: str) -> StoredFile | None:
        """Return the complete file of a video, if it is there; no more of it is read than its first bytes.

        In a folder its name says whose file it is; for a full name the record beside it does, with the file's size. As
        nothing incomplete is ever shown, that is enough.

        :raises VideoPathError: if a file is there under a full name that isn't known to be of this video.
        """
        with self.storing():
            if self.is_folder:
                names = (default_name(vendor, video_id) + kind.suffix for kind in VIDEOS)
                return next((kept for name in names if (kept := self._kept(name, vendor, video_id)) is not None), None)
            name = self._place.rpartition("/")[2]
            kept = self._kept(name, vendor, video_id)
            if kept is None and not self.exists(name):
                return None
        if kept is not None and kept.sha256 is not None:
            return kept
        raise VideoPathError(
            path=self.path,
            problem=f"a file is there that is not known to be video {video_id!r}; pass overwrite=True to replace it, "
            "or choose another name, or a folder",
        )

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        with self.storing():
            # What another process placed since is not in a cached listing.
            self._fs.invalidate_cache()
            return bool(self._fs.isfile(self._place_of(name)))

    def _first_bytes(self, name: str, limit: int) -> bytes | None:
        if not self.exists(name):
            return None
        place = self._place_of(name)
        # An open file of S3 fetches 50 MB at once, and no range can be had of an empty one.
        content: bytes = self._fs.cat_file(place, start=0, end=limit) if self._fs.size(place) else b""
        return content

    def _kept(self, name: str, vendor: str, video_id: str) -> StoredFile | None:
        kind = video_kind(self._first_bytes(name, HEAD_BYTES) or b"")
        if kind is None:
            return None
        size = int(self._fs.size(self._place_of(name)))
        record = self._first_bytes(name + SUFFIX, MAX_BYTES)
        sha256 = sha256_in(record, vendor=vendor, video_id=video_id, size=size)
        return StoredFile(path=self.full_path(name), size=size, sha256=sha256, content_type=kind.content_type)

    def _place_of(self, name: str) -> str:
        folder = self._place if self.is_folder else self._place.rpartition("/")[0]
        return f"{folder.rstrip('/')}/{name}"


def default_name(vendor: str, video_id: str) -> str:
    """Make a file name, without its suffix, of a video's id; whatever the id, it stays in its folder.

    The vendor is a part of it, as two vendors may use the same id.
    """
    name = quote(f"{vendor}-{video_id}", safe="")
    if len(name) <= _MAX_NAME_CHARACTERS:
        return name
    digest = hashlib.sha256(video_id.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: _MAX_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1]}-{digest}"


def _protocols(fs: AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
