# SPDX-License-Identifier: Apache-2.0
"""Disturbs orders at every step, in a real Airflow, and prints how each one ends.

``python scripts/order_table.py`` takes some seven minutes. With names of vendors, it makes only their columns:
``python scripts/order_table.py luma replicate``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

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
#: Vendors whose columns are made only if they are named, and what is ordered; there is no plain task that orders it.
FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "d_id": (
        "D-ID",
        {"kind": "talk", "source_url": "https://a.test/face.jpg", "script": {"type": "text", "input": "Hello."}},
    ),
    "fal": ("fal", {"endpoint_id": "fal-ai/veo3", "prompt": "A cat."}),
    "heygen": ("HeyGen", {"type": "avatar", "avatar_id": "a1", "script": "Hello."}),
    "kling": ("Kling", {"kind": "text-to-video", "model": "kling-3.0-turbo", "prompt": "A cat."}),
    "luma": ("Luma", {"type": "video", "model": "ray-3.2", "prompt": "A cat."}),
    "minimax": ("MiniMax", {"model": "MiniMax-Hailuo-2.3", "prompt": "A cat.", "duration": 6}),
    "replicate": ("Replicate", {"model": "minimax/video-01", "input": {"prompt": "A cat."}}),
    "runway": (
        "Runway",
        {"kind": "text_to_video", "model": "gen4.5", "promptText": "A cat.", "ratio": "1280:720", "duration": 5},
    ),
}


def main() -> None:
    """Place all orders, print the table, and end with 1 if one was accepted twice."""
    from crash_tests.orders import OTHER_VENDORS
    from crash_tests.table import print_table

    vendors = sys.argv[1:] or [*VENDORS]
    names = VENDORS | {vendor: name for vendor, (name, _) in FURTHER.items()}
    requests = {vendor: request for vendor, (_, request) in FURTHER.items() if vendor in vendors}
    columns = {
        (vendor, mode): f"{names[vendor]}: {title}"
        for vendor in vendors
        for mode, title in MODES.items()
        if vendor in VENDORS or mode != "plain"
    }
    outcomes = print_table(columns, environment={OTHER_VENDORS: json.dumps(requests)})
    ours = {order: outcome for order, outcome in outcomes.items() if order.mode != "plain"}
    twice = [order.name for order, outcome in ours.items() if outcome.created > 1]
    findable = {order: outcome for order, outcome in ours.items() if order.vendor in {"heygen", "kling", "tavus"}}
    lost = [order.name for order, outcome in findable.items() if outcome.state != "success"]
    if twice or lost:
        raise SystemExit(f"Ordered twice: {twice}. Orders without success that can be found: {lost}.")


if __name__ == "__main__":
    enter_environment("test-airflow-newest", "--editable", ".[test]")
    main()
