# SPDX-License-Identifier: Apache-2.0
"""What version 3 of HeyGen's API answers."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[A-Za-z0-9_:.-]{1,255}")
ORDER_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("type", "title", "script", "audio_url", "audio_asset_id", "voice_id", "resolution"), str),
    **dict.fromkeys(("aspect_ratio", "fit", "output_format", "expressiveness", "motion_prompt", "prompt"), str),
    **dict.fromkeys(("image", "voice_settings", "background", "engine", "watermark", "variables", "dimension"), dict),
    **dict.fromkeys(("scenes", "references", "scene_ids"), list),
    "avatar_id": (str, list),
    "caption": dict,
}
NEEDED = {
    "avatar": ("avatar_id",),
    "image": ("image",),
    "cinematic_avatar": ("prompt", "avatar_id"),
    "studio": ("scenes",),
}
VOICES = ("script", "audio_url", "audio_asset_id")
MAX_SCRIPT_CHARACTERS = 5000
AGENT_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("prompt", "mode", "avatar_id", "voice_id", "style_id", "brand_kit_id", "orientation"), str),
    "files": list,
}
MAX_PROMPT_CHARACTERS = 10_000
#: Set in the order of a video whose session has told its id.
TOLD = "session_has_told"
STATUSES = {
    "queued": "pending",
    "generating": "processing",
    "ready": "completed",
    "ready_without_urls": "completed",
    "failed": "failed",
}
#: HeyGen doesn't say how long its URLs are good; an earlier version said a week.
URL_SECONDS = 7 * 86400
CODES = {
    400: "invalid_parameter",
    401: "unauthorized",
    402: "insufficient_credit",
    403: "forbidden",
    404: "not_found",
    409: "request_in_progress",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "service_unavailable",
    504: "gateway_timeout",
}
DOCS = "https://developers.heygen.com/docs/error-codes"


def error(status: int, message: str = "", *, code: str = "", param: str = "") -> Reply:
    """The answer to what is wrong with this status."""
    code = code or CODES.get(status, phrase(status).lower().replace(" ", "_"))
    told = {"code": code, "message": message or phrase(status), "doc_url": f"{DOCS}#{code}"}
    return Reply(status, {"error": {**told, "param": param} if param else told})


def check(request: VendorRequest) -> Reply | None:
    """Refuse an idempotency key of a form that HeyGen does not take."""
    key = request.headers.get(KEY_HEADER)
    if key is not None and not KEY.fullmatch(key):
        return error(400, f"{KEY_HEADER} must have 1 to 255 characters of A-Z a-z 0-9 _ : . -", param=KEY_HEADER)
    return None


def create(request: VendorRequest) -> Reply:
    """Order a video, one of a template, which is answered with the whole video, or one of an agent: with a session."""
    order = request.json_object()
    if order is None:
        return error(400, "The body is not a JSON object")
    if request.parts["of"] == "video-agents":
        return create_session(request, order)
    is_template = request.parts["of"] != "videos"
    if problem := template_problem(order) if is_template else order_problem(order):
        return error(400, f"{problem[0]}: {problem[1]}", param=problem[0])
    if "title" in order:
        order = {**order, "title": request.state.kept_text(order["title"])}
    video = request.create_video(order)
    if is_template:
        return Reply(200, {"data": video.dressed(describe(video, request))})
    body = {"video_id": video.video_id, "status": "waiting", "output_format": order.get("output_format", "mp4")}
    return Reply(200, {"data": {"video_id": video.video_id} if video.form == "observed" else body})


def create_session(request: VendorRequest, order: Mapping[str, Any]) -> Reply:
    """Give an agent its task: it makes the video without a title of the client's."""
    prompt = order.get("prompt")
    if wrong := wrongly_typed(order, AGENT_TYPES):
        return error(400, f"{wrong}: wrong type", param=wrong)
    if not prompt or len(prompt) > MAX_PROMPT_CHARACTERS:
        return error(400, f"prompt: must have 1 to {MAX_PROMPT_CHARACTERS} characters", param="prompt")
    video = request.create_video({**order, "title": f"Video of {prompt}"[:40]})
    session = {"session_id": session_of(video.video_id), "status": "thinking", "video_id": None}
    return Reply(200, {"data": {**session, "created_at": int(video.created_at)}})


def session_of(video_id: str) -> str:
    """Return the id of the session in which a video is made; it is that of no video."""
    return f"sess_{video_id[::-1]}"


def session(request: VendorRequest) -> Reply:
    """Say how an agent's session stands. It tells the video's id once that is generated; as observed, only once."""
    request.parts = {"id": request.parts["session"].removeprefix("sess_")[::-1]}
    video = request.state.videos.get(request.vendor.conn_type, request.parts["id"])
    if video is None or (video.form == "observed" and video.order.get(TOLD)):
        return error(404, "Session not found")
    moment = video.moment
    status = {"queued": "thinking", "generating": "generating", "failed": "failed"}.get(moment.phase, "completed")
    told = None if moment.phase in {"queued", "failed"} else video.video_id
    if told is not None:
        request.change_order(**{TOLD: True})
    about = {"session_id": session_of(video.video_id), "status": status, "progress": moment.progress}
    return Reply(200, {"data": {**about, "video_id": told, "created_at": int(video.created_at)}})


def get(request: VendorRequest) -> Reply:
    """Describe one video."""
    return Reply(200, {"data": request.video.dressed(describe(request.video, request))})


def list_(request: VendorRequest) -> Reply:
    """Describe a page of videos, newest first, whose titles contain what is asked for."""
    limit, title = request.query.get("limit", "10"), request.query.get("title", "")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 100:
        return error(400, "limit: must be from 1 to 100", param="limit")
    size = int(limit)
    most = size + 1 if not title else 1_000_000
    videos, _ = request.newest(limit=most, after=request.query.get("token"))
    found = [video for video in videos if title in str(video.order.get("title", ""))]
    page, more = found[:size], found[size:]
    data = [video.dressed(describe(video, request)) for video in page]
    token = page[-1].video_id if more else None
    return Reply(200, {"data": data, "has_more": bool(more), "next_token": token})


def delete(request: VendorRequest) -> Reply:
    """Drop a video for ever."""
    video_id = request.video.video_id
    request.remove_video()
    return Reply(200, {"data": {"id": video_id, "deleted": True}})


def account(request: VendorRequest) -> Reply:
    """Say whose key it is."""
    wallet = {"currency": "usd", "remaining_balance": 100.0, "auto_reload": None}
    return Reply(200, {"data": {"username": "simulator", "billing_type": "wallet", "wallet": wallet}})


def order_problem(order: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field of a plain video that is wrong, and what is wrong with it."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong:
        return wrong, "wrong type"
    kind = order.get("type")
    if kind not in NEEDED:
        return "type", f"must be one of {', '.join(NEEDED)}"
    if missing := next((field for field in NEEDED[kind] if not order.get(field)), None):
        return missing, "is required"
    if isinstance(order.get("avatar_id", ""), list) is not (kind == "cinematic_avatar") and "avatar_id" in order:
        return "avatar_id", "wrong type"
    if kind in ("avatar", "image"):
        if sum(bool(order.get(voice)) for voice in VOICES) != 1:
            return "script", "exactly one of script, audio_url and audio_asset_id is required"
        if len(order.get("script", "")) > MAX_SCRIPT_CHARACTERS:
            return "script", f"must have at most {MAX_SCRIPT_CHARACTERS} characters"
        if order.get("output_format") == "webm" and order.get("background"):
            return "background", "is not supported with webm"
    return None


def template_problem(order: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field of an order of a template that is wrong, and what is wrong with it."""
    wrong = wrongly_typed(order, {**ORDER_TYPES, "caption": bool})
    if wrong:
        return wrong, "wrong type"
    return None if "variables" in order else ("variables", "is required")


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A video. What is not known yet is null, and as observed is left out."""
    moment, order = video.moment, video.order
    is_ready = moment.phase == "ready"
    caption = order.get("caption")
    is_burned_in = caption is True or (isinstance(caption, Mapping) and bool(caption.get("style")))
    body: dict[str, Any] = {
        "id": video.video_id,
        "status": STATUSES[moment.phase],
        "title": order.get("title"),
        "created_at": int(video.created_at),
        "completed_at": None if moment.is_pending else int(moment.since),
        "duration": 3.0 if is_ready else None,
        "folder_id": order.get("folder_id"),
        "video_url": signed(video, request, "mp4") if is_ready else None,
        "captioned_video_url": signed(video, request, "mp4") if is_ready and is_burned_in else None,
        "subtitle_url": signed(video, request, "srt") if is_ready else None,
        "thumbnail_url": signed(video, request, "jpg") if is_ready else None,
        "gif_url": signed(video, request, "gif") if is_ready else None,
        "video_page_url": f"https://app.heygen.com/video/{video.video_id}" if moment.is_ready else None,
        "output_language": None,
    }
    if moment.phase == "failed":
        body |= {"failure_code": "rendering_failed", "failure_message": "Avatar rendering timed out"}
    if video.form == "observed":
        body = {key: value for key, value in body.items() if value is not None}
    return body


def signed(video: SimulatedVideo, request: VendorRequest, suffix: str) -> str:
    """The URL of a file, signed anew each time."""
    query = f"Expires={int(time.time()) + URL_SECONDS}&Signature={secrets.token_hex(8)}&Key-Pair-Id=K2SIMULATOR"
    return f"{request.media_url(video, suffix)}?{query}"


VENDOR = SimulatedVendor(
    conn_type="heygen",
    name="HeyGen",
    auth=HeaderKey("x-api-key"),
    endpoints={
        "create": Endpoint("POST", "/v3/{of:videos|video-agents|templates/[^/]+}", create),
        "list": Endpoint("GET", "/v3/videos", list_),
        "get": Endpoint("GET", "/v3/videos/{id}", get),
        "session": Endpoint("GET", "/v3/video-agents/{session}", session),
        "delete": Endpoint("DELETE", "/v3/videos/{id}", delete),
        "account": Endpoint("GET", "/v3/users/me", account),
    },
    error=error,
    unknown_video=error(404, "Video not found", code="video_not_found"),
    new_id=lambda: secrets.token_hex(16),
    example_order={"type": "avatar", "avatar_id": "avatar_1", "script": "Hello from the simulator.", "voice_id": "v1"},
    example_path="/v3/videos",
    idempotency_header=KEY_HEADER,
    check=check,
    list_end=lambda _: {"has_more": False, "next_token": None},
)
