# SPDX-License-Identifier: Apache-2.0
"""What Kling answers: the API of 2026 and v1, on one host, with other paths, bodies, answers and status words.

A key is the API key, or a token that is signed with it as the secret key, which only v1 takes.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import (
    Endpoint,
    RefusedError,
    Reply,
    SimulatedVendor,
    VendorRequest,
    phrase,
)
from airflow_provider_videos.simulator.videos import SimulatedVideo

ACCESS_KEY = "simulator-access-key"
REQUEST_ID = "ed6ce13d-7c9b-48cc-ba5c-e4ba5c260a60"
NEW_KINDS = "text-to-video|image-to-video|omni-video|motion-control"
V1_KINDS = (
    "text2video|image2video|multi-image2video|omni-video|motion-control|video-extend|effects|avatar/image2video"
    "|multi-elements"
)
STATUSES = {"queued": "submitted", "generating": "processing", "failed": "failed"}
#: The code and the message of an error, by HTTP status.
ERRORS = {
    400: (1201, "Invalid request parameters"),
    401: (1002, "Authorization is invalid"),
    403: (1103, "The account has no access to the API or model"),
    404: (1202, "The requested resource does not exist or the method is wrong"),
    405: (1202, "The requested method is invalid"),
    429: (1302, "API request too fast"),
    500: (5000, "Server internal error"),
    503: (5001, "Server temporarily unavailable"),
    504: (5002, "Server internal timeout"),
}
NEW_TYPES: Mapping[str, type] = {"prompt": str, "contents": list, "settings": dict, "options": dict}
V1_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("model_name", "prompt", "image", "image_tail", "mode", "duration", "external_task_id"), str),
    "cfg_scale": (int, float),
}
MAX_PROMPT_CHARACTERS, MAX_V1_PROMPT_CHARACTERS = 3072, 2500


@dataclasses.dataclass(frozen=True)
class KeyOrToken(HeaderKey):
    """The API key, or a JSON Web Token of an access key that is signed with it."""

    def accepts(self, sent: str, key: str) -> bool:
        """Whether it is the key, or a token that is good now."""
        return super().accepts(sent, key) or is_token(sent, key, time.time())


def is_token(token: str, secret: str, now: float) -> bool:
    """Whether a token is signed with this secret key, of the simulator's access key, and good now."""
    try:
        header, claims, signature = token.split(".")
        expected = hmac.new(secret.encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
        read = json.loads(decoded(claims))
        return (
            hmac.compare_digest(decoded(signature), expected)
            and json.loads(decoded(header)) == {"alg": "HS256", "typ": "JWT"}
            and read.keys() == {"iss", "exp", "nbf"}
            and read["iss"] == ACCESS_KEY
            and read["nbf"] <= now < read["exp"] <= now + 1800
        )
    except (ValueError, TypeError, AttributeError):
        return False


def decoded(part: str) -> bytes:
    """What a part of a token stands for."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def error(status: int, code: int | None = None, message: str = "") -> Reply:
    """The answer to what is wrong with this status."""
    usual = ERRORS.get(status, (5000, phrase(status)))
    return Reply(status, {"code": code or usual[0], "message": message or usual[1], "request_id": REQUEST_ID})


def answer(data: Any) -> Reply:
    """An answer that is no error."""
    return Reply(200, {"code": 0, "message": "SUCCEED", "request_id": REQUEST_ID, "data": data})


def create(request: VendorRequest) -> Reply:
    """Order a video of either API."""
    way = request.parts["way"]
    is_new = not way.startswith("v1/")
    if is_new:
        refuse_token(request)
    order = request.json_object()
    problem = "the body is no JSON object" if order is None else order_problem(way, order)
    if order is None or problem:
        return error(400, message=problem or "")
    # An own id that there is already makes another task: the worst that a client may meet.
    video = request.create_video({**order, "way": way})
    return answer(task(video, request) if is_new else v1_task(video, request))


def get(request: VendorRequest) -> Reply:
    """Describe the tasks of a list of ids."""
    refuse_token(request)
    found = [request.state.videos.get(VENDOR.conn_type, video_id) for video_id in request.query["task_ids"].split(",")]
    return answer([task(video, request) for video in found if video is not None and is_new(video)])


def find(request: VendorRequest) -> Reply:
    """Describe the tasks of a list of own ids."""
    refuse_token(request)
    ids = request.query["external_task_ids"].split(",")
    found = [video for video in all_videos(request) if own_id_of(video.order) in ids and is_new(video)]
    return answer([task(video, request) for video in found])


def list_(request: VendorRequest) -> Reply:
    """Describe a page of the tasks of both APIs, newest first."""
    refuse_token(request)
    asked = request.json_object() or {}
    limit = asked.get("limit", 100)
    if not 1 <= limit <= 500:
        return error(400, message="limit is invalid")
    videos, _ = request.newest(limit=limit + 1, after=asked.get("cursor"))
    page = videos[:limit]
    has_more = len(videos) > limit
    cursor = page[-1].video_id if has_more else None
    result = [task(video, request) for video in page]
    return answer({"result": result, "count": len(page), "next_cursor": cursor, "has_more": has_more})


def get_v1(request: VendorRequest) -> Reply:
    """Describe one task of v1, by its id or its own id."""
    way, asked = f"v1/videos/{request.parts['kind']}", request.parts["id"]
    video = request.state.videos.get(VENDOR.conn_type, asked)
    if video is None:
        video = next((one for one in all_videos(request) if own_id_of(one.order) == asked), None)
    if video is None or video.order.get("way") != way:
        return error(404, 1203)
    return answer(v1_task(video, request))


def list_v1(request: VendorRequest) -> Reply:
    """Describe a page of the tasks of one kind of v1, newest first."""
    way = f"v1/videos/{request.parts['kind']}"
    number, size = (int(request.query.get(name, usual)) for name, usual in (("pageNum", 1), ("pageSize", 30)))
    videos = [video for video in all_videos(request) if video.order.get("way") == way]
    return answer([v1_task(video, request) for video in videos[(number - 1) * size : number * size]])


def refuse_token(request: VendorRequest) -> None:
    """Refuse a token, which only v1 takes."""
    sent = VENDOR.auth.read(request.headers) or ""
    if sent.count(".") == 2:
        raise RefusedError(error(401))


def order_problem(way: str, order: Mapping[str, Any]) -> str | None:
    """What is wrong with an order."""
    is_v1 = way.startswith("v1/")
    wrong = wrongly_typed(order, V1_TYPES if is_v1 else NEW_TYPES)
    if wrong:
        return f"{wrong} has a wrong type"
    longest = MAX_V1_PROMPT_CHARACTERS if is_v1 else MAX_PROMPT_CHARACTERS
    if len(order.get("prompt", "")) > longest:
        return "prompt is too long"
    needed = {"v1/videos/text2video": "prompt", "v1/videos/motion-control": "image_url"}.get(way)
    if not is_v1:
        needed = "prompt" if way.startswith("text-to-video") else "contents"
        duration = order.get("settings", {}).get("duration", 5)
        if not isinstance(duration, int):
            return "settings.duration must be int"
    return f"{needed} is required" if needed and not order.get(needed) else None


def all_videos(request: VendorRequest) -> list[SimulatedVideo]:
    """All tasks that there are to see, newest first: a list and an own id may show a task late."""
    return request.newest(limit=1_000_000)[0]


def is_new(video: SimulatedVideo) -> bool:
    """Whether a video was not ordered from v1."""
    return not str(video.order.get("way")).startswith("v1/")


def own_id_of(order: Mapping[str, Any]) -> str | None:
    """The own id of an order of either API."""
    own_id: str | None = order.get("options", order).get("external_task_id")
    return own_id


def times(video: SimulatedVideo, *names: str) -> dict[str, int]:
    """When a task was made and last changed, in milliseconds."""
    return dict(zip(names, (int(video.created_at * 1000), int(video.moment.since * 1000)), strict=True))


def task(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A task of the newer API, as documented or, as observed, with less in it."""
    moment = video.moment
    body: dict[str, Any] = {
        "id": video.video_id,
        "status": STATUSES.get(moment.phase, "succeeded"),
        **times(video, "create_time", "update_time"),
    }
    if own_id_of(video.order):
        body["external_id"] = own_id_of(video.order)
    if video.form == "documented":
        body["message"] = ""
    if moment.phase == "failed":
        body["message"] = "content risk control"
    if moment.is_ready:
        seconds = str(video.order.get("settings", {}).get("duration", 5))
        file = {"type": "video", "id": "v1", "url": request.media_url(video), "watermark_url": "", "duration": seconds}
        body["outputs"] = [file] if moment.phase == "ready" else []
        body["billing"] = [{"charge_type": "unit", "package_type": "video", "amount": "4"}]
    return video.dressed(body)


def v1_task(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A task of v1."""
    moment = video.moment
    body: dict[str, Any] = {
        "task_id": video.video_id,
        "task_status": STATUSES.get(moment.phase, "succeed"),
        "task_info": {"external_task_id": own_id_of(video.order)} if own_id_of(video.order) else {},
        **times(video, "created_at", "updated_at"),
    }
    if video.form == "documented":
        body["task_status_msg"] = ""
    if moment.phase == "failed":
        body["task_status_msg"] = "content risk control"
    if moment.is_ready:
        seconds = video.order.get("duration", "5")
        file = {"id": "v1", "url": request.media_url(video), "watermark_url": "", "duration": seconds}
        body["task_result"] = {"videos": [file] if moment.phase == "ready" else []}
        body["watermark_info"] = {"enabled": False}
        body["final_unit_deduction"] = "3.5"
    return video.dressed(body)


VENDOR = SimulatedVendor(
    conn_type="kling",
    name="Kling",
    auth=KeyOrToken("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", f"/{{way:(?:{NEW_KINDS})/[^/]+|v1/videos/(?:{V1_KINDS})}}", create),
        "get": Endpoint("GET", "/tasks?task_ids={id}", get),
        "find": Endpoint("GET", "/tasks?external_task_ids={own_id}", find),
        "list": Endpoint("POST", "/tasks", list_),
        "list_v1": Endpoint("GET", f"/v1/videos/{{kind:{V1_KINDS}}}", list_v1),
        "get_v1": Endpoint("GET", f"/v1/videos/{{kind:{V1_KINDS}}}/{{id}}", get_v1),
    },
    error=error,
    unknown_video=answer([]),
    new_id=lambda: str(secrets.randbelow(9 * 10**17) + 10**17),
    example_order={"prompt": "A square that swings to and fro."},
    example_path="/text-to-video/kling-3.0-turbo",
)
