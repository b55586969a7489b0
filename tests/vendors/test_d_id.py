# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer, Purpose, read_error_message
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.d_id import KINDS, DId
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

PENDING = {
    "id": "tlk_n41-s3",
    "user_id": "google-oauth2|1032",
    "status": "created",
    "created_at": "2023-10-19T13:06:34.651Z",
    "modified_at": "2023-10-19T13:06:34.651Z",
    "driver_url": "bank://lively/",
    "subtitles": False,
    "duration": 2.112,
    "pending_url": "s3://d-id-talks-prod/google-oauth2|1032/tlk_n41-s3/1697720794651.mp4",
}
URL = "https://d-id-talks-prod.s3.us-west-2.amazonaws.com/x/image.mp4?AWSAccessKeyId=A&Expires=1679589555&Signature=s"
DONE = {
    "id": "tlk_TMj4",
    "status": "done",
    "created_at": "2023-03-22T16:38:49.723Z",
    "modified_at": "2023-03-22T16:39:15.603Z",
    "user_id": "google-oauth2|1234",
    "result_url": URL,
    "audio_url": "https://a.test/a.wav?Signature=s",
    "source_url": "https://a.test/i.jpeg?Signature=s",
    "config": {"result_format": ".mp4", "fluent": False},
    "metadata": {"num_frames": 41, "resolution": [512, 512], "size_kib": 334.2},
}
ERROR = {
    "id": "tlk_TMj4",
    "status": "error",
    "error": {"kind": "FaceError", "description": "no face", "details": "in the image"},
}
CREATED = {
    "id": "tlk_AbCs-xcz",
    "object": "talk",
    "created_at": "2020-09-03T13:56:54.995",
    "created_by": "123",
    "status": "created",
}
SCRIPT = {"type": "text", "input": "Hello."}
TALK = {"kind": "talk", "source_url": "https://a.test/face.jpg", "script": SCRIPT}
ORDERS = {
    "talk": TALK,
    "clip": {"kind": "clip", "presenter_id": "amy-1", "script": SCRIPT},
    "scene": {"kind": "scene", "avatar_id": "avt_1", "script": SCRIPT},
    "expressive": {"kind": "expressive", "avatar_id": "avt_1", "script": SCRIPT},
}


def read(body: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(DId().fetch(f"talks/{body['id']}"), {**body, **changes})
    return video


def kind_of(status: int, body: Any, purpose: Purpose = "order") -> RefusalKind | None:
    refusal = DId().refusal(Answer(body, status_code=status, purpose=purpose))
    return refusal.kind if refusal else None


KEY = "bWFpbA:secret"
ENCODED = base64.b64encode(KEY.encode()).decode()


@pytest.mark.parametrize(
    ("login", "password", "sent"),
    [
        (None, KEY, KEY),
        (None, ENCODED, ENCODED),
        (None, f"Basic {ENCODED}", ENCODED),
        (None, f" {KEY}\n", KEY),
        ("bWFpbA", "secret", KEY),
    ],
)
def test_a_key_is_sent_as_it_is_and_never_encoded_twice(login: str | None, password: str, sent: str) -> None:
    headers = DId().headers(Credentials(login=login, password=password))
    assert headers == {"Authorization": f"Basic {sent}"}


def test_every_field_of_a_finished_talk_is_read() -> None:
    assert read(DONE, completed_at="2023-03-22T16:39:14.924", name="Greeting", duration=1.64) == Video(
        vendor="d_id",
        video_id="talks/tlk_TMj4",
        state=VideoState.READY,
        status="done",
        download_url=URL,
        file_urls=(URL,),
        expires_at="2023-03-23T16:39:15+00:00",
        name="Greeting",
        duration=1.64,
        created_at="2023-03-22T16:38:49.723000+00:00",
        finished_at="2023-03-22T16:39:14.924000+00:00",
    )


def test_an_avatar_has_a_thumbnail_and_subtitles() -> None:
    more = {"thumbnail_url": "https://a.test/t.jpg", "subtitles_url": "https://a.test/s.srt", "avatar_id": "avt_1"}
    video = read(DONE, **more)
    assert (video.thumbnail_url, video.subtitle_url, video.model) == (*[*more.values()][:2], "avt_1")


@pytest.mark.parametrize("status", ["created", "started"])
def test_the_url_of_what_is_in_process_is_no_file(status: str) -> None:
    video = read(PENDING, status=status, result_url=URL)
    assert (video.state, video.download_url) == (DId.states[status], None)
    assert (video.state.is_terminal, video.finished_at) == (False, None)


def test_a_failure_says_why() -> None:
    video = read(ERROR)
    assert (video.state, video.error_code) == (VideoState.FAILED, "FaceError")
    assert video.error_message == "no face; in the image"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "D-ID gives no reason"),
        ({"error": {"kind": "UnknownError"}}, "UnknownError"),
        ({"error": "moderated"}, "moderated"),
        ({"error": {"description": "moderated", "details": {"a": 1}}}, "moderated"),
    ],
    ids=str,
)
def test_a_rejected_video_has_failed_and_says_what_is_known(changes: dict[str, Any], message: str) -> None:
    video = read(PENDING, status="rejected", **changes)
    assert (video.state, video.error_message) == (VideoState.FAILED, message)


@pytest.mark.parametrize("url", [None, "", "s3://bucket/video.mp4"])
def test_a_finished_video_without_a_url_is_not_usable_and_says_why(url: Any) -> None:
    video = read(DONE, result_url=url)
    assert (video.is_usable, video.error_message) == (False, "it has no result_url")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_an_endpoint_of_its_own(kind: str) -> None:
    DId().check(ORDERS[kind])
    video, [call] = run(DId().submit(ORDERS[kind], key=None), CREATED)
    assert (call.method, call.path) == ("POST", f"/{kind}s")
    assert call.body == {field: value for field, value in ORDERS[kind].items() if field != "kind"}
    assert (video.video_id, video.state) == (f"{kind}s/tlk_AbCs-xcz", VideoState.QUEUED)
    fetched, [call] = run(DId().fetch(video.video_id), {**PENDING, "id": "tlk_AbCs-xcz"})
    assert (call.path, fetched.video_id) == (f"/{kind}s/tlk_AbCs-xcz", video.video_id)


def test_an_id_is_enough_of_an_answer_to_an_order_and_nothing_less() -> None:
    video, _ = run(DId().submit(TALK, key=None), {"id": "tlk_1"})
    assert (video.video_id, video.state) == ("talks/tlk_1", VideoState.UNKNOWN)
    with pytest.raises(UnreadableAnswerError):
        run(DId().submit(TALK, key=None), {"status": "created"})


@pytest.mark.parametrize("video_id", ["tlk_1", "talk/tlk_1", "talks/", "talks/..", "talks/a/b", "/tlk_1", ""])
def test_what_is_no_id_with_its_kind_is_not_asked_for(video_id: str) -> None:
    for exchange in (DId().fetch(video_id), DId().delete(video_id, hard=True)):
        with pytest.raises(MalformedIdError):
            next(exchange)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (451, "ImageModerationError", RefusalKind.FINAL),
        (451, "CelebrityRecognizedError", RefusalKind.FINAL),
        (451, "TextModerationError", RefusalKind.FINAL),
        (451, "AudioModerationError", RefusalKind.FINAL),
        (403, "PermissionError", RefusalKind.FINAL),
        (403, None, None),
        (400, "BadRequestError", None),
        (401, "AuthorizationError", None),
        (402, "InsufficientCreditsError", None),
        (404, "NotFoundError", None),
        (500, "InternalServerError", None),
    ],
)
def test_moderation_and_the_plan_refuse_an_order_for_good(
    status: int, kind: str | None, expected: RefusalKind | None
) -> None:
    body = {"kind": kind, "description": "no"}
    assert kind_of(status, body) is expected
    assert kind_of(status, body, "get") is None


def test_the_description_of_an_error_is_its_message() -> None:
    assert read_error_message(b'{"kind": "BadRequestError", "description": "invalid actor url"}') == "invalid actor url"


def test_the_lists_of_all_kinds_are_read_one_after_the_other() -> None:
    paths, cursor, ids = [], None, []
    answers: list[dict[str, Any]] = [
        {"talks": [PENDING], "token": "t2"},
        {"talks": [DONE]},
        {"clips": []},
        {"scenes": [], "token": None},
        {"expressives": [{"id": "exp_1", "status": "done"}]},
    ]
    for answer in answers:
        page, [call] = run(DId().list_page(cursor, 100), answer)
        paths.append((call.path, dict(call.query)))
        ids += [DId().read_listed(entry).video_id for entry in page.entries if entry is not None]
        cursor = page.cursor
    assert cursor is None
    assert paths == [("/talks", {}), ("/talks", {"token": "t2"}), ("/clips", {}), ("/scenes", {}), ("/expressives", {})]
    assert ids == ["talks/tlk_n41-s3", "talks/tlk_TMj4", "expressives/exp_1"]


def test_what_has_no_list_of_its_kind_is_none() -> None:
    with pytest.raises(UnreadableAnswerError):
        run(DId().list_page(None, 100), {"clips": []})


def test_an_account_without_credits_has_a_good_key() -> None:
    body = {"kind": "NotFoundError", "description": "not credits found for user"}
    _, [probe] = run(DId().probe(), Answer(body, status_code=404))
    assert (probe.path, 404 in probe.accepts) == ("/credits", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"script": {"type": "audio", "audio_url": "https://a.test/a.mp3", "subtitles": True}},
        {"script": {**SCRIPT, "ssml": False, "provider": {"type": "microsoft", "voice_id": "en-US-JennyNeural"}}},
        {"config": {"stitch": True, "pad_audio": 0.5, "result_format": "mp4"}, "name": "A", "user_data": "x" * 1000},
        {"webhook": "https://a.test", "result_url": "s3://a/b.mp4", "a_newer_field": 7},
    ],
    ids=str,
)
def test_what_the_page_allows_passes(changes: dict[str, Any]) -> None:
    DId().check({**TALK, **changes})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": None}, "kind"),
        ({"kind": "talks"}, "kind"),
        ({"kind": ["talk"]}, "kind"),
        ({"source_url": None}, "source_url"),
        ({"source_url": None, "source_uri": "https://a.test/face.jpg"}, "source_uri"),
        ({"source_url": None, "photo": "https://a.test/face.jpg"}, "source_url"),
        ({"script": None}, "script"),
        ({"script": "Hello."}, "script"),
        ({"script": {"input": "Hello."}}, "type"),
        ({"script": {"type": "speech", "input": "Hello."}}, "type"),
        ({"script": {"type": "text"}}, "input"),
        ({"script": {"type": "text", "text": "Hello."}}, "input"),
        ({"script": {"type": "text", "inputs": "Hello."}}, "inputs"),
        ({"script": {"type": "text", "input": "Hi"}}, "input"),
        ({"script": {"type": "audio", "input": "Hello."}}, "audio_url"),
        ({"config": []}, "config"),
        ({"config": {"stich": True}}, "stich"),
        ({"config": {"pad_audio": 61}}, "pad_audio"),
        ({"user_data": "x" * 1001}, "user_data"),
        ({"kind": "clip"}, "presenter_id"),
        ({"kind": "scene"}, "avatar_id"),
        ({"kind": "expressive", "avatar": "a"}, "avatar"),
        ({"kind": "expressive", "face": "a"}, "avatar_id"),
        ({"script": {**SCRIPT, "provider": {"voiceid": "a"}}}, "voiceid"),
        ({"script": {**SCRIPT, "provider": "microsoft"}}, "provider"),
        ({**ORDERS["expressive"], "result_url": "s3://a", "config": {"result_format": "mp4"}}, "result_url"),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_that_would_make_a_default_video_is_refused(changes: dict[str, Any], field: str) -> None:
    order = {name: value for name, value in {**TALK, **changes}.items() if value is not None}
    with pytest.raises(RequestFieldError) as refused:
        DId().check(order)
    assert refused.value.field == field


def test_an_order_without_a_kind_makes_no_call_also_unchecked() -> None:
    for order in ({"script": SCRIPT}, {"kind": "movie"}):
        with pytest.raises(RequestFieldError):
            next(DId().submit(order, key=None))
