# SPDX-License-Identifier: Apache-2.0
"""Files that appear under their name when they are complete, or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: Object stores show a file when its upload is committed, not before.
OBJECT_STORES = {"s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "az", "wasb", "wasbs"}
# The file systems of these leave the commit to the caller if they are asked to.
_COMMITS_WHEN_TOLD = {"s3", "s3a", "s3n", "gs", "gcs"}
_MIN_BLOCK_BYTES = 8 << 20
# S3 takes ten thousand parts.
_MAX_BLOCKS = 9000
_PART = ".part"


class NewFile(Protocol):
    """A file that nobody sees yet under its name."""

    def write(self, chunk: bytes) -> None:
        """Add bytes."""

    def commit(self) -> None:
        """Show it under its name, in place of what may be there."""

    def discard(self) -> None:
        """Drop it; after a commit, do nothing."""


class LocalFile:
    """A file on a local disk, hidden beside its name until it is renamed to it.

    What a killed process left beside the same name is removed.

    :param path: its name.
    :raises FileExistsError: from here and from :meth:`commit`, if what has that name is no regular file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._check()
        folder, name = os.path.split(path)
        self._folder = folder or "."
        os.makedirs(self._folder, exist_ok=True)
        # A name may have 255 bytes, and this one is longer than the file's own.
        stem = f".{name.encode()[:200].decode(errors='ignore')}."
        _remove_stale(self._folder, stem)
        self._hidden = os.path.join(self._folder, f"{stem}{secrets.token_hex(6)}{_PART}")
        self._file = os.fdopen(_create_locked(self._hidden), "wb")

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        self._file.write(chunk)

    def commit(self) -> None:
        """Rename it, after its bytes are on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._check()
        os.replace(self._hidden, self._path)
        self._file.close()
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Remove it."""
        if not self._file.closed:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._hidden)
            with contextlib.suppress(OSError):
                # What a full disk did not take is tried once more.
                self._file.close()

    def _check(self) -> None:
        # A rename would put the file in the place of a device, which may be needed by the whole machine.
        if (kind := special_kind(self._path)) is not None:
            raise FileExistsError(errno.EEXIST, f"what is there is {kind}, not a regular file; it is not replaced")


class UploadedFile:
    """A file in an object store, whose upload is committed at the end.

    :param fs: the store.
    :param protocol: its scheme.
    :param path: the file's name in it.
    :param size: how many bytes it will have, ``None`` if that isn't known.
    :param content_type: its media type, which S3 is told.
    """

    def __init__(
        self, fs: AbstractFileSystem, protocol: str, path: str, *, size: int | None, content_type: str
    ) -> None:
        block = max(_MIN_BLOCK_BYTES, -(-(size or 0) // _MAX_BLOCKS))
        options: dict[str, Any] = {"autocommit": False} if protocol in _COMMITS_WHEN_TOLD else {}
        if protocol.startswith("s3"):
            options["ContentType"] = content_type
        self._is_told = "autocommit" in options
        self._file: Any = fs.open(path, "wb", block_size=block, **options)

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        self._file.write(chunk)

    def commit(self) -> None:
        """Finish the upload."""
        self._file.close()
        if self._is_told:
            self._file.commit()
        self._file = None

    def discard(self) -> None:
        """Drop the upload. A file of fsspec that is closed, also by the garbage collector, commits what it has."""
        file, self._file = self._file, None
        if file is not None:
            file.closed = True
            with contextlib.suppress(Exception):
                # What of it can't be dropped now is never seen either.
                file.discard()


class RenamedFile:
    """A file on any other file system, hidden beside its name until it is renamed to it.

    :param fs: the file system, which renames without copying.
    :param path: the file's name in it.
    :raises FileExistsError: from here and from :meth:`commit`, if what has that name is no regular file.
    """

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        self._fs = fs
        self._path = path
        self._check()
        folder, _, name = path.rpartition("/")
        if folder:
            fs.makedirs(folder, exist_ok=True)
        self._hidden = f"{folder}{folder and '/'}.{name[:180]}.{secrets.token_hex(6)}{_PART}"
        self._file: Any = fs.open(self._hidden, "wb")

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        self._file.write(chunk)

    def commit(self) -> None:
        """Rename it."""
        self._file.close()
        self._check()
        self._fs.mv(self._hidden, self._path)
        self._file = None

    def _check(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._fs.info(self._path)["type"] not in {"file", "link"}:
                raise FileExistsError(errno.EEXIST, "what is there is not a regular file; it is not replaced")

    def discard(self) -> None:
        """Remove it."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()
            with contextlib.suppress(Exception):
                self._fs.rm(self._hidden)


def special_kind(path: str) -> str | None:
    """Return what has a local name, if it is no regular file and no link to one.

    :return: such as ``a FIFO``; ``None`` for a regular file, and if nothing is there.
    """
    try:
        os.lstat(path)
    except OSError:
        # Whoever writes there will be told why that can't be done.
        return None
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "a link that leads to nothing"
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return None if stat.S_ISREG(mode) else kinds.get(stat.S_IFMT(mode), "a device")


def renames(fs: AbstractFileSystem) -> bool:
    """Whether a file system renames files instead of copying them."""
    from fsspec import AbstractFileSystem

    return type(fs).mv is not AbstractFileSystem.mv


def _create_locked(path: str) -> int:
    """Create a file that no other task takes for one that was left behind, for as long as it is open."""
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):
            # Not every file system has locks; there, nothing is taken for left behind either.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:
            return file
        # Another task removed it between the two.
        os.close(file)


def _remove_stale(folder: str, stem: str) -> None:
    with os.scandir(folder) as entries:
        stale = [entry.path for entry in entries if entry.name.startswith(stem) and entry.name.endswith(_PART)]
    for path in stale:
        with contextlib.suppress(OSError):
            # A FIFO of that name would hold this up for ever.
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    continue
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
            finally:
                os.close(file)
