# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import requests

from airflow_provider_videos.simulator import Simulator


class Api:
    """Sends requests to a vendor by the roles of its endpoints."""

    def __init__(self, simulator: Simulator, vendor: str) -> None:
        self.vendor = next(one for one in simulator.vendors if one.conn_type == vendor)
        self.url = simulator.vendor_url(vendor)
        self.session = requests.Session()
        self.session.trust_env = False
        # Nobody closes the session.
        self.session.headers["Connection"] = "close"
        self.session.headers.update(self.vendor.auth.headers(simulator.key))

    def send(self, role: str, video_id: str = "", **kwargs: Any) -> requests.Response:
        endpoint = self.vendor.endpoints[role]
        path = endpoint.path.partition("{")[0] + video_id + endpoint.path.rpartition("}")[2] if video_id else ""
        path = path or (self.vendor.example_path if role == "create" else "") or endpoint.path
        return self.session.request(endpoint.method, self.url + path, timeout=10, **kwargs)

    def order(self, **headers: str) -> requests.Response:
        return self.send("create", json=dict(self.vendor.example_order), headers=headers)

    def list(self, **query: str) -> Any:
        return self.session.get(f"{self.url}{self.vendor.endpoints['list'].path}", params=query, timeout=10).json()
