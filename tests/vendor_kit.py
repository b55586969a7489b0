# SPDX-License-Identifier: Apache-2.0
"""How tests reach the simulated vendors, and what they order from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: The fixture ``connect``: defines the connection of a vendor to the simulator, and gives its id.
Connect = Callable[..., str]

#: An order for each vendor, with what it must have.
REQUESTS: dict[str, dict[str, Any]] = {
    "d_id": {
        "kind": "talk",
        "source_url": "https://a.test/face.jpg",
        "script": {"type": "text", "input": "Hello."},
    },
    "fal": {"endpoint_id": "fal-ai/veo3", "prompt": "A cat."},
    "heygen": {"type": "avatar", "avatar_id": "a1", "script": "Hello."},
    "kling": {"kind": "text-to-video", "model": "kling-3.0-turbo", "prompt": "A cat."},
    "luma": {"type": "video", "model": "ray-3.2", "prompt": "A cat."},
    "minimax": {
        "model": "MiniMax-H3",
        "content": [{"type": "text", "text": "A cat."}],
        "resolution": "768P",
        "duration": 4,
        "ratio": "16:9",
    },
    "replicate": {"model": "minimax/video-01", "input": {"prompt": "A cat."}},
    "runway": {
        "kind": "text_to_video",
        "model": "gen4.5",
        "promptText": "A cat.",
        "ratio": "1280:720",
        "duration": 5,
    },
    "tavus": {"replica_id": "r1", "script": "Hello."},
    "together": {"model": "m1", "prompt": "A cat."},
}
