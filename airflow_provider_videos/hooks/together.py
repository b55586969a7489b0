# SPDX-License-Identifier: Apache-2.0
"""What is true of Together AI only.

https://docs.together.ai/reference/get-videos-id
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Required, TypedDict, Unpack

from airflow_provider_videos.exceptions import VideoRequestError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.request import check_texts
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.video import Video, VideoState

MAX_PROMPT_CHARACTERS = 32_000
MIN_STEPS, MAX_STEPS = 10, 50


class TogetherVideoRequest(TypedDict, total=False):
    """What Together AI makes a video from; a field that is not here is passed on as it is.

    What is allowed differs from model to model. https://docs.together.ai/reference/create-videos

    :param model: name of the model.
    :param prompt: what the video shows, 1 to 32,000 characters.
    :param height: in pixels.
    :param width: in pixels.
    :param resolution: such as ``720p``.
    :param ratio: such as ``16:9``.
    :param seconds: length, as a text such as ``"5"``.
    :param fps: frames per second; 24 if missing.
    :param steps: denoising steps, 10 to 50.
    :param seed: a number that makes the video repeatable.
    :param guidance_scale: how closely the prompt is followed; 6 to 10 is advised.
    :param output_format: ``MP4`` or ``WEBM``.
    :param output_quality: compression; 20 if missing.
    :param negative_prompt: what the video doesn't show.
    :param generate_audio: make sound too.
    :param media: ``frame_images``, ``frame_videos``, ``reference_images``, ``reference_videos``, ``source_video``,
        ``audio_inputs``, each as the vendor's page describes it.
    """

    model: Required[str]
    prompt: str
    height: int
    width: int
    resolution: str
    ratio: str
    seconds: str
    fps: int
    steps: int
    seed: int
    guidance_scale: float
    output_format: str
    output_quality: int
    negative_prompt: str
    generate_audio: bool
    media: dict[str, Any]


class TogetherHook(VideoHook):
    """Calls the video API of Together AI (generated clips).

    :param conn_id: id of an Airflow connection of type ``together``.
    """

    conn_type = "together"
    default_conn_name = "together_default"
    hook_name = "Together AI"
    base_url = "https://api.together.ai"
    # The page's general server says /v1; the operation's own says /v2.
    videos_path = "/v2/videos"
    states = {
        "queued": VideoState.QUEUED,
        "in_progress": VideoState.GENERATING,
        "completed": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
    }
    # There is no harmless list to ask for. An id that can't exist answers 404 to a good key, and 401 to a bad one.
    test_path = "/00000000-0000-0000-0000-000000000000"
    test_status_codes = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the header that carries the key."""
        return {"Authorization": f"Bearer {api_key}"}

    @classmethod
    def check_request(cls, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.together.ai/reference/create-videos."""
        if not request.get("model"):
            raise VideoRequestError(field="model", problem="is missing")
        check_texts(request, ("model", "prompt"))
        prompt = request.get("prompt")
        if prompt is not None and not 1 <= len(prompt) <= MAX_PROMPT_CHARACTERS:
            raise VideoRequestError(field="prompt", problem=f"has {len(prompt)} characters; 1 to 32,000 may be")
        if not isinstance(request.get("seconds", ""), str):
            raise VideoRequestError(field="seconds", problem="must be a text, such as '5'")
        steps = request.get("steps", MIN_STEPS)
        if not isinstance(steps, int) or not MIN_STEPS <= steps <= MAX_STEPS:
            raise VideoRequestError(field="steps", problem="must be a whole number from 10 to 50")
        # A tuple, as what is compared may be a list or a dict.
        if request.get("output_format", "MP4") not in ("MP4", "WEBM"):
            raise VideoRequestError(field="output_format", problem="must be 'MP4' or 'WEBM'")

    def create_video(self, /, **request: Unpack[TogetherVideoRequest]) -> Video:  # type: ignore[override]
        """Order a video, which costs money; see :meth:`VideoHook.create_video` for what is raised.

        :param request: see :class:`TogetherVideoRequest`.
        """
        return super().create_video(**request)

    async def acreate_video(self, /, **request: Unpack[TogetherVideoRequest]) -> Video:  # type: ignore[override]
        """Do what :meth:`create_video` does, on an event loop."""
        return await super().acreate_video(**request)

    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a video. ``outputs`` and ``error`` are no sign of an end: the status is."""
        return {
            "video_id": answer.text("id"),
            "status": answer.text("status"),
            "download_url": answer.url("outputs", "video_url"),
            "model": answer.text("model"),
            "prompt": answer.text("prompt") or answer.text("inputs", "prompt"),
            "duration": answer.number("seconds"),
            "size": answer.text("size"),
            "cost": answer.number("outputs", "cost"),
            "error_message": answer.text("error", "message") or answer.text("error") or answer.text("info", "errors"),
            "error_code": answer.text("error", "code"),
            "created_at": answer.time("created_at"),
            "finished_at": answer.time("completed_at") or answer.time("done_at"),
        }
