# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import concurrent.futures
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import requests

from airflow_provider_videos.simulator import Fault, Simulator

from .client import Client


def test_a_rotated_key_refuses_the_old_one(simulator: Simulator, tavus: Client, together: Client) -> None:
    tavus_id, together_id = simulator.add_video("tavus"), simulator.add_video("together")
    assert (tavus.look(tavus_id).status_code, together.look(together_id).status_code) == (200, 200)
    simulator.key = "another-key"
    assert (tavus.look(tavus_id).status_code, together.look(together_id).status_code) == (401, 401)
    renewed = tavus.send("GET", f"/{tavus_id}", headers={"x-api-key": "another-key"})
    assert renewed.status_code == 200


def test_times_and_outcome_of_new_videos_can_be_changed(simulator: Simulator, tavus: Client) -> None:
    order = {"replica_id": "r1", "script": "Hello"}
    assert tavus.look(tavus.order(**order).json()["video_id"]).json()["status"] == "ready"
    simulator.outcome = "failed"
    assert tavus.look(tavus.order(**order).json()["video_id"]).json()["status"] == "error"
    simulator.generating = 600
    assert tavus.look(tavus.order(**order).json()["video_id"]).json()["status"] == "generating"
    simulator.queued = 600
    assert tavus.look(tavus.order(**order).json()["video_id"]).json()["status"] == "queued"


@pytest.mark.parametrize(
    ("name", "value"),
    [("key", ""), ("key", " a"), ("key", "two\nlines"), ("queued", -1), ("generating", None), ("outcome", "deleted")],
)
def test_an_unusable_setting_is_refused_by_name(simulator: Simulator, name: str, value: object) -> None:
    before = getattr(simulator, name)
    with pytest.raises(ValueError, match=f"^{name} "):
        setattr(simulator, name, value)
    assert getattr(simulator, name) == before


def test_an_unusable_argument_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^form "):
        Simulator(form="imagined")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^page_base "):
        Simulator(page_base=2)


def test_the_record_counts_what_was_asked_and_answered(simulator: Simulator, tavus: Client, together: Client) -> None:
    before = time.monotonic()
    video_id = tavus.order(replica_id="r1", script="Hello").json()["video_id"]
    together.order(model="a/b")
    for _ in range(3):
        tavus.look(video_id)
    together.look("nothing")
    simulator.add_fault(Fault("status", status=503, times=1))
    tavus.look(video_id)
    record = simulator.record
    assert record.requests == {"tavus create": 1, "together create": 1, "tavus get": 4, "together get": 1}
    assert record.videos == {video_id: 4, "nothing": 1}
    assert record.answers == {200: 5, 404: 1, 503: 1}
    assert record.created == {"tavus": 1, "together": 1}
    assert record.faults == {"status": 1}
    assert (record.connections, record.keys_refused) == (2, 0)
    looks = simulator.requests_for(video_id)
    assert len(looks) == 4
    moments = [before, *looks, time.monotonic()]
    assert moments == sorted(moments)
    assert json.loads(json.dumps(record.to_dict()))["answers"] == {"200": 5, "404": 1, "503": 1}


def test_a_request_that_is_never_answered_is_in_no_count_of_answers(simulator: Simulator, tavus: Client) -> None:
    simulator.add_fault(Fault("reset_before"))
    with pytest.raises(requests.ConnectionError):
        tavus.look("any")
    assert simulator.record.answers == {}
    assert sum(simulator.record.requests.values()) >= 1


def test_forgetting_leaves_nothing_but_the_settings(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    simulator.add_fault(Fault("status", times=1, after=1))
    tavus.look(video_id)
    simulator.forget()
    assert not any(simulator.record.to_dict().values())
    assert simulator.requests_for(video_id) == []
    assert [tavus.look(video_id).status_code for _ in range(2)] == [400, 400]


def test_the_key_shows_up_nowhere(simulator: Simulator, tavus: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.key = "very-secret-key"
    answer = tavus.send("GET", "/any", headers={"x-api-key": "very-secret-typo"})
    control = tavus.session.get(f"{simulator.url}/simulator", timeout=10)
    shown = answer.text + control.text + caplog.text + repr(simulator) + repr(vars(simulator)) + repr(simulator.record)
    assert "very-secret" not in shown


def test_hanging_requests_do_not_delay_the_stop() -> None:
    with Simulator() as simulator:
        simulator.add_fault(Fault("hang", times=3))
        simulator.add_fault(Fault("drip"))
        connections = [socket.create_connection(("127.0.0.1", simulator.port), timeout=10) for _ in range(6)]
        for connection in connections:
            connection.sendall(b"GET /v2/videos/any HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 10
        while sum(simulator.record.faults.values()) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert simulator.record.faults == {"hang": 3, "drip": 3}
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 1.0
    for connection in connections:
        with connection:
            while connection.recv(4096):
                pass


def test_the_stop_leaves_no_thread_and_no_listener() -> None:
    simulator = Simulator()
    with simulator:
        assert "video-simulator" in {thread.name for thread in threading.enumerate()}
    assert "video-simulator" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
    simulator.stop()


def test_started_again_it_serves_the_same_videos_on_the_same_port() -> None:
    simulator = Simulator()
    with simulator:
        url = f"{simulator.url}/v2/videos/{simulator.add_video('tavus')}"
    with simulator, requests.Session() as session:
        session.trust_env = False
        assert session.get(url, headers={"x-api-key": simulator.key}, timeout=10).status_code == 200


def test_it_can_not_be_started_twice_at_once(simulator: Simulator) -> None:
    with pytest.raises(RuntimeError, match="serves already"):
        simulator.start()


def test_a_taken_port_is_an_os_error(simulator: Simulator) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(port=simulator.port).start()


@pytest.mark.parametrize(("host", "shown"), [("localhost", "localhost"), ("0.0.0.0", "127.0.0.1")])
def test_the_url_is_one_that_can_be_called(host: str, shown: str) -> None:
    with Simulator(host=host) as simulator, requests.Session() as session:
        session.trust_env = False
        assert simulator.url == f"http://{shown}:{simulator.port}"
        assert session.get(f"{simulator.url}/simulator", timeout=10).status_code == 200


def test_tls_is_trusted_by_whoever_trusts_its_certificate() -> None:
    with Simulator(tls=True, queued=0, generating=0) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        certificate = simulator.certificate
        client = Client(simulator, {"x-api-key": simulator.key})
        client.session.verify = str(certificate)
        with client.session:
            described = client.look(simulator.add_video("tavus")).json()
            assert described["download_url"].startswith(simulator.url)
        stranger = Client(simulator, {})
        with stranger.session, pytest.raises(requests.exceptions.SSLError):
            stranger.look("any")
        strict = ssl.create_default_context(cafile=str(certificate))
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        for name in ("localhost", "127.0.0.1", "::1"):
            plain = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
            with strict.wrap_socket(plain, server_hostname=name) as connection:
                assert connection.version() is not None
    assert not certificate.parent.exists()


def test_only_tls_has_a_certificate(simulator: Simulator) -> None:
    with pytest.raises(RuntimeError, match="tls=True"):
        _ = simulator.certificate


def test_without_cryptography_tls_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(RuntimeError, match="pip install cryptography"):
        Simulator(tls=True).start()


def test_it_holds_ten_thousand_videos(simulator: Simulator, tavus: Client) -> None:
    expected = [simulator.add_video("tavus", generating=600 if number % 2 else 0) for number in range(10_000)]
    listed: list[str] = []
    for page in range(10):
        answer = tavus.send("GET", params={"limit": 1000, "page": page}).json()
        assert answer["total_count"] == 10_000
        listed += [video["video_id"] for video in answer["data"]]
    assert listed == expected[::-1]
    statuses = [tavus.look(video_id).json()["status"] for video_id in expected[:200]]
    assert statuses == ["ready", "generating"] * 100


def test_threads_may_add_and_change_videos_while_others_list_them(simulator: Simulator, tavus: Client) -> None:
    def add_and_change() -> None:
        for _ in range(300):
            simulator.set_video("tavus", simulator.add_video("tavus"), outcome="failed")

    with concurrent.futures.ThreadPoolExecutor() as threads:
        running = [threads.submit(add_and_change) for _ in range(3)]
        while not all(one.done() for one in running):
            assert tavus.send("GET", params={"limit": 1000}).status_code == 200
        for one in running:
            one.result()
    assert tavus.send("GET").json()["total_count"] == 900


def test_importing_it_imports_neither_airflow_nor_cryptography() -> None:
    code = (
        "import sys, airflow_provider_videos.simulator.__main__; "
        "print(sorted({'airflow', 'cryptography', 'requests'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "[]\n"
