# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.fal import Fal
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

NUMBER = "764cabcf-b745-4b3e-ae38-1200304cf45b"
VIDEO_ID = f"fal-ai/veo3/requests/{NUMBER}"
URL = "https://v3.fal.media/files/a/output.mp4"
ORDER = {"endpoint_id": "fal-ai/veo3", "prompt": "A cat.", "duration": "8s"}
#: The examples of the vendor's page.
CREATED = {
    "request_id": NUMBER,
    "response_url": f"https://queue.fal.run/{VIDEO_ID}",
    "status_url": f"https://queue.fal.run/{VIDEO_ID}/status",
    "cancel_url": f"https://queue.fal.run/{VIDEO_ID}/cancel",
    "queue_position": 0,
}
IN_QUEUE = {"status": "IN_QUEUE", "request_id": NUMBER, "queue_position": 2, "response_url": CREATED["response_url"]}
IN_PROGRESS = {
    "status": "IN_PROGRESS",
    "request_id": NUMBER,
    "response_url": CREATED["response_url"],
    "logs": [{"message": "…", "level": "INFO", "source": "USER", "timestamp": "2026-01-01T00:00:00.000000"}],
}
COMPLETED = {
    "status": "COMPLETED",
    "request_id": NUMBER,
    "response_url": CREATED["response_url"],
    "logs": [],
    "metrics": {"inference_time": 3.42},
}
RESULT = {
    "video": {"url": URL, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": 1234567},
    "seed": 42,
}
VIOLATION = {
    "detail": [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed.",
            "type": "content_policy_violation",
            "url": "https://docs.fal.ai/errors#content_policy_violation",
            "ctx": {},
            "input": "A cat.",
        }
    ]
}


def read(result: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> Video:
    """Read a completed job with such a result."""
    answer = Answer(result, status_code=status_code, headers=headers)
    video, calls = run(Fal().fetch(VIDEO_ID), COMPLETED, answer)
    assert [call.path for call in calls] == [f"/{VIDEO_ID}/status", f"/{VIDEO_ID}"]
    return video


def test_the_key_comes_after_a_word_of_its_own() -> None:
    assert Fal().headers(Credentials(password="id:secret")) == {"Authorization": "Key id:secret"}


def test_the_endpoint_is_the_path_and_the_rest_goes_to_the_model() -> None:
    video, [call] = run(Fal().submit(ORDER, key=None), CREATED)
    assert (call.method, call.path, call.query) == ("POST", "/fal-ai/veo3", {})
    assert call.body == {"prompt": "A cat.", "duration": "8s"}
    assert video == Video(
        vendor="fal", video_id=VIDEO_ID, state=VideoState.UNKNOWN, status="unknown", model="fal-ai/veo3"
    )


def test_a_newer_answer_to_an_order_has_a_status() -> None:
    answer = {**CREATED, "status": "IN_QUEUE", "gateway_request_id": NUMBER}
    video, _ = run(Fal().submit(ORDER, key=None), answer)
    assert (video.state, video.status) == (VideoState.QUEUED, "IN_QUEUE")


def test_the_queue_runs_a_job_once_unless_the_order_says_otherwise() -> None:
    _, [call] = run(Fal().submit(ORDER, key=None), CREATED)
    assert call.headers == {"X-Fal-No-Retry": "1"}
    _, [call] = run(Fal().submit({**ORDER, "fal_no_retry": False}, key=None), CREATED)
    assert call.headers == {}


def test_options_of_the_queue_are_headers_and_a_query() -> None:
    options = {
        "fal_request_timeout": 30,
        "fal_queue_priority": "low",
        "fal_store_io": False,
        "fal_object_lifecycle_preference": {"expiration_duration_seconds": 3600},
        "fal_tags": "team=a,dag=b",
        "fal_webhook": "https://a.example/hook",
        "fal_max_queue_length": 5,
    }
    Fal().check(ORDER | options)
    _, [call] = run(Fal().submit(ORDER | options, key=None), CREATED)
    assert call.headers == {
        "X-Fal-No-Retry": "1",
        "X-Fal-Request-Timeout": "30",
        "X-Fal-Queue-Priority": "low",
        "X-Fal-Store-IO": "0",
        "X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds": 3600}',
        "X-Fal-Tags": "team=a,dag=b",
    }
    assert call.query == {"fal_webhook": "https://a.example/hook", "fal_max_queue_length": "5"}
    assert call.body == {"prompt": "A cat.", "duration": "8s"}


def test_an_option_that_a_template_surrounds_with_white_space_can_be_sent() -> None:
    _, [call] = run(Fal().submit({**ORDER, "fal_tags": " team=a\n"}, key=None), CREATED)
    assert call.headers["X-Fal-Tags"] == "team=a"


@pytest.mark.parametrize("tags", ["a\r\nAuthorization: Key b", "ü", "\0"])
def test_no_option_makes_another_header(tags: str) -> None:
    with pytest.raises(RequestFieldError) as error:
        run(Fal().submit({**ORDER, "fal_tags": tags}, key=None), CREATED)
    assert error.value.field == "fal_tags"


OTHER = "https://attacker.example"


@pytest.mark.parametrize(
    ("endpoint", "answer", "video_id"),
    [
        # The URLs lack what follows the app.
        ("fal-ai/veo3/image-to-video", CREATED, VIDEO_ID),
        # Another page has them whole.
        (
            "fal-ai/veo3/fast",
            {"request_id": "1", "response_url": "https://queue.fal.run/fal-ai/veo3/fast/requests/1/response"},
            "fal-ai/veo3/fast/requests/1",
        ),
        # A gateway has a path of its own.
        (
            "fal-ai/veo3",
            {"request_id": "1", "status_url": "https://gateway.example/fal/fal-ai/veo3/requests/1/status"},
            "fal-ai/veo3/requests/1",
        ),
        ("fal-ai/veo3/fast", {"request_id": "1"}, "fal-ai/veo3/requests/1"),
        ("workflows/me/mine/fast", {"request_id": "1"}, "workflows/me/mine/requests/1"),
        ("comfy/me/mine", {"request_id": "1"}, "comfy/me/mine/requests/1"),
        ("fal-ai/veo3", {"status_url": CREATED["status_url"]}, VIDEO_ID),
        ("fal-ai/veo3", {"response_url": CREATED["response_url"]}, VIDEO_ID),
        # What is no URL of the app that was asked is not used.
        ("fal-ai/veo3", {"request_id": "1", "status_url": f"{OTHER}/requests/1/status"}, "fal-ai/veo3/requests/1"),
        ("fal-ai/veo3", {"request_id": "1", "status_url": f"{OTHER}/a/b/requests/1/status"}, "fal-ai/veo3/requests/1"),
        (
            "fal-ai/veo3",
            {"request_id": "1", "status_url": f"{OTHER}/fal-ai/veo3/../../x/requests/1"},
            "fal-ai/veo3/requests/1",
        ),
        (
            "fal-ai/veo3",
            {"request_id": "1", "status_url": "https://queue.fal.run/fal-ai/veo3/requests/2/status"},
            "fal-ai/veo3/requests/1",
        ),
        ("fal-ai/veo3", {"request_id": "1", "status_url": 7, "response_url": "javascript:0"}, "fal-ai/veo3/requests/1"),
    ],
    ids=str,
)
def test_the_id_leads_to_the_app_that_was_asked(endpoint: str, answer: dict[str, Any], video_id: str) -> None:
    video, _ = run(Fal().submit({**ORDER, "endpoint_id": endpoint}, key=None), answer)
    assert video.video_id == video_id
    number = video_id.rpartition("/")[2]
    _, [call] = run(Fal().fetch(video_id), {**IN_QUEUE, "request_id": number})
    assert call.path == f"/{video_id}/status"


@pytest.mark.parametrize("answer", [{}, {"request_id": ""}, {"request_id": "a/b"}, {"status_url": f"{OTHER}/a"}])
def test_an_answer_to_an_order_without_an_id_is_unreadable(answer: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(Fal().submit(ORDER, key=None), answer)


@pytest.mark.parametrize(
    "video_id",
    [
        NUMBER,
        "",
        "fal-ai/veo3",
        f"veo3/requests/{NUMBER}",
        "a/../requests/1",
        "a/b/requests/..",
        "a/b/requests/1/status",
    ],
)
def test_no_call_is_made_for_what_is_no_id(video_id: str) -> None:
    for exchange in (Fal().fetch(video_id), Fal().cancel(video_id)):
        with pytest.raises(MalformedIdError):
            run(exchange, {})


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (IN_QUEUE, VideoState.QUEUED),
        (IN_PROGRESS, VideoState.GENERATING),
        ({"status": "PAUSED"}, VideoState.UNKNOWN),
    ],
)
def test_a_job_that_is_not_completed_needs_one_call(body: dict[str, Any], state: VideoState) -> None:
    video, [call] = run(Fal().fetch(VIDEO_ID), Answer(body, status_code=202))
    assert (call.method, call.path, call.query) == ("GET", f"/{VIDEO_ID}/status", {})
    assert (video.video_id, video.state, video.status) == (VIDEO_ID, state, body["status"])
    assert len(Fal.states) == 3


def test_an_answer_about_another_request_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswerError, match="another request"):
        run(Fal().fetch(VIDEO_ID), {**COMPLETED, "request_id": "another"})


def test_the_result_of_a_completed_job_is_read() -> None:
    assert read(RESULT, headers={"x-fal-billable-units": "8"}) == Video(
        vendor="fal",
        video_id=VIDEO_ID,
        state=VideoState.READY,
        status="COMPLETED",
        model="fal-ai/veo3",
        download_url=URL,
        file_urls=(URL,),
        credits=8.0,
    )


@pytest.mark.parametrize(
    ("result", "files"),
    [
        ({"video": URL}, (URL,)),
        ({"video_url": URL}, (URL,)),
        ({"videos": [{"url": URL}, {"url": f"{URL}?2"}, None]}, (URL, f"{URL}?2")),
        ({"videos": [URL]}, (URL,)),
        ({"video": {"url": URL}, "videos": [{"url": URL}]}, (URL,)),
        ({"video": {"url": "file:///etc/passwd"}}, ()),
        ({"video": None, "images": [{"url": "https://a.example/1.png"}]}, ()),
        ({}, ()),
    ],
    ids=str,
)
def test_a_result_has_one_video_or_several_or_none(result: dict[str, Any], files: tuple[str, ...]) -> None:
    video = read(result)
    assert (video.state, video.file_urls, video.is_usable) == (VideoState.READY, files, bool(files))
    assert (video.error_message is None) is bool(files)


def test_a_result_without_a_video_says_what_it_has() -> None:
    assert read({"images": [], "seed": 1}).error_message == "the result has no video, only images, seed"


@pytest.mark.parametrize("units", ["", "many", "nan"])
def test_billable_units_that_make_no_sense_are_unknown(units: str) -> None:
    assert read(RESULT, headers={"x-fal-billable-units": units}).credits is None


def test_a_result_may_be_one_level_deeper() -> None:
    status = {**COMPLETED, "response_url": f"{OTHER}/{VIDEO_ID}/response"}
    video, calls = run(Fal().fetch(VIDEO_ID), status, RESULT)
    assert [call.path for call in calls] == [f"/{VIDEO_ID}/status", f"/{VIDEO_ID}/response"]
    assert video.is_usable


@pytest.mark.parametrize(
    ("error", "code", "state"),
    [
        ("Request timed out", "request_timeout", VideoState.FAILED),
        ("Request was cancelled", "client_cancelled", VideoState.CANCELLED),
        ("Invalid input", None, VideoState.FAILED),
        (None, "runner_disconnected", VideoState.FAILED),
    ],
)
def test_a_completed_job_may_say_itself_that_it_failed(error: str | None, code: str | None, state: VideoState) -> None:
    video, _ = run(Fal().fetch(VIDEO_ID), {**COMPLETED, "error": error, "error_type": code})
    assert (video.state, video.error_message, video.error_code) == (state, error or code, code)


@pytest.mark.parametrize(
    ("status_code", "body", "state", "message", "code"),
    [
        (422, VIOLATION, "failed", "The content could not be processed.", "content_policy_violation"),
        (500, VIOLATION, "failed", "The content could not be processed.", "content_policy_violation"),
        (422, {"detail": "Unprocessable"}, "failed", "Unprocessable", None),
        (400, {"detail": "No", "error_type": "bad_request"}, "failed", "No", "bad_request"),
        (499, {"detail": "Gone", "error_type": "client_cancelled"}, "cancelled", "Gone", "client_cancelled"),
        (499, {"detail": "Gone"}, "cancelled", "Gone", None),
        (422, {"detail": []}, "failed", "the result is a 422", None),
        (422, {"detail": [None, 7, {"msg": "No"}]}, "failed", "No", None),
    ],
    ids=str,
)
def test_the_result_of_a_job_may_be_the_error_that_it_ended_with(
    status_code: int, body: Any, state: str, message: str, code: str | None
) -> None:
    video = read(body, status_code)
    assert (video.state, video.status, video.error_message, video.error_code) == (state, "COMPLETED", message, code)


@pytest.mark.parametrize(("status_code", "body"), [(422, None), (400, {"error": "No"}), (499, {}), (500, [])])
def test_an_error_that_is_not_of_fals_form_is_no_failure_of_the_job(status_code: int, body: Any) -> None:
    with pytest.raises(UnreadableAnswerError):
        read(body, status_code)


def test_the_type_of_an_error_may_stand_in_a_header() -> None:
    assert read({"detail": "No"}, 422, {"x-fal-error-type": "no_media_generated"}).error_code == "no_media_generated"


def test_a_result_that_is_not_there_yet_is_no_failure() -> None:
    video = read({"detail": "Request is still in progress"}, 400)
    assert (video.state, video.status) == (VideoState.GENERATING, "IN_PROGRESS")


@pytest.mark.parametrize(
    ("status_code", "body", "purpose", "kind"),
    [
        # A 5xx at the result's URL was seen for good jobs too.
        (500, {"detail": "Internal error", "error_type": "internal_error"}, "get", RefusalKind.UNCLEAR),
        (504, {"detail": "Request timed out", "error_type": "request_timeout"}, "get", RefusalKind.UNCLEAR),
        (502, None, "get", RefusalKind.UNCLEAR),
        # Only a model writes such a list.
        (500, VIOLATION, "get", None),
        # The status code says of an order that it may have been accepted.
        (503, {"detail": "Unavailable"}, "order", None),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, "order", None),
        (404, {"status": "NOT_FOUND"}, "get", RefusalKind.UNKNOWN_VIDEO),
        (404, {"status": "NOT_FOUND"}, "cancel", RefusalKind.UNKNOWN_VIDEO),
        (404, {"status": "NOT_FOUND"}, "test", None),
        (400, {"status": "ALREADY_COMPLETED"}, "cancel", RefusalKind.FINAL),
        (202, {"status": "CANCELLATION_REQUESTED"}, "cancel", None),
        (200, COMPLETED, "get", None),
    ],
    ids=str,
)
def test_what_an_answer_refuses(status_code: int, body: Any, purpose: Any, kind: RefusalKind | None) -> None:
    refusal = Fal().refusal(Answer(body, status_code=status_code, purpose=purpose))
    assert (refusal.kind if refusal else None) is kind


def test_no_answer_of_a_gateway_is_taken_for_the_result() -> None:
    exchange = Fal().fetch(VIDEO_ID)
    next(exchange)
    call = exchange.send(Answer(COMPLETED))
    assert {code for code in call.accepts if code < 500} == {400, 422, 499}


def test_a_video_is_cancelled_and_the_key_is_tried_without_an_order() -> None:
    _, [call] = run(Fal().cancel(VIDEO_ID), Answer({"status": "CANCELLATION_REQUESTED"}, status_code=202))
    assert (call.method, call.path, 200 in call.accepts) == ("PUT", f"/{VIDEO_ID}/cancel", True)
    _, [call] = run(Fal().probe(), Answer({"status": "NOT_FOUND"}, status_code=404))
    assert call.method == "GET"
    assert call.path.endswith("/status")


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            None,
            7,
            "",
            "veo3",
            "/fal-ai/veo3",
            "fal-ai/veo3/",
            "fal-ai//veo3",
            "../veo3",
            "fal-ai/..",
            "a/b?c",
            "a/b c",
        ),
        "/".join("abcdefghijkl"),
    ],
)
def test_no_call_can_be_made_without_an_endpoint(endpoint: Any) -> None:
    order = {"prompt": "A cat."} | ({} if endpoint is None else {"endpoint_id": endpoint})
    for check in (Fal().check, lambda order: run(Fal().submit(order, key=None))):
        with pytest.raises(RequestFieldError) as error:
            check(order)
        assert error.value.field == "endpoint_id"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({**ORDER, "promt": "A dog."}, "promt"),
        ({**ORDER, "fal_webhok": "https://a.example"}, "fal_webhok"),
        ({**ORDER, "aspectRatio": "16:9"}, "aspectRatio"),
        ({**ORDER, "prompt": 7}, "prompt"),
        ({**ORDER, "fal_queue_priority": "high"}, "fal_queue_priority"),
        ({**ORDER, "fal_no_retry": "1"}, "fal_no_retry"),
        ({**ORDER, "fal_request_timeout": 0}, "fal_request_timeout"),
        ({**ORDER, "fal_max_queue_length": 1.5}, "fal_max_queue_length"),
    ],
    ids=str,
)
def test_what_the_page_forbids_is_refused(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as error:
        Fal().check(request_)
    assert error.value.field == field


@pytest.mark.parametrize(
    "field",
    [
        "audio_guidance_scale",
        "enable_output_safety_checker",
        "generate_audio_switch",
        "generate_multi_clip_switch",
        "subject_reference_image_url",
    ],
)
def test_a_field_of_some_model_is_not_taken_for_a_misspelled_usual_one(field: str) -> None:
    Fal().check({**ORDER, field: "x"})


def test_usual_fields_of_models_pass_and_others_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    usual = {"image_url": "https://a.example/1.png", "image_urls": [], "seed": 1, "num_inference_steps": 4}
    with caplog.at_level(logging.WARNING):
        Fal().check(ORDER | usual)
        assert caplog.messages == []
        Fal().check({**ORDER, "turbo": True})
    assert "'turbo'" in caplog.text
