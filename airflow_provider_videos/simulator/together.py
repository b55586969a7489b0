# SPDX-License-Identifier: Apache-2.0
"""What Together AI answers."""

from __future__ import annotations

import datetime
import http
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.vendor import Answer, Call, Vendor, media_url, wrongly_typed
from airflow_provider_videos.simulator.videos import Moment, Phase, Video

ORDER_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "model": str,
    "prompt": str,
    "height": int,
    "width": int,
    "resolution": str,
    "ratio": str,
    "seconds": str,
    "fps": int,
    "steps": int,
    "seed": int,
    "guidance_scale": (int, float),
    "output_format": str,
    "output_quality": int,
    "negative_prompt": str,
    "generate_audio": bool,
    "media": dict,
    "frame_images": list,
    "reference_images": list,
}
MAX_PROMPT_CHARACTERS = 32_000
OUTPUT_FORMATS = ("MP4", "WEBM")
STEPS = range(10, 51)

STATUSES: Mapping[Phase, str] = {
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


def _error_data(
    message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error(status: int) -> dict[str, Any]:
    """The body of an error answer."""
    match status:
        case http.HTTPStatus.UNAUTHORIZED:
            return _error_data("Invalid API key provided. Check the key and try again.", code="invalid_api_key")
        case http.HTTPStatus.NOT_FOUND:
            return _error_data("Video ID not found", code="not_found")
        case http.HTTPStatus.TOO_MANY_REQUESTS:
            return _error_data("Rate limit exceeded", kind="rate_limit", code="dynamic_request_limited")
        case http.HTTPStatus.SERVICE_UNAVAILABLE:
            return _error_data("The service is overloaded, try again later", kind="overloaded")
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = f"Status {status}"
    return _error_data(phrase, kind="server_error" if status >= 500 else "invalid_request_error")


def create(call: Call) -> Answer:
    """Order a video."""
    order = call.json_object()
    if order is None:
        return Answer(400, _error_data("The body is not a JSON object"))
    problem = _order_problem(order)
    if problem:
        name, text = problem
        return Answer(400, _error_data(f"{name}: {text}", param=name))
    video = call.state.add_video("together", {"outcome": call.state.outcome}, order)
    return Answer(200, _describe(video, video.at(time.monotonic()), call.base_url))


def get(call: Call) -> Answer:
    """Describe one video."""
    video = call.state.videos.get("together", call.video_id)
    if video is None:
        return UNKNOWN_VIDEO
    return Answer(200, video.dressed(_describe(video, video.at(time.monotonic()), call.base_url)))


UNKNOWN_VIDEO = Answer(404, error(404))

TOGETHER = Vendor(
    name="together",
    endpoints={"POST /v2/videos": create, "GET /v2/videos/{id}": get},
    error=error,
    unknown_video=UNKNOWN_VIDEO,
)


def _order_problem(order: Mapping[str, Any]) -> tuple[str, str] | None:
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


def _describe(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    return (_observed if video.form == "observed" else _documented)(video, moment, base_url)


def _documented(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    order = video.order
    body: dict[str, Any] = {
        "id": video.video_id,
        "object": "video",
        "model": order.get("model"),
        # The schema's list of statuses lacks `queued`, which the vendor's prose has.
        "status": "in_progress" if moment.phase == "queued" else STATUSES[moment.phase],
        "created_at": int(video.created_at),
        "size": f"{order.get('width', 1280)}x{order.get('height', 720)}",
        "seconds": order.get("seconds", "5"),
    }
    if moment.phase not in {"queued", "generating"}:
        body["completed_at"] = int(moment.since)
    if moment.phase == "failed":
        body["error"] = dict(FAILURE)
    if moment.phase == "ready":
        # The schema says integer, though what is charged has cents.
        body["outputs"] = {"cost": 1, "video_url": media_url(base_url, "together", video.video_id, "mp4")}
    return body


def _observed(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    failed = moment.phase == "failed"
    waiting = moment.phase == "queued"
    body: dict[str, Any] = {
        "id": video.video_id,
        "object": "video",
        "model": video.order.get("model"),
        "status": STATUSES[moment.phase],
        "info": {"user_id": "simulator", "errors": [FAILURE["message"]] if failed else None},
        "inputs": {key: value for key, value in video.order.items() if key != "model"},
        "created_at": _iso(video.created_at),
        "claimed_at": NEVER if waiting else _iso(video.created_at + video.queued),
    }
    if moment.phase not in {"queued", "generating"}:
        body["done_at"] = _iso(moment.since)
    if failed:
        body["error"] = dict(FAILURE)
    if moment.is_ready:
        url = media_url(base_url, "together", video.video_id, "mp4") if moment.phase == "ready" else None
        body["outputs"] = {"cost": COST, "video_url": url}
    return body


def _iso(unix_seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
