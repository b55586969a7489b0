# SPDX-License-Identifier: Apache-2.0
"""Orders of Kling: their fields, the call that takes them, and what the pages forbid.

https://kling.ai/document-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Required, TypedDict

from airflow_provider_videos.vendors.base import path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError

__all__ = ["KlingVideoRequest", "body_of", "check_order", "is_own_id", "is_v1", "path_of_order"]

#: Field of a request that holds the order's own id.
OWN_ID = "external_task_id"
V1 = "/v1/videos"
#: Of a prompt; the second number is that of the models 2.x and of v1.
MAX_PROMPT_CHARACTERS, MAX_OLDER_PROMPT_CHARACTERS = 3072, 2500
_IN_OPTIONS = (OWN_ID, "callback_url")
_COMMON = ("kind", *_IN_OPTIONS)
#: What the newer API's kinds take in ``settings``.
_SETTINGS = {
    "text-to-video": ("resolution", "aspect_ratio", "duration", "audio", "multi_shot"),
    "image-to-video": ("resolution", "duration", "audio", "multi_shot"),
    "omni-video": ("resolution", "aspect_ratio", "duration", "audio", "multi_shot"),
    "motion-control": ("resolution", "audio", "character_orientation"),
}
_KEYS_OF_TYPES = {
    "prompt": ("text",),
    "element": ("element_id", "id"),
    "voice": ("voice_id", "id"),
    **dict.fromkeys(
        ("first_frame", "last_frame", "refer_image", "feature_video", "base_video", "image", "video"), ("url", "id")
    ),
}
_RATIOS = ("16:9", "9:16", "1:1")
#: Fields of the kinds of v1; of ``None``, the page is not known, and any field is sent.
_V1_FIELDS: dict[str, tuple[str, ...] | None] = {
    "text2video": (
        *("model_name", "prompt", "negative_prompt", "mode", "duration", "aspect_ratio", "sound", "cfg_scale"),
        *("camera_control", "multi_shot", "shot_type", "multi_prompt", "element_list", "voice_list", "watermark_info"),
    ),
    "image2video": (
        *("model_name", "prompt", "negative_prompt", "image", "image_tail", "mode", "duration", "sound", "cfg_scale"),
        *("camera_control", "multi_shot", "shot_type", "multi_prompt", "element_list", "voice_list", "watermark_info"),
    ),
    "omni-video": (
        *("model_name", "prompt", "image_list", "element_list", "video_list", "mode", "duration", "aspect_ratio"),
        *("sound", "multi_shot", "shot_type", "multi_prompt", "watermark_info"),
    ),
    "motion-control": (
        *("model_name", "prompt", "image_url", "video_url", "character_orientation", "mode", "watermark_info"),
    ),
    **dict.fromkeys(("multi-image2video", "video-extend", "effects", "avatar/image2video", "multi-elements")),
}
#: Names that v1 was seen to ignore, billing the video.
_IGNORED = {"elements": "element_list", "image_urls": "image_list", "model": "model_name"}
#: An own id. To Kling, a comma ends one, and other characters may get lost in a path: an order that is not found for
#: such a reason would be sent again. v1 could take one of digits for a task's id.
_OWN_ID = re.compile(r"(?!\d+$)[A-Za-z0-9_.:-]+")
_WRONG_REFERENCE = re.compile(r"@(?:element|image|video)_?\d", re.IGNORECASE)


class KlingVideoRequest(TypedDict, total=False):
    """What Kling makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    https://kling.ai/document-api

    :param kind: which call takes the order. Of the newer API: ``text-to-video``, ``image-to-video``, ``omni-video`` or
        ``motion-control``, with a ``model``. Of v1: ``text2video``, ``image2video``, ``omni-video``,
        ``motion-control``, ``multi-image2video``, ``video-extend``, ``effects``, ``avatar/image2video`` or
        ``multi-elements``, without one. It is not sent.
    :param model: of the newer API: such as ``kling-3.0-turbo``, ``kling-3.0`` or ``kling-3.0-omni``.
    :param prompt: what the video shows; up to 3,072 characters (2,500 for the models 2.x and v1).
    :param contents: of the newer API, but for ``text-to-video``: a list such as ``{"type": "prompt", "text": …}`` and
        ``{"type": "first_frame", "url": …}``.
    :param settings: of the newer API: ``resolution``, ``aspect_ratio``, ``duration`` (int), ``audio``, ``multi_shot``,
        ``character_orientation``.
    :param options: of the newer API: ``{"watermark_info": {"enabled": True}}``.
    :param external_task_id: your own id of the order; if missing, one that finds a lost order again.
    :param callback_url: URL that Kling calls when the status changes.
    :param model_name: of v1: such as ``kling-v2-6``; ``kling-v1`` if missing.
    :param negative_prompt: of v1: what it does not show.
    :param image: of v1: URL or base64, without ``data:``, of the first frame.
    :param image_tail: of v1: that of the last frame.
    :param image_list: of v1, ``omni-video``: ``[{"image_url": …, "type": "first_frame"}]``; a prompt names them as
        ``<<<image_1>>>``.
    :param video_list: of v1, ``omni-video``: as ``image_list``.
    :param element_list: of v1: elements, named as ``<<<element_1>>>``.
    :param voice_list: of v1: voices.
    :param image_url: of v1, ``motion-control``: the image that moves.
    :param video_url: of v1, ``motion-control``: the video that it moves as.
    :param character_orientation: of v1, ``motion-control``: ``image`` or ``video``.
    :param mode: of v1: ``std`` or ``pro``.
    :param duration: of v1: seconds, as a text: ``5`` or ``10``.
    :param aspect_ratio: of v1: ``16:9``, ``9:16`` or ``1:1``.
    :param sound: of v1: ``on`` or ``off``.
    :param cfg_scale: of v1: how close it keeps to the prompt, 0 to 1.
    :param camera_control: of v1: how the camera moves.
    :param multi_shot: of v1: whether it has several shots.
    :param shot_type: of v1: how they are cut.
    :param multi_prompt: of v1: a prompt for each of them.
    :param watermark_info: of v1: ``{"enabled": True}``.
    """

    kind: Required[str]
    model: str
    prompt: str
    contents: list[dict[str, Any]]
    settings: dict[str, Any]
    options: dict[str, Any]
    external_task_id: str
    callback_url: str
    model_name: str
    negative_prompt: str
    image: str
    image_tail: str
    image_list: list[dict[str, Any]]
    video_list: list[dict[str, Any]]
    element_list: list[dict[str, Any]]
    voice_list: list[dict[str, Any]]
    image_url: str
    video_url: str
    character_orientation: str
    mode: str
    duration: str
    aspect_ratio: str
    sound: str
    cfg_scale: float
    camera_control: dict[str, Any]
    multi_shot: bool
    shot_type: str
    multi_prompt: list[dict[str, Any]]
    watermark_info: dict[str, Any]


def is_v1(request: Mapping[str, Any]) -> bool:
    """Return whether an order is for the API v1. Two of its kinds have the names of newer ones, which need a model.

    :raises RequestFieldError: if its kind and its model are of different generations, or there is no such kind.
    """
    kind, has_model = request.get("kind"), "model" in request
    if has_model and kind in _SETTINGS:
        return False
    if not has_model and kind in _V1_FIELDS:
        return True
    if kind in _SETTINGS:
        raise RequestFieldError("model", f"is missing; {kind} takes one such as 'kling-3.0'")
    if kind in _V1_FIELDS:
        raise RequestFieldError("model", f"is none of {kind}'s, whose model is called model_name")
    kinds = ", ".join(dict.fromkeys((*_SETTINGS, *_V1_FIELDS)))
    raise RequestFieldError("kind", "is missing" if kind is None else f"must be one of {kinds}")


def is_own_id(text: str) -> bool:
    """Say whether an order can be found by an own id."""
    return bool(_OWN_ID.fullmatch(text))


def path_of_order(request: Mapping[str, Any]) -> str:
    """Return the path that an order goes to, and that of a list of v1.

    :raises RequestFieldError: if there is none.
    """
    if is_v1(request):
        return f"{V1}/{request['kind']}"
    check_texts(request, "model")
    try:
        return f"/{request['kind']}/{path_of(request['model'])}"
    except MalformedIdError as error:
        raise RequestFieldError("model", "is no name of a model") from error


def body_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent of an order.

    :raises RequestFieldError: if ``options`` has an own id too, or is no dict, or if the own id might not be found.
    """
    body = {field: value for field, value in request.items() if field not in ("kind", "model")}
    if OWN_ID in body and not is_own_id(str(body[OWN_ID])):
        raise RequestFieldError(OWN_ID, "may have letters, digits and _ . : - only, and not only digits")
    if is_v1(request):
        return body
    options = _dict(body, "options")
    for field in _IN_OPTIONS:
        if field in options:
            raise RequestFieldError(f"options.{field}", f"belongs beside options, as {field}")
        if field in body:
            options[field] = body.pop(field)
    return {**body, "options": options} if options else body


def check_order(request: Mapping[str, Any]) -> None:
    """Check an order against https://kling.ai/document-api."""
    check_texts(request, "kind", "model", "model_name", *_IN_OPTIONS)
    path_of_order(request)
    body_of(request)
    if is_v1(request):
        _check_v1(request)
        return
    kind, model = request["kind"], request["model"]
    what = "prompt" if kind == "text-to-video" else "contents"
    check_fields(request, (*_COMMON, "model", what, "settings", "options"))
    check_required(request, what)
    contents = request.get("contents", ())
    if not isinstance(contents, list | tuple) or not all(isinstance(item, Mapping) for item in contents):
        raise RequestFieldError("contents", "must be a list of dicts")
    has = {_type_of(item) for item in contents}
    is_of_2 = model.startswith("kling-2")
    for prompt in (request.get("prompt"), *(item.get("text") for item in contents)):
        longest = MAX_OLDER_PROMPT_CHARACTERS if is_of_2 else MAX_PROMPT_CHARACTERS
        check_texts({"prompt": prompt}, "prompt", longest=longest)
    settings = _dict(request, "settings")
    check_fields(settings, _SETTINGS[kind])
    _check_settings(settings, model, is_of_2=is_of_2)
    if kind == "motion-control":
        if not has >= {"image", "video"}:
            raise RequestFieldError("contents", "must have an image and a video")
        orientation = "character_orientation"
        check_required({f"settings.{orientation}": settings.get(orientation)}, f"settings.{orientation}")
    if "last_frame" in has and "first_frame" not in has:
        raise RequestFieldError("contents", "has a last_frame and no first_frame")
    if kind == "image-to-video" and "last_frame" in has and model == "kling-3.0-turbo":
        raise RequestFieldError("contents", "can't have a last_frame with kling-3.0-turbo")
    needs_1080p = (is_of_2 and "last_frame" in has) or (model == "kling-2.6" and settings.get("audio") == "native")
    if needs_1080p and kind != "motion-control" and settings.get("resolution") != "1080p":
        raise RequestFieldError("settings.resolution", f"must be '1080p' for this order of {model}")
    check_fields(_dict(request, "options"), ("watermark_info",))


def _check_settings(settings: Mapping[str, Any], model: str, *, is_of_2: bool) -> None:
    named = {f"settings.{field}": value for field, value in settings.items()}
    has_4k = model in {"kling-3.0", "kling-3.0-omni"}
    if model.startswith(("kling-2", "kling-3.0", "kling-o1")):
        check_choice(named, "settings.resolution", ("720p", "1080p", *(["4k"] if has_4k else [])))
    check_choice(named, "settings.aspect_ratio", _RATIOS)
    check_choice(named, "settings.character_orientation", ("image", "video"))
    check_choice(named, "settings.audio", ("native", "original", "off"))
    check_choice(named, "settings.multi_shot", (True, False))
    if is_of_2:
        check_choice(named, "settings.duration", (5, 10))
    else:
        check_number(named, "settings.duration", 3, 10 if model == "kling-o1" else 15, whole=True)
    if "audio" in settings and model in {"kling-3.0-turbo", "kling-2.5-turbo"}:
        raise RequestFieldError("settings.audio", f"is no setting of {model}")


def _type_of(item: Mapping[str, Any]) -> str:
    """Return the type of an item of the contents, after a check."""
    check_choice({"contents.type": item.get("type", "")}, "contents.type", tuple(_KEYS_OF_TYPES))
    keys = _KEYS_OF_TYPES[item["type"]]
    check_fields(item, ("type", *keys))
    check_required({f"contents.{keys[0]}": item.get(keys[0])}, f"contents.{keys[0]}")
    return str(item["type"])


def _check_v1(request: Mapping[str, Any]) -> None:
    kind, fields = request["kind"], _V1_FIELDS[request["kind"]]
    for field, meant in _IGNORED.items():
        if field in request and fields is not None:
            raise RequestFieldError(field, f"would be ignored; did you mean {meant!r}?")
    if fields is not None:
        check_fields(request, (*_COMMON, *fields))
        check_texts(request, "duration", "image", "image_tail", "image_url", "video_url")
        check_choice(request, "aspect_ratio", _RATIOS)
        check_choice(request, "mode", ("std", "pro"))
        check_choice(request, "sound", ("on", "off"))
        check_choice(request, "duration", tuple(map(str, range(3, 16))))
        check_number(request, "cfg_scale", 0, 1)
    check_texts(request, "prompt", "negative_prompt", longest=MAX_OLDER_PROMPT_CHARACTERS)
    for field in ("image", "image_tail"):
        if str(request.get(field)).startswith("data:"):
            raise RequestFieldError(field, "must be a URL or base64 alone, without what stands before its comma")
    if kind == "text2video" and not request.get("multi_prompt"):
        check_required(request, "prompt")
    if kind == "image2video" and not request.get("image_tail"):
        check_required(request, "image")
    if kind == "motion-control":
        check_required(request, "image_url", "video_url", "character_orientation", "mode")
        check_choice(request, "character_orientation", ("image", "video"))
    if kind == "omni-video" and _WRONG_REFERENCE.search(request.get("prompt") or ""):
        raise RequestFieldError("prompt", "names a file in a way that is ignored; write <<<image_1>>>, <<<element_1>>>")


def _dict(request: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = request.get(field, {})
    if not isinstance(value, Mapping):
        raise RequestFieldError(field, "must be a dict")
    return dict(value)
