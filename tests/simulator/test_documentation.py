# SPDX-License-Identifier: Apache-2.0
"""The example of docs/testing.md, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import requests

from airflow_provider_videos.simulator import Fault, Simulator

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_the_documented_vendor_works() -> None:
    _, _, section = PAGE.read_text().partition("\n## Simulate another vendor\n")
    example: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0], example)
    with Simulator(queued=0, generating=600, vendors=[example["EXAMPLE"]]) as simulator, requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {simulator.key}"
        url = f"{simulator.vendor_url('example')}/v1/videos"
        assert session.post(url, json={}, timeout=10).status_code == 422
        video_id = session.post(url, json={"prompt": "A cat."}, timeout=10).json()["id"]
        assert session.get(f"{url}/{video_id}", timeout=10).json() == {"id": video_id, "status": "running"}
        simulator.set_video("example", video_id, generating=0)
        video = session.get(f"{url}/{video_id}", timeout=10).json()
        assert (video["status"], session.get(video["video_url"], timeout=10).status_code) == ("done", 200)
        assert session.post(f"{url}/{video_id}/cancel", timeout=10).status_code == 204
        assert session.get(f"{url}/{video_id}", timeout=10).json()["status"] == "cancelled"
        simulator.add_fault(Fault("status", status=429, endpoint="create", vendor="example"))
        assert session.post(url, json={"prompt": "A cat."}, timeout=10).json() == {"error": {"code": 429}}
        assert simulator.record.created == {"example": 1}
        assert simulator.record.requests == {
            "example create": 3,
            "example get": 3,
            "example cancel": 1,
            "example media": 1,
        }
