# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.videos import Form
from airflow_provider_videos.vendors.heygen import HeyGen
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
ORDER = {"type": "avatar", "avatar_id": "a1", "script": "Hello."}
ORDERS: list[dict[str, Any]] = [
    ORDER,
    {"type": "image", "image": {"type": "url", "url": "https://a.test/a.png"}, "audio_asset_id": "s1"},
    {"type": "cinematic_avatar", "avatar_id": ["a1"], "prompt": "She walks."},
    {"type": "studio", "scenes": [{"type": "image"}]},
]
PHASES: list[tuple[str, dict[str, Any]]] = [
    ("pending", {"queued": 600}),
    ("processing", {"generating": 600}),
    ("processing", {"outcome": "stuck"}),
    ("completed", {}),
    ("completed", {"outcome": "ready_without_urls"}),
    ("failed", {"outcome": "failed"}),
]


@pytest.fixture
def heygen(simulator: Simulator) -> Api:
    return Api(simulator, "heygen")


def fill_template(heygen: Api, **options: Any) -> Any:
    url = f"{heygen.url}/v3/templates/t1"
    return heygen.session.post(url, json={"variables": {}, "title": "T", "caption": True}, timeout=10, **options)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order["type"])
def test_an_order_is_answered_as_in_the_docs(heygen: Api, check_schema: CheckSchema, order: dict[str, Any]) -> None:
    answer = heygen.send("create", json=order)
    check_schema(answer.json(), "heygen-created")
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data == {"video_id": data["video_id"], "status": "waiting", "output_format": "mp4"}


def test_an_order_may_be_answered_with_an_id_alone() -> None:
    with Simulator(form="observed") as simulator:
        assert [*Api(simulator, "heygen").send("create", json=ORDER).json()["data"]] == ["video_id"]


def test_a_template_is_answered_with_the_whole_video(
    heygen: Api, simulator: Simulator, check_schema: CheckSchema
) -> None:
    simulator.generating = 600
    answer = fill_template(heygen)
    check_schema(answer.json(), "heygen-created")
    assert (answer.json()["data"]["status"], answer.json()["data"]["title"]) == ("processing", "T")


def ask_agent(heygen: Api, **order: Any) -> Any:
    return heygen.session.post(f"{heygen.url}/v3/video-agents", json=order, timeout=10)


@pytest.mark.parametrize("form", ["documented", "observed"])
def test_a_session_tells_its_video_once_that_is_generated(form: Form) -> None:
    with Simulator(form=form, queued=600, generating=600) as simulator:
        heygen = Api(simulator, "heygen")
        created = ask_agent(heygen, prompt="A cat.").json()["data"]
        assert (created["status"], created["video_id"]) == ("thinking", None)
        url = f"{heygen.url}/v3/video-agents/{created['session_id']}"
        session = heygen.session.get(url, timeout=10).json()["data"]
        assert (session["status"], session["video_id"], session["progress"]) == ("thinking", None, 0)
        [listed] = heygen.list()["data"]
        simulator.set_video("heygen", listed["id"], queued=0)
        session = heygen.session.get(url, timeout=10).json()["data"]
        assert (session["status"], session["video_id"]) == ("generating", listed["id"])
        assert heygen.send("get", listed["id"]).json()["data"]["status"] == "processing"
        # It was seen that a session is gone while its video is still being made.
        assert heygen.session.get(url, timeout=10).status_code == (404 if form == "observed" else 200)


@pytest.mark.parametrize(("order", "param"), [({}, "prompt"), ({"prompt": "x", "files": "y"}, "files")], ids=str)
def test_a_bad_order_of_an_agent_is_refused(
    heygen: Api, simulator: Simulator, order: dict[str, Any], param: str
) -> None:
    answer = ask_agent(heygen, **order)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert simulator.record.created == {}


def test_a_key_that_is_known_is_answered_as_the_first_time(heygen: Api, simulator: Simulator) -> None:
    simulator.generating = 600
    headers = {"Idempotency-Key": "a-key:1"}
    first = fill_template(heygen, headers=headers).json()
    simulator.set_video("heygen", first["data"]["id"], generating=0)
    assert fill_template(heygen, headers=headers).json() == first
    assert first["data"]["status"] == "processing"
    assert heygen.send("get", first["data"]["id"]).json()["data"]["status"] == "completed"
    # It holds for each path on its own.
    heygen.send("create", json=ORDER, headers=headers)
    assert simulator.record.created == {"heygen": 2}


@pytest.mark.parametrize("key", ["with space", "x" * 256])
def test_a_key_of_another_form_is_refused(heygen: Api, simulator: Simulator, key: str) -> None:
    answer = heygen.send("create", json=ORDER, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert simulator.record.created == {}


@pytest.mark.parametrize(
    ("order", "param"),
    [
        ({}, "type"),
        ({"type": "video"}, "type"),
        ({**ORDER, "avatar_id": ["a1"]}, "avatar_id"),
        ({**ORDER, "avatar_id": 7}, "avatar_id"),
        ({"type": "avatar", "script": "Hello."}, "avatar_id"),
        ({"type": "avatar", "avatar_id": "a1"}, "script"),
        ({**ORDER, "audio_url": "https://a.test/a.mp3"}, "script"),
        ({**ORDER, "script": "x" * 5001}, "script"),
        ({**ORDER, "output_format": "webm", "background": {"type": "color"}}, "background"),
        ({"type": "studio", "scenes": []}, "scenes"),
    ],
    ids=str,
)
def test_a_bad_order_is_refused_and_not_counted(
    heygen: Api, simulator: Simulator, order: dict[str, Any], param: str
) -> None:
    answer = heygen.send("create", json=order)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
    assert answer.json()["error"]["param"] == param
    assert simulator.record.created == {}


def test_an_order_of_a_template_needs_its_variables(heygen: Api) -> None:
    answer = heygen.session.post(f"{heygen.url}/v3/templates/t1", json={"title": "T"}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "variables")
    assert heygen.send("create", data=b"[]").json()["error"]["message"] == "The body is not a JSON object"


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_has_the_documented_form_and_is_read(
    heygen: Api, simulator: Simulator, check_schema: CheckSchema, status: str, options: dict[str, Any], form: Form
) -> None:
    video_id = simulator.add_video("heygen", form=form, **options)
    answer = heygen.send("get", video_id).json()
    check_schema(answer, "heygen-video")
    video, _ = run(HeyGen().fetch(video_id), answer)
    assert (answer["data"]["status"], video.status) == (status, status)
    assert (video.is_usable, bool(video.expires_at), bool(video.subtitle_url)) == (not options,) * 3
    assert (video.error_code == "rendering_failed") is (status == "failed")


def test_the_examples_of_the_docs_are_produced(heygen: Api, simulator: Simulator) -> None:
    simulator.generating = 600
    made = heygen.send("create", json={**ORDER, "title": "My video"}).json()["data"]["video_id"]
    simulator.set_video("heygen", made, form="observed")
    processing = heygen.send("get", made).json()["data"]
    assert [*processing] == ["id", "status", "title", "created_at"]
    assert (processing["status"], processing["title"], type(processing["created_at"])) == (
        "processing",
        "My video",
        int,
    )
    failed = heygen.send("get", simulator.add_video("heygen", outcome="failed", generating=0)).json()["data"]
    assert (failed["failure_code"], failed["failure_message"]) == ("rendering_failed", "Avatar rendering timed out")


def test_each_file_is_signed_anew_and_there(heygen: Api, simulator: Simulator) -> None:
    simulator.generating = 0
    order = {**ORDER, "caption": {"file_format": "srt", "style": "default"}}
    video_id = heygen.send("create", json=order).json()["data"]["video_id"]
    first, second = (heygen.send("get", video_id).json()["data"] for _ in range(2))
    assert first["video_url"] != second["video_url"]
    types = {"video_url": "video/mp4", "captioned_video_url": "video/mp4", "subtitle_url": "application/x-subrip"}
    for field, content_type in {**types, "thumbnail_url": "image/jpeg", "gif_url": "image/gif"}.items():
        assert heygen.session.get(first[field], timeout=10).headers["Content-Type"] == content_type, field


def test_only_captions_that_are_burned_in_make_a_file_of_their_own(heygen: Api) -> None:
    order = {**ORDER, "caption": {"file_format": "srt"}}
    video_id = heygen.send("create", json=order).json()["data"]["video_id"]
    data = heygen.send("get", video_id).json()["data"]
    assert (data["captioned_video_url"], bool(data["subtitle_url"])) == (None, True)


def test_a_list_goes_on_from_a_token_and_can_be_filtered_by_title(heygen: Api) -> None:
    ids = [heygen.send("create", json={**ORDER, "title": f"T{n}"}).json()["data"]["video_id"] for n in range(3)]
    page = heygen.list(limit="2")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (ids[:0:-1], True)
    page = heygen.list(limit="2", token=page["next_token"])
    assert ([one["id"] for one in page["data"]], page["has_more"], page["next_token"]) == (ids[:1], False, None)
    assert [one["id"] for one in heygen.list(title="T1")["data"]] == [ids[1]]
    assert heygen.list(limit="101")["error"]["param"] == "limit"


def test_a_video_is_deleted_once(heygen: Api, simulator: Simulator) -> None:
    video_id = simulator.add_video("heygen")
    assert heygen.send("delete", video_id).json() == {"data": {"id": video_id, "deleted": True}}
    again = heygen.send("delete", video_id)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "video_not_found")


def test_a_wrong_key_is_answered_in_heygens_words(heygen: Api) -> None:
    answer = heygen.session.get(f"{heygen.url}/v3/users/me", headers={"x-api-key": "another"}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
