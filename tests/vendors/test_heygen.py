# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer, Purpose
from airflow_provider_videos.vendors.base import recovery_of
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.heygen import HeyGen
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

CREATED: dict[str, Any] = {"video_id": "v_abc123def456", "status": "waiting", "output_format": "mp4"}
PROCESSING: dict[str, Any] = {"id": "v_1", "status": "processing", "title": "My video", "created_at": 1711929600}
URL = "https://files.heygen.ai/video/abc.mp4?Expires=1712534400&Signature=s&Key-Pair-Id=K"
COMPLETED: dict[str, Any] = {
    "id": "v_1",
    "status": "completed",
    "title": "My video",
    "created_at": 1711929600,
    "completed_at": 1711930200,
    "duration": 30.5,
    "folder_id": None,
    "video_url": URL,
    "captioned_video_url": None,
    "subtitle_url": "https://files.heygen.ai/srt/abc.srt",
    "thumbnail_url": "https://files.heygen.ai/abc.jpg",
    "gif_url": None,
    "video_page_url": "https://app.heygen.com/video/abc123",
    "output_language": None,
}
FAILED: dict[str, Any] = {
    "id": "v_1",
    "status": "failed",
    "failure_code": "rendering_failed",
    "failure_message": "Avatar rendering timed out",
}
ORDER = {"type": "avatar", "avatar_id": "a1", "script": "Hello."}
TEMPLATE = {"kind": "template", "template_id": "t1", "variables": {}}
AGENT = {"kind": "video_agent", "prompt": "A cat."}


def read(data: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(HeyGen().fetch("v_1"), {"data": {**data, **changes}})
    return video


def test_every_field_of_a_video_is_read() -> None:
    assert read(COMPLETED, gif_url="https://files.heygen.ai/abc.gif") == Video(
        vendor="heygen",
        video_id="v_1",
        state=VideoState.READY,
        status="completed",
        download_url=URL,
        file_urls=(URL,),
        hosted_url="https://app.heygen.com/video/abc123",
        thumbnail_url="https://files.heygen.ai/abc.jpg",
        gif_url="https://files.heygen.ai/abc.gif",
        subtitle_url="https://files.heygen.ai/srt/abc.srt",
        expires_at="2024-04-08T00:00:00+00:00",
        name="My video",
        duration=30.5,
        created_at="2024-04-01T00:00:00+00:00",
        finished_at="2024-04-01T00:10:00+00:00",
    )


def test_a_video_that_is_being_made_needs_an_id_and_a_status() -> None:
    video = read(PROCESSING)
    assert (video.state, video.name, video.created_at) == ("generating", "My video", "2024-04-01T00:00:00+00:00")
    assert read({"id": "v_1", "status": "pending"}).state is VideoState.QUEUED


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        *((word, "queued") for word in ("waiting", "queued", "pending")),
        *(("processing", "generating"), ("completed", "ready"), ("failed", "failed")),
        *((word, "generating") for word in ("thinking", "waiting_for_input", "reviewing", "generating")),
    ],
)
def test_each_status_that_was_seen_has_a_meaning(word: str, meaning: str) -> None:
    assert read(PROCESSING, status=word).state == meaning


def test_any_other_status_is_pending() -> None:
    assert read(PROCESSING, status="not_found").state is VideoState.UNKNOWN


def test_a_failure_says_why() -> None:
    video = read(FAILED)
    assert (video.state, video.error_code) == (VideoState.FAILED, "rendering_failed")
    assert video.error_message == "Avatar rendering timed out"


def test_where_captions_were_burned_in_that_file_comes_first() -> None:
    captioned = "https://files.heygen.ai/video/abc_caption.mp4"
    video = read(COMPLETED, captioned_video_url=captioned)
    assert (video.download_url, video.file_urls) == (captioned, (captioned, URL))


@pytest.mark.parametrize("url", [None, "", "no url"])
def test_success_without_a_file_is_not_usable_and_says_so(url: Any) -> None:
    video = read(COMPLETED, video_url=url)
    assert (video.state, video.is_usable, video.hosted_url) == (VideoState.READY, False, None)
    assert video.error_message == "HeyGen calls the video completed, and gives no URL of a file"


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": "v_1"}}, {"code": 100, "status": "completed"}])
def test_what_is_no_video_is_said_to_be_none(body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(HeyGen().fetch("v_1"), body)


def test_an_order_carries_its_key() -> None:
    video, [call] = run(HeyGen().submit({"kind": "video", **ORDER}, key="k"), {"data": CREATED})
    assert (call.method, call.path, call.body) == ("POST", "/v3/videos", ORDER)
    assert call.headers == {"Idempotency-Key": "k"}
    assert (video.video_id, video.state, video.status) == ("v_abc123def456", VideoState.QUEUED, "waiting")


def test_an_id_is_enough_of_an_answer_to_an_order() -> None:
    video, [call] = run(HeyGen().submit(ORDER, key=None), {"data": {"video_id": "v_1"}})
    assert (video.video_id, video.state, call.headers) == ("v_1", VideoState.UNKNOWN, {})


def test_a_template_is_filled_under_its_own_path() -> None:
    video, [call] = run(HeyGen().submit({**TEMPLATE, "title": "T"}, key="k"), {"data": PROCESSING})
    assert (call.path, call.body) == ("/v3/templates/t1", {"variables": {}, "title": "T"})
    assert call.headers == {"Idempotency-Key": "k"}
    assert (video.video_id, video.state, video.name) == ("v_1", VideoState.GENERATING, "My video")


@pytest.mark.parametrize("data", [COMPLETED, FAILED], ids=["completed", "failed"])
def test_the_answer_to_an_order_never_ends_the_wait(data: dict[str, Any]) -> None:
    # It may be a snapshot of the moment when the video was ordered.
    video, _ = run(HeyGen().submit(TEMPLATE, key="k"), {"data": data})
    assert (video.state, video.download_url, video.error_message) == (VideoState.QUEUED, None, None)


@pytest.mark.parametrize(
    "request_",
    [{"kind": "clip"}, {"kind": ["video"]}, {"kind": "template"}, {"kind": "template", "template_id": ".."}],
    ids=str,
)
def test_an_order_that_was_not_checked_and_has_no_path_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(RequestFieldError):
        next(HeyGen().submit(request_, key=None))


def test_an_agents_order_is_answered_with_a_session_which_stands_for_the_video() -> None:
    data = {"session_id": "s/1", "status": "thinking", "video_id": None, "created_at": 1711929600}
    video, [call] = run(HeyGen().submit(AGENT, key=None), {"data": data})
    assert (call.method, call.path, call.body) == ("POST", "/v3/video-agents", {"prompt": "A cat."})
    assert call.headers == {}
    assert (video.video_id, video.state) == ("video-agents/s/1", VideoState.GENERATING)
    assert HeyGen().is_provisional(video.video_id)
    assert not HeyGen().is_provisional("v_1")


@pytest.mark.parametrize(
    "data", [{"session_id": "s1", "video_id": "v_1"}, {"session_id": "s1", "status": "completed"}], ids=str
)
def test_a_session_stands_for_its_video_whatever_the_order_is_answered_with(data: dict[str, Any]) -> None:
    video, _ = run(HeyGen().submit(AGENT, key=None), {"data": data})
    assert (video.video_id, video.state.is_terminal) == ("video-agents/s1", False)


@pytest.mark.parametrize("word", ["thinking", "waiting_for_input", "reviewing", "generating", "completed"])
def test_a_session_without_a_video_is_pending(word: str) -> None:
    data = {"status": word, "progress": 40, "created_at": 1711929600}
    video, [call] = run(HeyGen().fetch("video-agents/s/1"), {"data": data})
    assert call.path == "/v3/video-agents/s%2F1"
    assert (video.video_id, video.status, video.state) == ("video-agents/s/1", word, VideoState.GENERATING)
    assert (video.progress, video.created_at) == (0.4, "2024-04-01T00:00:00+00:00")


def test_a_session_that_failed_without_a_video_is_a_failure() -> None:
    video, _ = run(HeyGen().fetch("video-agents/s1"), {"data": {"status": "failed", "failure_message": "No credits"}})
    assert (video.state, video.error_message) == (VideoState.FAILED, "No credits")


@pytest.mark.parametrize("word", ["generating", "completed", "failed"])
def test_once_a_session_tells_its_video_that_is_asked_for(word: str) -> None:
    session = {"data": {"status": word, "video_id": "v_1"}}
    video, [_, call] = run(HeyGen().fetch("video-agents/s1"), session, {"data": COMPLETED})
    assert call.path == "/v3/videos/v_1"
    assert (video.video_id, video.state, video.download_url) == ("v_1", VideoState.READY, URL)


def test_a_video_that_is_known_to_its_session_only_is_pending() -> None:
    session = {"data": {"status": "generating", "video_id": "v_1"}}
    unknown = Answer({"error": {"code": "video_not_found"}}, status_code=404)
    video, _ = run(HeyGen().fetch("video-agents/s1"), session, unknown)
    assert (video.video_id, video.state) == ("video-agents/s1", VideoState.GENERATING)


@pytest.mark.parametrize("exchange", [HeyGen().fetch, lambda asked: HeyGen().delete(asked, hard=False)])
def test_a_session_that_is_gone_says_nothing_of_its_video(exchange: Any) -> None:
    with pytest.raises(UnreadableAnswerError, match="may still be made, and be billed"):
        run(exchange("video-agents/s1"), Answer({"error": {"code": "not_found"}}, status_code=404))


def test_the_video_of_a_session_is_deleted_once_there_is_one() -> None:
    _, calls = run(
        HeyGen().delete("video-agents/s1", hard=False), {"data": {"status": "generating", "video_id": "v_1"}}, {}
    )
    assert [(call.method, call.path) for call in calls] == [
        ("GET", "/v3/video-agents/s1"),
        ("DELETE", "/v3/videos/v_1"),
    ]
    with pytest.raises(UnreadableAnswerError, match="no video yet"):
        run(HeyGen().delete("video-agents/s1", hard=False), {"data": {"status": "thinking"}})


def test_a_lost_order_of_an_agent_is_a_persons_to_find() -> None:
    assert isinstance(recovery_of(HeyGen(), AGENT), AskAHuman)
    assert recovery_of(HeyGen(), ORDER) == recovery_of(HeyGen(), TEMPLATE) == HeyGen.recovery


ALLOWED: list[dict[str, Any]] = [
    {"kind": "video", **ORDER, "title": "T", "voice_id": "v", "callback_id": "c", "callback_url": "https://a.test"},
    {"type": "avatar", "avatar_id": "a1", "audio_url": "https://a.test/a.mp3", "engine": {"type": "avatar_v"}},
    {"type": "avatar", "avatar_id": "a1", "audio_asset_id": "s1", "output_format": "webm"},
    {**ORDER, "caption": {"file_format": "srt", "style": "default"}, "aspect_ratio": "auto", "resolution": "4k"},
    {**ORDER, "voice_settings": {"speed": 1.5, "pitch": -50, "volume": 0, "locale": "en-US"}, "script": "x" * 5000},
    {**ORDER, "background": {"type": "color", "value": "#ff0000"}, "expressiveness": "low", "motion_prompt": "Waves."},
    {"type": "image", "image": {"type": "url", "url": "https://a.test/a.png"}, "script": "Hello.", "voice_id": "v"},
    {"type": "image", "image": {"type": "asset_id", "asset_id": "i1"}, "audio_asset_id": "s1"},
    {"type": "image", "image": {"type": "base64", "media_type": "image/png", "data": "AAAA"}, "audio_url": "https://a"},
    {"type": "cinematic_avatar", "avatar_id": ["a1", "a2"], "prompt": "She walks.", "duration": 15},
    {"type": "cinematic_avatar", "avatar_id": ["a1"], "prompt": "x" * 10_000, "auto_duration": True, "title": "T"},
    {"type": "studio", "scenes": [{"type": "avatar_video"}, {"type": "image"}, {"type": "video"}], "title": "T"},
    TEMPLATE,
    {**TEMPLATE, "dimension": {"width": 1920, "height": 1080}, "fps": 30, "caption": True, "folder_id": "f1"},
    {**ORDER, "a_newer_field": 1},
    AGENT,
    {**AGENT, "prompt": "x" * 10_000, "mode": "generate", "avatar_id": "a1", "files": [{}] * 20, "callback_id": "c"},
]


@pytest.mark.parametrize("request_", ALLOWED, ids=str)
def test_what_the_page_allows_passes(request_: dict[str, Any]) -> None:
    HeyGen().check(request_)


IMAGE = {"type": "image", "image": {"type": "url", "url": "https://a.test/a.png"}, "script": "Hi.", "voice_id": "v"}
CLIP = {"type": "cinematic_avatar", "avatar_id": ["a1"], "prompt": "She walks."}
SCENES = {"type": "studio", "scenes": [{"type": "image"}]}
FORBIDDEN: list[tuple[dict[str, Any], str]] = [
    ({**ORDER, "type": None}, "type"),
    ({**ORDER, "type": "talking_photo"}, "type"),
    ({**ORDER, "kind": "clip"}, "kind"),
    ({**ORDER, "avatar_id": ""}, "avatar_id"),
    ({**ORDER, "avatar_id": ["a1"]}, "avatar_id"),
    ({**ORDER, "avatarid": "a2"}, "avatarid"),
    ({**ORDER, "aspectRatio": "9:16"}, "aspectRatio"),
    ({**ORDER, "script": None}, "script"),
    ({**ORDER, "script": "x" * 5001}, "script"),
    ({**ORDER, "script": 7}, "script"),
    ({**ORDER, "audio_url": "https://a.test/a.mp3"}, "script"),
    ({**ORDER, "resolution": "480p"}, "resolution"),
    ({**ORDER, "aspect_ratio": "3:1"}, "aspect_ratio"),
    ({**ORDER, "fit": "crop"}, "fit"),
    ({**ORDER, "output_format": "mov"}, "output_format"),
    ({**ORDER, "output_format": "webm", "background": {"type": "color"}}, "background"),
    ({**ORDER, "background": "#ff0000"}, "background"),
    ({**ORDER, "caption": True}, "caption"),
    ({**ORDER, "engine": "avatar_v"}, "engine"),
    ({**ORDER, "engine": {}}, "engine.type"),
    ({**ORDER, "engine": {"type": "avatar_ii"}}, "engine.type"),
    ({**ORDER, "engine": {"type": "avatar_v"}, "expressiveness": "low"}, "expressiveness"),
    ({**ORDER, "engine": {"type": "avatar_iii"}, "motion_prompt": "Waves."}, "motion_prompt"),
    ({**ORDER, "expressiveness": "most"}, "expressiveness"),
    ({**ORDER, "voice_settings": {"speed": 2}}, "voice_settings.speed"),
    ({**ORDER, "voice_settings": {"pitch": 51}}, "voice_settings.pitch"),
    ({**ORDER, "title": 7}, "title"),
    ({**IMAGE, "image": None}, "image"),
    ({**IMAGE, "image": "https://a.test/a.png"}, "image"),
    ({**IMAGE, "image": {"url": "https://a.test/a.png"}}, "image.type"),
    ({**IMAGE, "image": {"type": "base64", "data": "AAAA"}}, "image.media_type"),
    ({**IMAGE, "voice_id": None}, "voice_id"),
    ({**CLIP, "prompt": ""}, "prompt"),
    ({**CLIP, "prompt": "x" * 10_001}, "prompt"),
    ({**CLIP, "avatar_id": "a1"}, "avatar_id"),
    ({**CLIP, "avatar_id": ["a1"] * 4}, "avatar_id"),
    ({**CLIP, "duration": 3}, "duration"),
    ({**CLIP, "resolution": "4k"}, "resolution"),
    ({**CLIP, "aspect_ratio": "4:5"}, "aspect_ratio"),
    ({**SCENES, "scenes": []}, "scenes"),
    ({**SCENES, "scenes": [{"type": "image"}] * 51}, "scenes"),
    ({**SCENES, "scenes": ["image"]}, "scenes"),
    ({**SCENES, "scenes": [{"type": "clip"}]}, "scenes"),
    ({**TEMPLATE, "template_id": ""}, "template_id"),
    ({**TEMPLATE, "template_id": 7}, "template_id"),
    ({**TEMPLATE, "variables": None}, "variables"),
    ({**TEMPLATE, "variables": []}, "variables"),
    ({**TEMPLATE, "fps": 24}, "fps"),
    ({**TEMPLATE, "dimension": {"width": 1920}}, "dimension"),
    ({**TEMPLATE, "dimension": {"width": 1921, "height": 1080}}, "dimension"),
    ({**TEMPLATE, "template": "t2"}, "template"),
    ({**AGENT, "prompt": ""}, "prompt"),
    ({**AGENT, "prompt": "x" * 10_001}, "prompt"),
    ({**AGENT, "mode": "chat"}, "mode"),
    ({**AGENT, "title": "T"}, "title"),
    ({**AGENT, "files": [{}] * 21}, "files"),
    ({**AGENT, "voice_id": 7}, "voice_id"),
    ({**AGENT, "brandkit_id": "b"}, "brandkit_id"),
]


@pytest.mark.parametrize(("request_", "field"), FORBIDDEN, ids=str)
def test_what_the_page_forbids_is_refused(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as refused:
        HeyGen().check({name: value for name, value in request_.items() if value is not None})
    assert refused.value.field == field


def test_a_page_of_a_list_says_where_the_list_goes_on() -> None:
    body = {"data": [PROCESSING, "junk"], "has_more": True, "next_token": "t2"}
    page, [call] = run(HeyGen().list_page("t1", 1000), body)
    assert (call.path, call.query) == ("/v3/videos", {"limit": 100, "token": "t1"})
    assert (page.cursor, len(page.entries), page.entries[1]) == ("t2", 2, None)
    assert page.entries[0] is not None
    assert HeyGen().read_listed(page.entries[0]).name == "My video"
    page, [call] = run(HeyGen().list_page(None, 50), {"data": [], "has_more": False, "next_token": None})
    assert (page.cursor, page.entries, call.query) == (None, (), {"limit": 50})


@pytest.mark.parametrize(
    "body",
    [{}, {"data": {}, "has_more": False}, {"data": []}, {"data": [PROCESSING], "has_more": True, "next_token": None}],
    ids=str,
)
def test_a_list_that_may_go_on_is_not_taken_for_a_whole_one(body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(HeyGen().list_page(None, 100), body)


def test_a_video_is_deleted() -> None:
    _, [call] = run(HeyGen().delete("v/1", hard=False), {"data": {"id": "v/1", "deleted": True}})
    assert (call.method, call.path) == ("DELETE", "/v3/videos/v%2F1")
    with pytest.raises(MalformedIdError):
        next(HeyGen().delete("..", hard=True))


def test_the_account_is_asked_for_to_try_a_key() -> None:
    _, [call] = run(HeyGen().probe(), {"data": {"username": "u"}})
    assert (call.method, call.path) == ("GET", "/v3/users/me")


def refused(status_code: int, body: Any, purpose: Purpose = "get") -> Any:
    return HeyGen().refusal(Answer(body, status_code=status_code, purpose=purpose, message=lambda: "Not Found"))


@pytest.mark.parametrize("body", [None, {}, "Not Found", {"error": "Not Found"}])
def test_a_404_of_a_gateway_does_not_end_a_wait(body: Any) -> None:
    assert refused(404, body).kind is RefusalKind.UNCLEAR
    assert refused(404, body, "order") is None


ERRORS = [
    *((400, code) for code in ("invalid_parameter", "content_policy_violation", "resource_limit_exceeded")),
    *((401, "unauthorized"), (402, "insufficient_credit"), (403, "forbidden"), (404, "video_not_found")),
    *((409, "request_in_progress"), (413, "payload_too_large"), (429, "rate_limit_exceeded"), (500, "internal_error")),
]


@pytest.mark.parametrize(("status_code", "code"), ERRORS)
def test_every_documented_error_is_left_to_its_status_code(status_code: int, code: str) -> None:
    body = {"error": {"code": code, "message": "m", "doc_url": "https://developers.heygen.com/docs/error-codes#x"}}
    assert refused(status_code, body) is refused(status_code, body, "order") is None
