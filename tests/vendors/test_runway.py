# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.runway import KINDS, Runway
from airflow_provider_videos.video import Video, VideoState
from tests.vendor_kit import REQUESTS
from tests.vendors.canned import run

TASK = "17f20503-6c24-4c16-946b-35dbbce2af2f"
URL = "https://dnznrvs05pmza.cloudfront.net/output.mp4?_jwt=e30.eyJleHAiOjE3NjM4MTI4MDB9.c2ln"
#: The examples of the vendor's page.
CREATED = {"id": TASK, "estimatedCost": {"credits": 60}}
PENDING = {
    "id": TASK,
    "createdAt": "2024-06-27T19:49:32.335Z",
    "status": "PENDING",
    "estimatedCost": {"credits": 60},
}
RUNNING = {**PENDING, "status": "RUNNING", "progress": 0.42}
SUCCEEDED = {
    "id": TASK,
    "createdAt": "2024-06-27T19:49:32.335Z",
    "status": "SUCCEEDED",
    "output": [URL],
    "cost": {"credits": 60},
}
FAILED = {
    "id": TASK,
    "createdAt": "2024-06-27T19:49:32.335Z",
    "status": "FAILED",
    "failure": "An unexpected error occurred.",
    "failureCode": "INTERNAL.BAD_OUTPUT.CODE01",
    "cost": {"credits": 0},
}
CLIP = REQUESTS["runway"]
IMAGE = {**CLIP, "kind": "image_to_video", "promptImage": "https://a.example/cat.png"}
#: An order of each kind.
ORDERS: dict[str, dict[str, Any]] = {
    "text_to_video": CLIP,
    "image_to_video": IMAGE,
    "video_to_video": {"kind": "video_to_video", "model": "aleph2", "videoUri": "https://a.example/cat.mp4"},
    "character_performance": {
        "kind": "character_performance",
        "model": "act_two",
        "character": {"type": "image", "uri": "https://a.example/cat.png"},
        "reference": {"type": "video", "uri": "https://a.example/cat.mp4"},
    },
    "video_upscale": {"kind": "video_upscale", "model": "enhance_frame_rate", "videoUri": "https://a.example/cat.mp4"},
    "video_to_hdr": {"kind": "video_to_hdr", "model": "ruby", "videoUri": "https://a.example/cat.mp4"},
    "avatar_video": {
        "kind": "avatar_video",
        "model": "gwm1_avatars",
        "avatar": {"type": "custom", "avatarId": "a"},
        "speech": {"type": "text", "text": "Hello."},
    },
    "routed": {"kind": "routed", "configId": "cheapest", "input": {"promptText": "A cat."}},
}


def read(body: dict[str, Any], **changes: Any) -> Video:
    video, [call] = run(Runway().fetch(TASK), {**body, **changes})
    assert (call.method, call.path) == ("GET", f"/v1/tasks/{TASK}")
    return video


def test_each_call_carries_the_key_and_the_version() -> None:
    assert Runway().headers(Credentials(password="key_1")) == {
        "Authorization": "Bearer key_1",
        "X-Runway-Version": "2024-11-06",
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("text_to_video", "/v1/text_to_video"),
        ("image_to_video", "/v1/image_to_video"),
        ("video_to_video", "/v1/video_to_video"),
        ("character_performance", "/v1/character_performance"),
        ("video_upscale", "/v1/video_upscale"),
        ("video_to_hdr", "/v1/video_to_hdr"),
        ("avatar_video", "/v1/avatar_videos"),
        ("routed", "/v1/generate/video"),
    ],
)
def test_the_kind_chooses_the_endpoint_and_is_not_sent(kind: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Runway().check(ORDERS[kind])
    assert caplog.messages == []
    video, [call] = run(Runway().submit(ORDERS[kind], key=None), CREATED)
    assert (call.method, call.path) == ("POST", path)
    assert call.body == {field: value for field, value in ORDERS[kind].items() if field != "kind"}
    assert video == Video(vendor="runway", video_id=TASK, state=VideoState.UNKNOWN, status="unknown")


def test_every_kind_is_ordered_here() -> None:
    assert set(ORDERS) == set(KINDS)


def test_an_id_is_enough_of_an_answer_to_an_order() -> None:
    video, _ = run(Runway().submit(CLIP, key=None), {"id": TASK})
    assert video.video_id == TASK
    with pytest.raises(UnreadableAnswerError):
        run(Runway().submit(CLIP, key=None), {"estimatedCost": {"credits": 60}})


def test_the_model_that_a_router_has_chosen_is_read() -> None:
    answer = {**CREATED, "routing": {"configId": "cheapest", "model": "gen4.5", "provider": "runway"}}
    video, _ = run(Runway().submit(ORDERS["routed"], key=None), answer)
    assert video.model == "gen4.5"


def test_every_field_of_a_ready_task_is_read() -> None:
    assert read(SUCCEEDED) == Video(
        vendor="runway",
        video_id=TASK,
        state=VideoState.READY,
        status="SUCCEEDED",
        download_url=URL,
        file_urls=(URL,),
        expires_at="2025-11-22T12:00:00+00:00",
        cost=0.6,
        credits=60.0,
        created_at="2024-06-27T19:49:32.335000+00:00",
    )


def test_what_a_video_may_cost_at_most_is_not_taken_for_its_cost() -> None:
    for body in (PENDING, RUNNING):
        video = read(body)
        assert (video.credits, video.cost) == (None, None)
    assert read(RUNNING).progress == pytest.approx(0.42)


@pytest.mark.parametrize(
    ("cost", "usd"), [({"credits": 29}, 0.29), ({"credits": 0}, 0.0), ({}, None), (None, None), ({"credits": -1}, None)]
)
def test_a_credit_costs_a_cent(cost: Any, usd: float | None) -> None:
    assert read(SUCCEEDED, cost=cost).cost == usd


def test_a_failure_says_why_and_what_was_charged() -> None:
    video = read(FAILED)
    assert (video.state, video.error_message) == (VideoState.FAILED, "An unexpected error occurred.")
    assert (video.error_code, video.cost, video.credits) == ("INTERNAL.BAD_OUTPUT.CODE01", 0.0, 0.0)


@pytest.mark.parametrize("code", [None, "SAFETY.INPUT.TEXT", "ASSET.INVALID", "THIRD_PARTY.UNAVAILABLE", "INTERNAL"])
def test_a_failure_may_have_any_code_or_none(code: str | None) -> None:
    video = read(FAILED, failureCode=code)
    assert (video.state, video.error_code) == (VideoState.FAILED, code)


@pytest.mark.parametrize("output", [None, [], "", [None], [""], ["file:///etc/passwd"]])
def test_a_success_without_a_file_is_not_usable(output: Any) -> None:
    video = read(SUCCEEDED, output=output)
    assert (video.state, video.is_usable, video.file_urls) == (VideoState.READY, False, ())


@pytest.mark.parametrize(
    ("files", "first"),
    [
        (["https://a.example/1.zip?_jwt=x", "https://a.example/2.wav"], "https://a.example/1.zip?_jwt=x"),
        (["https://a.example/1.wav", "https://a.example/2.mp4?_jwt=x"], "https://a.example/2.mp4?_jwt=x"),
        (["https://a.example/1.wav", "https://a.example/2.mov"], "https://a.example/2.mov"),
    ],
)
def test_of_several_files_the_video_is_downloaded(files: list[str], first: str) -> None:
    video = read(SUCCEEDED, output=files)
    assert (video.file_urls, video.download_url) == (tuple(files), first)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", VideoState.QUEUED),
        ("THROTTLED", VideoState.QUEUED),
        ("RUNNING", VideoState.GENERATING),
        ("SUCCEEDED", VideoState.READY),
        ("FAILED", VideoState.FAILED),
        ("CANCELLED", VideoState.CANCELLED),
        ("PAUSED", VideoState.UNKNOWN),
    ],
)
def test_each_documented_status_has_a_meaning(word: str, state: VideoState) -> None:
    assert read({"id": TASK, "status": word}).state is state
    assert len(Runway.states) == 6


def test_a_url_whose_token_says_nothing_is_good_for_a_day_at_least() -> None:
    body = {**SUCCEEDED, "output": ["https://a.example/1.mp4?_jwt=opaque"]}
    for headers, end in (({"date": "Sat, 22 Nov 2025 12:00:00 GMT"}, "2025-11-23T12:00:00+00:00"), ({}, None)):
        video, _ = run(Runway().fetch(TASK), Answer(body, headers=headers))
        assert video.expires_at == end
    video, _ = run(Runway().fetch(TASK), Answer(PENDING, headers={"date": "Sat, 22 Nov 2025 12:00:00 GMT"}))
    assert video.expires_at is None


def test_cancelling_and_deleting_are_the_same_call() -> None:
    for exchange in (Runway().cancel(TASK), Runway().delete(TASK, hard=False)):
        _, [call] = run(exchange, None)
        assert (call.method, call.path, 204 in call.accepts) == ("DELETE", f"/v1/tasks/{TASK}", True)


def test_the_probe_orders_nothing() -> None:
    _, [call] = run(Runway().probe(), {"creditBalance": 0})
    assert (call.method, call.path) == ("GET", "/v1/organization")


@pytest.mark.parametrize("kind", [None, "", "text", "text_to_image", 7, ["text_to_video"]])
def test_no_call_can_be_made_without_a_known_kind(kind: Any) -> None:
    order = {"model": "gen4.5", "promptText": "A cat."} | ({} if kind is None else {"kind": kind})
    for check in (Runway().check, lambda order: run(Runway().submit(order, key=None))):
        with pytest.raises(RequestFieldError) as error:
            check(order)
        assert error.value.field == "kind"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"kind": "text_to_video", "promptText": "A cat."}, "model"),
        ({**CLIP, "kind": "image_to_video"}, "promptImage"),
        ({**ORDERS["video_upscale"], "videoUri": ""}, "videoUri"),
        ({"kind": "routed", "configId": "cheapest"}, "input"),
        ({**CLIP, "prompt_text": "A dog."}, "prompt_text"),
        ({**CLIP, "reference": []}, "reference"),
        ({**CLIP, "promptText": 7}, "promptText"),
        ({**CLIP, "promptText": ""}, "promptText"),
        ({**CLIP, "promptText": "x" * 1001}, "promptText"),
        # Each is two UTF-16 code units.
        ({**CLIP, "promptText": "🐈" * 501}, "promptText"),
        ({**CLIP, "ratio": "16:9"}, "ratio"),
        ({**CLIP, "ratio": "1584:672"}, "ratio"),
        ({field: value for field, value in CLIP.items() if field != "ratio"}, "ratio"),
        ({field: value for field, value in CLIP.items() if field != "duration"}, "duration"),
        ({**CLIP, "duration": 11}, "duration"),
        ({**CLIP, "duration": 5.5}, "duration"),
        ({**CLIP, "model": "veo3.1", "duration": 5}, "duration"),
        ({**CLIP, "seed": 2**32}, "seed"),
        ({**ORDERS["character_performance"], "expressionIntensity": 6}, "expressionIntensity"),
    ],
    ids=str,
)
def test_what_the_page_forbids_is_refused(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as error:
        Runway().check(request_)
    assert error.value.field == field


@pytest.mark.parametrize(
    "request_",
    [
        {**CLIP, "promptText": "🐈" * 500},
        {**IMAGE, "ratio": "1584:672"},
        {**IMAGE, "promptImage": [{"uri": "https://a.example/cat.png", "position": "first"}]},
        {"kind": "image_to_video", "model": "gen4_turbo", "promptImage": "runway://1", "ratio": "960:960"},
        {**CLIP, "model": "veo3.1", "duration": 8, "audio": True},
        {"kind": "text_to_video", "model": "grok_imagine_1_5", "promptText": "x" * 3000, "ratio": "16:9"},
        {"kind": "text_to_video", "model": "a_model_of_tomorrow", "ratio": "auto_720p", "duration": "auto"},
    ],
    ids=str,
)
def test_what_the_page_does_not_forbid_passes(request_: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Runway().check(request_)
    assert caplog.messages == []
