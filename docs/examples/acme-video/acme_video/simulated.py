# SPDX-License-Identifier: Apache-2.0
"""What Acme answers, for tests. It imports nothing of the vendor that it is the check of."""

import secrets

from airflow_provider_videos.simulator import Endpoint, HeaderKey, Reply, SimulatedVendor, VendorRequest

STATUSES = {"generating": "rendering", "ready": "done", "ready_without_urls": "done"}


def error(status: int, code: str = "error") -> Reply:
    return Reply(status, {"error": {"code": code, "message": f"Acme says {code}"}})


def create(request: VendorRequest) -> Reply:
    order = request.json_object() or {}
    if not order.get("prompt"):
        return error(422)
    if order["prompt"] == "something forbidden":
        return error(200, "moderated")
    return Reply(201, {"data": {"id": request.create_video(order).video_id}})


def get(request: VendorRequest) -> Reply:
    video = request.video
    phase = video.moment.phase
    data = {
        "id": video.video_id,
        "status": STATUSES.get(phase, phase),
        "progress": f"{video.moment.progress}%",
        "files": [request.media_url(video)] if phase == "ready" else [],
        "failure": "The prompt was not understood." if phase == "failed" else None,
        "credits": 40 if phase == "ready" else None,
    }
    return Reply(200, {"data": video.dressed(data)})


def delete(request: VendorRequest) -> Reply:
    request.remove_video()
    return Reply(204)


VENDOR = SimulatedVendor(
    conn_type="acme",
    name="Acme",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/v1/clips", create),
        "get": Endpoint("GET", "/v1/clips/{id}", get),
        "delete": Endpoint("DELETE", "/v1/clips/{id}", delete),
        "account": Endpoint("GET", "/v1/account", lambda request: Reply(200, {"credits": 1000})),
    },
    error=error,
    unknown_video=error(404),
    new_id=lambda: f"clip_{secrets.token_hex(6)}",
    example_order={"prompt": "A cat."},
    idempotency_header="Idempotency-Key",
)
