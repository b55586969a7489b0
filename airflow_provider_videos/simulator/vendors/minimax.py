# SPDX-License-Identifier: Apache-2.0
"""What MiniMax answers: Video V2, and v1, whose errors are inside answers with the HTTP status 200.

A wrong key is answered in the form of v2, whatever was asked for.
"""

from __future__ import annotations

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

V1, REGENERATION = "v1/video_generation", "v2/video_regeneration"
ORDER_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("model", "resolution", "ratio", "prompt", "source_task_id", "callback_url"), str),
    "content": list,
    "duration": int,
}
NEEDED = {
    "v2/video_generation": ("model", "content", "resolution", "duration"),
    REGENERATION: ("model", "resolution"),
    V1: ("model",),
}
MAX_TEXT_CHARACTERS = 7000
STATUSES = {"queued": "queued", "generating": "running", "ready": "succeeded", "ready_without_urls": "succeeded"}
V1_STATUSES = {"queued": "Queueing", "generating": "Processing", "ready": "Success", "ready_without_urls": "Success"}
#: The kind, the message and the code of an error, by HTTP status.
ERRORS = {
    400: ("bad_request_error", "invalid params", 2013),
    401: ("authorized_error", "login fail", 1004),
    402: ("insufficient_balance_error", "insufficient balance", 1008),
    422: ("unprocessable_entity_error", "video description contains sensitive content", 1026),
    429: ("rate_limit_error", "rate limit, please retry later", 1002),
    500: ("server_error", "internal error", 1000),
}
SENSITIVE = {"code": "1026", "message": "video description contains sensitive content"}
#: How far the number of a file of v1 is from that of its task.
FILE_OFFSET = 185_448_320


def error(status: int, message: str = "") -> Reply:
    """The answer of v2 to what is wrong with this status."""
    kind, usual, code = ERRORS.get(status, ("overloaded_error" if status == 529 else "server_error", phrase(status), 0))
    text = f"{message or usual} ({code})" if code else usual
    body = {"type": kind, "message": text, "http_code": str(status)}
    return Reply(status, {"type": "error", "error": body, "request_id": "021785229015510a2c883cf675b9804d"})


def v1_answer(code: int = 0, message: str = "success", **body: Any) -> Reply:
    """An answer of v1."""
    return Reply(200, {**body, "base_resp": {"status_code": code, "status_msg": message}})


def create(request: VendorRequest) -> Reply:
    """Order a video of either API."""
    way = request.parts["way"]
    order = request.json_object()
    problem = "the body is no JSON object" if order is None else order_problem(way, order)
    if order is None or problem:
        problem = f"invalid params, {problem}"
        return v1_answer(2013, problem, task_id="") if way == V1 else error(400, problem)
    video = request.create_video(order)
    return v1_answer(task_id=video.video_id) if way == V1 else Reply(200, {"task_id": video.video_id})


def get(request: VendorRequest) -> Reply:
    """Describe one task of v2."""
    if not is_v2(request.video):
        return VENDOR.unknown_video
    return Reply(200, {"task": task(request.video, request)})


def list_(request: VendorRequest) -> Reply:
    """Describe a page of the tasks of v2, newest first."""
    videos = [video for video in request.newest(limit=1_000_000)[0] if is_v2(video)]
    size, number = (int(request.query.get(name, usual)) for name, usual in (("page_size", 20), ("page_num", 1)))
    page = videos[(number - 1) * size : number * size]
    return Reply(200, {"items": [task(video, request) for video in page], "total": len(videos)})


def delete(request: VendorRequest) -> Reply:
    """Cancel a task that is queued, or delete one that is finished."""
    phase = request.video.moment.phase
    if phase in {"generating", "cancelled"}:
        return error(400, f"a task that is {STATUSES.get(phase, phase)} can't be deleted")
    action = "cancelled" if phase == "queued" else "deleted"
    answer = Reply(200, {"task_id": request.video.video_id, "action": action, "status": action})
    if phase == "queued":
        request.end_video("cancelled")
    else:
        request.remove_video()
    return answer


def get_v1(request: VendorRequest) -> Reply:
    """Describe one task of v1, without the URL of its file."""
    try:
        video = request.video
    except RefusedError:
        return v1_answer(2013, "invalid params, task_id not found")
    moment = video.moment
    body: dict[str, Any] = {"task_id": video.video_id, "status": V1_STATUSES.get(moment.phase, "Fail")}
    if moment.phase == "ready":
        body |= {"file_id": file_id_of(video.video_id), "video_width": 1920, "video_height": 1080}
    elif video.form == "observed":
        body["file_id"] = ""
    code, message = (0, "success") if moment.is_pending or moment.is_ready else (1027, "output sensitive")
    answer = v1_answer(code, message, **body)
    return Reply(200, video.dressed(answer.body))


def retrieve(request: VendorRequest) -> Reply:
    """Describe a file of v1. Its number is a text in the question, and a number in the answer."""
    file_id = request.query["file_id"]
    task_id = str(int(file_id) - FILE_OFFSET) if file_id.isdecimal() else ""
    video = request.state.videos.get(request.vendor.conn_type, task_id)
    if video is None:
        return v1_answer(2013, "invalid params, file_id not found")
    file = {
        "file_id": int(file_id),
        "bytes": 5_896_337,
        "created_at": int(time.time()),
        "filename": "output_aigc.mp4",
        "purpose": "video_generation",
        "download_url": request.media_url(video),
    }
    return v1_answer(file=file)


def order_problem(way: str, order: Mapping[str, Any]) -> str | None:
    """What is wrong with an order."""
    wrong = wrongly_typed(order, ORDER_TYPES)
    if wrong:
        return f"{wrong} has a wrong type"
    for name in NEEDED[way]:
        if not order.get(name):
            return f"{name} is required"
    is_v2_model = order["model"].startswith("MiniMax-H3")
    if is_v2_model is (way == V1):
        return f"model {order['model']} is not supported"
    if way == V1:
        return None if order.get("prompt") or order.get("first_frame_image") else "prompt is required"
    if way == REGENERATION:
        return None if ("source_task_id" in order) is not ("content" in order) else "give source_task_id or content"
    texts = [item["text"] for item in order["content"] if item.get("type") == "text" and item.get("text")]
    if len(texts) != 1 or len(texts[0]) > MAX_TEXT_CHARACTERS:
        return "content must include a non-empty text item (prompt is required)"
    if len(order["content"]) == 1 and order.get("ratio", "adaptive") == "adaptive":
        return "ratio is required"
    return None


def is_v2(video: SimulatedVideo) -> bool:
    """Whether a video was ordered from v2."""
    return str(video.order.get("model")).startswith("MiniMax-H3")


def task(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A task of v2, as the newer answers have it or, as observed, with less in it."""
    moment, seconds = video.moment, video.order.get("duration", 5)
    is_observed = video.form == "observed"
    used = {"total_seconds": seconds, "input_seconds": 0, "output_seconds": seconds, "input_image_count": 0}
    body: dict[str, Any] = {
        "id": video.video_id,
        "model": video.order["model"],
        "status": STATUSES.get(moment.phase, moment.phase),
        "created_at": int(video.created_at),
        "updated_at": int(moment.since),
        "resolution": video.order["resolution"],
        "duration": seconds,
        "usage": used if moment.phase == "ready" and not is_observed else {},
        "ratio": "" if is_observed else video.order.get("ratio", ""),
        "task_type": "generation" if "duration" in video.order else "regeneration",
    }
    if not is_observed:
        body["modality"] = "video"
    if moment.is_ready:
        body["content"] = {"url": request.media_url(video)} if moment.phase == "ready" else {}
    elif moment.phase == "failed":
        body["error"] = dict(SENSITIVE)
    return video.dressed(body)


def file_id_of(task_id: str) -> str:
    """The number of the file of a task of v1."""
    return str(int(task_id) + FILE_OFFSET)


VENDOR = SimulatedVendor(
    conn_type="minimax",
    name="MiniMax",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/{way:v1/video_generation|v2/video_(?:re)?generation}", create),
        "get": Endpoint("GET", "/v2/query/video_generation/{id}", get),
        "list": Endpoint("GET", "/v2/query/video_generation", list_),
        "delete": Endpoint("DELETE", "/v2/video_generation/{id}", delete),
        "get_v1": Endpoint("GET", "/v1/query/video_generation?task_id={id}", get_v1),
        "result": Endpoint("GET", "/v1/files/retrieve?file_id={file}", retrieve),
    },
    error=error,
    unknown_video=error(400, "invalid task_id"),
    new_id=lambda: str(secrets.randbelow(9 * 10**14) + 10**14),
    example_order={
        "model": "MiniMax-H3",
        "content": [{"type": "text", "text": "A square that swings to and fro."}],
        "resolution": "768P",
        "duration": 5,
        "ratio": "16:9",
    },
    example_path="/v2/video_generation",
    outcomes=("cancelled", "expired"),
    list_items="items",
    list_end=lambda number: {"total": number},
)
