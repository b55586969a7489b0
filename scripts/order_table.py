# SPDX-License-Identifier: Apache-2.0
"""Disturbs orders at every step, in a real Airflow, and prints how each one ends.

``python scripts/order_table.py`` takes some fifteen minutes. With names of vendors, it makes only their columns.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from environment import CHECKOUT, enter_environment

MODES = {
    "sync": "ours",
    "deferrable": "ours, deferrable",
    "plain": "plain",
}
#: A vendor for each way of finding a lost order again; those that begin with ``loom`` are the tests' own.
VENDORS = {
    "tavus": "Tavus",
    "together": "Together AI",
    "loom_key": "idempotency key",
    "loom_own_id": "own id",
    "loom_echo": "request shown",
}
OWN_STEPS = (
    *("before", "in_flight", "unstored", "slow", "dropped", "late", "gateway"),
    *("clear_kept", "clear_emptied", "failed_kept"),
)
KEY = "key-of-the-table"
AT_ONCE = 9


def main() -> None:
    """Place all orders, print the table, and end with 1 if one was accepted twice."""
    sys.path.insert(0, str(CHECKOUT))
    from tests.contract.provider_info import write_metadata
    from tests.system.orders import STEPS, Order, Outcome, place
    from tests.system.real_airflow import RealAirflow

    def cell(outcome: Outcome) -> str:
        end = "success" if outcome.state == "success" else "fails"
        return f"{end}, {outcome.created} ordered"

    vendors = sys.argv[1:] or [*VENDORS]
    columns = [
        (vendor, mode) for vendor in vendors for mode in MODES if mode == "sync" or vendor in {"tavus", "together"}
    ]
    orders = [
        Order(vendor, mode, step)
        for vendor, mode in columns
        for step in (OWN_STEPS if vendor.startswith("loom") else STEPS)
        if step != "resume" or mode == "deferrable"
    ]
    outcomes: dict[Order, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="video-orders-") as folder:
        home, packages = Path(folder) / "airflow", Path(folder) / "packages"
        write_metadata(packages)
        environment = {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{packages}"}
        with RealAirflow(home, CHECKOUT / "tests" / "system" / "dags", environment) as airflow:
            # SQLite doesn't take everything at once.
            for first in range(0, len(orders), AT_ONCE):
                outcomes |= place(airflow, orders[first : first + AT_ONCE], KEY)
                print(f"{len(outcomes)} of {len(orders)}", file=sys.stderr, flush=True)
    titles = [f"{VENDORS[vendor]}: {MODES[mode]}" for vendor, mode in columns]
    print(f"| what happens | {' | '.join(titles)} |")
    print("|---" * (1 + len(titles)) + "|")
    for step, title in STEPS.items():
        cells = [outcomes.get(Order(vendor, mode, step)) for vendor, mode in columns]
        print(f"| {title} | " + " | ".join(cell(outcome) if outcome else "" for outcome in cells) + " |")
    ours = {order: outcome for order, outcome in outcomes.items() if order.mode != "plain"}
    twice = [order.name for order, outcome in ours.items() if outcome.created > 1]
    lost = [order.name for order, outcome in ours.items() if order.vendor == "tavus" and outcome.state != "success"]
    if twice or lost:
        raise SystemExit(f"Ordered twice: {twice}. Tavus orders without success: {lost}.")


if __name__ == "__main__":
    enter_environment("test-airflow-newest", "--editable", ".[test]")
    main()
