# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Fault, Simulator, retry_after_date

from .client import Client
from .raw import Received, exchange

ORDER = {"replica_id": "r1", "script": "Hello"}
JOB = {"model": "a/b", "prompt": "A cat"}


def raw_look(simulator: Simulator, video_id: str, *, patience: float = 5.0) -> Received:
    return exchange(simulator, "GET", f"/v2/videos/{video_id}", patience=patience)


def raw_order(simulator: Simulator, *, patience: float = 5.0) -> Received:
    return exchange(simulator, "POST", "/v2/videos", body=json.dumps(ORDER).encode(), patience=patience)


@pytest.fixture
def video_id(simulator: Simulator) -> str:
    return simulator.add_video("tavus")


def test_without_a_fault_the_answer_is_whole_and_the_connection_stays(simulator: Simulator, video_id: str) -> None:
    received = raw_look(simulator, video_id, patience=0.3)
    assert (received.status, received.end) == (200, "open")
    assert len(received.body) == received.promised
    assert json.loads(received.body)["video_id"] == video_id


@pytest.mark.parametrize("status", [400, 401, 402, 404, 408, 429, 500, 503, 599])
def test_a_status_comes_in_the_vendors_own_error_form(
    simulator: Simulator, tavus: Client, together: Client, check_schema: Callable[[Any, str], None], status: int
) -> None:
    simulator.add_fault(Fault("status", status=status))
    for client, schema in (
        (tavus, "tavus-bad-request" if status == 400 else "tavus-unauthorized"),
        (together, "together-error"),
    ):
        answer = client.look("any")
        assert answer.status_code == status
        assert "Retry-After" not in answer.headers
        check_schema(answer.json(), schema)


def test_a_status_can_bring_a_body_and_a_retry_after(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("status", status=429, body="slow down", retry_after=" soon", times=1))
    simulator.add_fault(Fault("status", retry_after=retry_after_date(90)))
    first, second = tavus.look(video_id), tavus.look(video_id)
    assert (first.status_code, first.text, first.headers["Retry-After"].strip()) == (429, "slow down", "soon")
    ahead = email.utils.parsedate_to_datetime(second.headers["Retry-After"]).timestamp() - time.time()
    assert second.status_code == 500
    assert 60 < ahead <= 90


def test_latency_delays_the_right_answer(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("latency", seconds=0.3))
    started = time.monotonic()
    assert tavus.look(video_id).json()["video_id"] == video_id
    assert time.monotonic() - started >= 0.3


def test_reset_before_sends_nothing_but_a_reset(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("reset_before"))
    assert raw_look(simulator, video_id) == Received(b"", "reset")


def test_reset_during_sends_a_part_of_the_body_and_a_reset(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("reset_during"))
    received = raw_look(simulator, video_id)
    assert (received.status, received.end) == (200, "reset")
    assert 0 < len(received.body) < received.promised


@pytest.mark.parametrize("kind", ["hang", "accept_then_hang"])
def test_a_hanging_request_has_no_answer_and_no_end(simulator: Simulator, kind: Any) -> None:
    simulator.add_fault(Fault(kind))
    assert raw_order(simulator, patience=0.5) == Received(b"", "open")
    assert simulator.record.created == ({} if kind == "hang" else {"tavus": 1})


def test_drip_sends_a_byte_a_second(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("drip"))
    received = raw_look(simulator, video_id, patience=0.5)
    assert (received.status, received.body, received.end) == (200, b"{", "open")
    assert received.promised > 100


def test_what_drips_is_the_right_answer(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("drip", seconds=0.001, times=1))
    assert tavus.look(video_id).json() == tavus.look(video_id).json()


def test_hang_during_sends_a_part_of_the_body_and_no_end(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("hang_during"))
    received = raw_look(simulator, video_id, patience=0.3)
    assert (received.status, received.end) == (200, "open")
    assert 0 < len(received.body) < received.promised


def test_truncated_ends_cleanly_and_too_early(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("truncated"))
    received = raw_look(simulator, video_id)
    assert (received.status, received.end) == (200, "closed")
    assert json.loads(received.body)["video_id"] == video_id
    assert received.promised > len(received.body)


def test_html_is_a_page_instead_of_json(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("html", times=1))
    simulator.add_fault(Fault("html", status=502))
    first, second = tavus.look(video_id), tavus.look(video_id)
    assert (first.status_code, second.status_code) == (200, 502)
    assert first.headers["Content-Type"].startswith("text/html")
    assert first.text.startswith("<!doctype html>")


def test_empty_is_a_success_without_a_body(simulator: Simulator, video_id: str) -> None:
    simulator.add_fault(Fault("empty"))
    received = raw_look(simulator, video_id, patience=0.3)
    assert (received.status, received.body, received.promised) == (200, b"", 0)


def test_not_utf8_says_it_is_json_and_can_not_be_decoded(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("not_utf8"))
    answer = tavus.look(video_id)
    assert answer.headers["Content-Type"].startswith("application/json")
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


def test_huge_is_20_megabytes_of_json_of_unannounced_length(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("huge"))
    answer = tavus.look(video_id)
    assert "Content-Length" not in answer.headers
    assert len(answer.content) == 20_000_000
    assert json.loads(answer.content).keys() == {"padding"}


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"', '{"status": null}', b'{"a": 1'])
def test_json_sends_exactly_its_body(simulator: Simulator, tavus: Client, video_id: str, body: str | bytes) -> None:
    simulator.add_fault(Fault("json", body=body))
    answer = tavus.look(video_id)
    assert (answer.status_code, answer.content) == (200, body if isinstance(body, bytes) else body.encode())
    assert answer.headers["Content-Type"].startswith("application/json")


def test_redirect_leads_to_its_location(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("redirect", location="http://127.0.0.1:1/elsewhere"))
    answer = tavus.look(video_id)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")


def test_accept_then_reset_orders_the_video_and_says_nothing(simulator: Simulator, tavus: Client) -> None:
    simulator.add_fault(Fault("accept_then_reset"))
    assert raw_order(simulator) == Received(b"", "reset")
    assert simulator.record.created == {"tavus": 1}
    assert tavus.send("GET").json()["total_count"] == 1


def test_accept_then_status_orders_the_video_and_denies_it(simulator: Simulator, together: Client) -> None:
    simulator.add_fault(Fault("accept_then_status", status=503, retry_after="1"))
    answer = together.order(**JOB)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert simulator.record.created == {"together": 1}


def test_accepting_faults_strike_orders_only_and_bad_orders_are_refused(
    simulator: Simulator, tavus: Client, video_id: str
) -> None:
    simulator.add_fault(Fault("accept_then_status"))
    assert tavus.look(video_id).status_code == 200
    assert tavus.send("DELETE", f"/{video_id}").status_code == 200
    assert tavus.order(replica_id="r1").status_code == 400
    assert simulator.record.created == {}


def test_the_other_faults_order_nothing(simulator: Simulator) -> None:
    for kind in ("reset_before", "status", "html"):
        simulator.add_fault(Fault(kind, times=1))
        raw_order(simulator, patience=0.3)
    assert simulator.record.created == {}
    assert sum(simulator.record.faults.values()) == 3


def test_a_fault_lets_requests_pass_and_ends_after_its_turns(
    simulator: Simulator, tavus: Client, video_id: str
) -> None:
    simulator.add_fault(Fault("status", after=2, times=2))
    assert [tavus.look(video_id).status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]


def test_the_first_fault_with_turns_left_wins(simulator: Simulator, tavus: Client, video_id: str) -> None:
    simulator.add_fault(Fault("status", status=429, times=1))
    simulator.add_fault(Fault("status", status=503))
    assert [tavus.look(video_id).status_code for _ in range(3)] == [429, 503, 503]
    simulator.clear_faults()
    assert tavus.look(video_id).status_code == 200


def test_a_fault_can_be_meant_for_one_video_or_one_method(simulator: Simulator, tavus: Client, video_id: str) -> None:
    other = simulator.add_video("tavus")
    simulator.add_fault(Fault("status", video_id=video_id))
    simulator.add_fault(Fault("status", status=503, method="post"))
    assert tavus.look(video_id).status_code == 500
    assert tavus.look(other).status_code == 200
    assert tavus.order(**ORDER).status_code == 503


def test_a_fault_strikes_whatever_the_key(simulator: Simulator, anyone: Client, video_id: str) -> None:
    simulator.add_fault(Fault("status", status=503))
    assert anyone.look(video_id).status_code == 503


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kind", {"kind": "explosion"}),
        ("times", {"times": 0}),
        ("times", {"times": True}),
        ("after", {"after": -1}),
        ("seconds", {"seconds": float("inf")}),
        ("status", {"status": 99}),
        ("method", {"method": 7}),
        ("retry_after", {"retry_after": 7}),
        ("body", {"body": {}}),
        ("body", {"kind": "json"}),
        ("location", {"kind": "redirect"}),
        ("target", {"target": "moon"}),
        ("target", {"kind": "accept_then_hang", "target": "media"}),
    ],
)
def test_an_unusable_fault_is_refused_by_name(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        Fault(**{"kind": "hang", **values})


@pytest.mark.parametrize("kind", ["hang_then_accept", "status_then_accept"])
def test_a_vendor_can_accept_an_order_after_the_client_has_given_up(kind: Any) -> None:
    with Simulator() as simulator:
        simulator.add_fault(Fault(kind, seconds=1.0))
        answer = raw_order(simulator, patience=0.3)
        assert answer.data[9:12] == {"hang_then_accept": b"", "status_then_accept": b"504"}[kind]
        assert simulator.record.created == {}
        deadline = time.monotonic() + 10
        while not simulator.record.created and time.monotonic() < deadline:
            time.sleep(0.05)
        assert simulator.record.created == {"tavus": 1}


def test_a_vendor_can_list_a_video_late() -> None:
    with Simulator(listing_delay=3600) as simulator:
        video_id = simulator.add_video("tavus")
        assert json.loads(exchange(simulator, "GET", "/v2/videos", patience=0.3).body) == {"data": [], "total_count": 0}
        simulator.listing_delay = 0
        assert video_id in exchange(simulator, "GET", "/v2/videos", patience=0.3).body.decode()


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ("kept", " Cafe\u0301\r\nat the corner, with a name of its own "),
        ("trimmed", "Cafe\u0301\r\nat the corner, with a name of its own"),
        ("cut", " Cafe\u0301\r\nat the corner, with a name of it"),
        ("normalised", " Caf\u00e9\nat the corner, with a name of its own "),
    ],
)
def test_a_vendor_can_change_names(texts: Any, name: str) -> None:
    with Simulator(texts=texts) as simulator:
        name_sent = " Cafe\u0301\r\nat the corner, with a name of its own "
        order = {**ORDER, "video_name": name_sent}
        exchange(simulator, "POST", "/v2/videos", body=json.dumps(order).encode(), patience=0.3)
        listed = json.loads(exchange(simulator, "GET", "/v2/videos", patience=0.3).body)
        assert listed["data"][0]["video_name"] == name


def test_a_merge_changes_the_right_answer_and_takes_keys_away(
    simulator: Simulator, tavus: Client, together: Client
) -> None:
    video_id = simulator.add_video("tavus")
    right = tavus.look(video_id).json()
    simulator.add_fault(Fault("merge", body='{"video_id": "other", "status": null, "data": {"more": [1]}}', times=1))
    merged = tavus.look(video_id).json()
    assert merged == {
        **{key: value for key, value in right.items() if key != "status"},
        "video_id": "other",
        "data": {**right["data"], "more": [1]},
    }
    assert tavus.look(video_id).json() == right
    simulator.add_fault(Fault("merge", body="{}"))
    assert together.look("nobody").status_code == 404


def test_a_merge_orders_the_video_of_whose_order_it_changes_the_answer(simulator: Simulator) -> None:
    simulator.add_fault(Fault("merge", body='{"status": null}'))
    answer = json.loads(raw_order(simulator).body)
    assert "status" not in answer
    assert simulator.record.created == {"tavus": 1}
    simulator.clear_faults()
    assert json.loads(raw_look(simulator, answer["video_id"]).body)["video_id"] == answer["video_id"]


def test_a_video_can_be_unknown_for_a_while(simulator: Simulator, tavus: Client, together: Client) -> None:
    for client, vendor in ((tavus, "tavus"), (together, "together")):
        video_id = simulator.add_video(vendor)
        simulator.add_fault(Fault("unknown_video", times=1, video_id=video_id))
        unknown, nobody = client.look(video_id), client.look("nobody")
        assert (unknown.status_code, unknown.json()) == (nobody.status_code, nobody.json())
        assert client.look(video_id).status_code == 200


@pytest.mark.parametrize("body", [None, "", "[]", "{", "5"])
def test_a_merge_takes_a_json_object_only(body: str | None) -> None:
    with pytest.raises(ValueError, match="body must be"):
        Fault("merge", body=body)
