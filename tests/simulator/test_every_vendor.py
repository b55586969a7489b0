# SPDX-License-Identifier: Apache-2.0
"""What is the same for every simulated vendor, over a real socket."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from airflow.sdk import Connection

from airflow_provider_videos.http.connection import read_connection
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.built_in import built_in_vendors
from airflow_provider_videos.vendors.tavus import Tavus

from .api import Api
from .example_vendor import EXAMPLE

ROLES = [(vendor.conn_type, role) for vendor in (*built_in_vendors(), EXAMPLE) for role in vendor.endpoints]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(queued=0, generating=0, vendors=[EXAMPLE]) as simulator:
        yield simulator


@pytest.fixture(params=[vendor.conn_type for vendor in (*built_in_vendors(), EXAMPLE)])
def any_vendor(request: pytest.FixtureRequest, simulator: Simulator) -> Api:
    return Api(simulator, request.param)


def test_every_vendor_is_ordered_from_and_polled_below_its_connection_type(
    any_vendor: Api, simulator: Simulator
) -> None:
    name = any_vendor.vendor.conn_type
    ordered = any_vendor.order()
    assert ordered.ok
    video_id = simulator.add_video(name)
    assert any_vendor.send("get", video_id).ok
    assert simulator.record.requests == {f"{name} create": 1, f"{name} get": 1}
    assert simulator.record.created == {name: 1}
    assert len(simulator.requests_for(video_id)) == 1


def test_every_vendor_answers_an_order_and_a_poll_of_a_wrong_key_its_own_way(
    any_vendor: Api, simulator: Simulator
) -> None:
    simulator.key = "another-key"
    expected = any_vendor.vendor.error(401)
    for answer in (any_vendor.order(), any_vendor.send("get", simulator.add_video(any_vendor.vendor.conn_type))):
        assert (answer.status_code, answer.json()) == (expected.status, expected.body)
    assert (simulator.record.keys_refused, simulator.record.created) == (2, {})


def test_every_vendor_says_its_own_way_that_a_video_is_unknown(any_vendor: Api, simulator: Simulator) -> None:
    known = simulator.add_video(any_vendor.vendor.conn_type)
    unknown = any_vendor.vendor.unknown_video
    nobody = any_vendor.send("get", known + "0")
    simulator.add_fault(Fault("unknown_video", endpoint="get", times=1))
    for answer in (nobody, any_vendor.send("get", known)):
        assert (answer.status_code, answer.json()) == (unknown.status, unknown.body)
    assert any_vendor.send("get", known).json() != unknown.body


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_status"])
def test_a_fault_of_orders_accepts_the_order_of_every_vendor(kind: Any, any_vendor: Api, simulator: Simulator) -> None:
    simulator.add_fault(Fault(kind, times=1))
    try:
        assert any_vendor.order().status_code == 500
    except requests.ConnectionError:
        assert kind == "accept_then_reset"
    assert simulator.record.created == {any_vendor.vendor.conn_type: 1}


def test_a_vendor_at_the_root_has_the_same_videos_below_its_connection_type(simulator: Simulator) -> None:
    tavus = Api(simulator, "tavus")
    video_id = tavus.order().json()["video_id"]
    at_root = tavus.session.get(f"{simulator.url}/v2/videos/{video_id}", timeout=10)
    assert at_root.json() == tavus.send("get", video_id).json()
    assert simulator.record.requests == {"tavus create": 1, "tavus get": 2}


@pytest.mark.parametrize(("vendor", "role"), ROLES)
def test_a_wrong_method_is_told_which_are_right(vendor: str, role: str, simulator: Simulator) -> None:
    api = Api(simulator, vendor)
    endpoint = api.vendor.endpoints[role]
    path = re.sub(r"\{kind:[^}]*\}", "text2video", endpoint.path)
    path = path.replace("{id}", "x").replace("{id:.+/requests/[^/]+}", "a/requests/x")
    path = path.replace("{collection:talks|clips|scenes|expressives}", "talks")
    path = path.replace("{id:(?:talks|clips|scenes|expressives)/[^/]+}", "talks/x")
    if role == "create":
        path = api.vendor.example_path or path
    answer = api.session.request("OPTIONS", simulator.vendor_url(vendor) + path, timeout=10)
    assert endpoint.method in answer.headers["Allow"].split(", ")
    assert answer.json() == api.vendor.error(405).body


def test_a_hook_reads_the_uri_of_every_vendor(
    any_vendor: Api, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = any_vendor.vendor
    monkeypatch.setenv("AIRFLOW_CONN_MINE", simulator.connection_uri(vendor.conn_type, timeout=2))
    connection = Connection.get("mine")
    package_vendor = type("PackageVendor", (Tavus,), {"conn_type": vendor.conn_type})
    assert (connection.login or "", connection.password) == (vendor.login, simulator.key)
    read = read_connection(connection, package_vendor())
    assert (read.base_url, read.api_key, read.timeout) == (simulator.vendor_url(vendor.conn_type), simulator.key, 2)


def test_the_simulator_imports_nothing_that_it_is_the_check_of() -> None:
    script = (
        "import sys, airflow_provider_videos.simulator.__main__\n"
        "print(*sorted(name for name in sys.modules if name.startswith('airflow')))"
    )
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    own = "airflow_provider_videos.simulator"
    assert own in imported
    assert [name for name in imported if not f"{name}.".startswith(f"{own}.")] == ["airflow_provider_videos"]
