# SPDX-License-Identifier: Apache-2.0
"""What Runway answers."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import itertools
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

VERSION = "2024-11-06"
ORDER_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("model", "promptText", "ratio", "videoUri", "configId"), str),
    **dict.fromkeys(("character", "reference", "avatar", "speech", "input", "contentModeration"), dict),
    "promptImage": (str, list),
    "seed": int,
    "audio": bool,
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "text_to_video": ("model",),
    "image_to_video": ("model", "promptImage"),
    "video_to_video": ("model",),
    "character_performance": ("model", "character", "reference"),
    "video_upscale": ("model", "videoUri"),
    "video_to_hdr": ("model", "videoUri"),
    "avatar_videos": ("model", "avatar", "speech"),
    "generate/video": ("configId", "input"),
}
CREDITS_PER_SECOND = 12
DEFAULT_SECONDS = 5
STATUSES = {
    "queued": "PENDING",
    "generating": "RUNNING",
    "ready": "SUCCEEDED",
    "ready_without_urls": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
MAX_PROMPT_UNITS = 1000
URL_LIFE = 24 * 3600
_NUMBERS = itertools.count()


@dataclasses.dataclass(frozen=True)
class VersionedKey(HeaderKey):
    """A key beside which a right request names the version of the API."""

    def headers(self, key: str) -> Mapping[str, str]:
        """The headers that hold this key and the version."""
        return {**super().headers(key), "X-Runway-Version": VERSION}


def error(status: int, message: str | None = None, **more: Any) -> Reply:
    """The answer to what is wrong with this status."""
    usual = {
        401: "The API key that was provided is invalid.",
        404: "Not found",
        429: "Your daily task limit has been reached.",
    }
    return Reply(status, {"error": message or usual.get(status, phrase(status)), **more})


def check_version(request: VendorRequest) -> Reply | None:
    """Refuse a request without the header that names the version."""
    if request.headers.get("X-Runway-Version") == VERSION:
        return None
    return error(400, f"The header X-Runway-Version must be {VERSION}.")


def create(request: VendorRequest) -> Reply:
    """Order a video of any kind; the order then waits, however many there are."""
    order = request.json_object()
    if order is None:
        return error(400, "The body is not a JSON object.")
    wrong = order_problem(request.parts["kind"], order)
    if wrong:
        name, text = wrong
        issues = [{"code": "custom", "path": [name], "message": text}]
        return error(400, "Validation of body failed", issues=issues, docUrl="https://docs.dev.runwayml.com/api")
    video = request.create_video(order)
    answer: dict[str, Any] = {"id": video.video_id}
    if video.form == "documented":
        answer["estimatedCost"] = {"credits": price(video)}
    if request.parts["kind"] == "generate/video":
        answer["routing"] = routing(video)
    return Reply(200, answer)


def get(request: VendorRequest) -> Reply:
    """Describe one task."""
    video = request.video
    return Reply(200, video.dressed(describe(video, request)))


def delete(request: VendorRequest) -> Reply:
    """Cancel a task, or delete one that is finished: in both cases it is not found from now on."""
    request.remove_video()
    return Reply(204)


def organization(request: VendorRequest) -> Reply:
    """Describe the account."""
    limits = {"maxConcurrentGenerations": 1, "maxDailyGenerations": 50}
    return Reply(
        200,
        {
            "creditBalance": 1000,
            "tier": {"maxMonthlyCreditSpend": 10_000, "models": {"gen4.5": limits}},
            "usage": {"models": {"gen4.5": {"dailyGenerations": 0}}},
        },
    )


def order_problem(kind: str, order: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field of an order that is wrong, and what is wrong with it."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong:
        return wrong, "Invalid input"
    for name in NEEDED[kind]:
        if not order.get(name):
            return name, "Required"
    if order.get("model") == "gen4.5":
        units = len(order.get("promptText", "").encode("utf-16-le", "surrogatepass")) // 2
        if not 1 <= units <= MAX_PROMPT_UNITS:
            return "promptText", f"Must have 1 to {MAX_PROMPT_UNITS} characters"
    if order.get("model") == "gen4.5" and order.get("duration") not in range(2, 11):
        return "duration", "Must be from 2 to 10"
    return None


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A task, as documented, or as older pages have it."""
    moment = video.moment
    body: dict[str, Any] = {"id": video.video_id, "createdAt": iso(video.created_at), "status": STATUSES[moment.phase]}
    if moment.phase == "generating":
        body["progress"] = moment.progress / 100
    if moment.phase == "ready":
        body["output"] = [f"{request.media_url(video)}?_jwt={token(moment.since)}"]
    elif moment.phase == "ready_without_urls":
        body["output"] = []
    elif moment.phase == "failed":
        body["failure"] = "The video could not be generated."
    if video.form == "documented":
        if moment.phase == "failed":
            body["failureCode"] = "INTERNAL.BAD_OUTPUT.CODE01"
        if moment.is_pending:
            body["estimatedCost"] = {"credits": price(video)}
        else:
            body["cost"] = {"credits": price(video) if moment.is_ready else 0}
    return body


def price(video: SimulatedVideo) -> int:
    """What a video costs, in credits."""
    seconds = video.order.get("duration", DEFAULT_SECONDS)
    return CREDITS_PER_SECOND * (seconds if isinstance(seconds, int) else DEFAULT_SECONDS)


def routing(video: SimulatedVideo) -> dict[str, Any]:
    """Which model a router has chosen."""
    return {
        "configId": video.order["configId"],
        "model": "gen4.5",
        "provider": "runway",
        "estimatedCost": {"credits": price(video)},
        "resolvedInput": {"duration": DEFAULT_SECONDS, "ratio": "1280:720", "resolution": "720p"},
        "resolvedSettings": {"optimizeFor": "quality", "priceCeiling": None},
    }


def token(since: float) -> str:
    """What signs a URL: another one each time, which tells when the URL ends."""
    claims = {"exp": int(max(since, time.time()) + URL_LIFE), "n": next(_NUMBERS)}
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"HS256"}', json.dumps(claims).encode(), b"signature")
    )


def iso(unix_seconds: float) -> str:
    """A moment as answers have it, with milliseconds."""
    moment = datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


VENDOR = SimulatedVendor(
    conn_type="runway",
    name="Runway",
    auth=VersionedKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", f"/v1/{{kind:{'|'.join(NEEDED)}}}", create),
        "get": Endpoint("GET", "/v1/tasks/{id}", get),
        "delete": Endpoint("DELETE", "/v1/tasks/{id}", delete),
        "account": Endpoint("GET", "/v1/organization", organization),
    },
    error=error,
    unknown_video=error(404),
    new_id=lambda: str(uuid.uuid4()),
    example_order={
        "model": "gen4.5",
        "promptText": "A square that swings to and fro.",
        "ratio": "1280:720",
        "duration": 5,
    },
    example_path="/v1/text_to_video",
    outcomes=("cancelled",),
    check=check_version,
)
