# SPDX-License-Identifier: Apache-2.0
"""The commands of the quickstart, pasted as they are, but for installing and for ports that may be taken."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from local_airflow.airflow_home import clean_environment
from local_airflow.components import free_port

pytestmark = [pytest.mark.system, pytest.mark.long]

CHECKOUT = Path(__file__).parent.parent.parent
INSTALLING = ("python3 -m venv ", "source ", "pip install ")


@pytest.fixture
def terminals() -> list[str]:
    """Give what is pasted into each terminal."""
    _, _, rest = (CHECKOUT / "docs" / "get-started.md").read_text().partition("\n## Quickstart\n")
    section, _, _ = rest.partition("\n## ")
    port = str(free_port())
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    lines = [[line for line in block.splitlines() if not line.startswith(INSTALLING)] for block in blocks]
    return [
        "\n".join(block).replace(".simulator &", f".simulator --port {port} &").replace(":8787", f":{port}")
        for block in lines
    ]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    port = str(free_port())
    environment = clean_environment(tmp_path) | {
        "HOME": str(tmp_path),
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
    }
    for kind in ("WORKER", "TRIGGER"):
        environment[f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT"] = str(free_port())
    return environment


def end(terminal: subprocess.Popen[bytes]) -> None:
    """Close a terminal, with all that runs in it."""
    processes = [psutil.Process(terminal.pid), *psutil.Process(terminal.pid).children(recursive=True)]
    for process in processes:
        process.terminate()
    for process in psutil.wait_procs(processes, timeout=15)[1]:
        process.kill()


def wait_until(condition: Callable[[], object], timeout: float, output: Path) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(2)


def test_the_quickstart_ends_with_a_video(terminals: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    first, second = terminals
    output = tmp_path / "output.txt"

    def state_of_the_run() -> str:
        listing = "\n".join([second.splitlines()[0], "airflow dags list-runs example_order_video -o json"])
        command = ["bash", "-c", listing]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return str(json.loads(result.stdout[result.stdout.index("[{") :])[0]["state"])

    with ExitStack() as stack:
        stream = stack.enter_context(output.open("w"))
        terminal = subprocess.Popen(
            ["bash", "-c", f"{first}\n:"], cwd=CHECKOUT, env=environment, stdout=stream, stderr=stream
        )
        stack.callback(end, terminal)
        wait_until(lambda: "Airflow is ready" in output.read_text(), 180, output)
        subprocess.run(["bash", "-ec", second], cwd=CHECKOUT, env=environment, stderr=stream, timeout=120, check=True)
        wait_until(lambda: state_of_the_run() in {"success", "failed"}, 120, output)
        assert state_of_the_run() == "success"
