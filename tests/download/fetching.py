# SPDX-License-Identifier: Apache-2.0
"""How tests transfer a file, and answers that hold all or a part of one."""

from __future__ import annotations

import dataclasses
from typing import Any

import certifi

from airflow_provider_videos.download.container import Kind, video_kind
from airflow_provider_videos.download.transfer import Transfer, Transferred, retries_of
from airflow_provider_videos.http.connection import VendorConnection
from airflow_provider_videos.http.session import DownloadSession
from tests.download.odd_server import Answer

VIDEO = (24).to_bytes(4) + b"ftypisom" + b"\0" * 12 + bytes(range(256)) * 40
HALF = len(VIDEO) // 2
ETAG = '"strong"'
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@dataclasses.dataclass
class Memory:
    """A sink that remembers."""

    content: bytes = b""
    begun: list[tuple[Kind, int | None]] = dataclasses.field(default_factory=list)

    def begin(self, kind: Kind, total: int | None) -> None:
        self.begun.append((kind, total))
        self.content = b""

    def write(self, chunk: bytes) -> None:
        self.content += chunk


def connection(**fields: Any) -> VendorConnection:
    defaults: dict[str, Any] = {
        "conn_id": "c",
        "api_key": "key",
        "base_url": "http://127.0.0.1:9",
        "timeout": 5,
        "ca_file": certifi.where(),
        "proxy": None,
    }
    return VendorConnection(**(defaults | fields))


def fetch(url: str, sink: Memory, **options: Any) -> Transferred:
    used = options.pop("connection", connection())
    with DownloadSession(lambda: used, lambda url: {}, lambda: (used.api_key,)) as session:
        return Transfer(
            session=session,
            url=url,
            timeout=options.pop("timeout", 5),
            sink=sink,
            recognise=video_kind,
            wanted="a video",
            retries=retries_of(options.pop("attempts", 5)),
            **options,
        ).run()


def rest(start: int, **options: Any) -> Answer:
    headers = {"Content-Range": f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}", **options.pop("headers", {})}
    return Answer(VIDEO[start:], status=206, headers=headers, length=len(VIDEO) - start)


def broken(**headers: str) -> Answer:
    return Answer(VIDEO[:HALF], headers=headers, length=len(VIDEO))
