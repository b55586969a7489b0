# SPDX-License-Identifier: Apache-2.0
"""What Tavus answers."""

from __future__ import annotations

import email.utils
import http
import time
import unicodedata
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.vendor import Answer, Call, Vendor, media_url, wrongly_typed
from airflow_provider_videos.simulator.videos import Moment, Phase, Texts, Video

MAX_TEXT_CHARACTERS_IF_CUT = 40

ORDER_TYPES: Mapping[str, type] = {
    "replica_id": str,
    "script": str,
    "audio_url": str,
    "video_name": str,
    "background_url": str,
    "background_source_url": str,
    "callback_url": str,
    "fast": bool,
    "transparent_background": bool,
    "watermark_image_url": str,
    "properties": dict,
}

STATUSES: Mapping[Phase, str] = {
    "queued": "queued",
    "generating": "generating",
    "ready": "ready",
    "ready_without_urls": "ready",
    "failed": "error",
    "deleted": "deleted",
}

STATUS_DETAILS: Mapping[Phase, str] = {
    "queued": "This request is currently queued. It should begin processing in a few minutes.",
    "ready": "Your request has processed successfully!",
    "ready_without_urls": "Your request has processed successfully!",
    "failed": ("An error occurred while generating this request. Please check your inputs or try your request again"),
}


def error(status: int) -> dict[str, Any]:
    """The body of an error answer. A 400 has another key than the rest."""
    if status == http.HTTPStatus.UNAUTHORIZED:
        return {"message": "Invalid access token"}
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = f"Status {status}"
    return {"error" if status == http.HTTPStatus.BAD_REQUEST else "message": phrase}


def create(call: Call) -> Answer:
    """Order a video."""
    order = call.json_object()
    problem = "Invalid JSON" if order is None else _order_problem(order)
    if order is None or problem:
        return Answer(400, {"error": problem})
    for field in {"video_name", "script"} & order.keys():
        order = {**order, field: _as_kept(order[field], call.state.texts)}
    video = call.state.add_video("tavus", {"outcome": call.state.outcome}, order)
    moment = video.at(time.monotonic())
    keys = ("video_id", "video_name", "status", "hosted_url", "created_at")
    described = _describe(video, moment, call.base_url)
    return Answer(200, {key: described[key] for key in keys})


def get(call: Call) -> Answer:
    """Describe one video."""
    video = call.state.videos.get("tavus", call.video_id)
    if video is None:
        return UNKNOWN_VIDEO
    moment = video.at(time.monotonic())
    body = _describe(video, moment, call.base_url)
    if call.query.get("verbose", "").lower() in {"true", "1"}:
        body |= _thumbnails(video, moment, call.base_url)
    return Answer(200, video.dressed(body))


def list_(call: Call) -> Answer:
    """Describe a page of videos, newest first."""
    first_page = call.state.page_base
    limit = _whole(call.query.get("limit", "10"), least=1)
    page = _whole(call.query.get("page", str(first_page)), least=first_page)
    if limit is None or page is None:
        return Answer(400, {"error": "Invalid limit" if limit is None else "Invalid page"})
    now = time.monotonic()
    videos, total = call.state.videos.newest(
        "tavus", skip=(page - first_page) * limit, limit=limit, ordered_by=now - call.state.listing_delay
    )
    return Answer(
        200,
        {"data": [_list_item(video, video.at(now), call.base_url) for video in videos], "total_count": total},
    )


def delete(call: Call) -> Answer:
    """Mark a video as deleted, or drop it altogether."""
    if call.state.videos.get("tavus", call.video_id) is None:
        return UNKNOWN_VIDEO
    if call.query.get("hard", "").lower() in {"true", "1"}:
        call.state.videos.remove("tavus", call.video_id)
    else:
        call.state.videos.change("tavus", call.video_id, {"deleted_at": time.monotonic()})
    return Answer(200, {})


def rename(call: Call) -> Answer:
    """Give a video another name."""
    video = call.state.videos.get("tavus", call.video_id)
    if video is None:
        return UNKNOWN_VIDEO
    body = call.json_object()
    name = None if body is None else body.get("video_name")
    if not isinstance(name, str) or not name:
        return Answer(400, {"error": "Invalid video_name"})
    call.state.videos.change("tavus", call.video_id, {"order": {**video.order, "video_name": name}})
    return Answer(200, {})


UNKNOWN_VIDEO = Answer(400, {"error": "Invalid video_id"})

TAVUS = Vendor(
    name="tavus",
    endpoints={
        "POST /v2/videos": create,
        "GET /v2/videos": list_,
        "GET /v2/videos/{id}": get,
        "DELETE /v2/videos/{id}": delete,
        "PATCH /v2/videos/{id}/name": rename,
    },
    error=error,
    unknown_video=UNKNOWN_VIDEO,
)


def _as_kept(text: str, form: Texts) -> str:
    match form:
        case "trimmed":
            return text.strip()
        case "cut":
            return text[:MAX_TEXT_CHARACTERS_IF_CUT]
        case "normalised":
            return unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    return text


def _order_problem(order: Mapping[str, Any]) -> str | None:
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong or not order.get("replica_id"):
        return f"Invalid {wrong or 'replica_id'}"
    if bool(order.get("script")) == bool(order.get("audio_url")):
        return "Exactly one of script and audio_url is required"
    if order.get("transparent_background") and not order.get("fast"):
        return "transparent_background requires fast"
    return None


def _whole(text: str, *, least: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) >= least else None


def _describe(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    observed = video.form == "observed"
    body: dict[str, Any] = {
        "video_id": video.video_id,
        "video_name": video.order.get("video_name") or _default_name(video),
        "status": STATUSES[moment.phase],
        "data": {key: video.order[key] for key in ("script", "audio_url") if video.order.get(key)},
    }
    if moment.phase == "ready":
        body["download_url"] = media_url(base_url, "tavus", video.video_id, "mp4")
        if not video.order.get("fast"):
            body["stream_url"] = media_url(base_url, "tavus", video.video_id, "m3u8")
    body |= {
        "hosted_url": media_url(base_url, "tavus", video.video_id, "html"),
        "status_details": STATUS_DETAILS.get(moment.phase, ""),
        "created_at": _http_date(video.created_at),
        "updated_at": _http_date(moment.since),
    }
    if observed:
        body.setdefault("download_url", None)
        body.setdefault("stream_url", None)
        body["replica_id"] = video.order.get("replica_id")
        body["generation_progress"] = f"{moment.progress}/100"
    return body


def _thumbnails(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    if moment.phase == "ready" and not video.order.get("fast"):
        return {
            "still_image_thumbnail_url": media_url(base_url, "tavus", video.video_id, "jpg"),
            "gif_thumbnail_url": media_url(base_url, "tavus", video.video_id, "gif"),
        }
    if video.form == "observed":
        return {"still_image_thumbnail_url": None, "gif_thumbnail_url": None}
    return {}


def _list_item(video: Video, moment: Moment, base_url: str) -> dict[str, Any]:
    observed = video.form == "observed"
    nothing = None if observed else ""
    body = _describe(video, moment, base_url) | _thumbnails(video, moment, base_url)
    for key in ("background_url", "background_source_url"):
        body[key] = video.order.get(key, nothing)
    if observed:
        body["error_details"] = None
    else:
        # The list's page knows neither of the dates, and it alone has a key of its own for errors.
        del body["created_at"], body["updated_at"]
        if moment.phase == "failed":
            body["error_details"] = body["status_details"]
    return video.dressed(body)


def _default_name(video: Video) -> str:
    day = time.gmtime(video.created_at)
    date = f"{time.strftime('%B', day)} {day.tm_mday}, {day.tm_year}"
    return f"replica_id: {video.order.get('replica_id')} - {date} - video: {video.video_id}"


def _http_date(unix_seconds: float) -> str:
    return email.utils.formatdate(unix_seconds, usegmt=True)
