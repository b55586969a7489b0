# SPDX-License-Identifier: Apache-2.0
"""Only what the configuration allows is opened, whatever path an XCom names."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import HTTPException

from airflow_provider_videos.ui.kept_files import how_to_get, is_playable, playable_roots, send_copy

VIDEO = (24).to_bytes(4) + b"ftypisom" + b"\0" * 12 + bytes(range(256)) * 4
CONFIGURED = "AIRFLOW__VIDEOS__PLAYABLE_PATHS"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let what is below a folder be played; beside it lies a video that must not be."""
    root = tmp_path / "videos"
    root.mkdir()
    (tmp_path / "secret.mp4").write_bytes(VIDEO)
    (tmp_path / "videos-of-others").mkdir()
    (tmp_path / "videos-of-others" / "v.mp4").write_bytes(VIDEO)
    (root / "v.mp4").write_bytes(VIDEO)
    monkeypatch.setenv(CONFIGURED, str(root))
    return root


@pytest.mark.parametrize("prefix", ["", "file://", "local://"])
def test_a_video_below_a_root_is_playable(prefix: str, root: Path) -> None:
    assert is_playable(f"{prefix}{root}/v.mp4")
    assert is_playable(f"{prefix}{root}/../videos/v.mp4")


def test_by_default_nothing_is_playable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", " , ", "videos", "./"):
        monkeypatch.setenv(CONFIGURED, value)
        assert playable_roots() == []
        assert not is_playable(f"{root}/v.mp4")
    monkeypatch.delenv(CONFIGURED)
    assert not is_playable(f"{root}/v.mp4")


def test_several_roots_may_be_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIGURED, f"/nowhere, {root}\n/elsewhere")
    assert is_playable(f"{root}/v.mp4")


@pytest.mark.parametrize(
    "path",
    [
        "ROOT/../secret.mp4",
        "ROOT/../videos-of-others/v.mp4",
        "ROOT/nothing.mp4",
        "ROOT",
        "ROOT/",
        "ROOT/v.mp4\0x",
        "ROOT/v.mp4\0",
        "videos/v.mp4",
        "v.mp4",
        "",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "s3://bucket/v.mp4",
        "http://127.0.0.1ROOT/v.mp4",
        "file://hostROOT/v.mp4",
        "ROOT/\ud800.mp4",
    ],
)
def test_nothing_else_is(path: str, root: Path) -> None:
    assert not is_playable(path.replace("ROOT", str(root)))


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        os.chdir(path.parent)
        unix.bind(path.name)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.symlink_to("../secret.mp4"), id="link out"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), id="device"),
        pytest.param(os.mkfifo, id="FIFO"),
        pytest.param(bind, id="socket"),
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: path.write_text("password"), id="no video"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
    ],
)
def test_below_a_root_too_only_videos_in_regular_files_are(
    make: Callable[[Path], None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    make(root / "odd.mp4")
    assert not is_playable(f"{root}/odd.mp4")


def test_a_folder_that_leads_out_is_no_way(root: Path) -> None:
    (root / "link").symlink_to("..")
    assert not is_playable(f"{root}/link/secret.mp4")


def test_a_link_that_stays_below_the_root_is_followed(root: Path) -> None:
    (root / "link.mp4").symlink_to("v.mp4")
    assert is_playable(f"{root}/link.mp4")


def test_a_root_may_be_a_link(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "linked").symlink_to(root)
    monkeypatch.setenv(CONFIGURED, str(tmp_path / "linked"))
    assert is_playable(f"{tmp_path}/linked/v.mp4")


def test_a_file_that_becomes_a_link_in_between_is_not_sent(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    realpath = os.path.realpath
    swapped: list[str] = []

    def swap(path: str) -> str:
        real = realpath(path)
        if path == f"{root}/v.mp4" and not swapped:
            swapped.append(path)
            (root / "v.mp4").unlink()
            (root / "v.mp4").symlink_to("../secret.mp4")
        return real

    monkeypatch.setattr(os.path, "realpath", swap)
    assert not is_playable(f"{root}/v.mp4")
    assert swapped


def test_what_may_not_be_played_is_not_found(root: Path) -> None:
    with pytest.raises(HTTPException) as refused:
        send_copy("/etc/passwd", None, None)
    assert refused.value.status_code == 404
    assert "passwd" not in str(refused.value.detail)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/videos/v.mp4", "playable_paths"),
        ("file:///videos/v.mp4", "playable_paths"),
        ("s3://bucket/v.mp4", "aws s3 cp"),
        ("gs://bucket/v.mp4", "gcloud storage cp"),
        ("sftp://host/v.mp4", "ObjectStoragePath"),
    ],
)
def test_how_to_get_a_copy_is_said_by_where_it_lies(path: str, words: str) -> None:
    assert words in how_to_get(path)
    assert "clear" not in how_to_get(path).lower()
