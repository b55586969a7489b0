# SPDX-License-Identifier: Apache-2.0
"""Together AI's own Python SDK, which has no call to cancel or to list videos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import together

from airflow_provider_videos.simulator import Simulator
from tests.witnesses.conftest import Done


@pytest.fixture(params=[together.Together, together.AsyncTogether])
def client(request: pytest.FixtureRequest, simulator: Simulator, done: Done) -> Iterator[Any]:
    client = request.param(api_key=simulator.key, base_url=simulator.vendor_url("together"), max_retries=0)
    yield client
    done(client.close())


def test_the_sdk_orders_a_video_and_polls_it_to_success(client: Any, done: Done, simulator: Simulator) -> None:
    simulator.generating = 600
    ordered = done(client.videos.create(model="a/b", prompt="A cat.", seconds="8"))
    assert (ordered.status, ordered.model, ordered.seconds) == ("in_progress", "a/b", "8")
    assert done(client.videos.retrieve(ordered.id)).status == "in_progress"
    simulator.set_video("together", ordered.id, generating=0)
    ready = done(client.videos.retrieve(ordered.id))
    assert (ready.id, ready.status, ready.outputs.cost) == (ordered.id, "completed", 1)
    assert ready.outputs.video_url.endswith(f"{ordered.id}.mp4")
    assert simulator.record.created == {"together": 1}


@pytest.mark.parametrize(("outcome", "reason"), [("failed", "generation_failed"), ("cancelled", None)])
def test_the_sdk_reads_how_a_video_failed(
    client: Any, done: Done, simulator: Simulator, outcome: str, reason: str | None
) -> None:
    ended = done(client.videos.retrieve(simulator.add_video("together", outcome=outcome)))
    assert (ended.status, ended.error and ended.error.code) == (outcome, reason)


def test_the_sdk_is_told_that_its_order_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    with pytest.raises(together.BadRequestError, match="model"):
        done(client.videos.create(model="", prompt="A cat."))
    assert simulator.record.created == {}


def test_the_sdk_is_told_that_its_key_is_wrong(client: Any, done: Done, simulator: Simulator) -> None:
    stranger = client.with_options(api_key="another-key")
    with pytest.raises(together.AuthenticationError):
        done(stranger.videos.create(model="a/b", prompt="A cat."))
    with pytest.raises(together.AuthenticationError):
        done(stranger.videos.retrieve(simulator.add_video("together")))
    assert (simulator.record.created, simulator.record.keys_refused) == ({}, 2)


def test_the_sdk_is_told_that_there_is_no_such_video(client: Any, done: Done) -> None:
    with pytest.raises(together.NotFoundError):
        done(client.videos.retrieve("019a0068-794a-7213-90f6-cc4eb62e3da7"))
