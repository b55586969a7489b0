# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoIdError,
    VideoTimeoutError,
    VideoTlsError,
    VideoTransportError,
    VideoUnavailableError,
    VideoUnexpectedError,
)
from airflow_provider_videos.simulator import Fault, Simulator, retry_after_date
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.vendors.tavus import Tavus
from tests.conftest import API_KEY
from tests.faults import FINAL, NOWHERE, PASSING
from tests.vendor_kit import Connect
from tests.waiting_kit import MODES, wait

in_every_mode = pytest.mark.parametrize("mode", MODES)
# Long enough for a good answer on a slow machine.
QUICK = "timeout=1"


@in_every_mode
@pytest.mark.parametrize("make_fault", PASSING.values(), ids=PASSING)
def test_a_wait_survives_what_passes(
    mode: str, make_fault: Callable[[], Fault], simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    fault = dataclasses.replace(make_fault(), times=2)
    simulator.add_fault(fault)
    conn_id = connect("tavus", query=QUICK if fault.kind in {"hang", "drip"} else "")
    outcome = wait(mode, video_id=video_id, conn_id=conn_id, poke_interval=0.05)
    assert outcome.state == "success", outcome.error
    assert len(simulator.requests_for(video_id)) == 3
    # aiohttp sends a GET again by itself if a kept connection drops.
    fewest = 1 if mode == "deferrable" and fault.kind.startswith("reset") else 2
    assert fewest <= sum("Failed poll" in line for line in outcome.log) <= 2


@in_every_mode
@pytest.mark.parametrize("make_fault", FINAL.values(), ids=FINAL)
def test_every_other_answer_ends_a_wait_at_once(
    mode: str, make_fault: Callable[[], Fault], simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus")
    fault = make_fault()
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
    assert sum("Failed poll" in line for line in outcome.log) == 1


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
    assert sum("Failed poll" in line for line in outcome.log) == 6


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
    simulator.add_fault(dataclasses.replace(PASSING[name](), times=3))
    wait(mode, video_id=video_id, conn_id=connect("tavus"), poke_interval=0.1)
    pauses = [later - earlier for earlier, later in itertools.pairwise(simulator.requests_for(video_id))]
    least = [0.99, 0.99, 0.99] if "Retry-After" in name else [0.09, 0.19, 0.39]
    assert all(pause >= floor for pause, floor in zip(pauses, least, strict=True))


@in_every_mode
def test_a_date_to_retry_after_is_waited_for(mode: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(Fault("status", status=503, retry_after=retry_after_date(3), times=1))
    wait(mode, video_id=video_id, conn_id=connect("tavus"), poke_interval=0.1)
    first, second = simulator.requests_for(video_id)
    # An HTTP date has no parts of a second.
    assert second - first >= 1.5


@in_every_mode
@pytest.mark.parametrize(("address", "may_pass"), NOWHERE.values(), ids=NOWHERE)
def test_where_no_vendor_answers_a_wait_goes_on_only_if_that_may_pass(
    mode: str, address: str, may_pass: bool, simulator: Simulator, connect: Connect
) -> None:
    with Simulator(tls=True) as secure:
        place = address.format(secure=f"127.0.0.1:{secure.port}", plain=f"127.0.0.1:{simulator.port}")
        conn_id = connect("tavus", address=place)
        outcome = wait(mode, video_id="v", conn_id=conn_id, max_consecutive_failures=3)
    assert isinstance(outcome.error, VideoTransportError)
    assert isinstance(outcome.error, VideoTlsError) is not may_pass
    assert sum("Failed poll" in line for line in outcome.log) == (2 if may_pass else 0)


@in_every_mode
def test_silent_fail_does_not_ask_the_wrong_vendor(mode: str, simulator: Simulator, connect: Connect) -> None:
    earlier = {"video_id": "v1", "vendor": "together"}
    outcome = wait(mode, video_id=earlier, conn_id=connect("tavus"), silent_fail=True)
    assert isinstance(outcome.error, VideoIdError)
    assert simulator.record.connections == 0


@in_every_mode
def test_an_exception_of_any_other_kind_ends_alike(
    mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(vendor: Tavus, video_id: str) -> None:
        raise KeyError("surprise")

    video_id = simulator.add_video("tavus")
    conn_id = connect("tavus")
    monkeypatch.setattr(Tavus, "fetch", stumble)
    outcome = wait(mode, video_id=video_id, conn_id=conn_id)
    assert isinstance(outcome.error, VideoUnexpectedError)
    assert "KeyError: 'surprise'" in outcome.text


@in_every_mode
@pytest.mark.parametrize("key", ["ready", 'key/with"quotes\\and-more'])
def test_a_key_in_an_answer_harms_nothing_and_is_not_passed_on(
    mode: str, key: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.key = key
    conn_id = connect("tavus", key=key)
    ready = simulator.add_video("tavus")
    assert wait(mode, video_id=ready, conn_id=conn_id).state == "success"
    failed = simulator.add_video("tavus", outcome="failed", status_details=f"The key {key} is unknown")
    outcome = wait(mode, video_id=failed, conn_id=conn_id)
    assert outcome.state == "failed"
    if len(key) > 5:
        assert key not in outcome.text
        assert key not in outcome.xcoms["video"]["error_message"]


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
        time.sleep(0.01)
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
    "a number with a comma": 1.7,
    "a pair": ("video_id", "v"),
    "None": None,
    "None, rendered": "None",
    "a dict without an id": {"state": "ready"},
    "a dict, rendered": "{'vendor': 'tavus', 'video_id': 'v'}" + " " * 1000,
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
def test_an_id_of_digits_may_have_become_a_number(mode: str, simulator: Simulator, connect: Connect) -> None:
    simulator.add_video("tavus", video_id="1234567890")
    assert wait(mode, video_id=1234567890, conn_id=connect("tavus")).state == "success"


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
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=1.2, poke_interval=9)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert len(simulator.requests_for(video_id)) == 2
