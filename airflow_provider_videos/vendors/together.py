# SPDX-License-Identifier: Apache-2.0
"""Together AI (generated clips).

https://docs.together.ai/reference/get-videos-id
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Required, TypedDict

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.exchange import Call, Exchange
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.video import Video, VideoState

__all__ = ["Together", "TogetherVideoRequest"]

# The page's general server says /v1; the operation's own says /v2.
_VIDEOS = "/v2/videos"
MAX_PROMPT_CHARACTERS = 32_000
MIN_STEPS, MAX_STEPS = 10, 50


class TogetherVideoRequest(TypedDict, total=False):
    """What Together AI makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

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


class Together(Vendor):
    """The video API of Together AI."""

    conn_type = "together"
    name = "Together AI"
    base_url = "https://api.together.ai"
    states = {
        "queued": VideoState.QUEUED,
        "in_progress": VideoState.GENERATING,
        "completed": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
    }
    recovery = AskAHuman()
    free_fields = frozenset[str]()

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key."""
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.together.ai/reference/create-videos."""
        check_fields(request, TogetherVideoRequest.__annotations__)
        check_required(request, "model")
        check_texts(request, "model", "seconds")
        check_texts(request, "prompt", longest=MAX_PROMPT_CHARACTERS)
        check_number(request, "steps", MIN_STEPS, MAX_STEPS, whole=True)
        check_choice(request, "output_format", ("MP4", "WEBM"))

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        answer = yield Call(method="POST", path=_VIDEOS, body=request)
        return self._read(answer, answer.text("id"), answer.word("status") or VideoState.UNKNOWN)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video."""
        answer = yield Call(path=f"{_VIDEOS}/{path_of(video_id)}")
        return self._read(answer, answer.text("id") or video_id, answer.word("status"))

    def probe(self) -> Exchange[None]:
        """Ask for an id that can't exist, as there is no list: a good key gets a 404, a bad one a 401."""
        yield Call(path=f"{_VIDEOS}/00000000-0000-0000-0000-000000000000", accepts=(404,))

    def _read(self, answer: Answer, video_id: str | None, status: str | None) -> Video:
        # Neither outputs nor an error are a sign of the end: the status is.
        return self.video(
            video_id,
            status,
            download_url=answer.url("outputs", "video_url"),
            model=answer.text("model"),
            prompt=answer.text("prompt") or answer.text("inputs", "prompt"),
            duration=answer.number("seconds"),
            size=answer.text("size"),
            cost=answer.number("outputs", "cost"),
            error_message=answer.text("error", "message") or answer.text("error") or answer.text("info", "errors"),
            error_code=answer.text("error", "code"),
            created_at=answer.time("created_at"),
            finished_at=answer.time("completed_at") or answer.time("done_at"),
        )
