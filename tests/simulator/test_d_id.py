# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.vendors.d_id import VENDOR
from airflow_provider_videos.vendors.d_id import DId
from tests.vendors.canned import run

from .api import Api

CheckSchema = Callable[[Any, str], None]
SCRIPT = {"type": "text", "input": "Hello."}
PHASES: list[tuple[str, dict[str, Any]]] = [
    ("created", {"queued": 600}),
    ("started", {"generating": 600}),
    ("done", {}),
    ("done", {"outcome": "ready_without_urls"}),
    ("error", {"outcome": "failed"}),
    ("rejected", {"outcome": "rejected"}),
]

ORDERS = {
    "/talks": {"source_url": "https://a.test/face.jpg"},
    "/clips": {"presenter_id": "amy-1"},
    "/scenes": {"avatar_id": "avt_1"},
    "/expressives": {"avatar_id": "avt_1"},
}


@pytest.fixture
def d_id(simulator: Simulator) -> Api:
    return Api(simulator, "d_id")


def post(api: Api, path: str, body: Any) -> Any:
    return api.session.post(f"{api.url}{path}", json=body, timeout=10)


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("status", "options"), PHASES)
def test_each_status_of_each_kind_has_the_documented_form_and_is_read(
    d_id: Api, simulator: Simulator, check_schema: CheckSchema, form: Any, status: str, options: dict[str, Any]
) -> None:
    for path, more in ORDERS.items():
        answer = post(d_id, path, {**more, "script": SCRIPT, "name": "Greeting", "user_data": "mine"})
        check_schema(answer.json(), "d-id-created")
        assert (answer.status_code, answer.json()["status"]) == (201, "created")
        video_id = f"{path[1:]}/{answer.json()['id']}"
        simulator.set_video("d_id", video_id, form=form, **options)
        body = d_id.send("get", video_id).json()
        check_schema(body, "d-id-video")
        assert (body["status"], body["name"], body["user_data"]) == (status, "Greeting", "mine")
        assert ("user" in body) is (form == "observed")
        video, _ = run(DId().fetch(video_id), body)
        assert (video.video_id, video.is_usable) == (video_id, not options)
        assert d_id.session.get(f"{d_id.url}{path}", timeout=10).json() == {path[1:]: [body]}


def test_what_an_order_does_not_say_is_filled_in_and_made(d_id: Api, simulator: Simulator) -> None:
    talk = post(d_id, "/talks", {"script": {"type": "text", "inputs": "Hello."}}).json()
    assert d_id.send("get", f"talks/{talk['id']}").json()["source_url"].endswith("alice.jpg")
    assert simulator.record.created == {"d_id": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/talks", []), ("/talks", {}), ("/talks", {"script": "Hello."}), ("/scenes", {"script": SCRIPT})],
    ids=str,
)
def test_a_bad_order_is_refused_and_not_counted(d_id: Api, simulator: Simulator, path: str, body: Any) -> None:
    answer = post(d_id, path, body)
    assert (answer.status_code, answer.json()["kind"]) == (400, "BadRequestError")
    assert simulator.record.created == {}


def test_a_key_may_come_as_it_is_or_encoded_once(d_id: Api, simulator: Simulator) -> None:
    once = base64.b64encode(simulator.key.encode()).decode()
    twice = base64.b64encode(once.encode()).decode()
    for key, status in ((simulator.key, 200), (once, 200), (twice, 401)):
        headers = {"Authorization": f"Basic {key}"}
        assert d_id.session.get(f"{d_id.url}/credits", headers=headers, timeout=10).status_code == status


def test_a_list_has_pages_with_a_token(d_id: Api, simulator: Simulator) -> None:
    ids = [simulator.add_video("d_id").removeprefix("talks/") for _ in range(101)]
    first = d_id.session.get(f"{d_id.url}/talks", timeout=10).json()
    second = d_id.session.get(f"{d_id.url}/talks", params={"token": first["token"]}, timeout=10).json()
    assert (len(first["talks"]), first["talks"][0]["id"]) == (100, ids[-1])
    assert ([talk["id"] for talk in second["talks"]], "token" in second) == ([ids[0]], False)


def test_only_a_finished_video_is_deleted(d_id: Api, simulator: Simulator) -> None:
    pending, talk = simulator.add_video("d_id", generating=600), simulator.add_video("d_id")
    refused = d_id.send("delete", pending)
    assert (refused.status_code, refused.json()["kind"]) == (409, "NotReadyError")
    assert d_id.send("delete", talk).json()["status"] == "done"
    assert d_id.send("get", talk).status_code == 404
    scene = post(d_id, "/scenes", {"avatar_id": "avt_1", "script": SCRIPT}).json()["id"]
    assert d_id.send("delete", f"scenes/{scene}").status_code == 204


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 451, 500])
def test_each_error_has_a_kind_and_a_description(status: int) -> None:
    reply = VENDOR.error(status)
    assert (reply.status, [*reply.body]) == (status, ["kind", "description"])
