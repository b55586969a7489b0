# SPDX-License-Identifier: Apache-2.0
"""What D-ID answers."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import secrets
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.checks import wrongly_typed
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

PREFIXES = {"talks": "tlk_", "clips": "clp_", "scenes": "", "expressives": "exp_"}
ANY = "|".join(PREFIXES)
PAGE = 100
URL_SECONDS = 24 * 3600
ORDER_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("source_url", "presenter_id", "avatar_id", "name", "user_data", "webhook", "result_url"), str),
    **dict.fromkeys(("script", "config", "background"), dict),
}
#: What the API takes where an order does not say it, and bills.
DEFAULTS = {
    "talks": {"source_url": "https://d-id-public-bucket.s3.us-west-2.amazonaws.com/alice.jpg"},
    "clips": {"presenter_id": "jack-Pt27VkP3hW"},
}
DEFAULT_INPUT = "Making videos is easy with D-ID"
STATUSES = {"queued": "created", "generating": "started", "ready": "done", "ready_without_urls": "done"}
KINDS = {
    400: "BadRequestError",
    401: "AuthorizationError",
    402: "InsufficientCreditsError",
    403: "PermissionError",
    404: "NotFoundError",
    409: "NotReadyError",
    451: "TextModerationError",
    500: "InternalServerError",
}
TEXTS = {401: "user unauthenticated", 402: "not enough credits", 404: "not found"}


@dataclasses.dataclass(frozen=True)
class PlainOrEncodedKey(HeaderKey):
    """A key that may come as it is or in base64."""

    def accepts(self, sent: str, key: str) -> bool:
        """Whether it is the key."""
        return super().accepts(sent, key) or super().accepts(sent, base64.b64encode(key.encode()).decode())


def error(status: int, description: str = "") -> Reply:
    """The answer to what is wrong with this status."""
    text = description or TEXTS.get(status, phrase(status))
    return Reply(status, {"kind": KINDS.get(status, "UnknownError"), "description": text})


def create(request: VendorRequest) -> Reply:
    """Order a video of any kind. What the order does not say is filled in."""
    path = request.parts["collection"]
    order = request.json_object()
    wrong = "body" if order is None else wrongly_typed(order, ORDER_TYPES)
    if order is None or wrong:
        return error(400, f"invalid {wrong}")
    if "avatar_id" not in order and path not in DEFAULTS:
        return error(400, "avatar_id is required")
    if "script" not in order:
        return error(400, "script is required")
    order = {**DEFAULTS.get(path, {}), **order, "script": {"input": DEFAULT_INPUT, **order["script"]}}
    video = request.create_video(order, video_id=new_id(path))
    answer = {
        "id": video.video_id.partition("/")[2],
        "object": path.removesuffix("s"),
        "created_at": iso(video.created_at),
        "status": "created",
    }
    return Reply(201, answer | ({"created_by": "123"} if path == "talks" else {}))


def get(request: VendorRequest) -> Reply:
    """Describe one video."""
    return Reply(200, describe(request.video, request))


def list_(request: VendorRequest) -> Reply:
    """Describe a page of the videos of one kind."""
    path = request.parts["collection"]
    videos = [video for video in request.newest(limit=1_000_000)[0] if video.video_id.startswith(f"{path}/")]
    start = int(request.query.get("token", 0))
    body: dict[str, Any] = {path: [describe(video, request) for video in videos[start : start + PAGE]]}
    if start + PAGE < len(videos):
        body["token"] = str(start + PAGE)
    return Reply(200, body)


def delete(request: VendorRequest) -> Reply:
    """Delete a video that is finished."""
    video = request.video
    if video.moment.is_pending:
        return error(409, f"{video.video_id.partition('s/')[0]} is in process, try again later")
    answer = Reply(200, describe(video, request)) if video.video_id.startswith(("talks", "clips")) else Reply(204)
    request.remove_video()
    return answer


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A video; as observed, with what pages don't mention."""
    moment = video.moment
    path, _, number = video.video_id.partition("/")
    echoed = {field: video.order[field] for field in ("name", "user_data") if field in video.order}
    body: dict[str, Any] = {
        "id": number,
        "user_id" if path == "talks" else "owner_id": "google-oauth2|1234",
        "status": STATUSES.get(moment.phase, moment.phase),
        "created_at": iso(video.created_at) + "Z",
        "modified_at": iso(moment.since) + "Z",
        **echoed,
    }
    if path == "talks":
        body["source_url"] = video.order["source_url"]
    elif path != "clips":
        body |= {"avatar_id": video.order["avatar_id"], "created_by": "123"}
    if moment.phase == "ready":
        expires = int(moment.since) + URL_SECONDS
        body["result_url"] = f"{request.media_url(video)}?AWSAccessKeyId=A&Expires={expires}&Signature=s"
        body["duration"] = 2.112
    elif moment.phase == "failed":
        body |= {
            "status": "error",
            "error": {"kind": "FaceError", "description": "no face was found", "details": "try another image"},
        }
    if video.form == "observed":
        body["user"] = {"id": "1234", "plan": "basic"}
        if moment.is_pending:
            body["pending_url"] = f"s3://d-id-talks-prod/{number}/{int(video.created_at)}.mp4"
        else:
            body |= {"started_at": iso(video.created_at), "completed_at": iso(moment.since)}
    return video.dressed(body)


def new_id(path: str = "talks") -> str:
    """A fresh id, behind the path of its kind."""
    return f"{path}/{PREFIXES[path]}{secrets.token_urlsafe(12)}"


def iso(unix_seconds: float) -> str:
    """A moment without a zone, as some answers have it."""
    moment = datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


VENDOR = SimulatedVendor(
    conn_type="d_id",
    name="D-ID",
    auth=PlainOrEncodedKey("Authorization", "Basic"),
    endpoints={
        "create": Endpoint("POST", f"/{{collection:{ANY}}}", create),
        "list": Endpoint("GET", f"/{{collection:{ANY}}}", list_),
        "get": Endpoint("GET", f"/{{id:(?:{ANY})/[^/]+}}", get),
        "delete": Endpoint("DELETE", f"/{{id:(?:{ANY})/[^/]+}}", delete),
        "credits": Endpoint(
            "GET", "/credits", lambda _: Reply(200, {"credits": [], "remaining": 10000, "total": 10000})
        ),
    },
    error=error,
    unknown_video=error(404),
    new_id=new_id,
    example_order={
        "source_url": "https://example.com/face.jpg",
        "script": {"type": "text", "input": "Hello, this is a square."},
    },
    example_path="/talks",
    outcomes=("rejected",),
    list_items="talks",
    list_end=lambda _: {"token": None},
)
