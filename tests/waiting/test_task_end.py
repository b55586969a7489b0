# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.execution_time.xcom import XCom
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_videos.operators.video import GetVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.waiting.task_end import TaskEnd
from airflow_provider_videos.waiting.xcom_writer import MAX_REQUESTS, REPORTS_PER_SECOND, XComWriter
from airflow_provider_videos.xcom import PUSHED_FIELDS, keys_read_of

READY = Video(
    vendor="tavus", video_id="v1", state=VideoState.READY, status="ready", download_url="https://x.test/v1.mp4"
)


class Supervisor:
    """Answers one XCom at a time, as Airflow's does; what comes later waits."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.keys: list[str] = []
        self.waiting = self.most_waiting = 0
        self._lock = asyncio.Lock()

    async def aset(self, *, key: str, value: Any, **place: Any) -> None:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        async with self._lock:
            await asyncio.sleep(self.seconds)
        self.waiting -= 1
        self.keys.append(key)


def task_instance(index: int = 0) -> Any:
    return SimpleNamespace(dag_id="dag", run_id="run", task_id=f"wait_{index}", map_index=-1)


def test_an_end_costs_the_record_and_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(keys: list[str] | None) -> list[str]:
        supervisor = Supervisor()
        monkeypatch.setattr(XCom, "aset", supervisor.aset, raising=False)
        event = await TaskEnd(end_from_trigger=True, xcom_keys=keys).event(READY, task_instance(), {"queued": 1.0})
        assert isinstance(event, TaskSuccessEvent)
        if keys is not None:
            assert event.xcoms == {"status_seconds": {"queued": 1.0}}
        return supervisor.keys

    assert asyncio.run(end([])) == ["return_value"]
    assert asyncio.run(end(["download_url"])) == ["return_value", "download_url"]
    # An older version of the package has not looked.
    assert asyncio.run(end(None)) == ["return_value", *PUSHED_FIELDS, "status_seconds"]


def test_waits_that_end_together_end_one_after_the_other_and_not_all_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end_together() -> tuple[list[float], int]:
        supervisor = Supervisor()
        monkeypatch.setattr(XCom, "aset", supervisor.aset, raising=False)
        began, ended = time.monotonic(), []

        async def end(index: int) -> None:
            await TaskEnd(end_from_trigger=True, xcom_keys=[]).event(READY, task_instance(index), {})
            ended.append(time.monotonic() - began)

        await asyncio.gather(*[end(index) for index in range(50)])
        return ended, supervisor.most_waiting

    ended, most_waiting = asyncio.run(end_together())
    assert ended[0] < ended[-1] / 4
    # The report that tasks have ended waits behind no more than these.
    assert most_waiting <= MAX_REQUESTS


def test_reports_are_few_and_give_way_to_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def take() -> tuple[int, bool]:
        writer = XComWriter()
        taken = sum(writer.take_report() for _ in range(100))
        monkeypatch.setattr(XCom, "aset", Supervisor(0.05).aset, raising=False)
        ending = [asyncio.create_task(writer.push(task_instance(), {"return_value": 1})) for _ in range(20)]
        await asyncio.sleep(0.3)
        while_ending = writer.take_report()
        await asyncio.gather(*ending)
        return taken, while_ending

    taken, while_ending = asyncio.run(take())
    assert taken == REPORTS_PER_SECOND
    assert not while_ending


@pytest.fixture
def waiting() -> VideoSensor:
    with DAG("dag", schedule=None):
        return VideoSensor(task_id="wait", video_id="v1", conn_id="c", end_from_trigger=True)


def reader(waiting: VideoSensor, video_id: Any) -> BaseOperator:
    assert waiting.dag is not None
    return GetVideoOperator(task_id="read", video_id=video_id, conn_id="c", dag=waiting.dag)


def test_nothing_is_read_of_a_task_that_stands_alone(waiting: VideoSensor) -> None:
    assert keys_read_of(waiting) == []


def test_the_record_is_pushed_anyway(waiting: VideoSensor) -> None:
    reader(waiting, waiting.output)
    assert keys_read_of(waiting) == []


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_key_that_a_template_pulls_is_read(waiting: VideoSensor, quote: str) -> None:
    reader(waiting, f"{{{{ ti.xcom_pull(task_ids='wait', key={quote}download_url{quote}) }}}}")
    assert keys_read_of(waiting) == ["download_url"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_key_of_an_output_is_read(waiting: VideoSensor, nested: bool) -> None:
    key = waiting.output["hosted_url"]  # type: ignore[index]
    reader(waiting, {"id": key} if nested else key)
    assert keys_read_of(waiting) == ["hosted_url"]


def test_a_key_that_a_mapped_task_reads_is_read(waiting: VideoSensor) -> None:
    assert waiting.dag is not None
    with waiting.dag:
        pull = "{{ ti.xcom_pull(task_ids='wait', key='video_id') }}"
        GetVideoOperator.partial(task_id="read", conn_id="c").expand(video_id=[pull])
    assert keys_read_of(waiting) == ["video_id"]


def test_a_key_of_another_task_is_not_read(waiting: VideoSensor) -> None:
    reader(waiting, "{{ ti.xcom_pull(task_ids='order', key='video_id') }}")
    assert keys_read_of(waiting) == []


def test_a_task_outside_of_a_dag_may_have_everything_read() -> None:
    assert keys_read_of(None) == [*PUSHED_FIELDS, "status_seconds"]
