# SPDX-License-Identifier: Apache-2.0
"""The worked example of ``docs/add-a-vendor.md``: a vendor in a package that somebody else publishes."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.simulator import Simulator
from environment import run_uv
from local_airflow.real_airflow import RealAirflow
from tests.conftest import API_KEY

CHECKOUT = Path(__file__).parent.parent.parent
EXAMPLE = CHECKOUT / "docs" / "examples" / "acme-video"
PAGE = CHECKOUT / "docs" / "add-a-vendor.md"
EVERY_TASK = """
import sys
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.video import DeleteVideoOperator, GetVideoOperator
from tests.attempts import Attempts
from tests.waiting_kit import MODES, TaskInstance, wait

acme = {"conn_id": "acme_default"}
for deferrable in (False, True):
    video = Attempts(lambda: GenerateVideoOperator(
        task_id="order", request={"prompt": "A cat."}, deferrable=deferrable, poke_interval=0.1, **acme)).run()
    assert video["state"] == "ready", video
for mode in MODES:
    assert wait(mode, video_id=video, **acme).value == {**video, "prompt": None}
context = {"ti": TaskInstance()}
assert GetVideoOperator(task_id="get", video_id=video, **acme).execute(context)["credits"] == 40
kept = DownloadVideoOperator(task_id="keep", video_id=video, path=sys.argv[1], **acme).execute({})
assert kept["bytes"] > 1_000
assert DeleteVideoOperator(task_id="delete", video_id=video, **acme).execute(context)["deleted"]
assert VideoHook.get_hook("acme_default").test_connection()[0]
print("every task ended as it should")
"""
WITHOUT_WORKER = """
from airflow.sdk import DAG
from airflow_provider_videos.sensors.video import VideoSensor

with DAG("without_worker", schedule=None, params={"video_id": ""}):
    VideoSensor(task_id="wait", conn_id="acme_default", video_id="{{ params.video_id }}", poke_interval=1,
                start_from_trigger=True, end_from_trigger=True)
"""


def run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--confcutdir", str(EXAMPLE)]
    paths = {"PYTHONPATH": f"{EXAMPLE}{os.pathsep}{CHECKOUT}"}
    assert "passed" in run([*command, "-c", os.devnull, "--rootdir", str(EXAMPLE), str(EXAMPLE)], paths)


def test_the_vendors_file_imports_neither_airflow_nor_an_http_library() -> None:
    code = "import sys, acme_video.vendor; print(*{name.partition('.')[0] for name in sys.modules})"
    imported = run([sys.executable, "-c", code], {"PYTHONPATH": f"{EXAMPLE}{os.pathsep}{CHECKOUT}"}).split()
    assert {"airflow", "requests", "aiohttp"} & set(imported) == set()


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = re.findall(r"^`([^`\n]+)`:\n\n```(?:py|toml)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert {name for name, _ in shown} == {
        str(path.relative_to(EXAMPLE))
        for path in EXAMPLE.rglob("*")
        if path.suffix in {".py", ".toml"} and path.name != "__init__.py"
    }
    for name, text in shown:
        assert text == (EXAMPLE / name).read_text().removeprefix("# SPDX-License-Identifier: Apache-2.0\n"), name


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Run the vendor of the example."""
    monkeypatch.syspath_prepend(EXAMPLE)
    vendor = importlib.import_module("acme_video.simulated").VENDOR
    with Simulator(key=API_KEY, queued=0.1, generating=0.1, vendors=[vendor]) as running:
        yield running


@pytest.fixture
def installed(acme: Simulator, tmp_path: Path) -> dict[str, str]:
    """Build its wheel, install it, and give the environment of a process that has it and a connection."""
    run_uv("build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "wheels"), str(EXAMPLE))
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    packages = tmp_path / "packages"
    run_uv("pip", "install", "--quiet", "--no-deps", "--target", str(packages), "--python", sys.executable, str(wheel))
    return {
        "AIRFLOW_CONN_ACME_DEFAULT": acme.connection_uri("acme"),
        "PYTHONPATH": f"{packages}{os.pathsep}{CHECKOUT}",
    }


@pytest.mark.long
def test_it_works_in_every_task_once_its_wheel_is_installed(
    acme: Simulator, installed: dict[str, str], tmp_path: Path
) -> None:
    environment = {"AIRFLOW_HOME": str(tmp_path / "airflow"), **installed}
    done = run([sys.executable, "-c", EVERY_TASK, f"{tmp_path}/kept/"], environment)
    assert "every task ended as it should" in done
    assert acme.record.created == {"acme": 2}
    airflow = [sys.executable, "-m", "airflow", "providers"]
    assert "Videos of Acme" in run([*airflow, "get", "--full", "-o", "json", "acme-video"], environment)
    assert "acme_video.hook.AcmeHook" in run([*airflow, "hooks", "-o", "json"], environment)


@pytest.mark.long
@pytest.mark.system
@pytest.mark.skipif(not hasattr(BaseTrigger, "render_template_fields"), reason="Airflow has this from 3.3 on")
def test_its_videos_are_waited_for_in_an_airflow_without_a_worker(
    acme: Simulator, installed: dict[str, str], tmp_path: Path
) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "without_worker.py").write_text(WITHOUT_WORKER)
    video_id = acme.add_video("acme", queued=0, generating=0)
    with RealAirflow(tmp_path / "home", dags, installed) as airflow:
        run_id = airflow.trigger("without_worker", {"video_id": video_id})
        assert airflow.wait_for_run("without_worker", run_id) == "success", airflow.all_logs()
        video = airflow.xcom("without_worker", run_id, "wait")
        # Airflow's audit log has a line for each process that begins to run a task.
        [[processes]] = airflow.rows("SELECT count(*) FROM log WHERE event = 'running' AND dag_id = 'without_worker'")
    assert (video["vendor"], video["video_id"], video["state"]) == ("acme", video_id, "ready")
    assert processes == 0
