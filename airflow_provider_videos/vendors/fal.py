# SPDX-License-Identifier: Apache-2.0
"""fal (video models of many makers, behind a queue).

https://fal.ai/docs/documentation/model-apis/inference/queue
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Required, TypedDict
from urllib.parse import unquote, urlsplit

from airflow_provider_videos.numeric import read_number
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Fal", "FalVideoRequest"]

#: How many parts an id may have: a namespace, the names of an endpoint, ``requests`` and the number.
MAX_ID_PARTS = 12
_ENDPOINT = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)+", re.ASCII)
#: The first part of an endpoint whose owner and app are the second and the third, as the official SDK has it.
_NAMESPACES = ("workflows", "comfy")
#: Fields that are sent as headers; all others but those of the query go to the model.
_HEADERS = {
    "fal_no_retry": "X-Fal-No-Retry",
    "fal_object_lifecycle_preference": "X-Fal-Object-Lifecycle-Preference",
    "fal_queue_priority": "X-Fal-Queue-Priority",
    "fal_request_timeout": "X-Fal-Request-Timeout",
    "fal_store_io": "X-Fal-Store-IO",
    "fal_tags": "X-Fal-Tags",
}
_QUERY = ("fal_webhook", "fal_max_queue_length")
#: Status codes of a result that may be the error that the job ended with.
_OF_THE_JOB = frozenset({400, 422, 499, *range(500, 600)})
#: Further names that many models' fields have. The plurals are there so that they aren't taken for misspelled ones.
_USUAL_FIELDS = (
    *("prompts", "prompt_2", "enhance_prompt", "prompt_optimizer", "image_urls", "video_urls", "audio_urls", "seeds"),
    *("start_image_url", "tail_image_url", "first_image_url", "last_image_url", "first_frame_url", "last_frame_url"),
    *("reference_image_url", "reference_image_urls", "reference_video_url", "reference_video_urls", "ref_image_urls"),
    *("mask_image_url", "mask_video_url", "num_frames", "num_inference_steps", "fps", "frames_per_second"),
    *("guidance_scale", "guidance_scale_2", "cfg_scale", "camera_fixed", "loop", "loras", "style", "video_size"),
    *("enable_safety_checker", "enable_prompt_expansion", "safety_tolerance", "sync_mode", "auto_fix"),
    *("enable_output_safety_checker", "generate_audio_switch", "audio_guidance_scale", "subject_reference_image_url"),
)


class FalVideoRequest(TypedDict, total=False):
    """What fal makes a video from: an endpoint, options of the queue, and whatever fields the endpoint's model takes.

    Each model has fields of its own: read its page at https://fal.ai/models. A field that is not known here is sent
    with a warning, unless it looks like a misspelled usual one.

    :param endpoint_id: id of the model's endpoint, such as ``fal-ai/veo3`` or ``fal-ai/veo3/image-to-video``.
    :param prompt: what the video shows.
    :param negative_prompt: what the video doesn't show.
    :param image_url: image that the video begins with.
    :param end_image_url: image that the video ends with.
    :param video_url: video to change.
    :param audio_url: sound for the video.
    :param duration: length; ``8s``, ``"8"`` or ``8``, as the model wants it.
    :param aspect_ratio: such as ``16:9``.
    :param resolution: such as ``720p``.
    :param seed: a number that makes the video repeatable.
    :param generate_audio: make sound too.
    :param fal_no_retry: whether the queue leaves it at one run of the job; ``True`` if missing. Without it, fal runs a
        job again, up to ten times, after a 503, a 504 or a lost connection of its own.
    :param fal_request_timeout: seconds within which the job must start, else it fails.
    :param fal_queue_priority: ``normal`` (default) or ``low``.
    :param fal_max_queue_length: refuse the order, with a 429, if more jobs than so many wait.
    :param fal_store_io: whether fal keeps the request and the result, 30 days; ``True`` if missing. Without it, the
        result can be asked for during an hour or less.
    :param fal_object_lifecycle_preference: ``{"expiration_duration_seconds": …}``, how long the file is kept.
    :param fal_tags: up to ten ``key=value``, in one text.
    :param fal_webhook: URL that fal calls when the job has ended.
    """

    endpoint_id: Required[str]
    prompt: str
    negative_prompt: str
    image_url: str
    end_image_url: str
    video_url: str
    audio_url: str
    duration: str | int
    aspect_ratio: str
    resolution: str
    seed: int
    generate_audio: bool
    fal_no_retry: bool
    fal_request_timeout: float
    fal_queue_priority: str
    fal_max_queue_length: int
    fal_store_io: bool
    fal_object_lifecycle_preference: dict[str, Any]
    fal_tags: str
    fal_webhook: str


class Fal(Vendor):
    """The queue of fal."""

    conn_type = "fal"
    name = "fal"
    base_url = "https://queue.fal.run"
    # A completed job may have failed: only its result says so.
    states = {
        "in_queue": VideoState.QUEUED,
        "in_progress": VideoState.GENERATING,
        "completed": VideoState.READY,
    }
    # The list of requests is on another host and is only known to have those that have ended: it proves nothing.
    recovery = AskAHuman(
        where="at https://fal.ai/dashboard/requests for a request of that time. Its id here is made of the endpoint's "
        "first two parts, /requests/ and the request's id, such as fal-ai/veo3/requests/764c…"
    )
    free_fields = frozenset({*_QUERY, "fal_no_retry", "fal_queue_priority", "fal_request_timeout", "fal_tags"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"Authorization": f"Key {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://fal.ai/docs, which leaves the model's own fields to the model's page."""
        _endpoint_of(request)
        check_fields(request, {*FalVideoRequest.__annotations__, *_USUAL_FIELDS})
        check_texts(request, "prompt", "negative_prompt", "fal_tags", "fal_webhook")
        check_choice(request, "fal_queue_priority", ("normal", "low"))
        check_choice(request, "fal_no_retry", (True, False))
        check_choice(request, "fal_store_io", (True, False))
        check_number(request, "fal_request_timeout", 1, 3600 * 24)
        check_number(request, "fal_max_queue_length", 1, 10**9, whole=True)

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; an id is enough of an answer.

        The job is run once unless the order says otherwise: fal does not document who pays for further runs.
        """
        endpoint = _endpoint_of(request)
        options = {"fal_no_retry": True, **request}
        answer = yield Call(
            method="POST",
            path=f"/{path_of(endpoint, parts=MAX_ID_PARTS - 2)}",
            query={field: str(request[field]) for field in _QUERY if field in request},
            headers={
                header: value
                for field, header in _HEADERS.items()
                if field in options and (value := _header_value(field, options[field])) is not None
            },
            body={
                field: value
                for field, value in request.items()
                if field != "endpoint_id" and field not in _HEADERS and field not in _QUERY
            },
        )
        return self._video(_id_of(answer, endpoint), answer.word("status") or VideoState.UNKNOWN)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a job, and if it is completed for its result, which may be the error that it failed with."""
        path, request_id = _parts_of(video_id)
        answer = yield Call(path=f"{path}/status")
        if (answer.text("request_id") or request_id) != request_id:
            raise UnreadableAnswerError(f"it is about another request, {answer.text('request_id')!r:.100}")
        status = answer.word("status")
        if self.state_of(status) is not VideoState.READY:
            return self._video(video_id, status)
        if error := answer.text("error") or answer.text("error_type"):
            return self._failed(video_id, status, error, answer.text("error_type"))
        # Some pages show the result one level deeper. Whatever host the URL names, the connection's own is asked.
        deeper = urlsplit(answer.url("response_url") or "").path.endswith(f"/{request_id}/response")
        result = yield Call(path=f"{path}/response" if deeper else path, accepts=_OF_THE_JOB)
        if result.status_code < 300:
            return self._read_result(video_id, status, result)
        if result.value("detail") is None:
            raise UnreadableAnswerError(f"its result is a {result.status_code} that is not of fal's form")
        first = next((entry for entry in result.entries("detail") or () if entry is not None), Answer(None))
        error = first.text("msg") or result.text("detail") or f"the result is a {result.status_code}"
        if result.status_code == 400 and "still in progress" in error.lower():
            return self._video(video_id, "IN_PROGRESS")
        code = result.text("error_type") or first.text("type") or result.headers.get("x-fal-error-type")
        return self._failed(video_id, status, error, code, is_cancelled=result.status_code == 499)

    def cancel(self, video_id: str) -> Exchange[None]:
        """Stop making a video: https://fal.ai/docs/api-reference/inference-api."""
        path, _ = _parts_of(video_id)
        yield Call(method="PUT", path=f"{path}/cancel", accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask for a request that can't exist: a good key gets a 404, a bad one a 401."""
        yield Call(path="/fal-ai/veo3/requests/00000000-0000-0000-0000-000000000000/status", accepts=(404,))

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read the words of a status, and tell an error of the queue from the one that a job failed with."""
        word = (answer.word("status") or "").upper()
        if word == "NOT_FOUND" and answer.purpose in {"get", "cancel"}:
            return Refusal(RefusalKind.UNKNOWN_VIDEO)
        if word == "ALREADY_COMPLETED" and answer.purpose == "cancel":
            return Refusal(RefusalKind.FINAL, "It is completed already")
        # Seen at the result's URL of good jobs too. Only a model names what is wrong in a list.
        is_passing = answer.status_code >= 500 and not isinstance(answer.value("detail"), list)
        return Refusal(RefusalKind.UNCLEAR) if is_passing and answer.purpose == "get" else None

    def _read_result(self, video_id: str, status: str | None, result: Answer) -> Video:
        units = read_number(result.headers.get("x-fal-billable-units"))
        found = [result.url("video", "url"), *result.urls("video"), result.url("video_url"), *result.urls("videos")]
        found += [entry.url("url") for entry in result.entries("videos") or () if entry is not None]
        files = tuple(dict.fromkeys(url for url in found if url is not None))
        return self._video(
            video_id,
            status,
            file_urls=files,
            credits=None if units is None else float(units),
            error_message=None if files else f"the result has no video, only {', '.join(result.body) or 'nothing'}",
        )

    def _failed(
        self, video_id: str, status: str | None, error: str, code: str | None, *, is_cancelled: bool = False
    ) -> Video:
        is_cancelled = is_cancelled or code == "client_cancelled"
        state = VideoState.CANCELLED if is_cancelled else VideoState.FAILED
        return self._video(video_id, status, state=state, error_message=error, error_code=code)

    def _video(self, video_id: str | None, status: str | None, **fields: Any) -> Video:
        return self.video(video_id, status, model=(video_id or "").rpartition("/requests/")[0] or None, **fields)


def _endpoint_of(request: Mapping[str, Any]) -> str:
    check_required(request, "endpoint_id")
    endpoint = request["endpoint_id"]
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint) or endpoint.count("/") > MAX_ID_PARTS - 3:
        raise RequestFieldError("endpoint_id", "must be the id of a model's endpoint, such as 'fal-ai/veo3'")
    return endpoint


def _id_of(answer: Answer, endpoint: str) -> str | None:
    """Return the way to an ordered job: an app, ``requests`` and a number.

    The URLs in the answer tell the app. Of them only that part is used, and only if it is the app that was asked: the
    key goes to the connection's own host, whatever they say. Otherwise the app is what the official SDK takes.
    """
    parts = endpoint.split("/")
    app = "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])
    request_id = answer.text("request_id")
    number = re.escape(request_id) if request_id else r"[\w-]+"
    # A gateway may have a path of its own before it.
    way = re.compile(
        rf"/({re.escape(app)}(?:/(?!\.)[\w.-]+){{0,6}}/requests/{number})(?:/status|/response)?$", re.ASCII
    )
    for field in ("status_url", "response_url"):
        if found := way.search(unquote(urlsplit(answer.url(field) or "").path)):
            return found[1]
    return f"{app}/requests/{request_id}" if request_id and "/" not in request_id else None


def _parts_of(video_id: str) -> tuple[str, str]:
    """Return the path of a job and its number."""
    app, separator, request_id = video_id.rpartition("/requests/")
    if not separator or "/" in request_id or "/" not in app:
        raise MalformedIdError(f"{video_id!r:.200} is no id of fal's, such as 'fal-ai/veo3/requests/764c…'")
    return f"/{path_of(video_id, parts=MAX_ID_PARTS)}", request_id


def _header_value(field: str, value: Any) -> str | None:
    """Write an option as a header; ``None`` leaves it out."""
    if field == "fal_no_retry":
        return "1" if value else None
    if isinstance(value, bool):
        return "1" if value else "0"
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    if not text.isascii() or not text.isprintable():
        raise RequestFieldError(field, "can't be sent as a header, which takes printable ASCII characters")
    return text
