# SPDX-License-Identifier: Apache-2.0
"""Runway (generated, edited, upscaled and acted clips).

https://docs.dev.runwayml.com/api
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Required, TypedDict
from urllib.parse import urlsplit

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import RequestFieldError
from airflow_provider_videos.vendors.exchange import Call, Exchange
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.vendors.signed_urls import expiry_after, expiry_of
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Runway", "RunwayVideoRequest"]

#: The only one that the documentation and the official SDK know.
VERSION = "2024-11-06"
MAX_PROMPT_UNITS = 1000
MAX_SEED = 2**32 - 1
USD_PER_CREDIT = 0.01
#: Seconds for which a URL is good at least; the page says 24 to 48 hours.
MIN_URL_LIFETIME = 24 * 3600
_TASKS = "/v1/tasks"


class RunwayVideoRequest(TypedDict, total=False):
    """What Runway makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    What is allowed differs from kind to kind and from model to model. https://docs.dev.runwayml.com/api

    A media field takes an ``https`` URL, the ``runway://`` URI of an upload, or a data URI.

    :param kind: what is made: ``text_to_video``, ``image_to_video``, ``video_to_video``, ``character_performance``,
        ``video_upscale``, ``video_to_hdr``, ``avatar_video``, or ``routed``, which lets a model router of the account
        choose the model. It is no field of Runway's, but chooses its endpoint.
    :param model: name of the model, such as ``gen4.5``; not for ``routed``.
    :param promptText: what the video shows; the models of Runway's own and Veo take 1 to 1,000 UTF-16 code units.
    :param promptImage: first image of the video, or a list of ``{"uri": …, "position": "first" or "last"}``.
    :param promptVideo: video to change, for most models of ``video_to_video``.
    :param videoUri: video to change, for ``aleph2``, ``video_upscale`` and ``video_to_hdr``.
    :param ratio: width and height, mostly in pixels, such as ``1280:720``.
    :param duration: in seconds, mostly a whole number.
    :param resolution: such as ``720p``.
    :param seed: a number that makes the video repeatable, 0 to 4294967295.
    :param audio: make sound too.
    :param negativePrompt: what the video doesn't show.
    :param cfgScale: how closely the prompt is followed.
    :param contentModeration: ``{"publicFigureThreshold": "auto" or "low"}``.
    :param outputFormat: ``mp4`` if missing. Others cost more, and may make several files.
    :param proresProfile: such as ``422 HQ``, for ProRes.
    :param references: images to go by.
    :param referenceAudio: sounds to go by.
    :param referenceVideos: videos to go by.
    :param keyframes: images at some moments, for ``aleph2``.
    :param targetAspectRatio: for ``aleph2``.
    :param mode: of some models of ``video_to_video``.
    :param draft: make a cheaper draft.
    :param draftTaskId: id of a draft to finish.
    :param promptExpansionMode: how the prompt is extended.
    :param providerSettings: settings of the model's maker.
    :param character: ``{"type": "image" or "video", "uri": …}``, for ``character_performance``.
    :param reference: ``{"type": "video", "uri": …}``, the performance, for ``character_performance``.
    :param bodyControl: take over gestures too, for ``character_performance``.
    :param expressionIntensity: 1 to 5, for ``character_performance``.
    :param creativity: 0 to 100, for ``video_upscale``.
    :param flavor: ``vivid`` or ``natural``, for ``video_upscale``.
    :param fpsBoost: make more frames per second, for ``video_upscale``.
    :param sharpen: 0 to 100, for ``video_upscale``.
    :param smartGrain: 0 to 100, for ``video_upscale``.
    :param targetFramerate: such as ``"60"``, for ``video_upscale``.
    :param avatar: ``{"type": "runway-preset", "presetId": …}`` or ``{"type": "custom", "avatarId": …}``.
    :param speech: ``{"type": "text", "text": …}`` or ``{"type": "audio", "audio": …}``, for ``avatar_video``.
    :param configId: name of the model router, for ``routed``.
    :param input: what any model is told, for ``routed``.
    """

    kind: Required[str]
    model: str
    promptText: str
    promptImage: str | list[dict[str, str]]
    promptVideo: str
    videoUri: str
    ratio: str
    duration: int | str
    resolution: str
    seed: int
    audio: bool
    negativePrompt: str
    cfgScale: float
    contentModeration: dict[str, str]
    outputFormat: str
    proresProfile: str
    references: list[dict[str, Any]]
    referenceAudio: list[dict[str, Any]]
    referenceVideos: list[dict[str, Any]]
    keyframes: list[dict[str, Any]]
    targetAspectRatio: str
    mode: str
    draft: bool
    draftTaskId: str
    promptExpansionMode: str
    providerSettings: dict[str, Any]
    character: dict[str, str]
    reference: dict[str, str]
    bodyControl: bool
    expressionIntensity: int
    creativity: int
    flavor: str
    fpsBoost: bool
    sharpen: int
    smartGrain: int
    targetFramerate: str
    avatar: dict[str, str]
    speech: dict[str, Any]
    configId: str
    input: dict[str, Any]


class _Kind(NamedTuple):
    path: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


_OF_CLIPS = (
    *("promptText", "ratio", "duration", "resolution", "seed", "audio", "negativePrompt", "cfgScale"),
    *("contentModeration", "outputFormat", "proresProfile", "references", "referenceAudio", "referenceVideos"),
    *("providerSettings", "promptExpansionMode", "draft", "draftTaskId"),
)
_OF_EDITS = ("promptVideo", "videoUri", "keyframes", "targetAspectRatio", "mode")
_OF_ACTING = ("bodyControl", "contentModeration", "expressionIntensity", "ratio", "seed")
_OF_UPSCALING = ("creativity", "flavor", "fpsBoost", "resolution", "sharpen", "smartGrain", "targetFramerate")
KINDS: Mapping[str, _Kind] = {
    "text_to_video": _Kind("/v1/text_to_video", ("model",), _OF_CLIPS),
    "image_to_video": _Kind("/v1/image_to_video", ("model", "promptImage"), _OF_CLIPS),
    "video_to_video": _Kind("/v1/video_to_video", ("model",), (*_OF_CLIPS, *_OF_EDITS)),
    "character_performance": _Kind("/v1/character_performance", ("model", "character", "reference"), _OF_ACTING),
    "video_upscale": _Kind("/v1/video_upscale", ("model", "videoUri"), _OF_UPSCALING),
    "video_to_hdr": _Kind("/v1/video_to_hdr", ("model", "videoUri"), ("outputFormat", "proresProfile")),
    "avatar_video": _Kind("/v1/avatar_videos", ("model", "avatar", "speech")),
    "routed": _Kind("/v1/generate/video", ("configId", "input")),
}
_LANDSCAPES = ("1280:720", "720:1280")
_SHAPES = (*_LANDSCAPES, "1104:832", "832:1104", "960:960", "1584:672")
_VEO_SHAPES = (*_LANDSCAPES, "1920:1080", "1080:1920")
#: What the documentation is sure of: models, with their ratios by kind.
_RATIOS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gen4.5": {"text_to_video": _LANDSCAPES, "image_to_video": _SHAPES},
    "gen4_turbo": {"image_to_video": _SHAPES},
    "veo3.1": {"text_to_video": _VEO_SHAPES, "image_to_video": _VEO_SHAPES},
    "veo3.1_fast": {"text_to_video": _VEO_SHAPES, "image_to_video": _VEO_SHAPES},
}


class Runway(Vendor):
    """The video API of Runway."""

    conn_type = "runway"
    name = "Runway"
    base_url = "https://api.dev.runwayml.com"
    states = {
        "pending": VideoState.QUEUED,
        # It waits for one of the account's concurrent generations to end.
        "throttled": VideoState.QUEUED,
        "running": VideoState.GENERATING,
        "succeeded": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
    }
    recovery = AskAHuman(
        where="at https://dev.runwayml.com, in the usage of that day, for a generation that no task has; Runway lists "
        "no tasks, so its id can't be found out"
    )
    free_fields = frozenset[str]()

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the headers that carry the key and the version."""
        return {"Authorization": f"Bearer {credentials.password}", "X-Runway-Version": VERSION}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.dev.runwayml.com/api."""
        kind = _kind_of(request)
        check_fields(request, ("kind", *kind.required, *kind.optional))
        check_required(request, *kind.required)
        check_texts(request, "model", "promptText", "negativePrompt", "ratio", "videoUri", "configId")
        check_number(request, "seed", 0, MAX_SEED, whole=True)
        check_number(request, "expressionIntensity", 1, 5, whole=True)
        ratios = _RATIOS.get(request.get("model", ""), {}).get(request["kind"])
        if ratios is None:
            return
        check_required(request, "ratio")
        check_choice(request, "ratio", ratios)
        # Runway counts what JavaScript does.
        units = len(request.get("promptText", " ").encode("utf-16-le", "surrogatepass")) // 2
        if not 1 <= units <= MAX_PROMPT_UNITS:
            raise RequestFieldError("promptText", f"has {units} UTF-16 code units; it must have 1 to 1,000")
        if request["model"].startswith("veo"):
            check_choice(request, "duration", (4, 6, 8))
        else:
            check_number(request, "duration", 2, 10, whole=True)
        if request["model"] == "gen4.5":
            check_required(request, "promptText", "duration")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        body = {field: value for field, value in request.items() if field != "kind"}
        answer = yield Call(method="POST", path=_kind_of(request).path, body=body)
        return self._read(answer, answer.text("id"), answer.word("status") or VideoState.UNKNOWN)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a task. Each answer has fresh URLs."""
        answer = yield Call(path=f"{_TASKS}/{path_of(video_id)}")
        return self._read(answer, answer.text("id") or video_id, answer.word("status"))

    def cancel(self, video_id: str) -> Exchange[None]:
        """Stop making a video, which is then unknown. Runway refunds it only if it was not running yet."""
        return self.delete(video_id, hard=True)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a video with its files, or stop making it: Runway's call is the same."""
        yield Call(method="DELETE", path=f"{_TASKS}/{path_of(video_id)}", accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask for the organization that the key belongs to."""
        yield Call(path="/v1/organization")

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        files = answer.urls("output")
        # Beside a video there may be frames in a zip, and sound.
        videos = [url for url in files if urlsplit(url).path.endswith((".mp4", ".mov"))]
        first = next(iter([*videos, *files]), None)
        # The time of the answer, which has made the URL.
        now = Answer(answer.headers).time("date")
        charged = answer.number("cost", "credits")
        return self.video(
            video_id,
            status,
            download_url=first,
            file_urls=files,
            expires_at=None if first is None else expiry_of(first) or expiry_after(now, MIN_URL_LIFETIME),
            progress=answer.fraction("progress"),
            model=answer.text("routing", "model"),
            credits=charged,
            cost=None if charged is None else round(charged * USD_PER_CREDIT, 6),
            error_message=answer.text("failure"),
            error_code=answer.text("failureCode"),
            created_at=answer.time("createdAt"),
        )


def _kind_of(request: Mapping[str, Any]) -> _Kind:
    check_required(request, "kind")
    kind = request["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestFieldError("kind", f"must be one of {', '.join(map(repr, KINDS))}")
    return KINDS[kind]
