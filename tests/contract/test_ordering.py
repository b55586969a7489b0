# SPDX-License-Identifier: Apache-2.0
"""What other vendors answer to an order, and what it means for the money."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoFailedError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoRequestError,
    VideoTransportError,
    VideoUnavailableError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.http import connection
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.operators.video import DeleteVideoOperator, GetVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from tests.contract.simulated import relay_error
from tests.contract.vendors import Reel
from tests.generating import attempts, created
from tests.operators.conftest import mode as mode
from tests.vendor_kit import Connect
from tests.waiting_kit import TaskInstance

REQUESTS: dict[str, dict[str, Any]] = {
    "relay": {"model": "owner/veo/fast", "prompt": "A cat."},
    "reel": {"prompt": "A cat.", "image": "https://cdn.invalid/cat.png"},
    "loom_human": {"prompt": "A cat."},
}
of_every_vendor = pytest.mark.parametrize("vendor", REQUESTS)


def inside_200(status: int, kind: Any = "json") -> Fault:
    """Give Relay's answer to an order that goes wrong with a status, which is a 200 itself."""
    body = json.dumps(relay_error(status).body)
    return Fault(kind, endpoint="create", vendor="relay", status=200, body=body, times=1)


@of_every_vendor
def test_a_video_is_ordered_and_waited_for(vendor: str, mode: str, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    simulator.generating = 0.3
    video = attempts(vendor, mode, request=REQUESTS[vendor]).run()
    assert (video["vendor"], video["state"], created(simulator)) == (vendor, "ready", 1)
    slashes = {"relay": 4, "reel": 1, "loom_human": 0}[vendor]
    assert video["video_id"].count("/") == slashes


@of_every_vendor
def test_a_video_that_fails_ends_the_task_and_no_retry_orders_another(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.outcome = "failed"
    task = attempts(vendor, mode, request=REQUESTS[vendor])
    for _ in range(2):
        with pytest.raises(VideoFailedError):
            task.run()
    assert created(simulator) == 1


@of_every_vendor
def test_a_wrong_key_orders_nothing_and_costs_nothing(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    good, simulator.key = simulator.key, "another-key"
    task = attempts(vendor, mode, request=REQUESTS[vendor])
    with pytest.raises(VideoAuthError) as refused:
        task.run()
    assert "bill" not in str(refused.value)
    simulator.key = good
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@of_every_vendor
def test_what_the_vendors_page_forbids_is_refused_before_any_request(
    vendor: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    with pytest.raises(VideoRequestError, match="'prompt': is missing"):
        attempts(vendor, request={**REQUESTS[vendor], "prompt": ""}).run()
    assert simulator.record.requests == {}


def test_a_refusal_inside_a_200_costs_nothing_and_says_nothing_of_a_bill(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("relay")
    task = attempts("relay", mode, request={**REQUESTS["relay"], "prompt": "forbidden"})
    with pytest.raises(VideoOrderRefusedError) as refused:
        task.run()
    text = str(refused.value) + str(getattr(refused.value, "__notes__", ""))
    assert "Error 422" in text
    assert "bill" not in text
    assert "may have" not in text
    assert created(simulator) == 0


def test_a_limit_inside_a_200_is_waited_out(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("relay")
    simulator.add_fault(inside_200(429))
    assert attempts("relay", mode, request=REQUESTS["relay"]).run()["state"] == "ready"
    assert (simulator.record.requests["relay create"], created(simulator)) == (2, 1)


def test_an_unclear_error_inside_a_200_is_a_lost_order(simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect("relay"))
    simulator.add_fault(inside_200(500))
    with pytest.raises(VideoOrderLostError, match="may have accepted the order"):
        hook.create_video(**REQUESTS["relay"])


@pytest.mark.parametrize("kind", ["json", "accept_then_status"])
def test_after_an_unclear_error_inside_a_200_the_same_key_finds_out(
    kind: str, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_videos.ordering.ordering.KEY_PAUSE", 0.05)
    connect("relay")
    simulator.add_fault(inside_200(500, kind))
    assert attempts("relay", mode, request=REQUESTS["relay"]).run()["state"] == "ready"
    assert (simulator.record.requests["relay create"], created(simulator)) == (2, 1)


def test_an_order_without_an_id_in_its_answer_is_lost(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("reel")
    simulator.add_fault(Fault("accept_then_status", status=200, body="{}", times=1))
    with pytest.raises(VideoOrderLostError, match="Look in your Reel console, under Operations"):
        attempts("reel", mode, request=REQUESTS["reel"]).run()
    assert created(simulator) == 1


def test_an_order_may_take_longer_than_a_poll(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DEFAULT_TIMEOUT", 0.4)
    monkeypatch.setattr(Reel, "order_timeout", 5.0)
    hook = VideoHook.get_hook(connect("reel", timeout=""))
    simulator.add_fault(Fault("latency", seconds=1.0))
    video_id = hook.create_video(**REQUESTS["reel"]).video_id
    with pytest.raises(VideoTransportError, match=r"took longer than 0[.]4 seconds"):
        hook.get_video(video_id)


def test_the_connections_own_timeout_holds_for_orders_too(simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect("reel", timeout=0.3))
    simulator.add_fault(Fault("latency", seconds=1.0))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**REQUESTS["reel"])


def test_a_version_header_goes_with_every_call_and_a_wrong_one_is_refused(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = VideoHook.get_hook(connect("relay"))
    video_id = simulator.add_video("relay")
    monkeypatch.setattr("tests.contract.vendors.RELAY_VERSION", "1999-01-01")
    with pytest.raises(VideoApiError, match="Error 422"):
        hook.get_video(video_id)


def test_a_key_of_two_parts_is_in_no_text(simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect("relay"))
    simulator.add_fault(Fault("status", status=503))
    with pytest.raises(VideoUnavailableError) as failed:
        hook.get_video(simulator.add_video("relay"))
    held = hook.client.connection()
    assert (held.login, held.api_key) == ("account-7", simulator.key)
    assert simulator.key not in str(failed.value) + repr(held) + repr(hook.get_conn().headers)


@of_every_vendor
def test_get_and_delete_are_tasks_for_every_vendor(vendor: str, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect(vendor)
    video_id = simulator.add_video(vendor)
    context: Any = {"ti": TaskInstance()}
    assert GetVideoOperator(task_id="get", video_id=video_id, conn_id=conn_id).execute(context)["state"] == "ready"
    for was_there in (True, False):
        deleted = DeleteVideoOperator(task_id="delete", video_id=video_id, conn_id=conn_id).execute(context)
        assert deleted == {"video_id": video_id, "deleted": was_there}


def test_what_a_vendor_can_not_do_is_said_before_any_request(simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect("reel"))
    for call in (lambda: hook.cancel_video("image2video/1"), lambda: next(iter(hook.list_videos()))):
        with pytest.raises(VideoUnsupportedError, match="Reel has no call to"):
            call()
    assert simulator.record.requests == {}


@of_every_vendor
def test_the_file_is_kept_also_if_only_the_key_opens_it(
    vendor: str, simulator: Simulator, connect: Connect, tmp_path: Path
) -> None:
    conn_id = connect(vendor)
    video_id = simulator.add_video(vendor)
    keep = DownloadVideoOperator(task_id="keep", video_id=video_id, conn_id=conn_id, path=f"{tmp_path}/")
    kept = keep.execute({})
    assert Path(kept["path"]).stat().st_size == kept["bytes"] > 0
    assert keep.execute({})["transferred"] is False
