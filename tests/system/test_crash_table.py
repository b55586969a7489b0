# SPDX-License-Identifier: Apache-2.0
"""The second crash table of ``docs/order-once.md``, of vendors whose lost orders are found in further ways."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crash_tests.table import print_table
from tests.contract.provider_info import write_metadata
from tests.contract.simulated import SIMULATED

pytestmark = [pytest.mark.system, pytest.mark.long]

CHECKOUT = Path(__file__).parent.parent.parent
COLUMNS = {
    ("loom_key", "sync"): "idempotency key: ours",
    ("loom_own_id", "sync"): "own id: ours",
    ("loom_echo", "sync"): "request shown: ours",
}
STEPS = (
    *("before", "in_flight", "unstored", "slow", "dropped", "late", "gateway"),
    *("clear_kept", "clear_emptied", "failed_kept"),
)


def test_whatever_happens_to_an_order_none_is_accepted_twice(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    others = [vendor for vendor in SIMULATED if (vendor.conn_type, "sync") in COLUMNS]
    outcomes = print_table(COLUMNS, STEPS, others, {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{tmp_path}"})
    assert {order.name for order, outcome in outcomes.items() if outcome.created > 1} == set()
    assert len(outcomes) == len(COLUMNS) * len(STEPS)
