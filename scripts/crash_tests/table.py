# SPDX-License-Identifier: Apache-2.0
"""The crash table: how orders end that are disturbed at every step, one in each cell."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from airflow_provider_videos.simulator import SimulatedVendor
from local_airflow.real_airflow import RealAirflow

from .orders import DAGS_FOLDER, OTHER_VENDORS, STEPS, Order, Outcome, place

KEY = "key-of-the-table"
_AT_ONCE = 9


def print_table(
    columns: Mapping[tuple[str, str], str],
    steps: Collection[str] = tuple(STEPS),
    others: Sequence[SimulatedVendor] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[Order, Outcome]:
    """Disturb orders in an Airflow of their own, print how each one ended, and return that.

    :param columns: title of each vendor's (connection type) and mode's column.
    :param steps: keys of :data:`STEPS`. Default: all.
    :param others: vendors besides the built-in ones.
    :param environment: of Airflow's processes, such as the path on which they find the hooks of ``others``, or what the
        Dags order from built-in vendors of whom they know no order.
    """
    orders = [
        Order(vendor, mode, step)
        for vendor, mode in columns
        for step in steps
        if step != "resume" or mode == "deferrable"
    ]
    outcomes: dict[Order, Outcome] = {}
    requests = json.dumps({vendor.conn_type: dict(vendor.example_order) for vendor in others})
    settings = {OTHER_VENDORS: requests, **(environment or {})}
    with (
        tempfile.TemporaryDirectory(prefix="video-orders-") as home,
        RealAirflow(Path(home), DAGS_FOLDER, settings) as airflow,
    ):
        # SQLite doesn't take everything at once.
        for first in range(0, len(orders), _AT_ONCE):
            outcomes |= place(airflow, orders[first : first + _AT_ONCE], KEY, others)
            print(f"{len(outcomes)} of {len(orders)}", file=sys.stderr, flush=True)
    print(f"| what happens | {' | '.join(columns.values())} |")
    print("|---" * (1 + len(columns)) + "|")
    for step in steps:
        cells = [outcomes.get(Order(vendor, mode, step)) for vendor, mode in columns]
        print(f"| {STEPS[step]} | " + " | ".join(_cell(outcome) if outcome else "" for outcome in cells) + " |")
    return outcomes


def _cell(outcome: Outcome) -> str:
    end = "success" if outcome.state == "success" else "fails"
    return f"{end}, {outcome.created} ordered"
