# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.app import ACCESS
from tests.ui.conftest import Leave
from tests.ui.test_app import RUN, record
from tests.ui.test_kept_files import CONFIGURED, VIDEO, root

__all__ = ["root"]

EXPIRED = "https://files.example/v.mp4?Expires=1&Signature=x"
COPY = f"{RUN}/tasks/keep/copy"


def kept(path: object, **fields: Any) -> dict[str, Any]:
    return {"vendor": "tavus", "video_id": "v1", "path": str(path), "bytes": 1, "sha256": "ab", **fields}


@pytest.fixture(autouse=True)
def _open_session(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    # Closing it would undo what the test has left.
    monkeypatch.setattr(session, "close", lambda: None)


@pytest.fixture
def leave_kept(leave: Leave, root: Path) -> Path:
    """Leave a video whose URL has expired, and a copy below a root."""
    leave("wait", xcoms={"return_value": record("v1", download_url=EXPIRED)})
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": kept(root / "v.mp4")})
    return root / "v.mp4"


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


@pytest.mark.parametrize("task_id", ["wait", "keep"])
def test_a_kept_video_whose_url_has_expired_plays_from_its_copy(
    task_id: str, leave_kept: Path, client: TestClient
) -> None:
    page = client.get(f"{RUN}/tasks/{task_id}").text
    [source] = re.findall(r'<video src="([^"]+)"', page)
    assert source.endswith(f"/tasks/{task_id}/copy?map_index=-1")
    played = client.get(source.removeprefix("/videos"))
    assert (played.status_code, played.content) == (200, VIDEO)
    assert played.headers["Content-Type"] == "video/mp4"
    assert played.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("task_id", ["wait", "keep"])
def test_elsewhere_it_says_that_it_is_kept_where_and_how_to_get_it(
    task_id: str, leave_kept: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CONFIGURED)
    page = client.get(f"{RUN}/tasks/{task_id}").text
    assert "<video" not in page
    text = text_of(page)
    assert "This URL expired" in text
    assert f"The video is kept at {leave_kept}" in text
    assert "playable_paths" in text
    assert "clear" not in text.lower()
    assert client.get(COPY).status_code == 404


def test_a_grid_says_that_it_is_kept(leave_kept: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r'<video src="[^"]+/copy\?map_index=-1"', client.get(RUN).text)
    monkeypatch.delenv(CONFIGURED)
    assert "The video is kept." in text_of(client.get(RUN).text)


def test_the_advice_on_an_expired_url_would_not_run_a_publish_again(leave: Leave, client: TestClient) -> None:
    leave("wait", xcoms={"return_value": record("v1", download_url=EXPIRED)})
    text = text_of(client.get(f"{RUN}/tasks/wait").text)
    assert "GetVideoOperator" in text
    assert "clear" not in text.lower()


def test_a_copy_of_a_video_that_is_known_by_its_id_only_is_ready(leave: Leave, client: TestClient) -> None:
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": kept("s3://bucket/v.mp4")})
    text = text_of(client.get(f"{RUN}/tasks/keep").text)
    assert "Ready" in text
    assert "The video is kept at s3://bucket/v.mp4" in text


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 Bytes"), (34_812, "34.8 kB"), (10**10, "10.0 GB"), (None, ""), ("many", "")]
)
def test_the_size_of_a_copy_has_a_fitting_unit(size: Any, text: str, leave: Leave, client: TestClient) -> None:
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": kept("s3://bucket/v.mp4", bytes=size)})
    assert f"{text} · SHA-256 ab".strip() in text_of(client.get(f"{RUN}/tasks/keep").text)


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/zero", "ROOT/../secret.mp4", 7, None, ["/etc/passwd"]])
def test_a_path_in_an_xcom_is_somebodys_word(path: Any, leave: Leave, client: TestClient, root: Path) -> None:
    path = path.replace("ROOT", str(root)) if isinstance(path, str) else path
    leave("keep", operator="DownloadVideoOperator", xcoms={"return_value": {**kept(""), "path": path}})
    assert client.get(COPY).status_code == 404
    assert client.get(f"{RUN}/tasks/keep").status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-", 206, 0, len(VIDEO)),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=10-99999999", 206, 10, len(VIDEO)),
        ("bytes=-5", 206, len(VIDEO) - 5, len(VIDEO)),
        ("bytes=-99999999", 206, 0, len(VIDEO)),
        ("bytes=20-10", 200, 0, len(VIDEO)),
        ("bytes=0-1,5-6", 200, 0, len(VIDEO)),
        ("bytes=-", 200, 0, len(VIDEO)),
        ("lines=1-2", 200, 0, len(VIDEO)),
        ("bytes=a-b", 200, 0, len(VIDEO)),
    ],
)
def test_a_player_may_ask_for_a_part(
    asked: str, status: int, start: int, end: int, leave_kept: Path, client: TestClient
) -> None:
    answer = client.get(COPY, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, VIDEO[start:end])
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Accept-Ranges"] == "bytes"
    expected = f"bytes {start}-{end - 1}/{len(VIDEO)}" if status == 206 else None
    assert answer.headers.get("Content-Range") == expected


@pytest.mark.parametrize("asked", [f"bytes={len(VIDEO)}-", "bytes=999999999999-", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused(asked: str, leave_kept: Path, client: TestClient) -> None:
    answer = client.get(COPY, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(VIDEO)}"


def test_a_part_of_another_file_is_not_sent(leave_kept: Path, client: TestClient) -> None:
    etag = client.get(COPY).headers["ETag"]
    headers = {"Range": "bytes=5-", "If-Range": etag}
    assert client.get(COPY, headers=headers).status_code == 206
    leave_kept.write_bytes(VIDEO + b"more")
    assert client.get(COPY, headers=headers).status_code == 200


@pytest.mark.parametrize("query", ["?map_index=7", "?map_index=-2", "?map_index=99999999999999999999", "?map_index=x"])
@pytest.mark.parametrize("what", ["copy", "vendor"])
def test_an_instance_that_is_not_there_is_not_found(
    query: str, what: str, leave_kept: Path, client: TestClient
) -> None:
    assert client.get(f"{RUN}/tasks/keep/{what}{query}").status_code == 404
    assert client.get(f"{RUN}/tasks/nobody/{what}").status_code == 404


@pytest.mark.parametrize("what", ["copy", "vendor"])
def test_only_who_may_see_the_xcoms_gets_anything(
    what: str, leave: Leave, leave_kept: Path, client: TestClient
) -> None:
    leave("hosted", xcoms={"return_value": record("v2", hosted_url="https://vendor.example/v2")})

    def refuse() -> None:
        raise HTTPException(403)

    task_id = "keep" if what == "copy" else "hosted"
    assert client.get(f"{RUN}/tasks/{task_id}/{what}", follow_redirects=False).status_code < 400
    client.app.dependency_overrides[ACCESS[0].dependency] = refuse  # type: ignore[attr-defined]
    answer = client.get(f"{RUN}/tasks/{task_id}/{what}", follow_redirects=False)
    assert answer.status_code == 403
    assert "vendor.example" not in f"{answer.text}{answer.headers}"


def test_the_way_to_the_vendor_tells_it_nothing(leave: Leave, client: TestClient) -> None:
    leave("hosted", xcoms={"return_value": record("v2", hosted_url="https://vendor.example/v2")})
    answer = client.get(f"{RUN}/tasks/hosted/vendor", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://vendor.example/v2")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "//vendor.example/v2", "file:///etc/passwd"])
def test_the_way_to_the_vendor_leads_into_the_web_only(url: Any, leave: Leave, client: TestClient) -> None:
    leave("hosted", xcoms={"return_value": record("v2", hosted_url=url)})
    assert client.get(f"{RUN}/tasks/hosted/vendor", follow_redirects=False).status_code == 404
