# SPDX-License-Identifier: Apache-2.0
"""What Replicate answers."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.auth import HeaderKey
from airflow_provider_videos.simulator.vendor import Endpoint, Reply, SimulatedVendor, VendorRequest, phrase
from airflow_provider_videos.simulator.videos import Moment, SimulatedVideo

PAGE = 100
#: Seconds after which the data of a prediction that the API made is removed.
RETENTION = 3600
STATUSES = {
    "queued": "starting",
    "generating": "processing",
    "failed": "failed",
    "cancelled": "canceled",
    "aborted": "aborted",
}
FAILURE = "Prediction failed: the model raised an error"
#: What a version's model is called where the order does not say it.
SOME_MODEL = "simulator/clip"
LETTERS = "abcdefghijkmnpqrstuvwxyz0123456789"


def error(status: int, detail: str = "", **more: Any) -> Reply:
    """The answer to what is wrong with this status."""
    titles = {401: "Unauthenticated", 422: "Input validation failed"}
    details = {
        401: "You did not pass a valid authentication token",
        404: "The requested resource could not be found.",
        429: "Request was throttled. Your rate limit resets in ~30s.",
    }
    body = {"title": titles.get(status, phrase(status)), "detail": detail or details.get(status, phrase(status))}
    return Reply(status, {**body, "status": status, **more})


def create(request: VendorRequest) -> Reply:
    """Order a prediction of a version, of an official model, or of a deployment."""
    body = request.json_object()
    if body is None:
        return error(400, "The body is no JSON object")
    kind, _, name = request.parts["of"].strip("/").partition("/")
    problems = [] if isinstance(body.get("input"), dict) else ["input is required"]
    version = body.get("version")
    if not kind and not (isinstance(version, str) and version):
        problems.append("version is required")
    if problems:
        details = "".join(f"- {problem}\n" for problem in problems)
        return error(422, details, invalid_fields=[{"field": problem.split()[0]} for problem in problems])
    video = request.create_video({**body, **({kind.removesuffix("s"): name} if kind else {})})
    # Whoever prefers to wait is told that it is not finished.
    status = 202 if "Prefer" in request.headers and video.moment.is_pending else 201
    return Reply(status, video.dressed(describe(video, request)))


def get(request: VendorRequest) -> Reply:
    """Describe one prediction."""
    video = request.video
    return Reply(200, video.dressed(describe(video, request)))


def list_(request: VendorRequest) -> Reply:
    """Describe a page of predictions, newest first."""
    videos, _ = request.newest(limit=PAGE + 1, after=request.query.get("cursor"))
    page, more = videos[:PAGE], videos[PAGE:]
    following = f"{request.vendor_url}/v1/predictions?cursor={page[-1].video_id}" if more else None
    # A list leaves out the logs.
    results = [
        {key: value for key, value in video.dressed(describe(video, request)).items() if key != "logs"}
        for video in page
    ]
    return Reply(200, {"next": following, "previous": None, "results": results})


def cancel(request: VendorRequest) -> Reply:
    """Cancel a prediction; one that has ended stays as it is."""
    if request.video.moment.is_pending:
        request.end_video("cancelled")
    return Reply(200, describe(request.video, request))


def account(request: VendorRequest) -> Reply:
    """Say whose key it is."""
    return Reply(200, {"type": "user", "username": "simulator", "name": "Simulator", "github_url": None})


def describe(video: SimulatedVideo, request: VendorRequest) -> dict[str, Any]:
    """A prediction. Its output is a URL as documented, a list of URLs as observed."""
    moment = video.moment
    is_removed = moment.phase == "data_removed" or (time.time() > moment.since + RETENTION and not moment.is_pending)
    url = request.media_url(video)
    output = [url] if video.form == "observed" else url
    address = f"{request.vendor_url}/v1/predictions/{video.video_id}"
    model, version = names(video.order)
    body: dict[str, Any] = {
        "id": video.video_id,
        "model": model,
        "version": version,
        "input": {} if is_removed else dict(video.order.get("input", {})),
        "output": output if moment.phase == "ready" and not is_removed else None,
        "data_removed": is_removed,
        "error": FAILURE if moment.phase == "failed" else None,
        "logs": "",
        "status": STATUSES.get(moment.phase, "succeeded"),
        "source": "api",
        "created_at": iso(video.created_at),
        "urls": {"web": f"https://replicate.com/p/{video.video_id}", "get": address, "cancel": f"{address}/cancel"},
    }
    if "deployment" in video.order:
        body["deployment"] = video.order["deployment"]
    return body | times(video, moment)


def names(order: Mapping[str, Any]) -> tuple[str, str]:
    """The model of an order and its version, which an official model hides."""
    version = str(order.get("version", ""))
    name, _, version_id = version.rpartition(":") if ":" in version else (order.get("model", ""), "", version)
    if "/" in version_id:
        name, version_id = version_id, ""
    return str(name or SOME_MODEL), version_id or "hidden"


def times(video: SimulatedVideo, moment: Moment) -> dict[str, Any]:
    """When a prediction was started and completed, as far as it was."""
    has_started = moment.phase not in {"queued", "aborted"}
    body: dict[str, Any] = {"started_at": iso(video.created_at + video.queued) if has_started else None}
    body["completed_at"] = None if moment.is_pending else iso(moment.since)
    if not moment.is_pending:
        total = max(moment.since - video.created_at, 0.0)
        body["metrics"] = {"predict_time": max(total - video.queued, 0.0), "total_time": total}
    return body


def iso(unix_seconds: float) -> str:
    """A moment as Replicate writes it."""
    moment = datetime.datetime.fromtimestamp(unix_seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


VENDOR = SimulatedVendor(
    conn_type="replicate",
    name="Replicate",
    auth=HeaderKey("Authorization", "Bearer"),
    endpoints={
        "create": Endpoint("POST", "/v1/{of:(?:(?:models|deployments)/[^/]+/[^/]+/)?}predictions", create),
        "list": Endpoint("GET", "/v1/predictions", list_),
        "get": Endpoint("GET", "/v1/predictions/{id}", get),
        "cancel": Endpoint("POST", "/v1/predictions/{id}/cancel", cancel),
        "account": Endpoint("GET", "/v1/account", account),
    },
    error=error,
    unknown_video=error(404),
    new_id=lambda: "".join(secrets.choice(LETTERS) for _ in range(26)),
    example_order={"input": {"prompt": "A square that swings to and fro."}},
    example_path="/v1/models/simulator/clip/predictions",
    outcomes=("cancelled", "aborted", "data_removed"),
    list_items="results",
    list_end=lambda _: {"next": None},
)
