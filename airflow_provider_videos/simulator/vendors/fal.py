# SPDX-License-Identifier: Apache-2.0
"""What the queue of fal answers."""

from __future__ import annotations

import uuid
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import SimulatedVideo

#: A queue's own errors, by the status that they come with.
ERROR_TYPES = {
    400: "bad_request",
    499: "client_cancelled",
    500: "internal_error",
    502: "runner_incomplete_response",
    503: "runner_scheduling_failure",
    504: "request_timeout",
}
BILLABLE_UNITS = "8"
NAMESPACES = ("workflows", "comfy")
REQUEST = "{id:.+/requests/[^/]+}"


def error(status: int, detail: str | None = None) -> Reply:
    """The answer to what is wrong with this status."""
    usual = {
        401: "Authentication is required to access this application",
        403: "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
        429: "Queue is full",
        499: "Request was cancelled by the client",
        504: "Request timed out",
    }
    body = {"detail": detail or usual.get(status, phrase(status))}
    if status not in ERROR_TYPES:
        return Reply(status, body)
    return Reply(status, body | {"error_type": ERROR_TYPES[status]}, {"X-Fal-Error-Type": ERROR_TYPES[status]})


def create(request: VendorRequest) -> Reply:
    """Take a job into the queue, whatever its fields are: what is wrong with them is said by its result."""
    order = request.json_object()
    parts = request.parts["endpoint"].split("/")
    app = parts[: 3 if parts[0] in NAMESPACES else 2]
    if len(app) < 2 or "requests" in parts:
        return error(404)
    if order is None:
        return Reply(422, invalid("body", "Input should be a valid dictionary", "dict_type"))
    video = request.create_video(order, video_id=f"{'/'.join(app)}/requests/{uuid.uuid4()}")
    body = addresses(video, request) | {"queue_position": 0}
    if video.form == "documented":
        body |= {"status": "IN_QUEUE", "gateway_request_id": body["request_id"]}
    return Reply(200, body, request_id(video))


def get(request: VendorRequest) -> Reply:
    """Say where a job stands: a 202 until it has ended, however that was."""
    video = request.video
    moment = video.moment
    body = addresses(video, request)
    if moment.phase == "queued":
        body |= {"status": "IN_QUEUE", "queue_position": 1}
    elif moment.is_pending:
        body |= {"status": "IN_PROGRESS", "logs": []}
    else:
        body |= {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": video.generating}}
        reply = outcome(video, request)
        if video.form == "documented" and reply.status >= 400:
            detail = reply.body["detail"]
            has_list = isinstance(detail, list)
            body["error"] = detail[0]["msg"] if has_list else detail
            body["error_type"] = detail[0]["type"] if has_list else reply.body["error_type"]
    return Reply(202 if moment.is_pending else 200, video.dressed(body), request_id(video))


def result(request: VendorRequest) -> Reply:
    """Return what the model made, or the error that the job ended with."""
    video = request.video
    if video.moment.is_pending:
        return Reply(400, {"detail": "Request is still in progress"}, request_id(video))
    reply = outcome(video, request)
    return reply._replace(headers={**reply.headers, **request_id(video)})


def cancel(request: VendorRequest) -> Reply:
    """Cancel a job that has not ended."""
    if not request.video.moment.is_pending:
        return Reply(400, {"status": "ALREADY_COMPLETED"})
    request.end_video("cancelled")
    return Reply(202, {"status": "CANCELLATION_REQUESTED"})


def outcome(video: SimulatedVideo, request: VendorRequest) -> Reply:
    """What a job that has ended has for a result."""
    match video.moment.phase:
        case "failed":
            return Reply(422, invalid("prompt", "The video could not be generated.", "no_media_generated"))
        case "timed_out":
            return error(504)
        case "cancelled":
            return error(499)
    body: dict[str, Any] = {"seed": 42}
    if video.moment.phase == "ready":
        url = request.media_url(video)
        body["video"] = {"url": url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": 1234567}
    return Reply(200, body, {"X-Fal-Billable-Units": BILLABLE_UNITS})


def invalid(field: str, message: str, kind: str) -> dict[str, Any]:
    """What a model says of an input that it doesn't take."""
    url = f"https://docs.fal.ai/errors#{kind}"
    return {"detail": [{"loc": ["body", field], "msg": message, "type": kind, "url": url, "ctx": {}, "input": None}]}


def addresses(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """The id of a job and the URLs to ask about it; they lack what follows the app in the endpoint."""
    url = f"{request.vendor_url}/{video.video_id}"
    return {
        "request_id": number_of(video),
        "response_url": url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
    }


def request_id(video: SimulatedVideo) -> dict[str, str]:
    """The header that names a job."""
    return {"X-Fal-Request-Id": number_of(video)}


def number_of(video: SimulatedVideo) -> str:
    """The last part of a job's id."""
    return video.video_id.rpartition("/")[2]


VENDOR = SimulatedVendor(
    conn_type="fal",
    name="fal",
    auth=HeaderKey("Authorization", "Key"),
    endpoints={
        "create": Endpoint("POST", "/{endpoint:.+}", create),
        "get": Endpoint("GET", f"/{REQUEST}/status", get),
        "result": Endpoint("GET", f"/{REQUEST}", result),
        "cancel": Endpoint("PUT", f"/{REQUEST}/cancel", cancel),
    },
    error=error,
    unknown_video=Reply(404, {"status": "NOT_FOUND"}),
    new_id=lambda: f"fal-ai/veo3/requests/{uuid.uuid4()}",
    example_order={"prompt": "A square that swings to and fro.", "duration": "8s"},
    example_path="/fal-ai/veo3",
    outcomes=("cancelled", "timed_out"),
)
