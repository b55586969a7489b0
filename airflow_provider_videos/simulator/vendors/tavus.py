# SPDX-License-Identifier: Apache-2.0
"""What Tavus answers."""

from __future__ import annotations

import email.utils
import functools
import secrets
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

TEXTS = ("replica_id", "script", "audio_url", "video_name", "background_url", "background_source_url", "callback_url")
ORDER_TYPES: Mapping[str, type] = {
    **dict.fromkeys((*TEXTS, "watermark_image_url"), str),
    **dict.fromkeys(("fast", "transparent_background"), bool),
    "properties": dict,
}
SUCCESS = "Your request has processed successfully!"
STATUSES = {
    "queued": ("queued", "This request is currently queued. It should begin processing in a few minutes."),
    "generating": ("generating", ""),
    "ready": ("ready", SUCCESS),
    "ready_without_urls": ("ready", SUCCESS),
    "failed": (
        "error",
        "An error occurred while generating this request. Please check your inputs or try your request again",
    ),
    "deleted": ("deleted", ""),
}
CREATED_KEYS = ("video_id", "video_name", "status", "hosted_url", "created_at")
TRUE = ("true", "1")


def error(status: int) -> Reply:
    """The answer to what is wrong with this status. A 400 has another key than the rest."""
    if status == 401:
        return Reply(status, {"message": "Invalid access token"})
    return Reply(status, {"error" if status == 400 else "message": phrase(status)})


def create(request: VendorRequest) -> Reply:
    """Order a video."""
    order = request.json_object()
    problem = "Invalid JSON" if order is None else order_problem(order)
    if order is None or problem:
        return Reply(400, {"error": problem})
    for name in {"video_name", "script"} & order.keys():
        order = {**order, name: request.state.kept_text(order[name])}
    described = describe(request.create_video(order), request)
    return Reply(200, {key: described[key] for key in CREATED_KEYS})


def get(request: VendorRequest) -> Reply:
    """Describe one video."""
    video = request.video
    thumbnails = request.query.get("verbose", "").lower() in TRUE
    return Reply(200, video.dressed(describe(video, request, thumbnails=thumbnails)))


def list_(request: VendorRequest) -> Reply:
    """Describe a page of videos, newest first."""
    first_page = request.state.page_base
    limit = whole(request.query.get("limit", "10"), least=1)
    page = whole(request.query.get("page", str(first_page)), least=first_page)
    if limit is None or page is None:
        return Reply(400, {"error": "Invalid limit" if limit is None else "Invalid page"})
    videos, total = request.newest(skip=(page - first_page) * limit, limit=limit)
    return Reply(200, {"data": [list_item(video, request) for video in videos], "total_count": total})


def delete(request: VendorRequest) -> Reply:
    """Mark a video as deleted, or drop it altogether."""
    if request.query.get("hard", "").lower() in TRUE:
        request.remove_video()
    else:
        request.end_video("deleted")
    return Reply(200, {})


def rename(request: VendorRequest) -> Reply:
    """Give a video another name."""
    name = ((request.video and request.json_object()) or {}).get("video_name")
    if not isinstance(name, str) or not name:
        return Reply(400, {"error": "Invalid video_name"})
    request.change_order(video_name=name)
    return Reply(200, {})


def order_problem(order: Mapping[str, Any]) -> str | None:
    """What is wrong with an order."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong or not order.get("replica_id"):
        return f"Invalid {wrong or 'replica_id'}"
    if bool(order.get("script")) == bool(order.get("audio_url")):
        return "Exactly one of script and audio_url is required"
    if order.get("transparent_background") and not order.get("fast"):
        return "transparent_background requires fast"
    return None


def whole(text: str, *, least: int) -> int | None:
    """The whole number that a query's parameter holds."""
    return int(text) if text.isascii() and text.isdigit() and int(text) >= least else None


def describe(video: SimulatedVideo, request: VendorRequest, *, thumbnails: bool = False) -> dict[str, Any]:
    """A video, as documented or as observed."""
    moment, order = video.moment, video.order
    status, details = STATUSES[moment.phase]
    url = functools.partial(request.media_url, video)
    body: dict[str, Any] = {
        "video_id": video.video_id,
        "video_name": order.get("video_name") or default_name(video),
        "status": status,
        "data": {key: order[key] for key in ("script", "audio_url") if order.get(key)},
        "hosted_url": url("html"),
        "status_details": details,
        "created_at": email.utils.formatdate(video.created_at, usegmt=True),
        "updated_at": email.utils.formatdate(moment.since, usegmt=True),
    }
    files = {"download_url": "mp4", "stream_url": "m3u8"}
    if thumbnails:
        files |= {"still_image_thumbnail_url": "jpg", "gif_thumbnail_url": "gif"}
    for key, suffix in files.items():
        if moment.phase == "ready" and (suffix == "mp4" or not order.get("fast")):
            body[key] = url(suffix)
        elif video.form == "observed":
            body[key] = None
    if video.form == "observed":
        body["replica_id"] = order.get("replica_id")
        body["generation_progress"] = f"{moment.progress}/100"
    return body


def list_item(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A video as an entry of a list, which has some keys more and some less."""
    observed = video.form == "observed"
    body = describe(video, request, thumbnails=True)
    for key in ("background_url", "background_source_url"):
        body[key] = video.order.get(key, None if observed else "")
    if observed:
        body["error_details"] = None
    else:
        # The list's page knows neither of the dates, and it alone has a key of its own for errors.
        del body["created_at"], body["updated_at"]
        if body["status"] == "error":
            body["error_details"] = body["status_details"]
    return video.dressed(body)


def default_name(video: SimulatedVideo) -> str:
    """The name that a video has if its order gave it none."""
    day = time.gmtime(video.created_at)
    date = f"{time.strftime('%B', day)} {day.tm_mday}, {day.tm_year}"
    return f"replica_id: {video.order.get('replica_id')} - {date} - video: {video.video_id}"


VENDOR = SimulatedVendor(
    conn_type="tavus",
    name="Tavus",
    auth=HeaderKey("x-api-key"),
    endpoints={
        "create": Endpoint("POST", "/v2/videos", create),
        "list": Endpoint("GET", "/v2/videos", list_),
        "get": Endpoint("GET", "/v2/videos/{id}", get),
        "delete": Endpoint("DELETE", "/v2/videos/{id}", delete),
        "rename": Endpoint("PATCH", "/v2/videos/{id}/name", rename),
    },
    error=error,
    unknown_video=Reply(400, {"error": "Invalid video_id"}),
    new_id=lambda: secrets.token_hex(5),
    example_order={"replica_id": "r000000000", "script": "Hello from the simulator."},
    outcomes=("deleted",),
    list_end=lambda videos: {"total_count": videos},
    at_root=True,
)
