# SPDX-License-Identifier: Apache-2.0
"""Disturbs orders at every step, in a real Airflow, and prints how each one ends.

``python scripts/order_table.py`` takes some seven minutes. With names of vendors, it makes only their columns.
"""

from __future__ import annotations

import sys

from environment import enter_environment

MODES = {
    "sync": "ours",
    "deferrable": "ours, deferrable",
    "plain": "plain",
}
VENDORS = {
    "tavus": "Tavus",
    "together": "Together AI",
}


def main() -> None:
    """Place all orders, print the table, and end with 1 if one was accepted twice."""
    from crash_tests.table import print_table

    vendors = sys.argv[1:] or VENDORS
    outcomes = print_table({
        (vendor, mode): f"{VENDORS[vendor]}: {title}" for vendor in vendors for mode, title in MODES.items()
    })
    ours = {order: outcome for order, outcome in outcomes.items() if order.mode != "plain"}
    twice = [order.name for order, outcome in ours.items() if outcome.created > 1]
    lost = [order.name for order, outcome in ours.items() if order.vendor == "tavus" and outcome.state != "success"]
    if twice or lost:
        raise SystemExit(f"Ordered twice: {twice}. Tavus orders without success: {lost}.")


if __name__ == "__main__":
    enter_environment("test-airflow-newest", "--editable", ".[test]")
    main()
