# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

CHECKOUT = Path(__file__).parent.parent
SCRIPTS = CHECKOUT / "scripts"


def test_neither_scripts_nor_benchmarks_need_the_tests() -> None:
    files = [file for folder in (SCRIPTS, CHECKOUT / "benchmarks") for file in folder.rglob("*.py")]
    nodes = {file: list(ast.walk(ast.parse(file.read_text()))) for file in files}
    need = {
        file.name
        for file, found in nodes.items()
        for node in found
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "tests" for alias in node.names))
    }
    assert len(files) > 20
    # It prints what the tests' own faults lead to.
    assert need <= {"fault_table.py"}


def test_an_airflow_that_is_not_on_the_index_is_no_failure_of_a_test() -> None:
    command = [sys.executable, str(SCRIPTS / "test.py"), "--airflow", "99.9"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (os.EX_UNAVAILABLE, "")
    assert result.stdout == "The package index has no Airflow 99.9 for this Python: nothing was tested.\n"


def test_an_index_that_does_not_answer_is_not_taken_for_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from environment import is_on_index

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(subprocess.CalledProcessError) as error:
        is_on_index("apache-airflow~=99.9.0")
    assert "Failed to fetch" in error.value.stderr


@pytest.mark.parametrize(
    ("name", "ports"), [("postgres", ["SQL_ALCHEMY_CONN", "BROKER_URL"]), ("mysql", ["SQL_ALCHEMY_CONN"])]
)
def test_servers_run_as_an_ordinary_user_until_the_command_ends(name: str, ports: list[str]) -> None:
    from backend import backend, check_installed

    try:
        check_installed(name)
    except SystemExit as error:
        pytest.skip(str(error))
    with backend(name) as settings:
        for port in _ports(settings, ports):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        servers = psutil.Process().children()
        assert len(servers) == len(ports)
        assert all(server.uids().effective for server in servers)
        folders = {Path(server.cwd()) for server in servers}
    assert not any(server.is_running() for server in servers)
    assert not any(folder.exists() for folder in folders)


def _ports(settings: dict[str, str], names: list[str]) -> list[int]:
    urls = [url for name, url in settings.items() if name.rpartition("__")[2] in names]
    return [int(url.rpartition(":")[2].partition("/")[0]) for url in urls]
