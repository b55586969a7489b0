# SPDX-License-Identifier: Apache-2.0
"""A vendor of the tests' own, in one file as anyone would write it. It has what the built-in ones lack.

Ids with slashes, a second GET for the result, 202 with an empty body while pending, COMPLETED that is a failure, errors
inside a 200, an idempotency key, a list with cursors, cancel and delete as two things, a key of two parts, a version
header, and files that only the key opens.
"""

from __future__ import annotations

import base64
import dataclasses
import secrets
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator import Endpoint, Reply, SimulatedVendor, SimulatedVideo, VendorRequest

VERSION = "2026-11-01"
KEY_ID = "key-id"
VIDEO = "/models/{id:.+/requests/[^/]+}"


@dataclasses.dataclass(frozen=True)
class Pair:
    """A key of two parts: the simulator's key is the second one."""

    def read(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("X-Pair")

    def accepts(self, sent: str, key: str) -> bool:
        return sent == self.headers(key)["X-Pair"]

    def headers(self, key: str) -> Mapping[str, str]:
        return {"X-Pair": base64.b64encode(f"{KEY_ID}:{key}".encode()).decode(), "X-Version": VERSION}


def error(status: int) -> Reply:
    """Errors come inside a 200, but for those of the gateway before it."""
    return Reply(200 if status < 500 else status, {"code": status, "data": None})


def check(request: VendorRequest) -> Reply | None:
    return None if request.headers.get("X-Version") == VERSION else error(400)


def create(request: VendorRequest) -> Reply:
    order = request.json_object() or {}
    if not order.get("prompt"):
        return error(422)
    video = request.create_video(order, video_id=f"{request.parts['model']}/requests/{secrets.token_hex(4)}")
    url = f"{request.vendor_url}/models/{video.video_id}"
    return Reply(202, {"code": 0, "data": {"request_id": video.video_id, "status_url": f"{url}/status"}})


def get(request: VendorRequest) -> Reply:
    video = request.video
    if video.moment.phase == "queued":
        return Reply(202)
    return Reply(200, {"code": 0, "data": video.dressed(describe(video))})


def result(request: VendorRequest) -> Reply:
    video = request.video
    if video.moment.is_pending:
        return error(409)
    if not video.moment.is_ready:
        return error(422)
    return Reply(200, {"code": 0, "data": {"videos": [{"url": request.media_url(video)}]}})


def list_(request: VendorRequest) -> Reply:
    limit = int(request.query.get("limit", "2"))
    videos, _ = request.newest(limit=limit + 1, after=request.query.get("cursor"))
    page, more = videos[:limit], videos[limit:]
    return Reply(
        200,
        {"items": [describe(video) for video in page], "next_cursor": page[-1].video_id if more else None},
    )


def cancel(request: VendorRequest) -> Reply:
    if not request.video.moment.is_pending:
        return error(400)
    request.end_video("cancelled")
    return Reply(202)


def delete(request: VendorRequest) -> Reply:
    request.remove_video()
    return Reply(204)


def describe(video: SimulatedVideo) -> dict[str, Any]:
    """COMPLETED says only that it is over."""
    words = {"queued": "IN_QUEUE", "generating": "IN_PROGRESS", "cancelled": "CANCELLED"}
    return {"request_id": video.video_id, "status": words.get(video.moment.phase, "COMPLETED")}


EXAMPLE = SimulatedVendor(
    conn_type="example_vendor",
    name="Example",
    auth=Pair(),
    login=KEY_ID,
    check=check,
    endpoints={
        "list": Endpoint("GET", "/models/requests", list_),
        "get": Endpoint("GET", f"{VIDEO}/status", get),
        "result": Endpoint("GET", VIDEO, result),
        "cancel": Endpoint("PUT", f"{VIDEO}/cancel", cancel),
        "delete": Endpoint("DELETE", VIDEO, delete),
        "create": Endpoint("POST", "/models/{model:.+}", create),
        "media": Endpoint("GET", "/files?of={id}"),
    },
    error=error,
    unknown_video=error(404),
    new_id=lambda: f"owner/veo/requests/{secrets.token_hex(4)}",
    example_order={"prompt": "A square that swings to and fro."},
    example_path="/models/owner/veo",
    outcomes=("cancelled",),
    idempotency_header="Idempotency-Key",
    list_items="items",
    list_end=lambda _: {"next_cursor": None},
)
