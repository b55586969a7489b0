# SPDX-License-Identifier: Apache-2.0
"""Replicate's own Python SDK, sync and async. It has no call to delete a prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import replicate
from replicate.exceptions import ModelError, ReplicateError

from airflow_provider_videos.simulator import Simulator
from tests.witnesses.conftest import Done

MODEL = "minimax/video-01"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
PROMPT = {"prompt": "A cat."}


@pytest.fixture
def client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> replicate.Client:
    # It is read when a client polls, in seconds.
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.05")
    return replicate.Client(api_token=simulator.key, base_url=simulator.vendor_url("replicate"))


@pytest.fixture(params=["", "async_"])
def call(request: pytest.FixtureRequest, done: Done) -> Callable[..., Any]:
    """Give a function that calls a method, sync or async, and gives what it returns."""

    def call(owner: Any, name: str, *arguments: Any, **options: Any) -> Any:
        return done(getattr(owner, f"{request.param}{name}")(*arguments, **options))

    return call


def test_the_sdk_orders_a_prediction_and_polls_it_to_success(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    simulator.generating = 0.2
    ordered = call(client.predictions, "create", model=MODEL, input=PROMPT)
    assert (ordered.status, ordered.model, ordered.version, ordered.input) == ("processing", MODEL, "hidden", PROMPT)
    call(ordered, "wait")
    assert ordered.status == "succeeded"
    assert ordered.output.endswith(f"{ordered.id}.mp4")
    assert call(client.predictions, "get", ordered.id).output == ordered.output
    assert simulator.record.created == {"replicate": 1}


def test_the_sdk_orders_of_a_version_and_of_a_deployment(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    by_version = call(client.predictions, "create", version=VERSION, input=PROMPT)
    assert (by_version.version, by_version.input) == (VERSION, PROMPT)
    assert call(client.deployments.predictions, "create", "me/clips", input=PROMPT).status == "succeeded"
    assert simulator.record.created == {"replicate": 2}


def test_the_sdk_runs_a_model_to_its_output(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    # What is processing when the POST is answered, the SDK takes for finished.
    simulator.queued = 0.2
    assert str(call(client, "run", MODEL, input=PROMPT)).endswith(".mp4")
    simulator.outcome = "failed"
    with pytest.raises(ModelError, match="Prediction failed"):
        call(client, "run", MODEL, input=PROMPT)


def test_the_sdk_reads_a_list_of_urls(client: replicate.Client, call: Callable[..., Any], simulator: Simulator) -> None:
    video_id = simulator.add_video("replicate", form="observed")
    [url] = call(client.predictions, "get", video_id).output
    assert url.endswith(f"{video_id}.mp4")


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("failed", "failed", "Prediction failed: the model raised an error"),
        ("cancelled", "canceled", None),
        ("data_removed", "succeeded", None),
    ],
)
def test_the_sdk_reads_how_a_prediction_ended(
    client: replicate.Client,
    call: Callable[..., Any],
    simulator: Simulator,
    outcome: str,
    status: str,
    reason: str | None,
) -> None:
    ended = call(client.predictions, "get", simulator.add_video("replicate", outcome=outcome))
    assert (ended.status, ended.error, ended.output) == (status, reason, None)


def test_the_sdk_does_not_know_a_prediction_that_was_aborted(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    # The status is documented, and missing in the SDK's list.
    with pytest.raises(ValueError, match="unexpected value"):
        call(client.predictions, "get", simulator.add_video("replicate", outcome="aborted"))


def test_the_sdk_cancels_a_prediction(client: replicate.Client, call: Callable[..., Any], simulator: Simulator) -> None:
    running = call(client.predictions, "get", simulator.add_video("replicate", outcome="stuck"))
    assert running.status == "processing"
    call(running, "cancel")
    assert running.status == "canceled"


def test_the_sdk_lists_predictions_page_by_page(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    ids = [simulator.add_video("replicate") for _ in range(101)]
    first = call(client.predictions, "list")
    assert [entry.id for entry in first.results] == ids[:0:-1]
    second = call(client.predictions, "list", first.next)
    assert ([entry.id for entry in second.results], second.next) == ([ids[0]], None)


def test_the_sdk_is_told_that_its_order_is_wrong(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    with pytest.raises(ReplicateError, match="input is required") as refused:
        call(client.predictions, "create", model=MODEL, input="A cat.")
    assert (refused.value.status, refused.value.title) == (422, "Input validation failed")
    assert simulator.record.created == {}


def test_the_sdk_is_told_that_its_key_is_wrong(
    client: replicate.Client, call: Callable[..., Any], simulator: Simulator
) -> None:
    simulator.key = "another-key"
    for name, arguments in (("create", {"model": MODEL, "input": PROMPT}), ("list", {})):
        with pytest.raises(ReplicateError) as refused:
            call(client.predictions, name, **arguments)
        assert (refused.value.status, refused.value.title) == (401, "Unauthenticated")
    assert simulator.record.created == {}


def test_the_sdk_is_told_that_there_is_no_such_prediction(client: replicate.Client, call: Callable[..., Any]) -> None:
    with pytest.raises(ReplicateError) as refused:
        call(client.predictions, "get", "gm3qorzdhgbfurvjtvhg6dckhu")
    assert refused.value.status == 404
