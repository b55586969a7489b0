# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer, Purpose
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.luma import Luma
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

ID = "123e4567-e89b-12d3-a456-426614174000"
URL = "https://storage.test/v.mp4?X-Amz-Date=20260408T120000Z&X-Amz-Expires=3600"
QUEUED: dict[str, Any] = {
    "id": ID,
    "type": "video",
    "state": "queued",
    "model": "ray-3.2",
    "created_at": "2026-04-08T12:00:00Z",
    "output": [],
    "failure_reason": None,
    "failure_code": None,
}
COMPLETED = {**QUEUED, "state": "completed", "output": [{"type": "video", "url": URL}]}
FAILED = {**QUEUED, "state": "failed", "failure_reason": "It is moderated.", "failure_code": "content_moderated"}
CODES = (
    *("content_moderated", "generation_failed", "budget_exhausted", "output_not_found", "image_too_large"),
    *("unsupported_format", "corrupt_input", "invalid_request", "rate_limited"),
)
#: What every order must have.
ORDER = {"type": "video", "model": "ray-3.2", "prompt": "A cat."}
IMAGE = {"url": "https://a.test/cat.png"}
SOURCE = {"url": "https://a.test/cat.mp4", "media_type": "video/mp4"}


def read(body: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(Luma().fetch(ID), {**body, **changes})
    return video


def test_every_field_of_a_generation_is_read() -> None:
    assert read(COMPLETED) == Video(
        vendor="luma",
        video_id=ID,
        state=VideoState.READY,
        status="completed",
        download_url=URL,
        file_urls=(URL,),
        expires_at="2026-04-08T13:00:00+00:00",
        model="ray-3.2",
        created_at="2026-04-08T12:00:00+00:00",
    )


@pytest.mark.parametrize("word", ["queued", "processing", "completed", "failed"])
def test_each_documented_state_has_a_meaning(word: str) -> None:
    meanings = dict(zip(Luma.states, ("queued", "generating", "ready", "failed"), strict=True))
    assert read(QUEUED, state=word).state == meanings[word]


def test_a_state_of_the_other_api_is_unknown() -> None:
    assert read(QUEUED, state="dreaming").state is VideoState.UNKNOWN


@pytest.mark.parametrize("code", CODES)
def test_a_failure_says_why(code: str) -> None:
    video = read(FAILED, failure_code=code)
    assert (video.state, video.error_code, video.error_message) == (VideoState.FAILED, code, "It is moderated.")


@pytest.mark.parametrize(
    "output", [None, [], {}, [None], [{}], [{"type": "video", "url": None}], [{"type": "image", "url": URL}]], ids=str
)
def test_success_without_a_video_is_not_usable(output: Any) -> None:
    video = read(COMPLETED, output=output)
    assert (video.state, video.is_usable, video.expires_at) == (VideoState.READY, False, None)


def test_of_several_outputs_the_videos_are_taken() -> None:
    output = [{"type": "image", "url": "https://a.test/i.png"}, {"type": "video", "url": "https://a.test/v.mp4"}]
    assert read(COMPLETED, output=output).file_urls == ("https://a.test/v.mp4",)


def test_a_url_that_does_not_say_when_it_ends_is_good_for_an_hour_from_its_answer_on() -> None:
    body = {**COMPLETED, "output": [{"type": "video", "url": "https://a.test/v.mp4"}]}
    answer = Answer(body, headers={"date": "Wed, 08 Apr 2026 12:00:00 GMT"})
    video, _ = run(Luma().fetch(ID), answer)
    assert video.expires_at == "2026-04-08T13:00:00+00:00"
    assert read(body).expires_at is None


def test_an_order_is_sent_as_it_is_and_its_id_is_enough_of_an_answer() -> None:
    video, [call] = run(Luma().submit(ORDER, key=None), QUEUED)
    assert (call.method, call.path, call.body) == ("POST", "/v1/generations", ORDER)
    assert (video.video_id, video.state) == (ID, VideoState.QUEUED)
    video, _ = run(Luma().submit({}, key=None), {"id": ID})
    assert (video.video_id, video.state) == (ID, VideoState.UNKNOWN)


ALLOWED: list[dict[str, Any]] = [
    {"aspect_ratio": "16:9", "user_id": "u1", "video": {}},
    {"video": {"resolution": "1080p", "duration": "10s", "hdr": True, "exr_export": True}},
    {"video": {"start_frame": IMAGE, "end_frame": {"data": "AAAA", "media_type": "image/png"}, "loop": True}},
    {"video": {"start_frame": {"generation_id": ID}}},
    {"video": {"keyframes": [IMAGE, {"file_id": ID}], "keyframe_indexes": [0, 120]}},
    {"type": "video_edit", "source": SOURCE, "video": {"edit": {"strength": "flex_1", "auto_controls": False}}},
    {"type": "video_edit", "source": {"generation_id": ID}, "video": {"start_frame": IMAGE, "resolution": "360p"}},
    {"type": "video_edit", "source": SOURCE, "video": {"edit": {"keyframes": [IMAGE], "keyframe_indexes": [0]}}},
    {"type": "video_reframe", "source": SOURCE, "aspect_ratio": "9:16", "video": {"source_position": {"x_norm": 0}}},
    {"prompt": "x" * 6000, "a_newer_field": 1},
]


@pytest.mark.parametrize("changes", ALLOWED, ids=str)
def test_what_the_page_allows_passes(changes: dict[str, Any]) -> None:
    Luma().check({**ORDER, **changes})


FORBIDDEN: list[tuple[dict[str, Any], str]] = [
    ({"type": None}, "type"),
    ({"type": "image"}, "type"),
    ({"model": ""}, "model"),
    ({"model": 3.2}, "model"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": "x" * 6001}, "prompt"),
    ({"aspect_ratio": "3:1"}, "aspect_ratio"),
    ({"aspectratio": "16:9"}, "aspectratio"),
    ({"source": SOURCE}, "source"),
    ({"type": "video_edit"}, "source"),
    ({"type": "video_reframe", "source": "https://a.test/cat.mp4"}, "source"),
    ({"type": "video_edit", "source": {"url": "https://a.test/cat.mp4"}}, "source"),
    ({"type": "video_edit", "source": {"url": "https://a.test/cat.mp4", "media_type": "image/png"}}, "source"),
    ({"video": "720p"}, "video"),
    ({"video": {"resolutoin": "720p"}}, "resolutoin"),
    ({"video": {"resolution": "4k"}}, "resolution"),
    ({"video": {"duration": 5}}, "duration"),
    ({"video": {"start_frame": "https://a.test/cat.png"}}, "start_frame"),
    ({"video": {"end_frame": {}}}, "end_frame"),
    ({"video": {"end_frame": {"url": "https://a.test", "file_id": ID}}}, "end_frame"),
    ({"video": {"start_frame": {"data": "AAAA"}}}, "start_frame"),
    ({"video": {"exr_export": True}}, "video.exr_export"),
    ({"video": {"loop": True, "duration": "10s"}}, "video.loop"),
    ({"video": {"loop": True, "hdr": True}}, "video.loop"),
    ({"video": {"edit": {}}}, "video.edit"),
    ({"video": {"source_position": {}}}, "video.source_position"),
    ({"video": {"keyframes": [IMAGE]}}, "video.keyframe_indexes"),
    ({"video": {"keyframe_indexes": [0]}}, "video.keyframes"),
    ({"video": {"keyframes": [], "keyframe_indexes": []}}, "video.keyframes"),
    ({"video": {"keyframes": [IMAGE] * 65, "keyframe_indexes": [*range(65)]}}, "video.keyframes"),
    ({"video": {"keyframes": [{}], "keyframe_indexes": [0]}}, "video.keyframes"),
    ({"video": {"keyframes": [IMAGE], "keyframe_indexes": [0], "start_frame": IMAGE}}, "video.keyframes"),
    ({"type": "video_edit", "source": SOURCE, "video": {"duration": "5s"}}, "video.duration"),
    ({"type": "video_edit", "source": SOURCE, "video": {"edit": 1}}, "video.edit"),
    ({"type": "video_edit", "source": SOURCE, "video": {"edit": {"strenght": "flex_1"}}}, "strenght"),
]


@pytest.mark.parametrize(("changes", "field"), FORBIDDEN, ids=str)
def test_what_the_page_forbids_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as refused:
        Luma().check({**ORDER, **changes})
    assert refused.value.field == field


def test_a_good_key_is_told_from_another_service() -> None:
    _, [call] = run(Luma().probe(), Answer({"detail": "Generation not found"}, status_code=404))
    assert call.path == "/v1/generations/00000000-0000-0000-0000-000000000000"
    for body in ({"detail": "Not Found"}, {}, None):
        with pytest.raises(UnreadableAnswerError, match="another service"):
            run(Luma().probe(), Answer(body, status_code=404))


def refused(status_code: int, detail: str, purpose: Purpose = "order") -> Any:
    return Luma().refusal(Answer({"detail": detail}, status_code=status_code, purpose=purpose, message=lambda: detail))


@pytest.mark.parametrize(
    ("status_code", "detail"),
    [(401, "Invalid API key"), (401, "Missing or invalid API key"), (403, "Forbidden"), (403, "")],
)
def test_who_has_a_key_of_the_other_api_is_told_so(status_code: int, detail: str) -> None:
    refusal = refused(status_code, detail)
    assert refusal.kind is RefusalKind.KEY
    assert "key of the older Dream Machine API" in refusal.message
    assert refusal.message.startswith(f"{detail or 'Forbidden'}. ")


@pytest.mark.parametrize(
    ("status_code", "detail"),
    [
        (401, "API key has been revoked"),
        (401, "API key has expired"),
        (403, "This account is suspended."),
        (400, "Invalid aspect_ratio"),
        (402, "Insufficient credits. Please add credits to continue."),
        (404, "Generation not found"),
        (429, "Rate limit exceeded"),
        (429, "Too many concurrent jobs"),
        (502, "Upstream service unavailable"),
        (503, "Service unavailable"),
    ],
)
def test_every_other_answer_is_left_to_its_status_code(status_code: int, detail: str) -> None:
    assert refused(status_code, detail) is None


def test_an_order_whose_image_could_not_be_fetched_just_now_waits() -> None:
    assert refused(503, "Image URL ingestion unavailable").kind is RefusalKind.LIMIT
    assert refused(503, "Image URL ingestion unavailable", "get") is None
