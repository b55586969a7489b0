# SPDX-License-Identifier: Apache-2.0
"""What Together AI answers."""

from __future__ import annotations

import datetime
import http
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

ORDER_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("model", "prompt", "resolution", "ratio", "seconds", "output_format", "negative_prompt"), str),
    **dict.fromkeys(("height", "width", "fps", "steps", "seed", "output_quality"), int),
    **dict.fromkeys(("frame_images", "reference_images"), list),
    "guidance_scale": (int, float),
    "generate_audio": bool,
    "media": dict,
}
MAX_PROMPT_CHARACTERS = 32_000
OUTPUT_FORMATS = ("MP4", "WEBM")
STEPS = range(10, 51)
STATUSES = {
    "queued": "queued",
    "generating": "in_progress",
    "ready": "completed",
    "ready_without_urls": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
FAILURE = {"code": "generation_failed", "message": "The video could not be generated."}
COST = 0.28
NEVER = "0001-01-01T00:00:00Z"


def refusal(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> Reply:
    """An error answer."""
    return Reply(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def error(status: int) -> Reply:
    """The answer to what is wrong with this status."""
    match status:
        case http.HTTPStatus.UNAUTHORIZED:
            return refusal(status, "Invalid API key provided. Check the key and try again.", code="invalid_api_key")
        case http.HTTPStatus.NOT_FOUND:
            return refusal(status, "Video ID not found", code="not_found")
        case http.HTTPStatus.TOO_MANY_REQUESTS:
            return refusal(status, "Rate limit exceeded", kind="rate_limit", code="dynamic_request_limited")
        case http.HTTPStatus.SERVICE_UNAVAILABLE:
            return refusal(status, "The service is overloaded, try again later", kind="overloaded")
    return refusal(status, phrase(status), kind="server_error" if status >= 500 else "invalid_request_error")


def create(request: VendorRequest) -> Reply:
    """Order a video."""
    order = request.json_object()
    if order is None:
        return refusal(400, "The body is not a JSON object")
    problem = order_problem(order)
    if problem:
        name, text = problem
        return refusal(400, f"{name}: {text}", param=name)
    return Reply(200, describe(request.create_video(order), request))


def get(request: VendorRequest) -> Reply:
    """Describe one video."""
    video = request.video
    return Reply(200, video.dressed(describe(video, request)))


def new_id() -> str:
    """A UUID of version 7."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    number = number & ~(0xF << 76) | (0x7 << 76)
    return str(uuid.UUID(int=number & ~(0x3 << 62) | (0x2 << 62)))


def order_problem(order: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field of an order that is wrong, and what is wrong with it."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong:
        return wrong, "has the wrong type"
    if not order.get("model"):
        return "model", "is required"
    if not 1 <= len(order.get("prompt", " ")) <= MAX_PROMPT_CHARACTERS:
        return "prompt", f"must have 1 to {MAX_PROMPT_CHARACTERS} characters"
    if order.get("steps", STEPS.start) not in STEPS:
        return "steps", f"must be from {STEPS.start} to {STEPS.stop - 1}"
    if order.get("output_format", "MP4") not in OUTPUT_FORMATS:
        return "output_format", f"must be one of {', '.join(OUTPUT_FORMATS)}"
    return None


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A video's job, as documented or as observed."""
    moment, order = video.moment, video.order
    body: dict[str, Any] = {"id": video.video_id, "object": "video", "model": order.get("model")}
    url = request.media_url(video) if moment.phase == "ready" else None
    if moment.phase == "failed":
        body["error"] = dict(FAILURE)
    if video.form == "documented":
        # The schema's list of statuses lacks `queued`, which the vendor's prose has.
        body["status"] = STATUSES["generating" if moment.phase == "queued" else moment.phase]
        body["created_at"] = int(video.created_at)
        body["size"] = f"{order.get('width', 1280)}x{order.get('height', 720)}"
        body["seconds"] = order.get("seconds", "5")
        if not moment.is_pending:
            body["completed_at"] = int(moment.since)
        if url:
            # The schema says integer, though what is charged has cents.
            body["outputs"] = {"cost": 1, "video_url": url}
        return body
    body["status"] = STATUSES[moment.phase]
    body["info"] = {"user_id": "simulator", "errors": [FAILURE["message"]] if moment.phase == "failed" else None}
    body["inputs"] = {key: value for key, value in order.items() if key != "model"}
    body["created_at"] = iso(video.created_at)
    body["claimed_at"] = NEVER if moment.phase == "queued" else iso(video.created_at + video.queued)
    if not moment.is_pending:
        body["done_at"] = iso(moment.since)
    if moment.is_ready:
        body["outputs"] = {"cost": COST, "video_url": url}
    return body


def iso(unix_seconds: float) -> str:
    """A moment as observed answers have it."""
    moment = datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


VENDOR = SimulatedVendor(
    conn_type="together",
    name="Together AI",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/v2/videos", create),
        "get": Endpoint("GET", "/v2/videos/{id}", get),
    },
    error=error,
    unknown_video=error(404),
    new_id=new_id,
    example_order={"model": "simulator/clip", "prompt": "A square that swings to and fro."},
    outcomes=("cancelled",),
    at_root=True,
)
