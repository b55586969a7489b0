# SPDX-License-Identifier: Apache-2.0
"""What becomes of an order at HeyGen whose answer was lost: its key, then its title."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoFailedError, VideoOrderRefusedError, VideoTransportError
from airflow_provider_videos.hooks.heygen import HeyGenHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.ordering import lost, ordering, sending
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.vendors.heygen import HeyGen
from airflow_provider_videos.vendors.recovery import ResendSameKey
from tests.attempts import Killed
from tests.generating import attempts, created
from tests.operators.conftest import mode as mode
from tests.operators.test_generate_batch import batch
from tests.vendor_kit import REQUESTS

TEMPLATE = {"kind": "template", "template_id": "t1", "variables": {}}
ORDERS = pytest.mark.parametrize("request_", [None, TEMPLATE], ids=["video", "template"])
ACCEPTED = [
    Fault("accept_then_reset", times=1),
    Fault("accept_then_hang", times=1),
    Fault("accept_then_status", status=504, times=1),
    Fault("accept_then_status", status=200, body='{"data": {}}', times=1),
]


@pytest.fixture
def conn_id(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_HEYGEN_DEFAULT", simulator.connection_uri("heygen", timeout=0.5))
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(ordering, "KEY_PAUSE", 0.02)
    return "heygen_default"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Give the keys of all orders that are sent from now on."""
    sent: list[str | None] = []
    order_video = VideoHook.order_video

    def noting(hook: VideoHook, request: Any, *, key: str | None = None, **options: Any) -> Any:
        sent.append(key)
        return order_video(hook, request, key=key, **options)

    monkeypatch.setattr(VideoHook, "order_video", noting)
    return sent


def refusing(status: int, body: str | None = None, times: int = 1) -> Fault:
    return Fault("status", status=status, body=body, endpoint="create", times=times)


@ORDERS
@pytest.mark.parametrize("fault", ACCEPTED, ids=lambda fault: f"{fault.kind}-{fault.status or ''}")
def test_a_lost_answer_is_asked_for_with_the_same_key(
    fault: Fault, request_: Any, conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    simulator.add_fault(fault)
    assert attempts("heygen", request=request_).run()["state"] == "ready"
    assert (len(keys), len(set(keys)), created(simulator)) == (2, 1, 1)


def test_a_request_that_is_in_progress_waits(
    mode: str, conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=1))
    simulator.add_fault(refusing(409, times=2))
    assert attempts("heygen", mode).run()["state"] == "ready"
    assert (len(keys), len(set(keys)), created(simulator)) == (4, 1, 1)


def test_a_template_that_is_answered_as_completed_is_polled_all_the_same(conn_id: str, simulator: Simulator) -> None:
    record = attempts("heygen", request=TEMPLATE).run()
    assert record["state"] == "ready"
    assert len(simulator.requests_for(record["video_id"])) == 1


@ORDERS
def test_after_a_day_the_order_is_found_by_its_title(
    request_: Any, conn_id: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, keys: list[str | None]
) -> None:
    recovery = HeyGen.recovery
    expired = ResendSameKey(lifetime=sending.KEY_MARGIN, afterwards=recovery.afterwards)
    monkeypatch.setattr(HeyGen, "recovery", expired)
    for _ in range(3):
        simulator.add_video("heygen")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    assert attempts("heygen", request=request_).run()["state"] == "ready"
    assert (len(keys), created(simulator)) == (1, 1)


def test_an_order_whose_record_was_emptied_is_found_by_its_title(
    mode: str, conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    task = attempts("heygen", mode)
    video_id = task.run()["video_id"]
    assert task.store is not None
    task.store.clear()
    task.clear()
    assert task.run()["video_id"] == video_id
    assert (len(keys), created(simulator)) == (1, 1)


def test_a_task_that_was_killed_while_it_ordered_goes_on_with_its_video(
    conn_id: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, keys: list[str | None]
) -> None:
    task = attempts("heygen")
    order_video = VideoHook.order_video

    def order_and_die(*arguments: Any, **options: Any) -> None:
        order_video(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_and_die)
        with pytest.raises(Killed):
            task.run()
    assert task.run()["state"] == "ready"
    assert (len(set(keys)), created(simulator)) == (1, 1)


@pytest.mark.parametrize("status", [400, 402, 404, 429])
def test_what_was_certainly_refused_is_ordered_with_a_new_key(
    status: int, conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    simulator.add_fault(refusing(status))
    task = attempts("heygen")
    if status != 429:
        with pytest.raises(VideoOrderRefusedError if status == 400 else Exception, match="HeyGen"):
            task.run()
        task.clear()
    assert task.run()["state"] == "ready"
    assert (len(keys), len(set(keys)), created(simulator)) == (2, 2, 1)


def test_a_video_that_failed_is_ordered_again_with_a_new_key(
    conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    simulator.outcome = "failed"
    task = attempts("heygen")
    with pytest.raises(VideoFailedError, match="Avatar rendering timed out"):
        task.run()
    simulator.outcome = "ready"
    task.clear()
    assert task.run()["state"] == "ready"
    assert (len(set(keys)), created(simulator)) == (2, 2)


def test_an_order_may_take_two_minutes(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HEYGEN_DEFAULT", simulator.connection_uri("heygen"))
    connection = HeyGenHook().client.connection()
    assert (connection.order_timeout, connection.timeout) == (120, 60)


def test_a_404_of_a_gateway_does_not_end_a_wait(conn_id: str, simulator: Simulator) -> None:
    simulator.generating = 0.2
    simulator.add_fault(Fault("status", status=404, body="Not Found", endpoint="get", times=2))
    assert attempts("heygen").run()["state"] == "ready"


def test_captions_reach_the_record(conn_id: str, simulator: Simulator) -> None:
    caption = {"file_format": "srt", "style": "default"}
    request = {"type": "avatar", "avatar_id": "a1", "script": "Hello.", "caption": caption}
    record = attempts("heygen", request=request).run()
    assert (len(record["file_urls"]), bool(record["subtitle_url"])) == (2, True)


def test_nothing_is_ordered_without_a_connection(conn_id: str, simulator: Simulator, keys: list[str | None]) -> None:
    simulator.stop()
    with pytest.raises(VideoTransportError):
        attempts("heygen", max_consecutive_failures=1).run()
    simulator.start()
    assert created(simulator) == 0


def test_equal_orders_of_a_batch_have_keys_of_their_own(
    conn_id: str, simulator: Simulator, keys: list[str | None]
) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task = batch([REQUESTS["heygen"], REQUESTS["heygen"]], "heygen")
    assert {video["state"] for video in task.run()} == {"ready"}
    assert created(simulator) == 2
    assert (len(keys), len({str(key).partition("-")[0] for key in keys}), len(set(keys))) == (3, 2, 2)
