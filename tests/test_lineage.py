# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.utils.state import TaskInstanceState

from airflow_provider_videos.exceptions import VideoBatchDownloadError, VideoBatchError, VideoFailedError
from airflow_provider_videos.lineage import dataset_name
from airflow_provider_videos.operators.download import DownloadVideoBatchOperator, DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.simulator import Fault, Simulator
from object_store import ObjectStore
from tests.attempts import Attempts
from tests.vendor_kit import REQUESTS, Connect
from tests.waiting_kit import TaskInstance

in_both_modes = pytest.mark.parametrize("mode", ["sync", "deferrable"])


def emitted(task: BaseOperator, state: TaskInstanceState = TaskInstanceState.SUCCESS) -> dict[str, Any]:
    """Return what the openlineage provider makes of a task at its end, as JSON that holds no URL of a file's."""
    # Every test process collects this file, and one runs its tests: the provider takes 1.4 s to import.
    from airflow.providers.openlineage.extractors.manager import ExtractorManager
    from openlineage.client.serde import Serde

    ti: Any = SimpleNamespace(task=task)
    dag_run: Any = SimpleNamespace(run_id="run")
    lineage = ExtractorManager().extract_metadata(dag_run, task, state, ti)
    text = Serde.to_json(lineage)
    assert "/media/" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(dataset["namespace"], dataset["name"]) for dataset in datasets]


def run_order(operator_class: type[BaseOperator], **arguments: Any) -> tuple[Attempts, list[BaseOperator]]:
    """Prepare a task that orders at Tavus; the last object that Airflow makes of it is the one that ends."""
    made: list[BaseOperator] = []

    def make() -> BaseOperator:
        made.append(operator_class(task_id="order", conn_id="tavus_default", poke_interval=0.1, **arguments))
        return made[-1]

    return Attempts(make), made


def context() -> Any:
    return {"ti": TaskInstance(), "outlet_events": defaultdict(lambda: SimpleNamespace(extra={}))}


@in_both_modes
def test_the_lineage_of_an_order_is_the_vendors_video(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.generating = 0.3
    task, made = run_order(GenerateVideoOperator, request=REQUESTS["tavus"], deferrable=mode == "deferrable")
    video_id = task.run()["video_id"]
    lineage = emitted(made[-1])
    assert (lineage["inputs"], names(lineage["outputs"])) == ([], [("tavus", video_id)])
    facet = lineage["run_facets"]["externalQuery"]
    assert (facet["externalQueryId"], facet["source"]) == (video_id, "tavus")


@in_both_modes
def test_the_lineage_of_an_order_whose_video_fails_is_the_vendors_id_alone(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.outcome, simulator.generating = "failed", 0.3
    task, made = run_order(GenerateVideoOperator, request=REQUESTS["tavus"], deferrable=mode == "deferrable")
    with pytest.raises(VideoFailedError) as failure:
        task.run()
    lineage = emitted(made[-1], TaskInstanceState.FAILED)
    assert lineage["outputs"] == []
    assert lineage["run_facets"]["externalQuery"]["externalQueryId"] == failure.value.video["video_id"]


def test_the_lineage_of_a_task_that_ordered_nothing_is_empty() -> None:
    task = GenerateVideoOperator(task_id="order", conn_id="tavus_default", request={})
    assert emitted(task, TaskInstanceState.FAILED) == {"inputs": [], "outputs": [], "run_facets": {}, "job_facets": {}}


@in_both_modes
def test_the_lineage_of_a_batch_is_its_ready_videos(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=400, times=1))
    requests = [REQUESTS["tavus"] | {"script": text} for text in ("a", "b", "c")]
    task, made = run_order(GenerateVideoBatchOperator, requests=requests, deferrable=mode == "deferrable")
    with pytest.raises(VideoBatchError):
        task.run()
    ready = [video["video_id"] for video in task.ti.xcoms["videos"] if video["state"] == "ready"]
    assert names(emitted(made[-1], TaskInstanceState.FAILED)["outputs"]) == [("tavus", one) for one in ready]
    assert len(ready) == 2


def test_the_lineage_of_a_download_is_the_vendors_video_and_the_file(
    simulator: Simulator, connect: Connect, tmp_path: Path
) -> None:
    video_id = simulator.add_video("tavus")
    task = DownloadVideoOperator(
        task_id="keep", video_id=video_id, path=f"{tmp_path}/", conn_id=connect("tavus"), with_record=True
    )
    kept = task.execute(context())
    lineage = emitted(task)
    assert names(lineage["inputs"]) == [("tavus", video_id)]
    [output] = lineage["outputs"]
    assert (output["namespace"], output["name"]) == ("file", kept["path"])
    assert output["facets"]["version"]["datasetVersion"] == kept["sha256"]
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["size"], statistics["fileCount"]) == (kept["bytes"], 1)


def test_a_file_that_was_there_has_no_version_unless_its_record_says_it(
    simulator: Simulator, connect: Connect, tmp_path: Path
) -> None:
    connect("tavus")
    for with_record in (False, True):
        folder, video_id = f"{tmp_path}/{with_record}/", simulator.add_video("tavus")
        for _ in range(2):
            task = DownloadVideoOperator(
                task_id="keep", video_id=video_id, path=folder, conn_id="tavus_default", with_record=with_record
            )
            task.execute(context())
        [output] = emitted(task)["outputs"]
        assert ("version" in output["facets"]) == with_record


def test_a_file_on_s3_is_named_by_its_bucket_and_not_by_the_connection(
    s3: ObjectStore, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    path = f"s3://{s3.conn_id}@{s3.bucket}/some/a.mp4"
    task = DownloadVideoOperator(task_id="keep", video_id=video_id, path=path, conn_id=connect("tavus"))
    task.execute(context())
    assert names(emitted(task)["outputs"]) == [(f"s3://{s3.bucket}", "some/a.mp4")]


def test_the_lineage_of_a_batch_of_downloads_is_what_was_kept(
    simulator: Simulator, connect: Connect, tmp_path: Path
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(3)]
    task = DownloadVideoBatchOperator(
        task_id="keep",
        video_ids=[video_ids[0], "absent", *video_ids[1:], video_ids[0]],
        path=f"{tmp_path}/",
        conn_id=connect("tavus"),
    )
    with pytest.raises((VideoBatchDownloadError, VideoBatchError)):
        task.execute(context())
    lineage = emitted(task, TaskInstanceState.FAILED)
    assert names(lineage["inputs"]) == [("tavus", video_id) for video_id in video_ids]
    assert names(lineage["outputs"]) == [("file", f"{tmp_path}/tavus-{video_id}.mp4") for video_id in video_ids]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/mnt/videos/a.mp4", ("file", "/mnt/videos/a.mp4")),
        ("file:///mnt/videos/a.mp4", ("file", "/mnt/videos/a.mp4")),
        ("s3://bucket/a/b.mp4", ("s3://bucket", "a/b.mp4")),
        ("gs://google_default@bucket/b.mp4", ("gs://bucket", "b.mp4")),
        ("sftp://name:password@host/a.mp4", ("sftp://host", "a.mp4")),
    ],
)
def test_a_dataset_is_named_as_openlineage_names_files(path: str, expected: tuple[str, str]) -> None:
    assert dataset_name(path) == expected


def test_operators_import_nothing_of_openlineage() -> None:
    code = (
        "import sys, airflow_provider_videos.operators.generate_batch, airflow_provider_videos.operators.download\n"
        "print([name for name in sys.modules if name.startswith('openlineage') or 'openlineage.extractors' in name])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("[]")
