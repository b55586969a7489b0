# SPDX-License-Identifier: Apache-2.0
"""Prints the README's table of faults, from waits that meet them: ``python scripts/fault_table.py``.

Each wait runs in this process against the simulator, over real sockets. It takes some 4 minutes.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from pathlib import Path

from environment import CHECKOUT, make_environment


def main() -> None:
    """Let every mode meet every fault, and print what came of it."""
    sys.path.insert(0, str(CHECKOUT))
    import tests.conftest  # ruff: ignore[unused-import] - it keeps the user's own Airflow out
    from tests.faults import FINAL, PASSING
    from tests.waiting import MODES

    print("| fault | strikes twice | strikes for ever |")
    print("|---|---|---|")
    for name, fault in (PASSING | FINAL).items():
        cells = []
        for times in (2, None):
            started_at = time.monotonic()
            ends = [end_of_wait(mode, dataclasses.replace(fault, times=times)) for mode in MODES]
            seconds = (time.monotonic() - started_at) / len(MODES)
            if len(set(ends)) > 1:
                ends = ["; ".join(f"{mode}: {end}" for mode, end in zip(MODES, ends, strict=True))]
            cells.append(f"{ends[0]} in {seconds:.1f} s")
        print(f"| {name} | {cells[0]} | {cells[1]} |", flush=True)


def end_of_wait(mode: str, fault: object) -> str:
    """Wait for a video that is ready behind a fault, and say how that ended."""
    from airflow_provider_videos.simulator import Simulator
    from tests.faults import REQUEST_TIMEOUT
    from tests.waiting import wait

    with Simulator(queued=0, generating=0) as simulator:
        address = f"127.0.0.1:{simulator.port}/http?timeout={REQUEST_TIMEOUT}"
        os.environ["AIRFLOW_CONN_FAULTY"] = f"tavus://:{simulator.key}@{address}"
        video_id = simulator.add_video("tavus")
        simulator.add_fault(fault)  # type: ignore[arg-type]
        outcome = wait(mode, video_id=video_id, conn_id="faulty", poke_interval=0.1, max_consecutive_failures=4)
        requests = len(simulator.requests_for(video_id))
    how = "ready" if outcome.state == "success" else f"`{type(outcome.error).__name__}`"
    return f"{how} after {requests} request{'s' if requests > 1 else ''}"


if __name__ == "__main__":
    python = make_environment("test-airflow-newest", "--editable", ".[test]")
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), __file__])
    main()
