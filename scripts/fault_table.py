# SPDX-License-Identifier: Apache-2.0
"""Prints the documentation's table of faults, from waits that meet them: ``python scripts/fault_table.py``.

Each wait runs in this process against the simulator, over real sockets. It takes some 3 minutes.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from typing import TYPE_CHECKING

from environment import CHECKOUT, enter_environment

# What a request may take, in seconds.
REQUEST_TIMEOUT = 0.3

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_videos.simulator import Fault


def main() -> None:
    """Let every mode meet every fault, and print what came of it."""
    sys.path.insert(0, str(CHECKOUT))
    import tests.conftest  # ruff: ignore[unused-import] - it keeps the user's own Airflow out
    from tests.faults import FINAL, NOWHERE, PASSING

    print("| fault | strikes twice | strikes for ever |")
    print("|---|---|---|")
    for name, make_fault in (PASSING | FINAL).items():
        cells = [in_every_mode(make_fault, times) for times in (2, None)]
        print(f"| {name} | {cells[0]} | {cells[1]} |", flush=True)
    for name, (address, _) in NOWHERE.items():
        print(f"| {name} | | {in_every_mode(address=address)} |", flush=True)


def in_every_mode(make_fault: Callable[[], Fault] | None = None, times: int | None = None, address: str = "") -> str:
    """Meet a fault in every mode, and say how that ended: once, if it ended alike in all of them."""
    from tests.waiting_kit import MODES

    started_at = time.monotonic()
    ends = [end_of_wait(mode, make_fault, times, address) for mode in MODES]
    seconds = (time.monotonic() - started_at) / len(MODES)
    alike = len(set(ends)) == 1
    told = ends[0] if alike else "; ".join(f"{mode}: {end}" for mode, end in zip(MODES, ends, strict=True))
    return f"{told} in {seconds:.1f} s"


def end_of_wait(mode: str, make_fault: Callable[[], Fault] | None, times: int | None, address: str) -> str:
    """Wait for a video that is ready behind a fault, or at an address, and say how that ended."""
    from airflow_provider_videos.simulator import Simulator
    from tests.waiting_kit import wait

    with Simulator(queued=0, generating=0) as simulator, Simulator(tls=True) as secure:
        plain = f"127.0.0.1:{simulator.port}"
        place = address.format(plain=plain, secure=f"127.0.0.1:{secure.port}") or f"{plain}/http"
        query = f"{'&' if '?' in place else '?'}timeout={REQUEST_TIMEOUT}"
        os.environ["AIRFLOW_CONN_FAULTY"] = f"tavus://:{simulator.key}@{place}{query}"
        video_id = simulator.add_video("tavus")
        if make_fault is not None:
            simulator.add_fault(dataclasses.replace(make_fault(), times=times))
        outcome = wait(mode, video_id=video_id, conn_id="faulty", poke_interval=0.1, max_consecutive_failures=4)
        requests = len(simulator.requests_for(video_id))
    how = "ready" if outcome.state == "success" else f"`{type(outcome.error).__name__}`"
    attempts = sum("Failed poll" in line for line in outcome.log) + 1
    return f"{how} after {max(requests, attempts)} request{'s' if max(requests, attempts) > 1 else ''}"


if __name__ == "__main__":
    enter_environment("test-airflow-newest", "--editable", ".[test]")
    main()
