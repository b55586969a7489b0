# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import pathlib
import threading
import time
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from airflow.sdk import DAG, Asset
from airflow.sdk import task as task_decorator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.download import transfer, video_download
from airflow_provider_videos.exceptions import (
    VideoBatchDownloadError,
    VideoBatchError,
    VideoIdError,
    VideoParameterError,
    VideoPathError,
)
from airflow_provider_videos.http import adapter
from airflow_provider_videos.operators.download import DownloadVideoBatchOperator
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from tests.vendor_kit import Connect
from tests.waiting_kit import TaskInstance


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(transfer, "MAX_PAUSE", 0.02)


class Task:
    """A task that keeps videos, and what it leaves."""

    def __init__(self, folder: pathlib.Path, **arguments: Any) -> None:
        self.ti = TaskInstance()
        self.events: dict[Any, Any] = defaultdict(lambda: SimpleNamespace(extra={}))
        self.operator = DownloadVideoBatchOperator(task_id="keep", path=f"{folder}/", **arguments)

    def run(self) -> list[dict[str, Any]]:
        context: Any = {"ti": self.ti, "outlet_events": self.events}
        return self.operator.execute(context)


def test_the_files_are_those_of_the_vendor_and_the_list_is_in_order(
    vendor: VendorName, simulator: Simulator, connect: Connect, tmp_path: pathlib.Path
) -> None:
    video_ids = [simulator.add_video(vendor, media_bytes=size) for size in (300_000, 100_000, 200_000)]
    task = Task(tmp_path, video_ids=[*video_ids, video_ids[0]], conn_id=connect(vendor))
    kept = task.run()
    assert [record["video_id"] for record in kept] == [*video_ids, video_ids[0]]
    assert [record["bytes"] for record in kept] == [300_000, 100_000, 200_000, 300_000]
    for record in kept:
        content = pathlib.Path(record["path"]).read_bytes()
        assert content == requests.get(f"{simulator.url}/media/{vendor}/{record['video_id']}.mp4", timeout=10).content
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
        assert record["error_message"] is None
    assert task.ti.xcoms["videos"] == kept
    assert len(list(tmp_path.iterdir())) == 3


def test_files_come_on_one_connection_for_each_that_is_transferred_at_once(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = []
    connect_one = adapter._Connection.connect

    def note(self: Any) -> None:
        connected.append(self)
        connect_one(self)

    monkeypatch.setattr(adapter._Connection, "connect", note)
    videos = [
        {"vendor": "tavus", "video_id": video_id, "download_url": f"{simulator.url}/media/tavus/{video_id}.mp4"}
        for video_id in (simulator.add_video("tavus") for _ in range(9))
    ]
    task = Task(tmp_path, video_ids=videos, conn_id=connect("tavus"), max_active_downloads=2)
    assert len(task.run()) == 9
    assert 1 <= len(connected) <= 2


def test_no_more_are_transferred_at_once_than_the_dag_allows(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, most, lock = 0, 0, threading.Lock()
    keep = video_download.VideoDownload.keep

    def counted(self: Any) -> dict[str, Any]:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        time.sleep(0.05)
        try:
            return keep(self)
        finally:
            with lock:
                active -= 1

    monkeypatch.setattr(video_download.VideoDownload, "keep", counted)
    video_ids = [simulator.add_video("tavus") for _ in range(9)]
    Task(tmp_path, video_ids=video_ids, conn_id=connect("tavus"), max_active_downloads=3).run()
    assert most == 3


def test_what_is_there_is_not_transferred_again(simulator: Simulator, connect: Connect, tmp_path: pathlib.Path) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(3)]
    conn_id = connect("tavus")
    Task(tmp_path, video_ids=video_ids[:2], conn_id=conn_id).run()
    kept = Task(tmp_path, video_ids=video_ids, conn_id=conn_id).run()
    assert [record["transferred"] for record in kept] == [False, False, True]
    assert simulator.record.requests["tavus media"] == 3


def test_all_others_are_kept_before_the_task_fails_and_names_each_failure(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path
) -> None:
    failed = simulator.add_video("tavus", outcome="failed", status_details="The script is empty.")
    ready = [simulator.add_video("tavus") for _ in range(3)]
    task = Task(tmp_path, video_ids=[ready[0], failed, *ready[1:]], conn_id=connect("tavus"))
    with pytest.raises(VideoBatchError, match=rf"^1 of 4 videos failed\. {failed}: .*The script is empty\.$"):
        task.run()
    assert len(list(tmp_path.iterdir())) == 3
    assert [record["path"] is None for record in task.ti.xcoms["videos"]] == [False, True, False, False]


def test_a_failure_that_a_retry_may_cure_is_retried_and_the_rest_is_there_by_then(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(3)]
    task = Task(tmp_path, video_ids=video_ids, conn_id=connect("tavus"), max_attempts=1, max_active_downloads=1)
    simulator.add_fault(Fault("status", status=503, times=1, target="media"))
    with pytest.raises(VideoBatchDownloadError, match="1 of 3 videos could not be kept") as failure:
        task.run()
    assert not isinstance(failure.value, AirflowFailException)
    assert sorted(record["transferred"] for record in task.run()) == [False, False, True]


def test_failed_ones_are_returned_if_the_dag_says_so(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    failed, ready = simulator.add_video("tavus", outcome="failed"), simulator.add_video("tavus")
    never = {"video_id": None, "vendor": "tavus", "error_message": "refused"}
    asset = Asset("files")
    conn_id = connect("tavus")
    task = Task(tmp_path, video_ids=[failed, ready, never], conn_id=conn_id, on_failure="return", outlets=[asset])
    kept = task.run()
    assert [record["path"] is None for record in kept] == [True, False, True]
    assert len({frozenset(record) for record in kept}) == 1
    assert kept[2]["error_message"] == "refused"
    place = {"dag_id": "dag", "run_id": "run", "task_id": "wait", "map_index": -1, "key": "videos"}
    assert task.events[asset].extra == {"videos": 3, "ready": 1, "failed": 2, **place}
    assert "1 of 3 videos kept, 2 failed." in caplog.messages


def test_many_files_need_a_folder(simulator: Simulator, connect: Connect, tmp_path: pathlib.Path) -> None:
    task = Task(tmp_path, video_ids=["v1", "v2"], conn_id=connect("tavus"))
    task.operator.path = str(tmp_path / "video.mp4")
    with pytest.raises(VideoPathError, match="must be a folder"):
        task.run()
    assert simulator.record.requests == {}


def test_a_bad_entry_is_named_by_its_place(simulator: Simulator, connect: Connect, tmp_path: pathlib.Path) -> None:
    task = Task(tmp_path, video_ids=["v1"], conn_id=connect("tavus"))
    task.operator.video_ids = ["v1", {"video_id": "v2", "vendor": "together"}]
    with pytest.raises(VideoIdError, match=r"video_ids\[1\]"):
        task.run()


def test_a_list_that_is_too_long_to_be_mapped_over_is_refused_before_any_transfer(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")

    @task_decorator
    def use(record: dict[str, Any]) -> None:
        return None

    with DAG("dag", schedule=None):
        task = Task(tmp_path, video_ids=["v1", "v2", "v3"], conn_id=connect("tavus"))
        use.expand(record=task.operator.output)
    with pytest.raises(VideoParameterError, match="max_map_length is 2"):
        task.run()
    assert simulator.record.requests == {}


def test_a_task_whose_time_is_over_ends_with_the_next_bytes_and_leaves_nothing_incomplete(
    simulator: Simulator, connect: Connect, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TimeIsOver(BaseException):
        pass

    def interrupted(futures: Any) -> Any:
        time.sleep(0.5)
        raise TimeIsOver

    monkeypatch.setattr("concurrent.futures.as_completed", interrupted)
    simulator.add_fault(Fault("drip", seconds=0.02, target="media"))
    video_ids = [simulator.add_video("tavus", media_bytes=50_000_000) for _ in range(6)]
    task = Task(tmp_path, video_ids=video_ids, conn_id=connect("tavus"))
    began = time.monotonic()
    with pytest.raises(TimeIsOver):
        task.run()
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []
