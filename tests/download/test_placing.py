# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc
import os
import pathlib
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_videos.download.placing import LocalFile, NewFile, RenamedFile, UploadedFile
from tests.object_store import ObjectStore

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
