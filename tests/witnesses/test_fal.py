# SPDX-License-Identifier: Apache-2.0
"""fal's own Python SDK. It has no call to list requests, and none to delete them."""

from __future__ import annotations

from typing import Any

import fal_client
import fal_client.client
import pytest

from airflow_provider_videos.simulator import Simulator
from tests.witnesses.conftest import Done

# The SDK has no call that closes a client.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

APP = "fal-ai/veo3"
INPUT = {"prompt": "A cat.", "duration": "8s"}


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Let the SDK call the simulator; what it reads from the environment is always https."""
    for name in ("QUEUE_URL_FORMAT", "RUN_URL_FORMAT"):
        monkeypatch.setattr(fal_client.client, name, f"{simulator.vendor_url('fal')}/")


@pytest.fixture(params=[fal_client.SyncClient, fal_client.AsyncClient])
def new_client(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client(new_client: Any, simulator: Simulator) -> Any:
    return new_client(key=simulator.key, default_timeout=10)


@pytest.mark.parametrize("app", [APP, f"{APP}/image-to-video", "workflows/me/mine/fast"])
def test_the_sdk_orders_a_video_and_polls_it_to_success(
    client: Any, done: Done, simulator: Simulator, app: str
) -> None:
    simulator.queued = 600
    handle = done(client.submit(app, INPUT))
    video_id = f"{'/'.join(app.split('/')[: 3 if 'workflows' in app else 2])}/requests/{handle.request_id}"
    assert done(handle.status()) == fal_client.Queued(position=1)
    simulator.set_video("fal", video_id, queued=0, generating=600)
    assert done(handle.status()) == fal_client.InProgress(logs=[])
    simulator.set_video("fal", video_id, generating=0)
    assert done(handle.status()) == fal_client.Completed(logs=[], metrics={"inference_time": 0})
    assert done(handle.get())["video"]["url"].endswith(".mp4")
    assert done(client.result(app, handle.request_id)) == done(handle.get())
    assert simulator.record.created == {"fal": 1}


def test_the_sdk_itself_waits_for_a_video(client: Any, done: Done) -> None:
    assert done(client.subscribe(APP, INPUT))["video"]["content_type"] == "video/mp4"


@pytest.mark.parametrize(
    ("outcome", "status_code", "reason"),
    [
        ("failed", 422, "no_media_generated"),
        ("timed_out", 504, "request_timeout"),
        ("cancelled", 499, "client_cancelled"),
    ],
)
def test_the_sdk_meets_the_error_of_a_completed_job_at_its_result(
    client: Any, done: Done, simulator: Simulator, outcome: str, status_code: int, reason: str
) -> None:
    handle = done(client.submit(APP, INPUT))
    simulator.set_video("fal", f"{APP}/requests/{handle.request_id}", outcome=outcome)
    completed = done(handle.status())
    assert isinstance(completed, fal_client.Completed)
    assert completed.error_type == reason
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        done(handle.get())
    assert error.value.status_code == status_code


def test_the_sdk_cancels_a_video(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.queued = 600
    handle = done(client.submit(APP, INPUT))
    done(handle.cancel())
    assert done(handle.status()).error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        done(client.cancel(APP, handle.request_id))
    assert error.value.response.json() == {"status": "ALREADY_COMPLETED"}


def test_the_sdk_is_told_that_its_key_is_wrong(new_client: Any, done: Done, simulator: Simulator) -> None:
    stranger = new_client(key="another:key")
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        done(stranger.submit(APP, INPUT))
    assert error.value.status_code == 401
    with pytest.raises(fal_client.FalClientHTTPError) as error:
        done(stranger.status(APP, simulator.add_video("fal").rpartition("/")[2]))
    assert error.value.status_code == 401
    assert (simulator.record.created, simulator.record.keys_refused) == ({}, 2)


def test_the_sdk_is_told_that_there_is_no_such_video(client: Any, done: Done) -> None:
    for call in (client.status, client.result, client.cancel):
        with pytest.raises(fal_client.FalClientHTTPError) as error:
            done(call(APP, "764cabcf-b745-4b3e-ae38-1200304cf45b"))
        assert error.value.status_code == 404
