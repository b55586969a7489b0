# SPDX-License-Identifier: Apache-2.0
"""The Python SDK of Luma's Agents API, which has no call to list, cancel or delete a generation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import luma_agents
import pytest

from airflow_provider_videos.simulator import Fault, Simulator
from tests.witnesses.conftest import Done

ORDER: dict[str, Any] = {"type": "video", "model": "ray-3.2", "prompt": "A cat."}


@pytest.fixture(params=[luma_agents.Luma, luma_agents.AsyncLuma])
def client(request: pytest.FixtureRequest, simulator: Simulator, done: Done) -> Iterator[Any]:
    # The version belongs to the SDK's base URL.
    url = f"{simulator.vendor_url('luma')}/v1"
    client = request.param(auth_token=simulator.key, base_url=url, max_retries=0)
    yield client
    done(client.close())


def test_the_sdk_orders_a_video_and_polls_it_to_success(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.queued = 600
    ordered = done(client.generations.create(**ORDER, video={"duration": "5s"}))
    assert (ordered.type, ordered.state, ordered.model, ordered.output) == ("video", "queued", "ray-3.2", [])
    simulator.set_video("luma", ordered.id, queued=0, generating=600)
    assert done(client.generations.get(ordered.id)).state == "processing"
    simulator.set_video("luma", ordered.id, generating=0)
    ready = done(client.generations.get(ordered.id))
    assert (ready.id, ready.state, ready.failure_code) == (ordered.id, "completed", None)
    assert [output.type for output in ready.output] == ["video"]
    assert f"{ordered.id}.mp4?" in ready.output[0].url
    assert simulator.record.created == {"luma": 1}


@pytest.mark.parametrize("kind", ["video_edit", "video_reframe"])
def test_the_sdk_orders_of_another_video(client: Any, done: Done, simulator: Simulator, kind: str) -> None:
    source = {"generation_id": simulator.add_video("luma")}
    assert done(client.generations.create(**{**ORDER, "type": kind}, source=source)).type == kind


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("failed", "generation_failed"),
        ("moderated", "content_moderated"),
        ("budget_exhausted", "budget_exhausted"),
        ("output_not_found", "output_not_found"),
    ],
)
def test_the_sdk_reads_how_a_video_failed(
    client: Any, done: Done, simulator: Simulator, outcome: str, code: str
) -> None:
    ended = done(client.generations.get(simulator.add_video("luma", outcome=outcome)))
    assert (ended.state, ended.failure_code, ended.output) == ("failed", code, [])
    assert ended.failure_reason


def test_the_sdk_is_told_that_its_order_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    with pytest.raises(luma_agents.BadRequestError, match="prompt: must have"):
        done(client.generations.create(**{**ORDER, "prompt": ""}))
    assert simulator.record.created == {}


def test_the_sdk_is_told_that_its_key_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    stranger = client.with_options(auth_token="another-key")
    with pytest.raises(luma_agents.AuthenticationError, match="Invalid API key"):
        done(stranger.generations.create(**ORDER))
    with pytest.raises(luma_agents.AuthenticationError):
        done(stranger.generations.get(simulator.add_video("luma")))
    assert (simulator.record.created, simulator.record.keys_refused) == ({}, 2)


def test_the_sdk_is_told_that_there_is_no_such_video(client: Any, done: Done) -> None:
    with pytest.raises(luma_agents.NotFoundError, match="Generation not found"):
        done(client.generations.get("00000000-0000-0000-0000-000000000000"))


def test_the_sdk_is_told_of_a_limit(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=429, endpoint="create", vendor="luma", retry_after="60"))
    with pytest.raises(luma_agents.RateLimitError) as refused:
        done(client.generations.create(**ORDER))
    assert refused.value.response.headers["Retry-After"] == "60"
