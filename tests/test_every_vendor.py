# SPDX-License-Identifier: Apache-2.0
"""What holds for the tasks and the hook of every vendor, over real sockets.

``tests/conftest.py`` names the vendors whose every behaviour is tested. Of the others, this is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videos.download import transfer
from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoFailedError,
    VideoOrderLostError,
    VideoRequestError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.ordering import lost
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.vendors.base import Cancels, Deletes, Lists, Renames
from airflow_provider_videos.vendors.recovery import AskAHuman
from tests.conftest import VENDORS
from tests.generating import attempts, created
from tests.vendor_kit import REQUESTS
from tests.waiting_kit import wait

OTHERS = [vendor for vendor in REQUESTS if vendor not in VENDORS]
ABILITIES: dict[str, tuple[type, tuple[str, ...]]] = {
    "cancel_video": (Cancels, ()),
    "delete_video": (Deletes, ()),
    "rename_video": (Renames, ("Greeting",)),
}
ENDS_SYNC_AND_DEFERRED = pytest.mark.parametrize("mode", ["poke", "deferrable"])


@pytest.fixture(params=OTHERS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Run the test for each of the other vendors."""
    vendor: str = request.param
    return vendor


@pytest.fixture(params=["requests", "aiohttp"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give a function that calls a method of a hook by one of the transports."""

    def call(hook: VideoHook, name: str, /, *arguments: Any, **options: Any) -> Any:
        if request.param == "requests":
            return getattr(hook, name)(*arguments, **options)
        return asyncio.run(getattr(hook, f"a{name}")(*arguments, **options))

    return call


@pytest.fixture
def conn_id(vendor: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """Define the vendor's connection to the simulator, and give its id."""
    conn_id = f"{vendor}_default"
    uri = simulator.connection_uri(vendor, timeout=1)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", uri)
    return conn_id


@pytest.fixture
def hook(conn_id: str) -> VideoHook:
    """Give the vendor's hook, found by the type of the connection."""
    return VideoHook.get_hook(conn_id)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.01)


def test_a_video_is_ordered_and_polled_until_it_is_ready(
    call: Callable[..., Any], vendor: str, hook: VideoHook, simulator: Simulator
) -> None:
    simulator.generating = 600
    ordered = call(hook, "create_video", **REQUESTS[vendor])
    assert (ordered.vendor, ordered.state.is_terminal) == (vendor, False)
    assert call(hook, "get_video", ordered.video_id).state == "generating"
    simulator.set_video(vendor, ordered.video_id, generating=0)
    ready = call(hook, "get_video", ordered.video_id)
    assert (ready.video_id, ready.state, ready.is_usable) == (ordered.video_id, "ready", True)
    assert ready.download_url.startswith(simulator.url)
    assert created(simulator) == 1


@pytest.mark.parametrize("mode", ["sync", "deferrable"])
def test_a_task_orders_a_video_and_waits_for_it(mode: str, vendor: str, conn_id: str, simulator: Simulator) -> None:
    simulator.generating = 0.3
    record = attempts(vendor, mode).run()
    assert (record["vendor"], record["state"]) == (vendor, "ready")
    assert created(simulator) == 1


@ENDS_SYNC_AND_DEFERRED
def test_a_sensor_waits_until_a_video_is_ready(mode: str, vendor: str, conn_id: str, simulator: Simulator) -> None:
    video_id = simulator.add_video(vendor, queued=0.1, generating=0.2)
    outcome = wait(mode, video_id=video_id, conn_id=conn_id)
    assert outcome.state == "success", outcome.error
    assert outcome.value is not None
    assert outcome.value["download_url"].startswith(simulator.url)


@ENDS_SYNC_AND_DEFERRED
def test_every_other_end_fails_and_says_why(mode: str, vendor: str, conn_id: str, simulator: Simulator) -> None:
    own = next(one for one in simulator.vendors if one.conn_type == vendor).outcomes
    for outcome in ("failed", "ready_without_urls", *own):
        ended = wait(mode, video_id=simulator.add_video(vendor, outcome=outcome), conn_id=conn_id)
        assert isinstance(ended.error, VideoFailedError), outcome
        assert ended.error.video["state"] != "ready" or not ended.error.video["download_url"]
        assert len(ended.text) > len("Video 'x' of v ended with status 'failed': ")


def test_a_video_is_kept(vendor: str, conn_id: str, simulator: Simulator, tmp_path: Path) -> None:
    video_id = simulator.add_video(vendor)
    keep = DownloadVideoOperator(task_id="keep", video_id=video_id, conn_id=conn_id, path=f"{tmp_path}/")
    assert Path(keep.execute({})["path"]).read_bytes()[4:8] == b"ftyp"


def test_a_file_whose_url_has_ended_is_asked_for_again(
    vendor: str, hook: VideoHook, conn_id: str, simulator: Simulator, tmp_path: Path
) -> None:
    video = hook.get_video(simulator.add_video(vendor)).to_dict()
    simulator.add_fault(Fault("status", status=403, target="media", times=1))
    keep = DownloadVideoOperator(task_id="keep", video_id=video, conn_id=conn_id, path=f"{tmp_path}/")
    assert keep.execute({})["transferred"]
    assert len(simulator.requests_for(video["video_id"])) == 2


def test_an_unknown_video_is_said_to_be_unknown(
    call: Callable[..., Any], vendor: str, hook: VideoHook, simulator: Simulator
) -> None:
    video_id = simulator.add_video(vendor)
    simulator.forget()
    with pytest.raises(VideoApiError) as refused:
        call(hook, "get_video", video_id)
    assert refused.value.is_unknown_video


def test_an_order_with_a_misspelled_field_is_not_sent(
    call: Callable[..., Any], vendor: str, hook: VideoHook, simulator: Simulator
) -> None:
    field, *_ = (field for field in REQUESTS[vendor] if len(field) > 4)
    with pytest.raises(VideoRequestError, match=f"did you mean '{field}'"):
        call(hook, "create_video", **REQUESTS[vendor], **{field[:-1]: "x"})
    assert simulator.record.requests == {}


@pytest.mark.parametrize("name", ABILITIES)
def test_what_the_vendor_cant_do_is_refused_before_anything_is_sent(
    name: str, call: Callable[..., Any], vendor: str, hook: VideoHook, simulator: Simulator
) -> None:
    protocol, arguments = ABILITIES[name]
    # Some vendors cancel only what is queued, and delete only what is finished.
    video_id = simulator.add_video(vendor, queued=600 if name == "cancel_video" else 0)
    if isinstance(hook.vendor, protocol):
        call(hook, name, video_id, *arguments)
        asked = simulator.record.requests
        assert sum(asked[endpoint] for endpoint in asked if not endpoint.endswith(" get")) == 1
        return
    with pytest.raises(VideoUnsupportedError):
        call(hook, name, video_id, *arguments)
    assert simulator.record.requests == {}


def test_a_list_has_each_video_once(vendor: str, hook: VideoHook, simulator: Simulator) -> None:
    if not isinstance(hook.vendor, Lists):
        with pytest.raises(VideoUnsupportedError):
            list(hook.list_videos())
        return
    ids = {simulator.add_video(vendor) for _ in range(205)}
    listed = [video.video_id for video in hook.list_videos()]
    assert (len(listed), {*listed}) == (205, ids)


def test_the_connection_is_tested_without_an_order(
    vendor: str, hook: VideoHook, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    assert hook.test_connection() == (True, f"{hook.hook_name} accepts the API key.")
    simulator.key = "another-key-than-this"
    is_accepted, message = hook.test_connection()
    assert not is_accepted
    assert "refuses the API key" in message
    uri = simulator.connection_uri(vendor).replace(str(simulator.port), str(unused_port))
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", uri)
    assert hook.get_hook(f"{vendor}_default").test_connection()[1].startswith(f"No answer from {hook.hook_name}")
    assert created(simulator) == 0


def test_an_order_with_a_wrong_key_is_refused(
    call: Callable[..., Any], vendor: str, hook: VideoHook, simulator: Simulator
) -> None:
    simulator.key = "another-key-than-this"
    with pytest.raises(VideoAuthError):
        call(hook, "create_video", **REQUESTS[vendor])
    assert created(simulator) == 0


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_status"])
def test_an_order_whose_answer_is_lost_is_not_sent_again(
    kind: Any, vendor: str, hook: VideoHook, conn_id: str, simulator: Simulator
) -> None:
    simulator.add_fault(Fault(kind, status=503, times=1))
    task = attempts(vendor)
    if isinstance(hook.vendor_of_orders().recovery, AskAHuman):
        for _ in range(2):
            with pytest.raises(VideoOrderLostError, match="Look at"):
                task.run()
    else:
        assert task.run()["state"] == "ready"
    assert created(simulator) == 1


def test_an_order_beyond_the_rate_limit_waits_and_is_sent_again(
    vendor: str, conn_id: str, simulator: Simulator
) -> None:
    simulator.add_fault(Fault("status", status=429, retry_after="0", endpoint="create", times=1))
    assert attempts(vendor).run()["state"] == "ready"
    assert created(simulator) == 1
