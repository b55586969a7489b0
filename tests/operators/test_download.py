# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from aiobotocore.response import StreamingBody
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_videos.download import transfer
from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoConnectionError,
    VideoDownloadError,
    VideoFailedError,
    VideoIdError,
    VideoParameterError,
    VideoPathError,
    VideoStorageError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from benchmarks.download import MAX_MEMORY, measure_ours
from benchmarks.setting import child_environment
from object_store import ObjectStore
from tests.vendor_kit import Connect
from tests.waiting_kit import TaskInstance

KEYS = {
    "vendor",
    "video_id",
    "path",
    "bytes",
    "sha256",
    "content_type",
    "seconds",
    "transferred",
    "thumbnail_path",
    "record_path",
}
LARGE = 30_000_000
LOOK = "tavus get"
FETCH = "tavus media"
CHILD = """
import sys
from airflow_provider_videos.operators.download import DownloadVideoOperator
DownloadVideoOperator(task_id="keep", video_id=sys.argv[1], path=sys.argv[2], conn_id="tavus_default",
    storage_conn_id=sys.argv[3] or None).execute({})
"""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(transfer, "MAX_PAUSE", 0.02)


@pytest.fixture(params=["disk", "S3"])
def storage(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Storage:
    """Run the test on a local disk and on S3."""
    return Storage(tmp_path, request.getfixturevalue("s3") if request.param == "S3" else None)


class Storage:
    """A folder that can be looked into, wherever it is."""

    def __init__(self, folder: pathlib.Path, s3: ObjectStore | None) -> None:
        self._folder = folder / "videos"
        self._s3 = s3
        self.path = f"{self._folder}/" if s3 is None else f"s3://{s3.bucket}/some/folder/"
        self.conn_id = None if s3 is None else s3.conn_id

    def names(self, *, hidden: bool = False) -> list[str]:
        if self._s3 is not None:
            return sorted(key.removeprefix("some/folder/") for key in self._s3.names())
        names = [path.name for path in self._folder.iterdir()] if self._folder.exists() else []
        return sorted(name for name in names if hidden or not name.startswith("."))

    def content(self, name: str) -> bytes:
        return (self._folder / name).read_bytes() if self._s3 is None else self._s3.content(f"some/folder/{name}")

    def received(self) -> int:
        """How much of a file that is not complete has arrived."""
        if self._s3 is not None:
            return self._s3.uploads() * 8_000_000
        return sum(path.stat().st_size for path in self._folder.glob(".*.part"))


def keep(video_id: Any, path: Any, **arguments: Any) -> dict[str, Any]:
    """Run the operator and give what it returns, as XCom passes it on."""
    arguments = {"conn_id": "tavus_default", **arguments}
    operator = DownloadVideoOperator(task_id="keep", video_id=video_id, path=path, **arguments)
    context: Any = {"ti": TaskInstance(), "outlet_events": OutletEventAccessors()}
    returned: dict[str, Any] = json.loads(json.dumps(operator.execute(context), allow_nan=False))
    assert set(returned) == KEYS
    return returned


def test_a_video_is_kept_in_a_folder_under_a_name_with_its_id(
    vendor: VendorName, storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    kept = keep(video_id, storage.path, conn_id=connect(vendor), storage_conn_id=storage.conn_id)
    name = f"{vendor}-{video_id}.mp4"
    assert storage.names(hidden=True) == [name]
    content = storage.content(name)
    original = requests.get(f"{simulator.url}/media/{vendor}/{video_id}.mp4", timeout=10).content
    assert content == original
    assert 0 < kept.pop("seconds") < 60
    assert kept == {
        "vendor": vendor,
        "video_id": video_id,
        "path": storage.path + name,
        "bytes": len(original),
        "sha256": hashlib.sha256(original).hexdigest(),
        "content_type": "video/mp4",
        "transferred": True,
        "thumbnail_path": None,
        "record_path": None,
    }


def test_a_video_of_several_blocks_is_kept(storage: Storage, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    kept = keep(video_id, storage.path, storage_conn_id=storage.conn_id)
    content = storage.content(f"tavus-{video_id}.mp4")
    assert (len(content), kept["bytes"]) == (LARGE, LARGE)
    assert hashlib.sha256(content).hexdigest() == kept["sha256"]


def test_an_object_on_s3_has_the_videos_media_type(s3: ObjectStore, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    keep(video_id, f"s3://{s3.conn_id}@{s3.bucket}/a.mp4")
    assert s3.head("a.mp4")["ContentType"] == "video/mp4"
    assert s3.head("a.mp4.json")["ContentType"] == "application/json"


def test_the_vendor_is_asked_first_for_an_id_and_the_url_of_a_dict_is_used_first(
    tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    record = VideoHook.get_hook(connect("tavus")).get_video(video_id).to_dict()
    simulator.forget()
    simulator.add_video("tavus", video_id=video_id)
    keep(video_id, f"{tmp_path}/one/")
    assert simulator.record.requests == {LOOK: 1, FETCH: 1}
    keep(record, f"{tmp_path}/two/")
    assert simulator.record.requests == {LOOK: 1, FETCH: 2}
    keep({**record, "download_url": None}, f"{tmp_path}/three/")
    assert simulator.record.requests == {LOOK: 2, FETCH: 3}


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_url_is_asked_for_again_once(
    status: int, tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    record = VideoHook.get_hook(connect("tavus")).get_video(video_id).to_dict()
    simulator.add_fault(Fault("status", status=status, times=1, target="media"))
    assert keep(record, f"{tmp_path}/")["transferred"]
    assert simulator.record.requests == {LOOK: 2, FETCH: 2}
    simulator.add_fault(Fault("status", status=status, target="media"))
    with pytest.raises(VideoDownloadError, match=f"answered {status}"):
        keep(record, f"{tmp_path}/", overwrite=True)
    assert simulator.record.requests == {LOOK: 3, FETCH: 4}


def test_passing_faults_of_the_vendor_and_of_the_files_host_are_survived(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    simulator.add_fault(Fault("status", status=503, times=1))
    simulator.add_fault(Fault("reset_before", times=1))
    for kind in ("reset_before", "reset_during", "truncated"):
        simulator.add_fault(Fault(kind, times=1, target="media"))
    kept = keep(video_id, storage.path, storage_conn_id=storage.conn_id)
    assert hashlib.sha256(storage.content(f"tavus-{video_id}.mp4")).hexdigest() == kept["sha256"]
    assert storage.names(hidden=True) == [f"tavus-{video_id}.mp4"]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("reset_during", target="media"), "given up after 3 attempts"),
        (Fault("truncated", target="media"), "given up after 3 attempts"),
        (Fault("html", target="media"), "it seems to be a page of HTML"),
        (Fault("json", body='{"error": "no"}', target="media"), "it seems to be JSON"),
        (Fault("empty", target="media"), "empty file"),
        (Fault("huge", target="media"), "it seems to be JSON"),
        (Fault("status", status=400, target="media"), "answered 400"),
        (Fault("redirect", location="ftp://example.com/v.mp4", target="media"), "only http and https"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_nothing_is_found_after_an_error(
    fault: Fault, text: str, storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE if fault.kind == "reset_during" else None)
    simulator.add_fault(fault)
    with pytest.raises(VideoDownloadError, match=text) as caught:
        keep(video_id, storage.path, storage_conn_id=storage.conn_id, max_attempts=3)
    assert repr(video_id) in str(caught.value)
    assert storage.names(hidden=True) == []
    assert storage.received() == 0


def test_a_file_above_max_bytes_is_refused(tmp_path: pathlib.Path, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    with pytest.raises(VideoDownloadError, match="max_bytes allows 29999999"):
        keep(video_id, f"{tmp_path}/", max_bytes=LARGE - 1)
    assert list(tmp_path.iterdir()) == []


def test_the_same_video_is_not_transferred_again_unless_told_to(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    for path in (storage.path, f"{storage.path}full.mp4"):
        first = keep(video_id, path, storage_conn_id=storage.conn_id)
        asked = simulator.record.requests
        second = keep(video_id, path, storage_conn_id=storage.conn_id)
        assert simulator.record.requests == asked
        # In a folder there is no record that would say it.
        sha256 = None if path.endswith("/") else first["sha256"]
        assert second == {**first, "sha256": sha256, "transferred": False, "seconds": second["seconds"]}
        assert keep(video_id, path, storage_conn_id=storage.conn_id, overwrite=True)["transferred"]
        assert simulator.record.requests != asked


def test_a_file_of_another_video_under_a_users_name_is_not_replaced_unless_told_to(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    path = f"{storage.path}full.mp4"
    keep(simulator.add_video("tavus"), path, storage_conn_id=storage.conn_id)
    other = simulator.add_video("tavus", media_bytes=200_000)
    with pytest.raises(VideoPathError, match="overwrite=True"):
        keep(other, path, storage_conn_id=storage.conn_id)
    assert keep(other, path, storage_conn_id=storage.conn_id, overwrite=True)["bytes"] == 200_000
    assert keep(other, path, storage_conn_id=storage.conn_id)["transferred"] is False
    assert storage.names() == ["full.mp4", "full.mp4.json"]


def test_thumbnail_and_record_are_kept_beside_it(storage: Storage, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    kept = keep(video_id, storage.path, storage_conn_id=storage.conn_id, with_thumbnail=True, with_record=True)
    stem = f"tavus-{video_id}"
    assert storage.names() == [f"{stem}.jpg", f"{stem}.mp4", f"{stem}.mp4.json"]
    assert (kept["thumbnail_path"], kept["record_path"]) == (
        f"{storage.path}{stem}.jpg",
        f"{storage.path}{stem}.mp4.json",
    )
    record = json.loads(storage.content(f"{stem}.mp4.json"))
    assert record["video"]["video_id"] == video_id
    assert record["video"]["state"] == "ready"
    assert record["file"] == {
        "name": f"{stem}.mp4",
        "bytes": kept["bytes"],
        "sha256": kept["sha256"],
        "content_type": "video/mp4",
    }
    again = keep(video_id, storage.path, storage_conn_id=storage.conn_id, with_thumbnail=True, with_record=True)
    assert again == {**kept, "transferred": False, "seconds": again["seconds"]}


def test_a_video_that_is_named_like_an_image_is_not_its_thumbnail(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    path = f"{storage.path}video.jpg"
    kept = keep(video_id, path, storage_conn_id=storage.conn_id, with_thumbnail=True)
    assert (kept["path"], kept["thumbnail_path"]) == (path, f"{path}.jpg")
    assert storage.names() == ["video.jpg", "video.jpg.jpg", "video.jpg.json"]
    assert storage.content("video.jpg")[4:8] == b"ftyp"
    assert storage.content("video.jpg.jpg").startswith(b"\xff\xd8")
    again = keep(video_id, path, storage_conn_id=storage.conn_id, with_thumbnail=True)
    assert again == {**kept, "transferred": False, "seconds": again["seconds"]}


def test_without_a_thumbnail_a_video_that_is_named_like_an_image_has_none(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    for _ in range(2):
        kept = keep(video_id, f"{storage.path}video.jpg", storage_conn_id=storage.conn_id)
        assert kept["thumbnail_path"] is None


@pytest.mark.parametrize("name", ["", "full.mp4"])
def test_a_video_that_is_there_is_not_read_from_the_store_again(
    name: str, s3: ObjectStore, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    path = f"s3://{s3.conn_id}@{s3.bucket}/{name}"
    kept = keep(video_id, path, with_record=True)
    received: list[int] = []
    read = StreamingBody.read

    async def count(body: StreamingBody, amt: int | None = None) -> bytes:
        content: bytes = await read(body, amt)
        received.append(len(content))
        return content

    monkeypatch.setattr(StreamingBody, "read", count)
    assert keep(video_id, path, with_record=True)["sha256"] == kept["sha256"]
    assert 0 < sum(received) < 10_000


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/null", path)], ids=["FIFO", "device"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_regular_file_is_refused_before_any_request(
    make: Callable[[Any], None], overwrite: bool, tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus")
    make(tmp_path / "video.mp4")
    mode = (tmp_path / "video.mp4").lstat().st_mode
    with pytest.raises(VideoPathError, match="not a regular file"):
        keep(video_id, f"{tmp_path}/video.mp4", overwrite=overwrite)
    assert simulator.record.requests == {}
    make(tmp_path / f"tavus-{video_id}.mp4")
    with pytest.raises(VideoStorageError, match="not a regular file"):
        keep(video_id, f"{tmp_path}/", overwrite=overwrite)
    assert {path.lstat().st_mode for path in tmp_path.iterdir()} == {mode}


def test_a_dict_without_a_thumbnail_is_completed_by_the_vendor(
    tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    record = VideoHook.get_hook(connect("tavus")).get_video(simulator.add_video("tavus")).to_dict()
    # A version before this one did not ask for it.
    record["thumbnail_url"] = None
    assert keep(record, f"{tmp_path}/", with_thumbnail=True)["thumbnail_path"]


def test_a_video_without_a_thumbnail_is_kept_all_the_same(
    tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("together")
    kept = keep(video_id, f"{tmp_path}/", conn_id=connect("together"), with_thumbnail=True)
    assert (kept["transferred"], kept["thumbnail_path"]) == (True, None)
    connect("tavus")
    video_id = simulator.add_video("tavus", still_image_thumbnail_url=f"{simulator.url}/nothing")
    kept = keep(video_id, f"{tmp_path}/", with_thumbnail=True)
    assert (kept["transferred"], kept["thumbnail_path"]) == (True, None)


@pytest.mark.parametrize(
    ("outcome", "kind", "text"),
    [
        ("stuck", VideoDownloadError, "wait for it first"),
        ("failed", VideoFailedError, "ended with status 'error'"),
        ("deleted", VideoFailedError, "ended with status 'deleted'"),
        ("ready_without_urls", VideoDownloadError, "no download URL"),
    ],
)
def test_a_video_that_is_not_ready_is_not_kept(
    outcome: Any, kind: type[Exception], text: str, tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    with pytest.raises(kind, match=text):
        keep(simulator.add_video("tavus", outcome=outcome), f"{tmp_path}/")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"video_id": ""}, VideoIdError, "video_id: "),
        ({"video_id": {"video_id": "v1", "vendor": "together"}}, VideoIdError, "video_id: "),
        ({"path": ""}, VideoPathError, "path"),
        ({"path": "nobody://bucket/"}, VideoPathError, "path 'nobody://bucket/'"),
        ({"conn_id": "undefined"}, VideoConnectionError, "'undefined', field 'conn_id'"),
        ({"storage_conn_id": "nowhere"}, VideoConnectionError, "'nowhere', field 'conn_id'"),
        ({"storage_conn_id": ""}, VideoParameterError, "storage_conn_id must be"),
    ],
)
def test_bad_input_is_named_before_any_request(
    arguments: dict[str, Any],
    kind: type[Exception],
    text: str,
    tmp_path: pathlib.Path,
    simulator: Simulator,
    connect: Connect,
) -> None:
    connect("tavus")
    with pytest.raises(kind, match=re.escape(text)):
        keep(**{"video_id": "v1", "path": f"{tmp_path}/", **arguments})
    assert simulator.record.requests == {}


def test_an_unknown_video_fails(tmp_path: pathlib.Path, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    with pytest.raises(VideoApiError):
        keep("nobody", f"{tmp_path}/")


@pytest.fixture
def limited() -> Iterator[None]:
    """Let no file of this process grow beyond 10 MB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_is_named_and_nothing_is_left(
    tmp_path: pathlib.Path, simulator: Simulator, connect: Connect, request: pytest.FixtureRequest
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    requests.get(f"{simulator.url}/media/tavus/{video_id}.mp4", timeout=10, stream=True).close()
    request.getfixturevalue("limited")
    with pytest.raises(VideoStorageError, match="File too large"):
        keep(video_id, f"{tmp_path}/")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/sys/videos/", "/sys/video.mp4", "/dev/null/videos/", "/proc/self/videos/a.mp4"])
def test_a_target_that_can_not_be_written_is_named(path: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    with pytest.raises(VideoStorageError, match=re.escape(repr(path))):
        keep(simulator.add_video("tavus"), path)


def test_a_bucket_that_does_not_exist_is_named(s3: ObjectStore, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    with pytest.raises(VideoStorageError, match="s3://nothing/"):
        keep(simulator.add_video("tavus"), "s3://nothing/a/", storage_conn_id=s3.conn_id)


def test_a_process_that_is_killed_leaves_nothing_under_the_name_and_the_next_one_completes(
    storage: Storage, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    video_id = simulator.add_video("tavus", media_bytes=LARGE)
    simulator.add_fault(Fault("hang_during", times=1, target="media"))
    child = subprocess.Popen([sys.executable, "-c", CHILD, video_id, storage.path, storage.conn_id or ""])
    try:
        deadline = time.monotonic() + 60
        while storage.received() < 8_000_000 and time.monotonic() < deadline:
            assert child.poll() is None
            assert storage.names() == []
            time.sleep(0.05)
        assert storage.received() >= 8_000_000
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert storage.names() == []
    kept = keep(video_id, storage.path, storage_conn_id=storage.conn_id)
    assert (kept["transferred"], kept["bytes"]) == (True, LARGE)
    assert storage.names(hidden=True) == [f"tavus-{video_id}.mp4"]
    assert hashlib.sha256(storage.content(f"tavus-{video_id}.mp4")).hexdigest() == kept["sha256"]


def test_the_event_of_an_asset_carries_the_path_the_bytes_and_the_digest(
    tmp_path: pathlib.Path, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    asset = Asset("kept-video")
    events = OutletEventAccessors()
    context: Any = {"ti": TaskInstance(), "outlet_events": events}
    kept = DownloadVideoOperator(
        task_id="keep",
        video_id=simulator.add_video("tavus"),
        path=f"{tmp_path}/",
        conn_id="tavus_default",
        outlets=[asset],
    ).execute(context)
    assert events[asset].extra == {key: kept[key] for key in ("path", "bytes", "sha256")}


def test_what_it_is_told_is_templated() -> None:
    assert DownloadVideoOperator.template_fields == ("video_id", "path", "conn_id", "storage_conn_id")


def test_a_dag_file_does_not_pay_for_what_the_operator_needs() -> None:
    code = (
        # Airflow loads what defines a Dag when it is first named, from 3.4 on; every Dag file pays for that.
        "import sys; from airflow.sdk import DAG, BaseOperator; before = set(sys.modules); "
        "import airflow_provider_videos.operators.download; "
        "print(len(set(sys.modules) - before), {'requests', 'aiohttp'} & (set(sys.modules) - before))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) < 30
    assert said[1] == "set()"


@pytest.mark.long
@pytest.mark.parametrize(("place", "size"), [("disk", 2_000_000_000), ("S3", 400_000_000)])
def test_a_large_file_takes_less_than_64_mb_of_memory(
    place: str, size: int, tmp_path: pathlib.Path, simulator: Simulator, s3: ObjectStore
) -> None:
    simulator.add_video("tavus", video_id="v", media_bytes=size)
    environment = child_environment(str(tmp_path / "home"))
    environment["AIRFLOW_CONN_TAVUS_DEFAULT"] = f"tavus://:{simulator.key}@127.0.0.1:{simulator.port}/http"
    environment[f"AIRFLOW_CONN_{s3.conn_id.upper()}"] = s3.uri
    path, conn_id = (f"{tmp_path}/v.mp4", "") if place == "disk" else (f"s3://{s3.bucket}/v.mp4", s3.conn_id)
    run = measure_ours(path, conn_id, environment)
    assert run.memory is not None
    assert run.memory < MAX_MEMORY
