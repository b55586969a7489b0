# SPDX-License-Identifier: Apache-2.0
"""What Luma's Agents API answers."""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

ORDER_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("prompt", "model", "type", "aspect_ratio", "user_id"), str),
    **dict.fromkeys(("source", "video"), dict),
}
TYPES = ("image", "image_edit", "video", "video_edit", "video_reframe", "layering")
WITH_SOURCE = ("video_edit", "video_reframe")
MAX_PROMPT_CHARACTERS = 6000
URL_SECONDS = 3600
VERSION = {"X-API-Version": "2026-04-01"}
STATES = {"queued": "queued", "generating": "processing", "ready": "completed", "ready_without_urls": "completed"}
#: Why a generation failed, by outcome: the code and the sentence.
FAILURES = {
    "failed": ("generation_failed", "The video could not be generated."),
    "moderated": ("content_moderated", "The prompt was stopped by content moderation."),
    "budget_exhausted": ("budget_exhausted", "The budget of this generation is used up."),
    "output_not_found": ("output_not_found", "The output of this generation was not found."),
}


def error(status: int) -> Reply:
    """The answer to what is wrong with this status."""
    details = {
        401: "Invalid API key",
        402: "Insufficient credits. Please add credits to continue.",
        404: "Generation not found",
        429: "Rate limit exceeded",
        502: "Upstream service unavailable",
    }
    return Reply(status, {"detail": details.get(status, phrase(status))}, VERSION)


def create(request: VendorRequest) -> Reply:
    """Order a generation."""
    order = request.json_object()
    problem = "The body is not a JSON object" if order is None else order_problem(order)
    if order is None or problem:
        return Reply(400, {"detail": problem}, VERSION)
    video = request.create_video(order)
    return Reply(201, video.dressed(describe(video, request)), VERSION)


def get(request: VendorRequest) -> Reply:
    """Describe one generation."""
    video = request.video
    return Reply(200, video.dressed(describe(video, request)), VERSION)


def order_problem(order: Mapping[str, Any]) -> str | None:
    """What is wrong with an order."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong:
        return f"{wrong}: wrong type"
    if not 1 <= len(order.get("prompt", "")) <= MAX_PROMPT_CHARACTERS:
        return f"prompt: must have 1 to {MAX_PROMPT_CHARACTERS} characters"
    if order.get("type", "image") not in TYPES:
        return f"type: must be one of {', '.join(TYPES)}"
    if order.get("type") in WITH_SOURCE and not order.get("source"):
        return "source: is required"
    return None


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A generation. The URL of a finished one is signed anew each time."""
    phase = video.moment.phase
    code, reason = FAILURES.get(phase, (None, None))
    kind = video.order.get("type", "image")
    output = {"type": kind.partition("_")[0], "url": f"{request.media_url(video)}?{signature()}"}
    return {
        "id": video.video_id,
        "type": kind,
        "state": STATES.get(phase, "failed"),
        "model": video.order.get("model", "uni-1"),
        "created_at": iso(video.created_at),
        "output": [output] if phase == "ready" else [],
        "failure_reason": reason,
        "failure_code": code,
    }


def signature() -> str:
    """The query of a URL that is good for an hour from now."""
    return f"X-Amz-Date={time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}&X-Amz-Expires={URL_SECONDS}"


def iso(unix_seconds: float) -> str:
    """A moment as Luma writes it."""
    return datetime.datetime.fromtimestamp(int(unix_seconds), datetime.UTC).isoformat().replace("+00:00", "Z")


VENDOR = SimulatedVendor(
    conn_type="luma",
    name="Luma",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/v1/generations", create),
        "get": Endpoint("GET", "/v1/generations/{id}", get),
    },
    error=error,
    unknown_video=error(404),
    new_id=lambda: str(uuid.uuid4()),
    example_order={"type": "video", "model": "ray-3.2", "prompt": "A square that swings to and fro."},
    outcomes=("moderated", "budget_exhausted", "output_not_found"),
)
