# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoIdError,
    VideoTimeoutError,
    VideoTransportError,
    VideoUnavailableError,
)
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from tests.conftest import API_KEY
from tests.faults import FINAL, PASSING, REQUEST_TIMEOUT
from tests.waiting import MODES, wait

in_every_mode = pytest.mark.parametrize("mode", MODES)
Connect = Callable[..., str]
QUICK = f"timeout={REQUEST_TIMEOUT}"


@in_every_mode
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_wait_survives_what_passes(mode: str, fault: Fault, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(dataclasses.replace(fault, times=2))
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus", query=QUICK), poke_interval=0.05)
    assert outcome.state == "success", outcome.error
    assert len(simulator.requests_for(video_id)) == 3
    assert sum("Failed look" in line for line in outcome.log) == 2


@in_every_mode
@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
def test_every_other_answer_ends_a_wait_at_once(
    mode: str, fault: Fault, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(fault)
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert isinstance(outcome.error, VideoApiError)
    assert len(simulator.requests_for(video_id)) == 1
    if fault.kind == "status":
        assert "the vendor's own words." in outcome.text


@in_every_mode
def test_a_wait_survives_a_vendor_that_is_gone_for_a_while(mode: str, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_id = simulator.add_video("tavus", video_id="v")
    simulator.stop()
    outcome = wait(mode, video_id=video_id, conn_id=conn_id, max_consecutive_failures=3)
    assert isinstance(outcome.error, VideoTransportError)
    assert "the connection was refused" in outcome.text
    simulator.start()
    assert wait(mode, video_id=video_id, conn_id=conn_id).state == "success"


@in_every_mode
def test_a_host_name_that_is_not_known_may_come_back(mode: str, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus", address="nowhere.invalid/http")
    outcome = wait(mode, video_id="v", conn_id=conn_id, max_consecutive_failures=2)
    assert isinstance(outcome.error, VideoTransportError)
    assert "nowhere.invalid" in outcome.text
    assert sum("Failed look" in line for line in outcome.log) == 1


@in_every_mode
def test_the_last_cause_ends_a_wait_after_the_stated_number_of_failures_in_a_row(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", generating=3600)
    simulator.add_fault(Fault("status", status=500, times=3))
    simulator.add_fault(Fault("status", status=503, after=1))
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), max_consecutive_failures=4)
    assert isinstance(outcome.error, VideoUnavailableError)
    assert outcome.error.status_code == 503
    assert sum("Failed look" in line for line in outcome.log) == 6


@in_every_mode
def test_a_failure_never_makes_looks_come_faster(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(Fault("status", status=429, retry_after="0", times=4))
    wait(mode, video_id=video_id, conn_id=connect("tavus"), poke_interval=0.2)
    times = simulator.requests_for(video_id)
    assert len(times) == 5
    assert all(later - earlier >= 0.19 for earlier, later in itertools.pairwise(times))


@in_every_mode
@pytest.mark.parametrize("name", ["429, Retry-After: 1", "500"])
def test_the_pause_is_what_the_vendor_asks_for_or_doubles(
    mode: str, name: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(dataclasses.replace(PASSING[name], times=3))
    wait(mode, video_id=video_id, conn_id=connect("tavus"), poke_interval=0.1)
    pauses = [later - earlier for earlier, later in itertools.pairwise(simulator.requests_for(video_id))]
    least = [0.99, 0.99, 0.99] if "Retry-After" in name else [0.09, 0.19, 0.39]
    assert all(pause >= floor for pause, floor in zip(pauses, least, strict=True))


@in_every_mode
def test_a_key_that_was_rotated_is_looked_up_again(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    simulator.key = "key-since-today"
    conn_id = connect(vendor, key=API_KEY)
    simulator.add_fault(Fault("latency", seconds=0.5, times=1))
    looking = wait_in_thread(mode, video_id, conn_id)
    while not simulator.record.connections:
        pass
    connect(vendor, key="key-since-today")
    assert looking() == "success"


def wait_in_thread(mode: str, video_id: str, conn_id: str) -> Callable[[], str]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    future = pool.submit(lambda: wait(mode, video_id=video_id, conn_id=conn_id).state)
    return lambda: future.result(30)


@in_every_mode
def test_a_refused_key_is_asked_with_once(
    mode: str, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    outcome = wait(mode, video_id=video_id, conn_id=connect(vendor, key="not-the-key"))
    assert isinstance(outcome.error, VideoAuthError)
    assert outcome.error.status_code == 401
    assert "Check the API key" in outcome.text
    assert simulator.record.keys_refused == 1


@in_every_mode
def test_an_unknown_status_is_named_once_and_counts_as_pending(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", status="rendering")
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=0.4)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert "last status was 'rendering'" in outcome.text
    lines = [line for line in outcome.log if "not known here" in line]
    # A rescheduled sensor remembers nothing between two looks.
    assert len(lines) == (outcome.looks if mode == "reschedule" else 1)


@in_every_mode
@pytest.mark.parametrize("status", ["READY", " ready ", "Ready"])
def test_a_status_may_be_written_otherwise(mode: str, status: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", status=status)
    assert wait(mode, video_id=video_id, conn_id=connect("tavus")).state == "success"


BAD_CONNECTIONS = {
    "no key": ("tavus://127.0.0.1", "password"),
    "a key with a line break": ("tavus://:key%0A@127.0.0.1", "password"),
    "a key outside ASCII": ("tavus://:k%C3%A9y@127.0.0.1", "password"),
    "credentials in the host": ("tavus://:key@https%3A%2F%2Fme%3Asecret%40host", "host"),
    "a query in the host": ("tavus://:key@host%3Fkey%3Dsecret", "host"),
    "another scheme": ("tavus://:key@host/ftp", "schema"),
    "a timeout of nothing": ("tavus://:key@host/?timeout=0", "extra.timeout"),
    "a CA file that is not there": ("tavus://:key@host/?verify=%2Fnowhere.pem", "extra.verify"),
    "a proxy that is none": ("tavus://:key@host/?proxy=proxy", "extra.proxy"),
    "another type": ("http://:key@host", "conn_type"),
}


@in_every_mode
@pytest.mark.parametrize(("uri", "field"), BAD_CONNECTIONS.values(), ids=BAD_CONNECTIONS)
def test_a_bad_connection_is_named_with_its_field(
    mode: str, uri: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BAD", uri)
    outcome = wait(mode, video_id="v", conn_id="bad")
    assert isinstance(outcome.error, VideoConnectionError)
    assert f"Connection 'bad', field '{field}'" in outcome.text
    assert "secret" not in outcome.text


@in_every_mode
def test_a_missing_connection_is_named(mode: str) -> None:
    outcome = wait(mode, video_id="v", conn_id="nobody_made_this")
    assert isinstance(outcome.error, VideoConnectionError)
    assert "nobody_made_this" in outcome.text


BAD_IDS: dict[str, object] = {
    "empty": "",
    "blank": "  ",
    "10,000 characters": "v" * 10_000,
    "a number": 17,
    "None": None,
    "None, rendered": "None",
    "a dict without an id": {"state": "ready"},
    "a dict, rendered": "{'vendor': 'tavus', 'video_id': 'v'}",
    "the folder above": "..",
}


@in_every_mode
@pytest.mark.parametrize("video_id", BAD_IDS.values(), ids=BAD_IDS)
def test_what_is_no_id_is_refused_before_any_request(
    mode: str, video_id: object, simulator: Simulator, connect: Connect
) -> None:
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert isinstance(outcome.error, VideoIdError)
    assert len(outcome.text) < 300
    assert simulator.record.connections == 0


@in_every_mode
@pytest.mark.parametrize("video_id", ["../personas", "a/b", "a?b=c", "a b", "ü", "%2e%2e", "a#b"])
def test_an_id_is_one_segment_of_the_path_whatever_it_holds(
    mode: str, video_id: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_video("tavus", video_id=video_id)
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"))
    assert outcome.state == "success", outcome.error
    assert len(simulator.requests_for(video_id)) == 1


@in_every_mode
def test_a_timeout_below_the_interval_means_one_more_look_at_its_end(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=0.3, poke_interval=9)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert len(simulator.requests_for(video_id)) == 2
