# SPDX-License-Identifier: Apache-2.0
"""What an order at HeyGen may hold, and the checks of it.

https://developers.heygen.com
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from airflow_provider_videos.vendors.base import path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError

__all__ = ["VIDEO_AGENT", "HeyGenVideoRequest", "check_order", "kind_of", "template_of"]

#: The kind of an order that an agent makes a video of, from a prompt.
VIDEO_AGENT = "video_agent"

MAX_SCRIPT_CHARACTERS = 5000
MAX_PROMPT_CHARACTERS = 10_000
_VOICES = ("script", "audio_url", "audio_asset_id")
_SPEAKING = (
    *_VOICES,
    *("voice_id", "voice_settings", "title", "resolution", "aspect_ratio", "fit", "background", "remove_background"),
    *("output_format", "caption", "expressiveness", "motion_prompt", "watermark", "brand_glossary_id"),
    *("callback_url", "callback_id"),
)
#: The fields of each type of a plain video besides ``type``.
_FIELDS_OF = {
    "avatar": ("avatar_id", "engine", *_SPEAKING),
    "image": ("image", *_SPEAKING),
    "cinematic_avatar": (
        *("avatar_id", "prompt", "references", "title", "resolution", "aspect_ratio", "duration", "auto_duration"),
        "enhance_prompt",
    ),
    "studio": (
        *("scenes", "title", "resolution", "aspect_ratio", "caption", "watermark", "brand_glossary_id"),
        *("callback_url", "callback_id"),
    ),
}
_TEMPLATE_FIELDS = (
    *("template_id", "variables", "title", "scene_ids", "caption", "subtitles", "dimension", "fps", "folder_id"),
    *("include_gif", "enable_sharing", "brand_voice_id", "brand_glossary_id", "keep_text_vertically_centered"),
    *("reorder_music", "callback_url", "callback_id"),
)
_AGENT_FIELDS = (
    *("prompt", "mode", "avatar_id", "voice_id", "style_id", "brand_kit_id", "orientation", "files", "incognito_mode"),
    *("callback_url", "callback_id"),
)
MAX_AGENT_FILES = 20
_SOURCES = {"url": ("url",), "asset_id": ("asset_id",), "base64": ("media_type", "data")}
_SCENES = ("avatar_video", "image", "video")


class HeyGenVideoRequest(TypedDict, total=False):
    """What HeyGen makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    :param kind: ``video`` (default), ``template``, which fills a template of yours, or ``video_agent``, which makes a
        video of a prompt. It is not sent.
    :param type: of a ``video``: ``avatar``, ``image`` (a picture that speaks), ``cinematic_avatar`` (a clip of a
        prompt) or ``studio`` (scenes in a row).
    :param title: the video's title.
    :param avatar_id: id of a look, for ``avatar``; a list of 1 to 3, for ``cinematic_avatar``.
    :param image: for ``image``: a dict with ``type`` (``url``, ``asset_id`` or ``base64``) and ``url``, ``asset_id``,
        or ``media_type`` and ``data``.
    :param script: text that is spoken, at most 5,000 characters; this, ``audio_url`` or ``audio_asset_id``.
    :param audio_url: public URL of a sound file that is spoken.
    :param audio_asset_id: id of an uploaded sound file.
    :param voice_id: of the voice that speaks the script; an avatar may have a voice of its own.
    :param voice_settings: ``speed`` (0.5 to 1.5), ``pitch`` (-50 to 50), ``volume`` (0 to 1), ``locale``,
        ``engine_settings``.
    :param resolution: ``4k``, ``1080p`` or ``720p``; no ``4k`` for ``cinematic_avatar``.
    :param aspect_ratio: ``16:9`` (default), ``9:16``, ``4:5``, ``5:4``, ``1:1`` or ``auto``.
    :param fit: ``cover`` or ``contain``.
    :param background: dict with ``type`` (``color`` or ``image``) and ``value``, ``url`` or ``asset_id``.
    :param remove_background: bool.
    :param output_format: ``mp4`` (default), or ``webm`` with an alpha channel and without ``background``.
    :param caption: dict with ``file_format`` (``srt``) and ``style`` (``default`` burns captions in); a bool, for a
        template.
    :param expressiveness: ``high``, ``medium`` or ``low``, for photo avatars.
    :param motion_prompt: how the avatar moves.
    :param engine: for ``avatar``: dict with ``type`` (``avatar_iii``, ``avatar_iv`` or ``avatar_v``).
    :param watermark: dict, for some Enterprise accounts.
    :param brand_glossary_id: how terms are pronounced.
    :param callback_url: URL that HeyGen calls at the end.
    :param callback_id: your own id, which that call carries.
    :param prompt: for ``cinematic_avatar`` and ``video_agent``, 1 to 10,000 characters.
    :param references: for ``cinematic_avatar``: list of further media.
    :param duration: for ``cinematic_avatar``, 4 to 15 seconds (default 10).
    :param auto_duration: bool, instead of ``duration``.
    :param enhance_prompt: bool, for ``cinematic_avatar``.
    :param scenes: for ``studio``: 1 to 50 dicts with ``type`` (``avatar_video``, ``image`` or ``video``).
    :param template_id: for ``template``, as the next ones.
    :param variables: dict of the template's variables, in the form in which HeyGen returns them.
    :param scene_ids: scenes to render, in order.
    :param subtitles: dict with ``preset_name``.
    :param dimension: dict with ``width`` and ``height``, even numbers from 128 to 4,096.
    :param fps: 25 (default), 30 or 60.
    :param folder_id: folder that the video goes into.
    :param include_gif: bool.
    :param enable_sharing: bool; whether anyone can open the video's page.
    :param brand_voice_id: older name of ``brand_glossary_id``.
    :param keep_text_vertically_centered: bool.
    :param reorder_music: bool (default true).
    :param mode: for ``video_agent``, as the next ones: ``generate``. Another mode waits for a person's answers.
    :param style_id: style of the video.
    :param brand_kit_id: of your colours and logo.
    :param orientation: of the video.
    :param files: list of at most 20 further media.
    :param incognito_mode: bool.
    """

    kind: Literal["video", "template", "video_agent"]
    type: Literal["avatar", "image", "cinematic_avatar", "studio"]
    title: str
    avatar_id: str | list[str]
    image: dict[str, Any]
    script: str
    audio_url: str
    audio_asset_id: str
    voice_id: str
    voice_settings: dict[str, Any]
    resolution: str
    aspect_ratio: str
    fit: str
    background: dict[str, Any]
    remove_background: bool
    output_format: str
    caption: dict[str, Any] | bool
    expressiveness: str
    motion_prompt: str
    engine: dict[str, Any]
    watermark: dict[str, Any]
    brand_glossary_id: str
    callback_url: str
    callback_id: str
    prompt: str
    references: list[dict[str, Any]]
    duration: float
    auto_duration: bool
    enhance_prompt: bool
    scenes: list[dict[str, Any]]
    template_id: str
    variables: dict[str, Any]
    scene_ids: list[str]
    subtitles: dict[str, Any]
    dimension: dict[str, int]
    fps: float
    folder_id: str
    include_gif: bool
    enable_sharing: bool
    brand_voice_id: str
    keep_text_vertically_centered: bool
    reorder_music: bool
    mode: str
    style_id: str
    brand_kit_id: str
    orientation: str
    files: list[Any]
    incognito_mode: bool


def kind_of(request: Mapping[str, Any]) -> str:
    """Return which of HeyGen's calls an order is for."""
    kind = request.get("kind", "video")
    if kind not in ("video", "template", VIDEO_AGENT):
        raise RequestFieldError("kind", "must be 'video', 'template' or 'video_agent'")
    return str(kind)


def template_of(request: Mapping[str, Any]) -> str:
    """Return the id of an order's template as it stands in a path."""
    check_required(request, "template_id")
    check_texts(request, "template_id")
    try:
        return path_of(request["template_id"])
    except MalformedIdError as error:
        raise RequestFieldError("template_id", "is no id") from error


def check_order(request: Mapping[str, Any]) -> None:
    """Refuse an order that HeyGen would refuse, or make another video of than is meant."""
    check_texts(request, "title", "callback_url", "callback_id", "brand_glossary_id")
    other = {"template": _check_template, VIDEO_AGENT: _check_agent}.get(kind_of(request))
    if other is not None:
        other(request)
        return
    check_required(request, "type")
    check_choice(request, "type", tuple(_FIELDS_OF))
    kind = request["type"]
    check_fields(request, ("kind", "type", *_FIELDS_OF[kind]))
    {"cinematic_avatar": _check_clip, "studio": _check_scenes}.get(kind, _check_speaking)(request)


def _check_template(request: Mapping[str, Any]) -> None:
    check_fields(request, ("kind", *_TEMPLATE_FIELDS))
    template_of(request)
    if "variables" not in request:
        raise RequestFieldError("variables", "is missing; HeyGen's GET /v3/templates/{id} shows the template's")
    _check_dicts(request, "variables", "subtitles", "dimension")
    check_number(request, "fps", 25, 60)
    for side in ("width", "height") if "dimension" in request else ():
        value = request["dimension"].get(side)
        check_number({"dimension": value if value is not None else 0}, "dimension", 128, 4096, whole=True)
        if value % 2:
            raise RequestFieldError("dimension", f"must have an even {side}")


def _check_agent(request: Mapping[str, Any]) -> None:
    if "title" in request:
        raise RequestFieldError("title", "is no field of a video_agent's: HeyGen gives the video a title")
    check_fields(request, ("kind", *_AGENT_FIELDS))
    check_required(request, "prompt")
    check_texts(request, "avatar_id", "voice_id", "style_id", "brand_kit_id", "orientation", "mode")
    check_texts(request, "prompt", longest=MAX_PROMPT_CHARACTERS)
    if request.get("mode", "generate") != "generate":
        raise RequestFieldError("mode", "must be 'generate': in a chat, HeyGen may wait for an answer for ever")
    if "files" in request:
        _check_list(request, "files", MAX_AGENT_FILES)


def _check_speaking(request: Mapping[str, Any]) -> None:
    source = "avatar_id" if request["type"] == "avatar" else "image"
    check_required(request, source)
    check_texts(request, "avatar_id", "audio_url", "audio_asset_id", "voice_id", "motion_prompt")
    check_texts(request, "script", longest=MAX_SCRIPT_CHARACTERS)
    voices = [field for field in _VOICES if request.get(field)]
    if len(voices) != 1:
        given = f"{' and '.join(voices)} are given" if voices else "none is given"
        raise RequestFieldError("script", f"give exactly one of {', '.join(_VOICES)}; {given}")
    _check_dicts(request, "image", "voice_settings", "background", "caption", "engine", "watermark")
    if source == "image":
        image = request["image"]
        check_choice({"image.type": image.get("type", "")}, "image.type", tuple(_SOURCES))
        check_required(
            {f"image.{field}": image.get(field) for field in _SOURCES[image["type"]]},
            *(f"image.{field}" for field in _SOURCES[image["type"]]),
        )
        if voices == ["script"]:
            check_required(request, "voice_id")
    _check_form(request, ("4k", "1080p", "720p"), ("16:9", "9:16", "4:5", "5:4", "1:1", "auto"))
    check_choice(request, "fit", ("cover", "contain"))
    check_choice(request, "output_format", ("mp4", "webm"))
    check_choice(request, "expressiveness", ("high", "medium", "low"))
    settings = request.get("voice_settings", {})
    for field, smallest, largest in (("speed", 0.5, 1.5), ("pitch", -50, 50), ("volume", 0, 1)):
        check_number({f"voice_settings.{field}": settings.get(field)}, f"voice_settings.{field}", smallest, largest)
    if request.get("output_format") == "webm" and request.get("background"):
        raise RequestFieldError("background", "can't be combined with webm")
    engine = request.get("engine", {}).get("type")
    if request.get("engine") is not None:
        check_choice({"engine.type": engine or ""}, "engine.type", ("avatar_iii", "avatar_iv", "avatar_v"))
    if request.get("expressiveness") and engine in {"avatar_iii", "avatar_v"}:
        raise RequestFieldError("expressiveness", "works only with the engine avatar_iv")
    if request.get("motion_prompt") and engine == "avatar_iii":
        raise RequestFieldError("motion_prompt", "does not work with the engine avatar_iii")


def _check_clip(request: Mapping[str, Any]) -> None:
    check_required(request, "prompt", "avatar_id")
    check_texts(request, "prompt", longest=MAX_PROMPT_CHARACTERS)
    _check_list(request, "avatar_id", 3)
    _check_form(request, ("1080p", "720p"), ("16:9", "9:16", "1:1"))
    check_number(request, "duration", 4, 15)


def _check_scenes(request: Mapping[str, Any]) -> None:
    check_required(request, "scenes")
    _check_list(request, "scenes", 50)
    for scene in request["scenes"]:
        if not isinstance(scene, Mapping):
            raise RequestFieldError("scenes", "must be a list of dicts")
        check_choice({"scenes": scene.get("type", "")}, "scenes", _SCENES)
    _check_dicts(request, "caption", "watermark")
    check_choice(request, "resolution", ("4k", "1080p", "720p"))


def _check_form(request: Mapping[str, Any], resolutions: tuple[str, ...], ratios: tuple[str, ...]) -> None:
    check_choice(request, "resolution", resolutions)
    check_choice(request, "aspect_ratio", ratios)


def _check_dicts(request: Mapping[str, Any], *fields: str) -> None:
    for field in fields:
        if field in request and not isinstance(request[field], Mapping):
            raise RequestFieldError(field, "must be a dict")


def _check_list(request: Mapping[str, Any], field: str, most: int) -> None:
    if not isinstance(request[field], list | tuple) or not 1 <= len(request[field]) <= most:
        raise RequestFieldError(field, f"must be a list of 1 to {most}")
