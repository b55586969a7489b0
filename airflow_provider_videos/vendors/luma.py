# SPDX-License-Identifier: Apache-2.0
"""Luma (generated and edited clips), by its Agents API. The older Dream Machine API has other keys, ids and fields.

https://docs.agents.lumalabs.ai
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Required, TypedDict

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import check_choice, check_fields, check_required, check_texts
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.vendors.signed_urls import expiry_after, expiry_of
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Luma", "LumaVideoRequest"]

_GENERATIONS = "/v1/generations"
_NOBODYS = "00000000-0000-0000-0000-000000000000"
MAX_PROMPT_CHARACTERS = 6000
MAX_KEYFRAMES = 64
#: Seconds for which the URL of an output is good; each poll gives a new one.
URL_LIFETIME = 3600.0
_TYPES = ("video", "video_edit", "video_reframe")
_ASPECT_RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
_RESOLUTIONS = ("360p", "540p", "720p", "1080p")
#: Fields of ``video`` for every type, and those that only some types have.
_OPTIONS = ("resolution", "hdr", "exr_export", "start_frame")
_OPTIONS_OF = {
    "video": ("duration", "end_frame", "keyframes", "keyframe_indexes", "loop"),
    "video_edit": ("edit",),
    "video_reframe": ("source_position",),
}
_EDIT_OPTIONS = ("auto_controls", "strength", "controls", "keyframes", "keyframe_indexes")
_FILES = ("url", "data", "generation_id", "file_id")
_OTHER_KEY = (
    "If it begins with 'luma-' and not with 'luma-api-', it is a key of the older Dream Machine API, which does not "
    "work here: make one at https://platform.lumalabs.ai."
)


class LumaVideoRequest(TypedDict, total=False):
    """What Luma makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    A file is a dict with exactly one of ``url``, ``data`` (base64, with ``media_type``), ``generation_id`` and
    ``file_id``.

    :param type: ``video`` makes one of a text, of frames, or on from another video; ``video_edit`` changes one;
        ``video_reframe`` gives one another aspect ratio.
    :param model: such as ``ray-3.2``.
    :param prompt: what the video shows, 1 to 6,000 characters.
    :param aspect_ratio: ``9:16``, ``3:4``, ``1:1``, ``4:3``, ``16:9`` or ``21:9``.
    :param source: file of the video to edit or reframe; a ``url`` needs the ``media_type``, such as ``video/mp4``.
    :param video: ``resolution`` (``360p`` to ``1080p``), ``hdr``, ``exr_export`` and ``start_frame``; for ``video``
        also ``duration`` (``5s`` or ``10s``), ``end_frame``, ``keyframes`` with ``keyframe_indexes``, and ``loop``; for
        ``video_edit`` also ``edit``; for ``video_reframe`` also ``source_position``.
    :param user_id: your own id of the person that it is made for.
    """

    type: Required[Literal["video", "video_edit", "video_reframe"]]
    model: Required[str]
    prompt: Required[str]
    aspect_ratio: str
    source: dict[str, Any]
    video: dict[str, Any]
    user_id: str


class Luma(Vendor):
    """The Agents API of Luma."""

    conn_type = "luma"
    name = "Luma"
    base_url = "https://agents.lumalabs.ai"
    # The default of an account: https://docs.agents.lumalabs.ai, rate limits. Luma refuses what is beyond.
    max_active = 10
    states = {
        "queued": VideoState.QUEUED,
        "processing": VideoState.GENERATING,
        "completed": VideoState.READY,
        "failed": VideoState.FAILED,
    }
    recovery = AskAHuman(
        where="at https://platform.lumalabs.ai for a charge of about this time, as Luma lists no videos"
    )
    free_fields = frozenset({"user_id"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.agents.lumalabs.ai."""
        check_fields(request, LumaVideoRequest.__annotations__)
        check_required(request, "type", "model", "prompt")
        check_choice(request, "type", _TYPES)
        check_texts(request, "model", "user_id")
        check_texts(request, "prompt", longest=MAX_PROMPT_CHARACTERS)
        check_choice(request, "aspect_ratio", _ASPECT_RATIOS)
        _check_source(request)
        options = request.get("video", {})
        if not isinstance(options, Mapping):
            raise RequestFieldError("video", "must be a dict")
        _check_options(options, request["type"])

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        answer = yield Call(method="POST", path=_GENERATIONS, body=request)
        return self._read(answer, answer.text("id"), answer.word("state") or VideoState.UNKNOWN)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a generation."""
        answer = yield Call(path=f"{_GENERATIONS}/{path_of(video_id)}")
        return self._read(answer, answer.text("id") or video_id, answer.word("state"))

    def probe(self) -> Exchange[None]:
        """Ask for an id that nobody has, as there is no list: a good key gets a 404, a bad one a 401."""
        answer = yield Call(path=f"{_GENERATIONS}/{_NOBODYS}", accepts=(404,))
        if answer.status_code == 404 and "generation" not in (answer.text("detail") or "").lower():
            raise UnreadableAnswerError("it is a 404 that speaks of no generation, so another service answers there")

    def refusal(self, answer: Answer) -> Refusal | None:
        """Say of what API a key may be that is refused, and read a 503 of which nothing can have come."""
        message = answer.message or ""
        is_of_another_api = answer.status_code == 403 or "invalid" in message.lower()
        if answer.status_code in {401, 403} and is_of_another_api and "suspended" not in message.lower():
            return Refusal(RefusalKind.KEY, f"{message.rstrip('.') or 'Forbidden'}. {_OTHER_KEY}")
        # An image is fetched before anything is queued, and an error in the answer to an order is free.
        if answer.purpose == "order" and answer.status_code == 503 and "ingestion unavailable" in message.lower():
            return Refusal(RefusalKind.LIMIT)
        return None

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        outputs = [output for output in answer.entries("output") or () if output is not None]
        urls = [url for output in outputs if output.word("type") == "video" and (url := output.url("url"))]
        # The time of the answer, which has made the URL.
        now = Answer(answer.headers).time("date") if urls else None
        return self.video(
            video_id,
            status,
            file_urls=urls,
            expires_at=(expiry_of(urls[0]) if urls else None) or expiry_after(now, URL_LIFETIME),
            model=answer.text("model"),
            error_message=answer.text("failure_reason"),
            error_code=answer.text("failure_code"),
            created_at=answer.time("created_at"),
        )


def _check_source(request: Mapping[str, Any]) -> None:
    if request["type"] == "video":
        if request.get("source") is not None:
            raise RequestFieldError("source", "is only for video_edit and video_reframe; see video.start_frame")
        return
    check_required(request, "source")
    _check_file(request, "source")
    source = request["source"]
    if source.get("url") and not str(source.get("media_type")).startswith("video/"):
        raise RequestFieldError("source", "with a url needs its media_type, such as video/mp4")


def _check_options(options: Mapping[str, Any], kind: str) -> None:
    check_fields(options, (*_OPTIONS, *_OPTIONS_OF[kind]))
    for other, fields in _OPTIONS_OF.items():
        if other != kind and (found := [field for field in fields if field in options]):
            raise RequestFieldError(f"video.{found[0]}", f"is only for the type {other}")
    check_choice(options, "resolution", _RESOLUTIONS)
    check_choice(options, "duration", ("5s", "10s"))
    for field in ("start_frame", "end_frame"):
        _check_file(options, field)
    if options.get("exr_export") and not options.get("hdr"):
        raise RequestFieldError("video.exr_export", "needs hdr")
    if options.get("loop") and (options.get("duration") == "10s" or options.get("hdr")):
        raise RequestFieldError("video.loop", "works with neither 10s nor hdr")
    with_frames = options
    if (edit := options.get("edit")) is not None:
        if not isinstance(edit, Mapping):
            raise RequestFieldError("video.edit", "must be a dict")
        check_fields(edit, _EDIT_OPTIONS)
        with_frames = edit
    _check_keyframes(with_frames)
    if with_frames.get("keyframes") and any(options.get(field) for field in ("start_frame", "end_frame", "loop")):
        raise RequestFieldError("video.keyframes", "can't be combined with start_frame, end_frame or loop")


def _check_keyframes(options: Mapping[str, Any]) -> None:
    frames, indexes = options.get("keyframes"), options.get("keyframe_indexes")
    if frames is None and indexes is None:
        return
    if not isinstance(frames, list | tuple) or not 1 <= len(frames) <= MAX_KEYFRAMES:
        raise RequestFieldError("video.keyframes", f"must be a list of 1 to {MAX_KEYFRAMES} files")
    if not isinstance(indexes, list | tuple) or len(indexes) != len(frames):
        raise RequestFieldError("video.keyframe_indexes", "must be a list with one frame number for each keyframe")
    for frame in frames:
        _check_file({"video.keyframes": frame}, "video.keyframes")


def _check_file(fields: Mapping[str, Any], field: str) -> None:
    file = fields.get(field)
    if file is None:
        return
    if not isinstance(file, Mapping) or sum(bool(file.get(kind)) for kind in _FILES) != 1:
        raise RequestFieldError(field, f"must be a dict with exactly one of {', '.join(_FILES)}")
    if file.get("data") and not file.get("media_type"):
        raise RequestFieldError(field, "with data needs its media_type, such as image/png")
