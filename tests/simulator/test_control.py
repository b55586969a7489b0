# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_videos.simulator import Simulator

from .client import Client


class Control:
    def __init__(self, simulator: Simulator, anyone: Client) -> None:
        self._url = f"{simulator.url}/simulator"
        self._session = anyone.session

    def send(self, method: str, path: str = "", body: Any = None) -> requests.Response:
        return self._session.request(method, self._url + path, json=body, timeout=10)


@pytest.fixture
def control(simulator: Simulator, anyone: Client) -> Control:
    return Control(simulator, anyone)


def test_the_record_can_be_read_and_does_not_count_reading_it(
    simulator: Simulator, control: Control, tavus: Client
) -> None:
    tavus.look("any")
    control.send("GET")
    shown = control.send("GET").json()
    assert shown == simulator.record.to_dict()
    assert shown["requests"] == {"tavus get": 1}


def test_a_video_can_be_put_there(control: Control, tavus: Client) -> None:
    body = {
        "vendor": "tavus",
        "video_id": "mine",
        "queued": None,
        "outcome": "failed",
        "form": "observed",
        "fields": {"video_id": "other", "video_name": None},
        "without": ["data"],
    }
    assert control.send("POST", "/videos", body).json() == {"video_id": "mine"}
    described = tavus.look("mine").json()
    assert (described["video_id"], described["video_name"], described["status"]) == ("other", None, "error")
    assert "data" not in described
    assert "generation_progress" in described


def test_a_video_needs_no_more_than_a_vendor(control: Control, together: Client) -> None:
    video_id = control.send("POST", "/videos", {"vendor": "together"}).json()["video_id"]
    assert together.look(video_id).json()["status"] == "completed"


def test_faults_can_be_put_in_force_and_cleared(control: Control, tavus: Client) -> None:
    fault = {"kind": "status", "status": 429, "retry_after": "7", "body": "{}"}
    assert control.send("POST", "/faults", fault).status_code == 200
    struck = tavus.look("any")
    assert (struck.status_code, struck.headers["Retry-After"], struck.text) == (429, "7", "{}")
    assert control.send("DELETE", "/faults").status_code == 200
    assert tavus.look("any").status_code == 400


def test_faults_never_strike_the_control_paths(control: Control) -> None:
    control.send("POST", "/faults", {"kind": "status"})
    assert control.send("GET").status_code == 200


def test_settings_can_be_changed(simulator: Simulator, control: Control) -> None:
    body = {"key": "new", "queued": 1, "generating": 2.5, "outcome": "stuck"}
    assert control.send("PATCH", body=body).status_code == 200
    assert (simulator.key, simulator.queued, simulator.generating, simulator.outcome) == ("new", 1, 2.5, "stuck")


def test_a_refused_change_changes_nothing(simulator: Simulator, control: Control) -> None:
    assert control.send("PATCH", body={"queued": 5, "outcome": "cancelled"}).status_code == 400
    assert simulator.queued == 0


def test_it_can_be_told_to_forget(control: Control, tavus: Client) -> None:
    control.send("POST", "/videos", {"vendor": "tavus", "video_id": "mine"})
    control.send("POST", "/faults", {"kind": "status"})
    assert control.send("DELETE").status_code == 200
    assert tavus.look("mine").json() == {"error": "Invalid video_id"}
    assert control.send("GET").json()["videos"] == {"mine": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("POST", "/videos", {}, "vendor"),
        ("POST", "/videos", {"vendor": "nobody"}, "vendor"),
        ("POST", "/videos", {"vendor": ["tavus"]}, "vendor"),
        ("POST", "/videos", {"vendor": "tavus", "video_id": 7}, "video_id"),
        ("POST", "/videos", {"vendor": "tavus", "queued": "soon"}, "queued"),
        ("POST", "/videos", {"vendor": "tavus", "generating": -1}, "generating"),
        ("POST", "/videos", {"vendor": "together", "outcome": "deleted"}, "outcome"),
        ("POST", "/videos", {"vendor": "tavus", "form": 1}, "form"),
        ("POST", "/videos", {"vendor": "tavus", "fields": []}, "fields"),
        ("POST", "/videos", {"vendor": "tavus", "without": [1]}, "without"),
        ("POST", "/videos", {"vendor": "tavus", "colour": "red"}, "colour"),
        ("POST", "/videos", [], "body"),
        ("POST", "/faults", {}, "kind"),
        ("POST", "/faults", {"kind": "explosion"}, "kind"),
        ("POST", "/faults", {"kind": "hang", "times": 1.5}, "times"),
        ("POST", "/faults", {"kind": "json", "body": []}, "body"),
        ("POST", "/faults", {"kind": "hang", "duration": 1}, "duration"),
        ("PATCH", "", {"key": 7}, "key"),
        ("PATCH", "", {"outcome": None}, "outcome"),
        ("PATCH", "", {"port": 1}, "port"),
        ("PATCH", "", "text", "body"),
    ],
)
def test_bad_input_is_refused_by_name(control: Control, method: str, path: str, body: Any, named: str) -> None:
    answer = control.send(method, path, body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert named in answer.json()["error"].split(" ")[:2]


def test_a_body_that_is_no_json_is_refused(simulator: Simulator, anyone: Client) -> None:
    for data in (b"", b"{", b"\xff\xfe\x00"):
        answer = anyone.session.post(f"{simulator.url}/simulator/faults", data=data, timeout=10)
        assert answer.status_code == 400
        assert "the body must be JSON" in answer.json()["error"]
