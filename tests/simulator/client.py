# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import requests

from airflow_provider_videos.simulator import Simulator


class Client:
    """A session that sends one vendor's key to a simulator's ``/v2/videos`` endpoints."""

    def __init__(self, simulator: Simulator, headers: dict[str, str]) -> None:
        self._url = f"{simulator.url}/v2/videos"
        self.session = requests.Session()
        # The environment of whoever runs the tests may name a proxy or a .netrc.
        self.session.trust_env = False
        self.session.headers.update(headers)

    def order(self, **body: Any) -> requests.Response:
        return self.session.post(self._url, json=body, timeout=10)

    def look(self, video_id: str, **query: str) -> requests.Response:
        return self.session.get(f"{self._url}/{video_id}", params=query, timeout=10, allow_redirects=False)

    def send(self, method: str, path: str = "", **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self._url}{path}", timeout=10, **kwargs)
