# SPDX-License-Identifier: Apache-2.0
"""What a vendor of one's own can do, over a real socket."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_videos.simulator import Endpoint, Fault, HeaderKey, Simulator

from .api import Api
from .example_vendor import EXAMPLE

NAME = EXAMPLE.conn_type


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(queued=0, generating=0, vendors=[EXAMPLE]) as simulator:
        yield simulator


@pytest.fixture
def example(simulator: Simulator) -> Api:
    return Api(simulator, NAME)


def test_a_fault_strikes_one_role_of_one_vendor(example: Api, simulator: Simulator) -> None:
    tavus = Api(simulator, "tavus")
    video_id, tavus_id = simulator.add_video(NAME), simulator.add_video("tavus")
    simulator.add_fault(Fault("status", status=503, endpoint="get", vendor=NAME))
    assert [example.send(role, video_id).status_code for role in ("get", "result")] == [503, 200]
    assert tavus.send("get", tavus_id).status_code == 200
    simulator.clear_faults()
    simulator.add_fault(Fault("status", status=503, vendor="tavus"))
    assert example.send("get", video_id).status_code == 200
    assert {tavus.send("get", tavus_id).status_code, tavus.order().status_code} == {503}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("endpoint", {"endpoint": "GET /v2/videos"}),
        ("endpoint", {"endpoint": "cancel", "vendor": "tavus"}),
        ("vendor", {"vendor": "nobody"}),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(field: str, values: Any, simulator: Simulator) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be one of "):
        simulator.add_fault(Fault("hang", **values))
    answer = requests.post(f"{simulator.url}/simulator/faults", json={"kind": "hang", **values}, timeout=10)
    assert (answer.status_code, answer.json()["error"].split(" ")[0]) == (400, field)


def test_a_vendor_of_ones_own_is_not_at_the_root(example: Api, simulator: Simulator) -> None:
    path = f"/models/{simulator.add_video(NAME)}/status"
    assert example.session.get(simulator.url + path, timeout=10).status_code == 404
    assert simulator.record.requests == {"(no such endpoint)": 1}


def test_an_id_may_hold_slashes(example: Api, simulator: Simulator) -> None:
    video_id = example.order().json()["data"]["request_id"]
    assert video_id.count("/") == 3
    assert example.send("get", video_id).json()["data"]["request_id"] == video_id
    assert simulator.record.videos == {video_id: 1}


def test_a_result_comes_by_a_second_get(example: Api, simulator: Simulator) -> None:
    simulator.queued = 600
    ordered = example.order()
    video_id = ordered.json()["data"]["request_id"]
    assert ordered.json()["data"]["status_url"] == f"{simulator.vendor_url(NAME)}/models/{video_id}/status"
    pending = example.send("get", video_id)
    assert (ordered.status_code, pending.status_code, pending.content) == (202, 202, b"")
    assert example.send("result", video_id).json() == {"code": 409, "data": None}
    simulator.set_video(NAME, video_id, queued=0)
    assert example.send("get", video_id).json()["data"]["status"] == "COMPLETED"
    assert example.send("result", video_id).json()["data"]["videos"]
    assert simulator.record.requests == {
        f"{NAME} create": 1,
        f"{NAME} get": 2,
        f"{NAME} result": 2,
    }
    assert len(simulator.requests_for(video_id)) == 2


def test_a_failure_can_be_told_by_the_result_alone(example: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video(NAME, outcome="failed")
    assert example.send("get", video_id).json()["data"]["status"] == "COMPLETED"
    assert example.send("result", video_id).json() == {"code": 422, "data": None}


def test_an_order_that_is_refused_inside_a_200_is_not_counted(example: Api, simulator: Simulator) -> None:
    answer = example.send("create", json={"prompt": ""})
    assert (answer.status_code, answer.json()) == (200, {"code": 422, "data": None})
    assert simulator.record.created == {}


def test_a_request_can_be_refused_for_what_every_request_must_have(example: Api, simulator: Simulator) -> None:
    assert example.order(**{"X-Version": "1999-01-01"}).json()["code"] == 400
    assert simulator.record.created == {}


def test_the_same_idempotency_key_gives_the_same_video_again(example: Api, simulator: Simulator) -> None:
    first, again, other, none = (
        example.order(**headers)
        for headers in ({"Idempotency-Key": "a"}, {"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}, {})
    )
    ids = [one.json()["data"]["request_id"] for one in (first, again, other, none)]
    assert (ids[0], len(set(ids))) == (ids[1], 3)
    assert simulator.record.created == {NAME: 3}
    assert simulator.record.requests == {f"{NAME} create": 4}
    simulator.forget()
    assert example.order(**{"Idempotency-Key": "a"}).json()["data"]["request_id"] not in ids


@pytest.mark.parametrize("kind", ["accept_then_status", "accept_then_reset", "status_then_accept"])
def test_an_order_whose_answer_was_lost_can_be_sent_again_with_its_key(
    kind: Any, example: Api, simulator: Simulator
) -> None:
    simulator.add_fault(Fault(kind, times=1, seconds=0.2))
    key = {"Idempotency-Key": "a"}
    try:
        assert example.order(**key).status_code >= 500
    except requests.ConnectionError:
        assert kind == "accept_then_reset"
    video_id = example.order(**key).json()["data"]["request_id"]
    time.sleep(0.4 if kind == "status_then_accept" else 0)
    assert simulator.record.created == {NAME: 1}
    assert example.send("get", video_id).status_code == 200


def test_an_order_that_was_refused_is_not_remembered_by_its_key(example: Api, simulator: Simulator) -> None:
    key = {"Idempotency-Key": "a"}
    assert example.send("create", json={}, headers=key).json()["code"] == 422
    assert example.order(**key).json()["code"] == 0
    assert simulator.record.created == {NAME: 1}


def test_a_list_can_have_cursors(example: Api, simulator: Simulator) -> None:
    ids = [simulator.add_video(NAME) for _ in range(5)]
    pages = [example.list()]
    simulator.add_video(NAME)
    while pages[-1]["next_cursor"]:
        pages.append(example.list(cursor=pages[-1]["next_cursor"]))
    assert [video["request_id"] for page in pages for video in page["items"]] == ids[::-1]
    assert [len(page["items"]) for page in pages] == [2, 2, 1]


def test_the_faults_of_lists_strike_any_form_of_list(example: Api, simulator: Simulator) -> None:
    ids = [simulator.add_video(NAME) for _ in range(5)]
    right = example.list()
    simulator.add_fault(Fault("list_cut", times=1))
    simulator.add_fault(Fault("list_total_of_page", times=1))
    simulator.add_fault(Fault("list_bad_entry", times=1))
    cut, ended, bad = example.list(), example.list(), example.list()
    assert right["next_cursor"] == ids[3]
    assert cut == {**right, "items": right["items"][:1]}
    assert ended == {**right, "next_cursor": None}
    assert bad == {**right, "items": [{"status": 7}, right["items"][1]]}


def test_a_video_can_be_cancelled_and_deleted(example: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video(NAME, generating=600)
    assert example.send("cancel", video_id).status_code == 202
    assert example.send("get", video_id).json()["data"]["status"] == "CANCELLED"
    assert example.send("cancel", video_id).json()["code"] == 400
    assert example.send("delete", video_id).status_code == 204
    assert example.send("get", video_id).json() == EXAMPLE.unknown_video.body
    requests_seen = simulator.record.requests
    assert (requests_seen[f"{NAME} cancel"], requests_seen[f"{NAME} delete"]) == (2, 1)


def test_a_file_can_need_the_key(example: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video(NAME, media_bytes=200_000)
    url = example.send("result", video_id).json()["data"]["videos"][0]["url"]
    assert url == f"{simulator.vendor_url(NAME)}/files?of={quote(video_id, safe='')}"
    file = example.session.get(url, headers={"Range": "bytes=-10"}, timeout=10)
    assert (file.status_code, file.headers["Content-Range"]) == (206, "bytes 199990-199999/200000")
    assert example.session.head(url, timeout=10).headers["Content-Length"] == "200000"
    keyless = requests.get(url, timeout=10)
    assert keyless.json() == EXAMPLE.error(401).body
    default_place = f"{simulator.url}/media/{NAME}/{quote(video_id, safe='')}.mp4"
    assert requests.get(default_place, timeout=10).status_code == 404
    assert simulator.record.requests[f"{NAME} media"] == 3


def test_a_fault_of_files_strikes_files_that_need_the_key(example: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video(NAME)
    url = example.send("result", video_id).json()["data"]["videos"][0]["url"]
    simulator.add_fault(Fault("status", status=503, target="media"))
    assert example.session.get(url, timeout=10).status_code == 503
    assert example.send("get", video_id).status_code == 200


def test_every_fault_of_answers_can_strike_an_answer_without_a_body(example: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video(NAME, queued=600)
    for fault in (Fault("merge", body="{}"), Fault("drip", seconds=0), Fault("latency", seconds=0)):
        simulator.clear_faults()
        simulator.add_fault(fault)
        answer = example.send("get", video_id)
        assert (answer.status_code, answer.content) == (202, b"")


def test_the_connection_of_a_key_of_two_parts_has_a_login(simulator: Simulator) -> None:
    uri = simulator.connection_uri(NAME)
    host = quote(simulator.vendor_url(NAME), safe="")
    assert uri == f"example-vendor://key-id:simulator-key@{host}"


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("conn_type", {"conn_type": "Two Words"}),
        ("conn_type", {"conn_type": "simulator"}),
        ("endpoints", {"endpoints": {}}),
        ("endpoints", {"endpoints": {**EXAMPLE.endpoints, "rename": Endpoint("PUT", "/x")}}),
        ("'/x", {"endpoints": {**EXAMPLE.endpoints, "rename": Endpoint("PUT", "/x?y=1")}}),
    ],
)
def test_an_unusable_vendor_is_refused_by_name(named: str, changes: Any) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        dataclasses.replace(EXAMPLE, **changes)


def test_two_vendors_of_one_connection_type_are_refused() -> None:
    with pytest.raises(ValueError, match="'tavus'"):
        Simulator(vendors=[dataclasses.replace(EXAMPLE, conn_type="tavus")])


@pytest.mark.parametrize(
    ("sent", "key"),
    [("Bearer k", "k"), ("bearer  k ", "k"), ("Bearer", ""), ("Key k", None), ("k", None)],
)
def test_a_key_behind_a_word(sent: str, key: str | None) -> None:
    auth = HeaderKey("Authorization", "Bearer")
    assert auth.read({"Authorization": sent}) == key
    assert auth.read({}) is None
    assert auth.read(auth.headers("k")) == "k"
