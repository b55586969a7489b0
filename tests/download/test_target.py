# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from airflow_provider_videos.download.container import MP4
from airflow_provider_videos.download.target import Target, default_name
from airflow_provider_videos.exceptions import VideoConnectionError, VideoPathError, VideoStorageError

VIDEO = (24).to_bytes(4) + b"ftypisom" + b"\0" * 12


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("None", "rendered to 'None'"),
        (None, "must be a string"),
        (7, "must be a string"),
        ("a\0b", "can't be printed"),
        ("nobody://bucket/folder/", "no storage can be reached"),
        ("gs://bucket/folder/", "apache-airflow-providers-google brings what it needs"),
        ("http://example.com/folder/", "no storage can be reached"),
        ("s3://", "names nothing after s3://"),
        ("C:\\videos\\", "no storage can be reached"),
    ],
)
def test_a_path_where_nothing_can_be_kept_is_named(path: Any, problem: str) -> None:
    with pytest.raises(VideoPathError, match=problem) as caught:
        Target(path)
    assert str(caught.value).startswith("path")


@pytest.mark.parametrize(
    ("path", "conn_id"), [("s3://bucket/", "undefined"), ("s3://undefined@bucket/", None), ("/tmp/", "undefined")]
)
def test_a_storage_connection_that_does_not_exist_is_named(path: str, conn_id: str | None) -> None:
    with pytest.raises(VideoConnectionError, match="'undefined', field 'conn_id'"):
        Target(path, storage_conn_id=conn_id)


def test_a_folder_ends_with_a_slash_or_is_there(tmp_path: pathlib.Path) -> None:
    assert Target(f"{tmp_path}/new/").is_folder
    assert Target(str(tmp_path)).is_folder
    assert not Target(f"{tmp_path}/new").is_folder
    assert Target(f"file://{tmp_path}/new/").is_folder
    assert Target(f"file://{tmp_path}").is_folder


@pytest.mark.parametrize("prefix", ["", "file://", "local://"])
def test_the_path_of_a_file_is_written_as_the_user_writes_it(prefix: str, tmp_path: pathlib.Path) -> None:
    folder = Target(f"{prefix}{tmp_path}/new/")
    assert folder.full_path(folder.file_name("tavus", "v1", MP4)) == f"{prefix}{tmp_path}/new/tavus-v1.mp4"
    full = Target(f"{prefix}{tmp_path}/new/a.mov")
    assert full.file_name("tavus", "v1", MP4) == "a.mov"
    assert full.full_path("a.mov") == f"{prefix}{tmp_path}/new/a.mov"
    file = full.new_file("a.mov", size=None, content_type="video/mp4")
    file.write(VIDEO)
    file.commit()
    assert (tmp_path / "new" / "a.mov").read_bytes() == VIDEO


def test_a_path_without_a_folder_is_in_the_current_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = Target("video.mp4")
    file = target.new_file("video.mp4", size=None, content_type="video/mp4")
    file.commit()
    assert (tmp_path / "video.mp4").exists()
    assert target.full_path("video.mp4") == "video.mp4"


@pytest.mark.parametrize(
    "video_id", ["../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "a\0b", "ü" * 500, " ", "x" * 500, "%2F"]
)
def test_a_file_name_stays_in_its_folder(video_id: str) -> None:
    name = default_name("tavus", video_id)
    assert name.startswith("tavus-")
    assert not set(name) & set("/\\\0 ")
    assert len(name) <= 150


def test_different_videos_have_different_names() -> None:
    ids = ["a", "A", "a/b", "a%2Fb", "x" * 499, "x" * 500]
    names = {default_name(vendor, video_id) for vendor in ("tavus", "together") for video_id in ids}
    assert len(names) == 2 * len(ids)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_a_complete_video_of_that_id_is_found_in_a_folder(suffix: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / f"tavus-v1{suffix}").write_bytes(VIDEO)
    kept = Target(f"{tmp_path}/").find("tavus", "v1")
    assert kept is not None
    assert (kept.path, kept.size) == (f"{tmp_path}/tavus-v1{suffix}", len(VIDEO))
    assert kept.sha256 is None


def record(**file: Any) -> str:
    return json.dumps({"video": {"vendor": "tavus", "video_id": "v1"}, "file": {"bytes": 24, "sha256": "abc", **file}})


@pytest.mark.parametrize("name", ["", "a.mp4"])
def test_of_a_video_that_is_there_only_the_first_bytes_are_read(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / (name or "tavus-v1.mp4")
    path.write_bytes(VIDEO)
    # A file that was read would take this machine's memory.
    os.truncate(path, 1 << 40)
    path.with_name(f"{path.name}.json").write_text(record(bytes=1 << 40))
    kept = Target(f"{tmp_path}/{name}").find("tavus", "v1")
    assert kept is not None
    assert (kept.size, kept.sha256) == (1 << 40, "abc")


def test_in_a_folder_a_record_of_another_size_says_nothing_of_the_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tavus-v1.mp4").write_bytes(VIDEO)
    (tmp_path / "tavus-v1.mp4.json").write_text(record(bytes=25))
    kept = Target(f"{tmp_path}/").find("tavus", "v1")
    assert kept is not None
    assert kept.sha256 is None


def test_a_device_is_refused_before_anything_is_asked_for() -> None:
    with pytest.raises(VideoPathError, match="a device is there, not a regular file"):
        Target("/dev/null")


@pytest.mark.parametrize("content", [b"", b"<html>"])
def test_what_is_no_video_is_not_taken_for_one(content: bytes, tmp_path: pathlib.Path) -> None:
    (tmp_path / "tavus-v1.mp4").write_bytes(content)
    assert Target(f"{tmp_path}/").find("tavus", "v1") is None


@pytest.mark.parametrize(
    "content",
    [
        *(None, "", "[]", "{}", '{"file": null}', '{"video": {"vendor": "tavus"}, "file": 1}'),
        *(record(bytes=25), record(sha256=None), record().replace("v1", "v2"), record().replace("tavus", "together")),
    ],
)
def test_a_file_of_a_users_name_without_a_record_is_not_touched(content: str | None, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.mp4").write_bytes(VIDEO)
    if content is not None:
        (tmp_path / "a.mp4.json").write_text(content)
    with pytest.raises(VideoPathError, match="overwrite=True"):
        Target(f"{tmp_path}/a.mp4").find("tavus", "v1")


def test_a_file_for_which_there_is_no_room_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(VideoStorageError, match="are free"):
        Target(f"{tmp_path}/new/").check_room(10**18)
    Target(f"{tmp_path}/new/").check_room(1)
