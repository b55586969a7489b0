# SPDX-License-Identifier: Apache-2.0
"""What the simulator answers in the place of the tests' own vendors."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator import Endpoint, HeaderKey, Reply, SimulatedVendor, SimulatedVideo, VendorRequest
from airflow_provider_videos.vendors.base import Credentials
from tests.contract.vendors import KEY_HEADER, RECOVERIES, RELAY_VERSION, signature

LOGIN = "account-7"
CLOCK_SECONDS = 60
OPERATION = "/v1/{id:(?:text|image)2video/[0-9]+}"


@dataclasses.dataclass(frozen=True)
class Signed:
    """A key of two parts that is not sent, but signs the time."""

    def read(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("X-Signature")

    def accepts(self, sent: str, key: str) -> bool:
        login, moment, _ = sent.split(":")
        is_fresh = abs(time.time() - int(moment)) <= CLOCK_SECONDS
        right = signature(Credentials(password=key, login=login, now=float(moment)))
        return login == LOGIN and is_fresh and sent == right

    def headers(self, key: str) -> Mapping[str, str]:
        credentials = Credentials(password=key, login=LOGIN, now=time.time())
        return {"X-Signature": signature(credentials), "X-Version": RELAY_VERSION}


def relay_error(status: int) -> Reply:
    codes = {401: 1002, 404: 1203, 422: 1201, 429: 1303}
    return Reply(200, {"code": codes.get(status, 5000), "message": f"Error {status}", "data": None})


def relay_data(status: int = 200, /, **data: Any) -> Reply:
    return Reply(status, {"code": 0, "message": "ok", "data": data})


def relay_check(request: VendorRequest) -> Reply | None:
    return None if request.headers.get("X-Version") == RELAY_VERSION else relay_error(422)


def relay_create(request: VendorRequest) -> Reply:
    order = request.json_object() or {}
    if not order.get("prompt") or order["prompt"] == "forbidden":
        return relay_error(422)
    video = request.create_video(order, video_id=f"{request.parts['model']}/requests/{secrets.token_hex(4)}")
    return relay_data(202, request_id=video.video_id)


def relay_get(request: VendorRequest) -> Reply:
    video = request.video
    if video.moment.phase == "queued":
        return Reply(202)
    return relay_data(**video.dressed(relay_entry(video)))


def relay_result(request: VendorRequest) -> Reply:
    video = request.video
    if video.moment.phase == "failed":
        return relay_data(error={"message": "The prompt was not understood."})
    urls = [] if video.moment.phase == "ready_without_urls" else [request.media_url(video), "https://cdn.invalid/2.mp4"]
    return relay_data(urls=urls, cover=request.media_url(video, "jpg"), units=7)


def relay_list(request: VendorRequest) -> Reply:
    return cursor_list(request, relay_entry)


def relay_cancel(request: VendorRequest) -> Reply:
    request.end_video("cancelled")
    return Reply(202)


def relay_entry(video: SimulatedVideo) -> dict[str, Any]:
    words = {"queued": "IN_QUEUE", "generating": "IN_PROGRESS", "cancelled": "CANCELLED"}
    return {"request_id": video.video_id, "status": words.get(video.moment.phase, "COMPLETED")}


def relay_delete(request: VendorRequest) -> Reply:
    request.remove_video()
    return Reply(204)


def reel_error(status: int) -> Reply:
    if status == 401:
        return Reply(400, {"error": {"message": "API key not valid.", "reason": "API_KEY_INVALID"}})
    return Reply(status, {"error": {"message": f"Error {status}", "reason": "OTHER"}})


def reel_create(request: VendorRequest) -> Reply:
    order = request.json_object() or {}
    if not order.get("prompt"):
        return reel_error(400)
    number = secrets.randbelow(10_000)
    request.create_video(order, video_id=f"{request.parts['kind']}/{number}")
    return Reply(200, {"number": number})


def reel_get(request: VendorRequest) -> Reply:
    video = request.video
    body: dict[str, Any] = {"done": not video.moment.is_pending}
    if video.moment.phase == "failed":
        body["error"] = {"message": "Nothing could be generated."}
    if video.moment.phase == "ready":
        body["response"] = {"videos": [request.media_url(video), "https://cdn.invalid/2.mp4"]}
    return Reply(200, video.dressed(body))


def reel_delete(request: VendorRequest) -> Reply:
    request.remove_video()
    return Reply(200, {})


def loom_error(status: int) -> Reply:
    return Reply(403 if status == 401 else status, {"error": {"message": f"Error {status}"}})


def loom_create(request: VendorRequest) -> Reply:
    order = request.json_object() or {}
    if not order.get("prompt"):
        return loom_error(422)
    return Reply(201, loom_entry(request.create_video(order), request))


def loom_get(request: VendorRequest) -> Reply:
    return Reply(200, loom_entry(request.video, request))


def loom_list(request: VendorRequest) -> Reply:
    return cursor_list(request, lambda video: loom_entry(video, request))


def loom_find(request: VendorRequest) -> Reply:
    for video in request.newest(limit=1000)[0]:
        if video.order.get("own_id") == request.parts["own_id"]:
            return Reply(200, loom_entry(video, request))
    return loom_error(404)


def loom_delete(request: VendorRequest) -> Reply:
    request.remove_video()
    return Reply(204)


def loom_entry(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    words = {"queued": "waiting", "generating": "running", "failed": "failed"}
    phase = video.moment.phase
    body = {
        "id": video.video_id,
        "state": words.get(phase, "succeeded"),
        "created": video.created_at,
        "file": request.media_url(video) if phase == "ready" else None,
        "error": "Nothing could be generated." if phase == "failed" else None,
        **{field: video.order.get(field) for field in ("prompt", "seed", "title")},
    }
    return video.dressed(body)


def cursor_list(request: VendorRequest, entry: Any) -> Reply:
    limit = min(int(request.query.get("limit", "2")), 2)
    videos, _ = request.newest(limit=limit + 1, after=request.query.get("cursor"))
    page, more = videos[:limit], videos[limit:]
    return Reply(200, {"items": [entry(video) for video in page], "next_cursor": page[-1].video_id if more else None})


RELAY = SimulatedVendor(
    conn_type="relay",
    name="Relay",
    auth=Signed(),
    login=LOGIN,
    check=relay_check,
    endpoints={
        "list": Endpoint("GET", "/models/requests", relay_list),
        "get": Endpoint("GET", "/models/{id:.+/requests/[^/]+}/status", relay_get),
        "cancel": Endpoint("PUT", "/models/{id:.+/requests/[^/]+}/cancel", relay_cancel),
        "result": Endpoint("GET", "/models/{id:.+/requests/[^/]+}", relay_result),
        "delete": Endpoint("DELETE", "/models/{id:.+/requests/[^/]+}", relay_delete),
        "create": Endpoint("POST", "/models/{model:.+}", relay_create),
        "media": Endpoint("GET", "/files?of={id}&as={suffix}"),
    },
    error=relay_error,
    unknown_video=relay_error(404),
    new_id=lambda: f"owner/veo/fast/requests/{secrets.token_hex(4)}",
    example_order={"prompt": "A cat."},
    example_path="/models/owner/veo/fast",
    outcomes=("cancelled",),
    idempotency_header=KEY_HEADER,
    list_items="items",
    list_end=lambda _: {"next_cursor": None},
)
REEL = SimulatedVendor(
    conn_type="reel",
    name="Reel",
    auth=HeaderKey("X-Reel-Key"),
    endpoints={
        "create": Endpoint("POST", "/v1/{kind:(?:text|image)2video}", reel_create),
        "get": Endpoint("GET", OPERATION, reel_get),
        "delete": Endpoint("DELETE", OPERATION, reel_delete),
    },
    error=reel_error,
    unknown_video=reel_error(404),
    new_id=lambda: f"image2video/{secrets.randbelow(10_000)}",
    example_order={"prompt": "A cat."},
    example_path="/v1/text2video",
)
LOOM = SimulatedVendor(
    conn_type="loom",
    name="Loom",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/jobs", loom_create),
        "list": Endpoint("GET", "/jobs", loom_list),
        "find": Endpoint("GET", "/jobs/by-own-id/{own_id}", loom_find),
        "get": Endpoint("GET", "/jobs/{id}", loom_get),
        "delete": Endpoint("DELETE", "/jobs/{id}", loom_delete),
    },
    error=loom_error,
    unknown_video=loom_error(404),
    new_id=lambda: secrets.token_hex(8),
    example_order={"prompt": "A cat."},
    list_items="items",
    list_end=lambda _: {"next_cursor": None},
)
SIMULATED = (
    RELAY,
    REEL,
    *(
        dataclasses.replace(LOOM, conn_type=name, idempotency_header=KEY_HEADER if "_key" in name else "")
        for name in RECOVERIES
    ),
)
