# SPDX-License-Identifier: Apache-2.0
"""Orders of MiniMax: their fields, the call that takes them, and what the pages forbid.

https://platform.minimax.io/docs/api-reference/video-generation-v2-create
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Required, TypedDict

from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import RequestFieldError

#: Paths of the three calls that order a video.
GENERATION, REGENERATION, V1 = "/v2/video_generation", "/v2/video_regeneration", "/v1/video_generation"
MAX_TEXT_CHARACTERS = 7000
MAX_V1_PROMPT_CHARACTERS = 2000
MAX_FILES = 12
_RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
#: What the page is sure of: models of v2, with their resolutions and their shortest video in seconds.
_MODELS = {"MiniMax-H3": (("768P", "2K"), 4), "MiniMax-H3-Max": (("480P", "768P"), 5)}
#: Roles of a file, and how many files may have each.
_FRAMES = {"first_frame": 1, "last_frame": 1}
_REFERENCES = {"reference_image": 9, "reference_video": 3, "reference_audio": 3}
_BASE = "base_video"
_FILES = ("image_url", "video_url", "audio_url")


class MiniMaxVideoRequest(TypedDict, total=False):
    """What MiniMax makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    The models MiniMax-H3 take ``content``. All others belong to the API v1, and take ``prompt``.
    https://platform.minimax.io/docs/api-reference/video-generation-v2-create

    :param model: name of the model, such as ``MiniMax-H3`` or ``MiniMax-Hailuo-2.3``.
    :param content: of v2: a list with one ``{"type": "text", "text": …}``, and files such as
        ``{"type": "image_url", "image_url": {"url": …}, "role": "first_frame"}``. With a file of the role
        ``base_video``, that video is made again, in 2K.
    :param source_task_id: of v2: id of a video in 768P to make again in 2K, instead of ``content``.
    :param resolution: of v2: ``480P``, ``768P`` or ``2K``, as the model allows; of v1: ``512P`` to ``1080P``.
    :param duration: in seconds; of v2: 4 to 15, of v1: 6 or 10.
    :param ratio: of v2: such as ``16:9``, or ``adaptive``, which a text alone does not take.
    :param extra: of MiniMax-H3-Max: ``{"prompt_expansion_mode": "disabled", "balanced" or "quality"}``.
    :param aigc_watermark: mark the video as generated.
    :param prompt: of v1: what the video shows, up to 2,000 characters.
    :param first_frame_image: of v1: URL or data URI of the first image.
    :param last_frame_image: of v1: URL or data URI of the last image.
    :param subject_reference: of v1: ``[{"type": "character", "image": [url]}]``, for ``S2V-01``.
    :param prompt_optimizer: of v1: let MiniMax rewrite the prompt; True if missing.
    :param fast_pretreatment: of v1: rewrite it faster.
    :param callback_url: URL that MiniMax calls when the status changes.
    """

    model: Required[str]
    content: list[dict[str, Any]]
    source_task_id: str
    resolution: str
    duration: int
    ratio: str
    extra: dict[str, str]
    aigc_watermark: bool
    prompt: str
    first_frame_image: str
    last_frame_image: str
    subject_reference: list[dict[str, Any]]
    prompt_optimizer: bool
    fast_pretreatment: bool
    callback_url: str


_COMMON = ("model", "resolution", "callback_url", "aigc_watermark")
_FIELDS = {
    GENERATION: (*_COMMON, "content", "duration", "ratio", "extra"),
    REGENERATION: (*_COMMON, "content", "source_task_id"),
    V1: (
        *(*_COMMON, "duration", "prompt", "prompt_optimizer", "fast_pretreatment"),
        *("first_frame_image", "last_frame_image", "subject_reference"),
    ),
}


def path_of_order(request: Mapping[str, Any]) -> str:
    """Return the path that an order goes to: its model and its content choose it."""
    content = request.get("content")
    items = content if isinstance(content, list | tuple) else ()
    if "source_task_id" in request or any(isinstance(item, Mapping) and item.get("role") == _BASE for item in items):
        return REGENERATION
    is_v2 = "content" in request or str(request.get("model")).lower().startswith("minimax-h3")
    return GENERATION if is_v2 else V1


def check_order(request: Mapping[str, Any]) -> None:
    """Check an order against https://platform.minimax.io/docs/api-reference/video-generation-v2-create."""
    path = path_of_order(request)
    check_fields(request, _FIELDS[path])
    check_required(request, "model")
    check_texts(request, "model", "resolution", "ratio", "source_task_id", "callback_url")
    if path == V1:
        _check_v1(request)
        return
    check_required(request, "resolution")
    if path == REGENERATION:
        if bool(request.get("source_task_id")) == bool(request.get("content")):
            raise RequestFieldError("source_task_id", "give either source_task_id or content")
        check_choice(request, "resolution", ("2K",))
    else:
        check_required(request, "content", "duration")
        resolutions, shortest = _MODELS.get(request["model"], (None, 1))
        if resolutions is not None:
            check_choice(request, "resolution", resolutions)
            check_number(request, "duration", shortest, 15, whole=True)
    if "content" in request:
        _check_content(request, is_again=path == REGENERATION)


def _check_v1(request: Mapping[str, Any]) -> None:
    if not any(request.get(field) for field in ("first_frame_image", "subject_reference")):
        check_required(request, "prompt")
    check_texts(request, "prompt", longest=MAX_V1_PROMPT_CHARACTERS)
    check_texts(request, "first_frame_image", "last_frame_image")
    check_choice(request, "duration", (6, 10))
    check_choice(request, "resolution", ("512P", "720P", "768P", "1080P"))


def _check_content(request: Mapping[str, Any], *, is_again: bool) -> None:
    content = request["content"]
    if not isinstance(content, list | tuple) or not all(isinstance(item, Mapping) for item in content):
        raise RequestFieldError("content", "must be a list of dicts")
    roles = Counter(filter(None, (_role_of(item) for item in content)))
    if sum(item["type"] == "text" for item in content) != 1:
        raise RequestFieldError("content", "must have exactly one text, as {'type': 'text', 'text': …}")
    if len(content) > MAX_FILES + 1:
        raise RequestFieldError("content", f"has more than {MAX_FILES} files")
    for role, number in roles.items():
        if number > {**_FRAMES, **_REFERENCES, _BASE: 1}[role]:
            raise RequestFieldError("content", f"has too many files of the role {role}")
    if roles.keys() & _FRAMES.keys() and roles.keys() & _REFERENCES.keys():
        raise RequestFieldError("content", "can't have both frames and references")
    if "reference_audio" in roles and not roles.keys() & {"reference_image", "reference_video"}:
        raise RequestFieldError("content", "with a reference_audio needs a reference_image or reference_video")
    if not is_again:
        if not roles:
            check_required(request, "ratio")
        check_choice(request, "ratio", ("adaptive", *_RATIOS) if roles else _RATIOS)
    extra = request.get("extra", {})
    if not isinstance(extra, Mapping):
        raise RequestFieldError("extra", "must be a dict")
    check_fields(extra, ("prompt_expansion_mode",))


def _role_of(item: Mapping[str, Any]) -> str | None:
    """Return the role of a file of the content, after a check; ``None`` for a text."""
    check_required(item, "type")
    check_choice(item, "type", ("text", *_FILES))
    kind = item["type"]
    if kind == "text":
        check_fields(item, ("type", "text"))
        check_required(item, "text")
        check_texts(item, "text", longest=MAX_TEXT_CHARACTERS)
        return None
    check_fields(item, ("type", kind, "role"))
    if not isinstance(item.get(kind), Mapping) or not item[kind].get("url"):
        raise RequestFieldError(f"content.{kind}", "must be a dict with a url")
    media = kind.removesuffix("_url")
    roles = {"image": (*_FRAMES, "reference_image"), "video": ("reference_video", _BASE), "audio": ("reference_audio",)}
    # A single image without a role is the first frame.
    role = item.get("role") or ("first_frame" if media == "image" else None)
    check_required({"role": role}, "role")
    check_choice({"role": role}, "role", roles[media])
    return str(role)
