# SPDX-License-Identifier: Apache-2.0
"""The API that all variants poll, in a process of its own: ``python -m benchmarks.api SETTING``.

A plain :class:`asyncio.Protocol`: at 2,000 polls a second the package's simulator takes two thirds of a core and
answers up to 0.2 s late, which would be measured as the waits' own delay. What it says of a video is the simulator's.

========================================  ==========================================================================
path                                      answer, after the setting's latency
========================================  ==========================================================================
``/v2/videos/{id}``                       200 and Tavus's record
``/until-ready/{id}``                     404 until the video is ready, then 200 and Tavus's record
``/api/v2/accounts/1/runs/{number}/``     200 and the part of dbt Cloud's record that its trigger reads
``/benchmark/start``                      at once: the videos' time begins; the record is empty
``/benchmark/record``                     at once: polls, connections and how late the answers were
========================================  ==========================================================================
"""

from __future__ import annotations

import asyncio
import json
import math
import resource
import sys
import time
import urllib.request
from typing import Any, cast

from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.vendor import VendorRequest
from airflow_provider_videos.simulator.vendors.tavus import VENDOR as TAVUS
from benchmarks.setting import API_CORE, Setting, pin

BACKLOG = 4096
IDLE_LIMIT = 1800.0
"""Seconds after which the process ends by itself, should nobody end it."""
_PLACEHOLDER = "the-video-id"
_NEVER = 1e6
_DBT_RUNNING, _DBT_SUCCESS = 3, 10
_QUEUED_SHARE = 0.2
"""The part of a video's time in which it is queued."""


class Api:
    """What the API knows, and what it was asked.

    :param setting: the latency and the videos.
    """

    def __init__(self, setting: Setting) -> None:
        self.latency = setting.latency
        self._ready_after = [*setting.ready_after(), -math.inf]
        self._started_at = math.inf
        self._queued, self._generating, self._ready = (
            _tavus_record(queued, generating) for queued, generating in ((_NEVER, 0.0), (0.0, _NEVER), (0.0, 0.0))
        )
        self.clear()

    def clear(self) -> None:
        """Start the record anew."""
        self.connections = self.polls = 0
        self.late_sum = self.late_max = 0.0

    def start(self) -> dict[str, float]:
        """Let the videos' time begin."""
        self.clear()
        self._started_at = time.monotonic()
        return {"started_at": self._started_at}

    def record(self) -> dict[str, float]:
        """Say what happened since the start; times in seconds."""
        return {
            "polls": self.polls,
            "connections": self.connections,
            "late_mean": self.late_sum / max(self.polls, 1),
            "late_max": self.late_max,
            "cpu": time.process_time(),
        }

    def poll(self, path: str) -> tuple[int, bytes]:
        """Answer a look at a video: status code and body."""
        parts = path.partition("?")[0].strip("/").split("/")
        is_dbt = parts[0] == "api"
        index = int(parts[-1], 10 if is_dbt else 16)
        needed = self._ready_after[index]
        passed = time.monotonic() - self._started_at
        is_ready = passed >= needed
        if is_dbt:
            status = _DBT_SUCCESS if is_ready else _DBT_RUNNING
            return 200, b'{"status": {"code": 200}, "data": {"id": %d, "status": %d}}' % (index, status)
        if parts[0] == "until-ready" and not is_ready:
            return 404, b'{"message": "Not Found"}'
        record = self._ready if is_ready else self._generating if passed > needed * _QUEUED_SHARE else self._queued
        return 200, record.replace(_PLACEHOLDER.encode(), parts[-1].encode())


def _tavus_record(queued: float, generating: float) -> bytes:
    state = State(key="key", queued=queued, generating=generating)
    TAVUS.add_video(state, {"video_id": _PLACEHOLDER})
    poll = VendorRequest(vendor=TAVUS, state=state, parts={"id": _PLACEHOLDER})
    return json.dumps(TAVUS.answer("get", poll).body).encode()


class Connection(asyncio.Protocol):
    """One TCP connection: requests without a body, answered in the order in which they come."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._buffer = b""
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take every complete request out of what has come."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._request(head.split(b" ", 2)[1].decode())

    def _request(self, path: str) -> None:
        api = self._api
        if path.startswith("/benchmark/"):
            self._answer(200, json.dumps(api.start() if path.endswith("start") else api.record()).encode())
            return
        if not self._is_counted:
            self._is_counted = True
            api.connections += 1
        api.polls += 1
        loop = asyncio.get_running_loop()
        loop.call_later(api.latency, self._poll, path, loop.time() + api.latency)

    def _poll(self, path: str, due: float) -> None:
        late = time.monotonic() - due
        self._api.late_sum += late
        self._api.late_max = max(self._api.late_max, late)
        self._answer(*self._api.poll(path))

    def _answer(self, status: int, body: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def ask(port: int, what: str) -> dict[str, Any]:
    """Ask the API process to start, or for its record.

    :param port: where it listens, on the loopback.
    :param what: ``start`` or ``record``.
    """
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/benchmark/{what}", timeout=30) as answer:
        return cast("dict[str, Any]", json.load(answer))


def raise_file_limit() -> None:
    """Allow as many sockets as this user may have: a variant may open one for each wait."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(setting: Setting) -> None:
    """Listen on a free port of the loopback and print it."""
    api = Api(setting)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(IDLE_LIMIT)


if __name__ == "__main__":
    pin(API_CORE)
    raise_file_limit()
    asyncio.run(serve(Setting.from_json(sys.argv[1])))
