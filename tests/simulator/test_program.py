# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import json
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import requests

import airflow_provider_videos
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.__main__ import main
from airflow_provider_videos.simulator.built_in import built_in_vendors
from airflow_provider_videos.simulator.faults import FAULT_KINDS

Start = Callable[..., "subprocess.Popen[str]"]
VENDORS = [vendor.conn_type for vendor in built_in_vendors()]
KEY = "it's a key/with:signs"


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Starts the program, as a user would from the checkout or with the package installed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-m", "airflow_provider_videos.simulator", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=pathlib.Path(airflow_provider_videos.__file__).parents[1],
        )
        started.append(program)
        return program

    yield run
    for program in started:
        program.kill()
        program.communicate()


@pytest.fixture(scope="module")
def welcome(start: Start) -> list[str]:
    """What a running program has printed."""
    return read_welcome(start("--port", "0", "--key", KEY, "--queued", "600"))


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def read_welcome(program: subprocess.Popen[str]) -> list[str]:
    assert program.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        line = program.stdout.readline()
        assert line, f"it ended after {lines}"
        lines.append(line.rstrip("\n"))
    return lines


def address_in(lines: list[str]) -> str:
    return lines[0].rpartition(" ")[2]


def test_it_says_where_it_serves_and_serves_there(welcome: list[str], session: requests.Session) -> None:
    url = f"{address_in(welcome)}/v2/videos"
    session.headers["x-api-key"] = KEY
    created = session.post(url, json={"replica_id": "r1", "script": "Hello"}, timeout=10).json()
    assert session.get(f"{url}/{created['video_id']}", timeout=10).json()["status"] == "queued"


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_prints_each_connection_for_the_environment(welcome: list[str], vendor: str) -> None:
    port = address_in(welcome).rpartition(":")[2]
    # The scheme of a URI may have no underscore.
    uri = f"{vendor.replace('_', '-')}://:it%27s%20a%20key%2Fwith%3Asigns@http%3A%2F%2F127.0.0.1%3A{port}%2F{vendor}"
    assert f"export AIRFLOW_CONN_{vendor.upper()}_DEFAULT='{uri}'" in welcome


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_prints_the_command_that_adds_each_connection_to_airflow(welcome: list[str], vendor: str) -> None:
    command = shlex.split(next(line for line in welcome if line.startswith(f"airflow connections add {vendor}_")))
    assert command[:4] == ["airflow", "connections", "add", f"{vendor}_default"]
    assert dict(zip(command[4::2], command[5::2], strict=True)) == {
        "--conn-type": vendor,
        "--conn-host": f"{address_in(welcome)}/{vendor}",
        "--conn-password": KEY,
    }


def test_it_says_that_a_restart_forgets_the_videos(welcome: list[str]) -> None:
    assert any("restart forgets all videos" in line for line in welcome)


def test_the_printed_curl_line_orders_a_video(welcome: list[str], session: requests.Session) -> None:
    curl = next(shlex.split(line) for line in welcome if line.startswith("curl "))
    options = list(itertools.pairwise(curl))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    order = next(value for option, value in options if option == "-d")
    record = f"{address_in(welcome)}/simulator"
    before = session.get(record, timeout=10).json()["created"]
    assert session.post(curl[-1], headers=headers, data=order, timeout=10).ok
    after = session.get(record, timeout=10).json()["created"]
    assert sum(after.values()) == sum(before.values()) + 1


def test_its_options_reach_the_simulator_and_sigterm_ends_it(start: Start, session: requests.Session) -> None:
    program = start(
        *("--host", "localhost", "--port", "0", "--queued", "0", "--generating", "600"),
        *("--form", "observed", "--tls", "--page-base", "1"),
    )
    welcome = read_welcome(program)
    url = address_in(welcome)
    assert url.startswith("https://localhost:")
    session.verify = re.findall(r"--cacert (\S+)", "\n".join(welcome))[0]
    assert f"--conn-extra '{json.dumps({'verify': session.verify})}'" in "\n".join(welcome)
    session.headers["x-api-key"] = "simulator-key"
    session.post(f"{url}/simulator/videos", json={"vendor": "tavus"}, timeout=10)
    answer = session.get(f"{url}/v2/videos", params={"page": 1}, timeout=10).json()
    assert answer["data"][0]["status"] == "generating"
    assert answer["data"][0]["generation_progress"] == "0/100"
    assert end(program, signal.SIGTERM) == (0, "")


def test_ctrl_c_ends_it_even_while_a_request_hangs(start: Start) -> None:
    program = start("--port", "0")
    url = address_in(read_welcome(program))
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as connection:
        fault = json.dumps({"kind": "hang"})
        head = f"Host: x\r\nContent-Length: {len(fault)}\r\n\r\n"
        connection.sendall(f"POST /simulator/faults HTTP/1.1\r\n{head}{fault}".encode())
        assert b" 200 OK" in connection.recv(4096)
        connection.sendall(b"GET /v2/videos HTTP/1.1\r\nHost: x\r\n\r\n")
        assert end(program, signal.SIGINT) == (0, "")


def end(program: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    program.send_signal(number)
    _, errors = program.communicate(timeout=10)
    return program.returncode, errors


def test_a_taken_port_is_one_clear_line(simulator: Simulator, start: Start) -> None:
    program = start("--port", str(simulator.port))
    output, errors = program.communicate(timeout=30)
    assert (program.returncode, output) == (1, "")
    assert errors == f"The simulator can't listen on 127.0.0.1:{simulator.port}: Address already in use\n"


def test_an_unusable_option_is_one_clear_line(start: Start) -> None:
    program = start("--port", "0", "--queued", "-1")
    _, errors = program.communicate(timeout=30)
    assert (program.returncode, errors.count("\n")) == (1, 1)
    assert "queued must be a number of seconds" in errors


def test_the_help_names_the_control_paths_and_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    output = capsys.readouterr().out
    for expected in ("/simulator/videos", "/simulator/faults", "NO key", "stuck", *FAULT_KINDS):
        assert expected in output
