# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_videos.download.atomic_files import LocalFile, NewFile, RenamedFile, UploadedFile
from object_store import ObjectStore

KINDS = ("local", "uploaded", "renamed")


class Place:
    """A folder, and how to begin a file in it."""

    def __init__(self, kind: str, folder: pathlib.Path, s3: ObjectStore | None) -> None:
        self.kind = kind
        self.fs: Any = LocalFileSystem() if s3 is None else s3.file_system()
        self.folder = str(folder / "new" / "folder") if s3 is None else f"{s3.bucket}/folder"
        self.path = f"{self.folder}/video.mp4"

    def begin(self) -> NewFile:
        if self.kind == "local":
            return LocalFile(self.path)
        if self.kind == "uploaded":
            return UploadedFile(self.fs, "s3", self.path, size=None, content_type="video/mp4")
        return RenamedFile(self.fs, self.path)

    def content(self) -> bytes | None:
        self.fs.invalidate_cache()
        content: bytes | None = self.fs.cat_file(self.path) if self.fs.exists(self.path) else None
        return content

    def names(self) -> list[str]:
        self.fs.invalidate_cache()
        return [path.rpartition("/")[2] for path in self.fs.find(self.folder)]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Place:
    return Place(request.param, tmp_path, request.getfixturevalue("s3") if request.param == "uploaded" else None)


def test_a_file_is_seen_when_it_is_committed_and_not_before(place: Place) -> None:
    file = place.begin()
    file.write(b"one ")
    assert place.content() is None
    file.write(b"two")
    assert place.content() is None
    file.commit()
    assert place.content() == b"one two"
    file.discard()
    assert place.names() == ["video.mp4"]


@pytest.mark.parametrize("size", [4, 20_000_000], ids=["a few bytes", "several blocks"])
def test_a_file_that_is_discarded_is_never_seen(size: int, place: Place) -> None:
    file = place.begin()
    file.write(b"x" * size)
    file.discard()
    del file
    gc.collect()
    assert place.content() is None
    assert place.names() == []


def test_a_file_that_is_there_stays_until_another_is_complete(place: Place) -> None:
    for content, is_complete in ((b"old", True), (b"broken", False), (b"new", True)):
        file = place.begin()
        file.write(content)
        if is_complete:
            file.commit()
            kept = content
        file.discard()
        assert place.content() == kept
    assert place.names() == ["video.mp4"]


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "video.mp4"
    other = LocalFile(str(path))
    (tmp_path / ".video.mp4.0123456789ab.part").write_bytes(b"left")
    (tmp_path / ".another.mp4.0123456789ab.part").write_bytes(b"not ours")
    file = LocalFile(str(path))
    left = {entry.name for entry in tmp_path.iterdir()}
    assert ".video.mp4.0123456789ab.part" not in left
    assert len(left) == 3
    file.write(b"second")
    file.commit()
    other.write(b"first, which ends later")
    other.commit()
    assert path.read_bytes() == b"first, which ends later"


def test_a_local_file_is_readable_as_the_umask_allows(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o027)
    try:
        file = LocalFile(str(tmp_path / "video.mp4"))
        file.commit()
    finally:
        os.umask(before)
    assert (tmp_path / "video.mp4").stat().st_mode & 0o777 == 0o640


def test_a_name_of_the_longest_kind_can_be_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / ("ü" * 125 + ".mp4")
    file = LocalFile(str(path))
    file.commit()
    assert path.exists()


def make_fifo(path: pathlib.Path) -> None:
    os.mkfifo(path)


def make_socket(path: pathlib.Path) -> None:
    # A socket's name may have 107 bytes only.
    with socket.socket(socket.AF_UNIX) as unix, contextlib.chdir(path.parent):
        unix.bind(path.name)


SPECIAL: dict[str, Callable[[pathlib.Path], None]] = {
    "a FIFO": make_fifo,
    "a socket": make_socket,
    "a device": lambda path: path.symlink_to("/dev/null"),
    "a folder": lambda path: path.mkdir(),
    "a link that leads to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("when", ["before", "during"])
def test_what_is_no_regular_file_is_not_replaced(kind: str, when: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "video.mp4"
    if when == "before":
        SPECIAL[kind](path)
        mode = path.lstat().st_mode
        with pytest.raises(FileExistsError, match=kind):
            LocalFile(str(path))
    else:
        file = LocalFile(str(path))
        file.write(b"video")
        SPECIAL[kind](path)
        mode = path.lstat().st_mode
        with pytest.raises(FileExistsError, match=kind):
            file.commit()
        file.discard()
    assert path.lstat().st_mode == mode
    assert [entry.name for entry in tmp_path.iterdir()] == ["video.mp4"]


def test_a_link_to_a_regular_file_is_replaced_and_the_file_stays(tmp_path: pathlib.Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "video.mp4").symlink_to("old")
    file = LocalFile(str(tmp_path / "video.mp4"))
    file.write(b"new")
    file.commit()
    assert (tmp_path / "video.mp4").read_bytes() == b"new"
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_fifo_that_is_named_like_what_a_killed_task_left_holds_nothing_up(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / ".video.mp4.0123456789ab.part")
    (tmp_path / ".video.mp4.0123456789ac.part").write_bytes(b"left")
    LocalFile(str(tmp_path / "video.mp4")).discard()
    assert [entry.name for entry in tmp_path.iterdir()] == [".video.mp4.0123456789ab.part"]


@pytest.mark.parametrize("when", ["before", "during"])
def test_on_another_file_system_too(when: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "video.mp4"
    fs = LocalFileSystem()
    if when == "before":
        os.mkfifo(path)
        with pytest.raises(FileExistsError, match="not a regular file"):
            RenamedFile(fs, str(path))
    else:
        file = RenamedFile(fs, str(path))
        os.mkfifo(path)
        with pytest.raises(FileExistsError, match="not a regular file"):
            file.commit()
        file.discard()
    assert path.is_fifo()
