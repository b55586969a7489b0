# SPDX-License-Identifier: Apache-2.0
"""Runway's own Python SDK, which has no call to list tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import runwayml
import runwayml.lib.polling

from airflow_provider_videos.simulator import Simulator
from tests.witnesses.conftest import Done

CLIP: dict[str, Any] = {"model": "gen4.5", "prompt_text": "A cat.", "ratio": "1280:720", "duration": 5}
IMAGE, VIDEO = "https://a.example/cat.png", "https://a.example/cat.mp4"
#: A call of the SDK for each kind of video.
KINDS: dict[str, dict[str, Any]] = {
    "text_to_video": CLIP,
    "image_to_video": {**CLIP, "prompt_image": IMAGE},
    "video_to_video": {"model": "aleph2", "video_uri": VIDEO, "prompt_text": "At night."},
    "character_performance": {
        "model": "act_two",
        "character": {"type": "image", "uri": IMAGE},
        "reference": {"type": "video", "uri": VIDEO},
    },
    "video_upscale": {"model": "enhance_frame_rate", "video_uri": VIDEO, "target_framerate": "60"},
    "video_to_hdr": {"model": "ruby", "video_uri": VIDEO},
    "avatar_videos": {
        "model": "gwm1_avatars",
        "avatar": {"type": "runway-preset", "preset_id": "influencer"},
        "speech": {"type": "text", "text": "Hello."},
    },
    "generate.video": {"config_id": "cheapest", "input": {"promptText": "A cat."}},
}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK poll at once, not after six seconds."""
    monkeypatch.setattr(runwayml.lib.polling, "POLL_TIME", 0)
    monkeypatch.setattr(runwayml.lib.polling, "POLL_JITTER", 0)


@pytest.fixture(params=[runwayml.RunwayML, runwayml.AsyncRunwayML])
def client(request: pytest.FixtureRequest, simulator: Simulator, done: Done) -> Iterator[Any]:
    client = request.param(api_key=simulator.key, base_url=simulator.vendor_url("runway"), max_retries=0)
    yield client
    done(client.close())


def test_the_sdk_orders_a_video_and_polls_it_to_success(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.queued = 600
    ordered = done(client.text_to_video.create(**CLIP))
    pending = done(client.tasks.retrieve(ordered.id))
    assert (pending.status, pending.estimated_cost.credits) == ("PENDING", 60)
    simulator.set_video("runway", ordered.id, queued=0, generating=1000)
    assert 0 <= done(client.tasks.retrieve(ordered.id)).progress < 1
    simulator.set_video("runway", ordered.id, generating=0)
    ready = done(client.tasks.retrieve(ordered.id))
    assert (ready.id, ready.status, ready.cost.credits) == (ordered.id, "SUCCEEDED", 60)
    assert done(client.tasks.retrieve(ordered.id)).output != ready.output
    assert simulator.record.created == {"runway": 1}


def test_the_sdk_itself_waits_for_a_video(client: Any, done: Done) -> None:
    ready = done(done(client.text_to_video.create(**CLIP)).wait_for_task_output(timeout=10))
    assert ".mp4?_jwt=" in ready.output[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_orders_every_kind_of_video(client: Any, done: Done, simulator: Simulator, kind: str) -> None:
    resource = client
    for name in kind.split("."):
        resource = getattr(resource, name)
    ordered = done(resource.create(**KINDS[kind]))
    assert done(client.tasks.retrieve(ordered.id)).status == "SUCCEEDED"
    assert simulator.record.created == {"runway": 1}


def test_the_sdk_raises_for_a_video_that_failed(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.outcome = "failed"
    ordered = done(client.text_to_video.create(**CLIP))
    with pytest.raises(runwayml.lib.polling.TaskFailedError) as error:
        done(ordered.wait_for_task_output(timeout=10))
    failed = error.value.task_details
    assert (failed.status, failed.failure_code, failed.cost.credits) == ("FAILED", "INTERNAL.BAD_OUTPUT.CODE01", 0)
    assert failed.failure


@pytest.mark.parametrize(
    ("status", "options"),
    [("CANCELLED", {"outcome": "cancelled"}), ("THROTTLED", {"queued": 600, "status": "THROTTLED"})],
)
def test_the_sdk_reads_what_else_can_become_of_a_video(
    client: Any, done: Done, simulator: Simulator, status: str, options: dict[str, Any]
) -> None:
    assert done(client.tasks.retrieve(simulator.add_video("runway", **options))).status == status


@pytest.mark.parametrize("generating", [0, 600])
def test_the_sdk_cancels_a_video_or_deletes_it(client: Any, done: Done, simulator: Simulator, generating: int) -> None:
    video_id = simulator.add_video("runway", generating=generating)
    assert done(client.tasks.delete(video_id)) is None
    with pytest.raises(runwayml.NotFoundError):
        done(client.tasks.retrieve(video_id))
    with pytest.raises(runwayml.NotFoundError):
        done(client.tasks.delete(video_id))


def test_the_sdk_is_told_that_its_order_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    with pytest.raises(runwayml.BadRequestError) as error:
        done(client.text_to_video.create(**{**CLIP, "duration": 11}))
    assert error.value.body["issues"][0]["path"] == ["duration"]
    assert simulator.record.created == {}


def test_the_sdk_is_told_that_its_key_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    stranger = client.with_options(api_key="another-key")
    with pytest.raises(runwayml.AuthenticationError):
        done(stranger.text_to_video.create(**CLIP))
    with pytest.raises(runwayml.AuthenticationError):
        done(stranger.tasks.retrieve(simulator.add_video("runway")))
    with pytest.raises(runwayml.AuthenticationError):
        done(stranger.organization.retrieve())
    assert (simulator.record.created, simulator.record.keys_refused) == ({}, 3)


def test_the_sdk_is_told_that_its_version_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    with pytest.raises(runwayml.BadRequestError, match="X-Runway-Version"):
        done(client.with_options(runway_version="2020-01-01").tasks.retrieve(simulator.add_video("runway")))


def test_the_sdk_is_told_that_there_is_no_such_video(client: Any, done: Done) -> None:
    with pytest.raises(runwayml.NotFoundError):
        done(client.tasks.retrieve("17f20503-6c24-4c16-946b-35dbbce2af2f"))


def test_the_sdk_reads_the_account(client: Any, done: Done) -> None:
    account = done(client.organization.retrieve())
    assert (account.credit_balance, account.tier.models["gen4.5"].max_concurrent_generations) == (1000, 1)
