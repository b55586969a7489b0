# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator

from .client import Client

CheckSchema = Callable[[Any, str], None]

PHASES: list[tuple[str, dict[str, Any]]] = [
    ("queued", {"queued": 600}),
    ("generating", {"generating": 600}),
    ("generating", {"outcome": "stuck"}),
    ("ready", {}),
    ("error", {"outcome": "failed"}),
    ("deleted", {"outcome": "deleted"}),
]


def test_an_order_is_answered_in_the_documented_form(tavus: Client, check_schema: CheckSchema) -> None:
    answer = tavus.order(replica_id="r1", script="Hello")
    assert answer.status_code == 200
    check_schema(answer.json(), "tavus-created")


def test_an_order_starts_queued_and_with_a_hosted_url(simulator: Simulator, tavus: Client) -> None:
    simulator.queued = 600
    created = tavus.order(replica_id="r1", script="Hello").json()
    assert created["status"] == "queued"
    assert tavus.look(created["video_id"]).json()["hosted_url"] == created["hosted_url"]


def test_an_ordered_video_says_what_was_ordered(tavus: Client) -> None:
    by_script = tavus.order(replica_id="r1", script="Hello", video_name="Greeting").json()["video_id"]
    by_audio = tavus.order(replica_id="r1", audio_url="https://example.com/a.mp3").json()["video_id"]
    described = tavus.look(by_script).json()
    assert (described["video_name"], described["data"]) == ("Greeting", {"script": "Hello"})
    assert tavus.look(by_audio).json()["data"] == {"audio_url": "https://example.com/a.mp3"}


@pytest.mark.parametrize(
    ("body", "mentioned"),
    [
        ({"script": "Hello"}, "replica_id"),
        ({"replica_id": 7, "script": "Hello"}, "replica_id"),
        ({"replica_id": "r1"}, "script"),
        ({"replica_id": "r1", "script": "Hello", "audio_url": "https://example.com/a.mp3"}, "audio_url"),
        ({"replica_id": "r1", "script": "Hello", "transparent_background": True}, "fast"),
        ({"replica_id": "r1", "script": "Hello", "fast": "yes"}, "fast"),
        ({"replica_id": "r1", "script": "Hello", "properties": []}, "properties"),
    ],
)
def test_a_bad_order_is_refused_and_not_counted(
    simulator: Simulator, tavus: Client, check_schema: CheckSchema, body: dict[str, Any], mentioned: str
) -> None:
    answer = tavus.order(**body)
    assert answer.status_code == 400
    check_schema(answer.json(), "tavus-bad-request")
    assert mentioned in answer.json()["error"]
    assert simulator.record.created == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_an_order_that_is_no_json_object_is_refused(tavus: Client, check_schema: CheckSchema, body: bytes) -> None:
    answer = tavus.send("POST", data=body)
    assert answer.status_code == 400
    check_schema(answer.json(), "tavus-bad-request")


def test_a_transparent_background_is_accepted_with_fast(tavus: Client) -> None:
    answer = tavus.order(replica_id="r1", script="Hello", fast=True, transparent_background=True)
    assert answer.status_code == 200


@pytest.mark.parametrize(("status", "options"), PHASES)
@pytest.mark.parametrize("verbose", ["true", "false"])
def test_each_status_has_the_documented_form(
    simulator: Simulator,
    tavus: Client,
    check_schema: CheckSchema,
    status: str,
    options: dict[str, Any],
    verbose: str,
) -> None:
    described = tavus.look(simulator.add_video("tavus", **options), verbose=verbose).json()
    assert described["status"] == status
    check_schema(described, "tavus-video")


@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_observed_form_on_request(
    simulator: Simulator, tavus: Client, check_schema: CheckSchema, status: str, options: dict[str, Any]
) -> None:
    described = tavus.look(simulator.add_video("tavus", form="observed", **options)).json()
    assert described["status"] == status
    check_schema(described, "tavus-video-observed")


def test_progress_grows_while_a_video_is_generated(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus", form="observed", generating=0, outcome="stuck")
    assert tavus.look(video_id).json()["generation_progress"] == "99/100"
    simulator.set_video("tavus", video_id, generating=1_000_000)
    assert tavus.look(video_id).json()["generation_progress"] == "0/100"


def test_thumbnails_come_only_when_asked_for(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    thumbnails = {"still_image_thumbnail_url", "gif_thumbnail_url"}
    assert thumbnails <= tavus.look(video_id, verbose="true").json().keys()
    assert not thumbnails & tavus.look(video_id).json().keys()


def test_a_fast_video_has_no_stream_and_no_thumbnails(tavus: Client) -> None:
    video_id = tavus.order(replica_id="r1", script="Hello", fast=True).json()["video_id"]
    described = tavus.look(video_id, verbose="true").json()
    assert "download_url" in described
    assert not {"stream_url", "still_image_thumbnail_url", "gif_thumbnail_url"} & described.keys()


def test_ready_without_urls_leaves_only_the_hosted_page(simulator: Simulator, tavus: Client) -> None:
    documented = tavus.look(simulator.add_video("tavus", outcome="ready_without_urls")).json()
    assert documented["status"] == "ready"
    assert "hosted_url" in documented
    assert not {"download_url", "stream_url"} & documented.keys()
    observed = tavus.look(simulator.add_video("tavus", outcome="ready_without_urls", form="observed")).json()
    assert (observed["status"], observed["download_url"], observed["stream_url"]) == ("ready", None, None)


def test_a_failure_is_told_in_the_status_details(simulator: Simulator, tavus: Client) -> None:
    described = tavus.look(simulator.add_video("tavus", outcome="failed")).json()
    assert described["status_details"].startswith("An error occurred while generating this request.")


def test_any_field_can_be_overridden_or_left_out(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus", without=("status_details",), status="rendering", created_at=7)
    described = tavus.look(video_id).json()
    assert (described["status"], described["created_at"]) == ("rendering", 7)
    assert "status_details" not in described
    simulator.set_video("tavus", video_id, video_id="another", without=())
    changed = tavus.look(video_id).json()
    assert (changed["video_id"], changed["status"]) == ("another", "rendering")
    assert "status_details" in changed


def test_an_unknown_video_is_a_bad_request(simulator: Simulator, tavus: Client, check_schema: CheckSchema) -> None:
    simulator.add_video("together", video_id="not-yours")
    for answer in (
        tavus.look("nothing"),
        tavus.look("not-yours"),
        tavus.send("DELETE", "/nothing"),
        tavus.send("PATCH", "/nothing/name", json={"video_name": "New"}),
    ):
        assert answer.status_code == 400
        check_schema(answer.json(), "tavus-bad-request")


@pytest.mark.parametrize("form", ["documented", "observed"])
def test_the_list_describes_videos_of_every_status(
    simulator: Simulator, tavus: Client, check_schema: CheckSchema, form: Any
) -> None:
    for _, options in PHASES:
        simulator.add_video("tavus", form=form, **options)
    listed = tavus.send("GET").json()
    assert [video["status"] for video in listed["data"]] == [status for status, _ in reversed(PHASES)]
    assert listed["total_count"] == len(PHASES)
    if form == "documented":
        check_schema(listed, "tavus-list")
    else:
        failed = next(video for video in listed["data"] if video["status"] == "error")
        assert failed["error_details"] is None
        assert all(video["created_at"].endswith(" GMT") for video in listed["data"])


@pytest.mark.parametrize("page_base", [0, 1])
def test_the_list_has_pages_newest_first(page_base: int) -> None:
    with Simulator(page_base=page_base) as simulator:
        ordered = [simulator.add_video("tavus") for _ in range(25)]
        client = Client(simulator, {"x-api-key": simulator.key})
        with client.session:
            first = client.send("GET").json()
            assert [video["video_id"] for video in first["data"]] == ordered[:-11:-1]
            assert first["total_count"] == 25
            last = client.send("GET", params={"limit": 10, "page": page_base + 2}).json()
            assert [video["video_id"] for video in last["data"]] == ordered[4::-1]
            assert client.send("GET", params={"page": page_base + 3}).json()["data"] == []


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "many"}, {"page": "-1"}, {"page": "1.5"}])
def test_a_bad_page_is_refused(tavus: Client, check_schema: CheckSchema, query: dict[str, str]) -> None:
    answer = tavus.send("GET", params=query)
    assert answer.status_code == 400
    check_schema(answer.json(), "tavus-bad-request")


def test_a_deleted_video_stays_with_that_status(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus", generating=600)
    assert tavus.send("DELETE", f"/{video_id}").status_code == 200
    assert tavus.look(video_id).json()["status"] == "deleted"


def test_a_hard_deleted_video_is_gone(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    assert tavus.send("DELETE", f"/{video_id}", params={"hard": "true"}).status_code == 200
    assert tavus.look(video_id).status_code == 400


def test_a_video_can_be_renamed(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    assert tavus.send("PATCH", f"/{video_id}/name", json={"video_name": "New"}).status_code == 200
    assert tavus.look(video_id).json()["video_name"] == "New"


@pytest.mark.parametrize("body", [{}, {"video_name": 7}, {"video_name": ""}, []])
def test_a_bad_name_is_refused(simulator: Simulator, tavus: Client, check_schema: CheckSchema, body: Any) -> None:
    answer = tavus.send("PATCH", f"/{simulator.add_video('tavus')}/name", json=body)
    assert answer.status_code == 400
    check_schema(answer.json(), "tavus-bad-request")


def test_a_wrong_key_or_none_is_unauthorized(simulator: Simulator, anyone: Client, check_schema: CheckSchema) -> None:
    video_id = simulator.add_video("tavus")
    refused: list[dict[str, str]] = [
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
        {"x-api-key": "ÿ"},
        {},
        {"Authorization": "Basic eDp5"},
    ]
    for headers in refused:
        answer = anyone.send("GET", f"/{video_id}", headers=headers)
        assert answer.status_code == 401
        check_schema(answer.json(), "tavus-unauthorized")
        assert answer.json() == {"message": "Invalid access token"}
    assert simulator.record.keys_refused == len(refused)


def test_a_wrong_method_is_refused_with_the_right_ones(tavus: Client) -> None:
    answer = tavus.send("PUT", "/any")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, DELETE")
