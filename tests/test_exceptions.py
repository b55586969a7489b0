# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, get_args

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout

from airflow_provider_videos import exceptions
from airflow_provider_videos.advice import advice
from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoApprovalError,
    VideoAuthError,
    VideoBatchDownloadError,
    VideoBatchError,
    VideoConnectionError,
    VideoDownloadError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoParameterError,
    VideoPathError,
    VideoRecordError,
    VideoRequestError,
    VideoStorageError,
    VideoTimeoutError,
    VideoTlsError,
    VideoTransportError,
    VideoUnavailableError,
    VideoUnexpectedError,
    VideoUnsupportedError,
)
from airflow_provider_videos.vendors.answer import Purpose

CALL: dict[str, Any] = {"vendor": "Tavus", "conn_id": "tavus_default", "video_id": "v1"}
ORDER: dict[str, Any] = {"vendor": "Tavus", "conn_id": "tavus_default", "video_id": None, "call": "order"}
RECORD = {
    "vendor": "tavus",
    "video_id": "v1",
    "state": "failed",
    "status": "error",
    "error_message": "no",
    "error_code": "7",
}

ERRORS = [
    VideoConnectionError(conn_id="c", field="extra.timeout", problem="is 'x'"),
    VideoParameterError(parameter="timeout", problem="must be seconds above 0, not -1"),
    VideoIdError("the id is empty"),
    VideoApiError(**CALL, status_code=404, message="Not found"),
    VideoApiError(**CALL, status_code=302, message="Found"),
    VideoApiError(**{**CALL, "video_id": None}, status_code=400, message="Why?"),
    VideoAuthError(**CALL, status_code=401, message="Invalid access token"),
    VideoUnavailableError(**CALL, status_code=429, message="Slow down", retry_after=1.5),
    VideoOrderRefusedError(**ORDER, status_code=400, message="Invalid replica_id"),
    VideoTransportError(**CALL, host="tavusapi.com", reason="the connection was refused", maybe_received=False),
    VideoTlsError(**CALL, host="tavusapi.com", reason="it does not speak TLS", maybe_received=True),
    VideoAnswerError(**CALL, problem="it has no status"),
    VideoPathError(path="s3://b/", problem="is empty"),
    VideoPathError(path=None, problem="must be a string"),
    VideoDownloadError(**CALL, problem="it seems to be a page of HTML"),
    VideoStorageError(path="/videos/", problem="OSError: No space left on device"),
    VideoRequestError(field="script", problem="is missing"),
    VideoRequestError(field="script", problem="is missing", place=1),
    VideoUnsupportedError(vendor="Together AI", call="delete a video"),
    VideoOrderLostError(vendor="Tavus", conn_id="c", reason="it took too long", advice="Look there."),
    VideoRecordError(key="video_order", problem="it is a list, no object"),
    VideoUnexpectedError(problem="KeyError: 'x'"),
    VideoFailedError(video=RECORD),
    VideoFailedError(video={**RECORD, "state": "ready", "status": "ready", "error_code": None}),
    VideoFailedError(video={**RECORD, "error_message": None}),
    VideoApprovalError(video_id="v1", problem="the answer is about video 'v2'"),
    VideoBatchDownloadError(failed=[["v1", "its host doesn't answer"]], videos=3),
    VideoBatchError(failed=[["v1", "it is empty"]], videos=3, kinds={"VideoFailedError": 1}),
    VideoTimeoutError(video_id="v1", waited="12 h", last_seen="Its last status was 'queued', first seen 1 h before."),
]
TRIPS: dict[str, Callable[[VideoError], VideoError]] = {
    "JSON": lambda error: VideoError.from_dict(json.loads(json.dumps(error.to_dict(), allow_nan=False))),
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("trip", TRIPS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_survives_a_journey(error: VideoError, trip: str) -> None:
    arrived = TRIPS[trip](error)
    assert arrived is not error
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize("trip", TRIPS)
def test_a_note_on_an_exception_does_not_stop_it(trip: str) -> None:
    error = VideoIdError("the id is empty")
    error.add_note("while looking for a video")
    assert str(TRIPS[trip](error)) == str(error)


def test_every_exception_of_the_module_is_in_the_table() -> None:
    defined = {thing for thing in vars(exceptions).values() if isinstance(thing, type)}
    ours = {kind for kind in defined if issubclass(kind, VideoError)} - {VideoError}
    assert ours == {type(error) for error in ERRORS}


def test_an_exception_of_another_package_is_told_in_words() -> None:
    error = VideoError.from_dict({"type": "QuotaError", "quota": 17})
    assert isinstance(error, VideoUnexpectedError)
    assert "QuotaError: {'quota': 17}" in str(error)


FINAL = (
    VideoBatchError,
    VideoFailedError,
    VideoIdError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoParameterError,
    VideoPathError,
    VideoRecordError,
    VideoRequestError,
    VideoUnsupportedError,
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_only_what_no_retry_can_help_and_the_timeout_are_exceptions_of_airflow(error: VideoError) -> None:
    is_final = isinstance(error, FINAL)
    assert isinstance(error, AirflowFailException) is is_final
    assert isinstance(error, AirflowSensorTimeout) is isinstance(error, VideoTimeoutError)
    assert isinstance(error, AirflowException) is (is_final or isinstance(error, VideoTimeoutError))


@pytest.mark.parametrize("kind", [VideoIdError, VideoParameterError, VideoPathError, VideoRequestError])
def test_a_bad_argument_is_a_value_error(kind: type[VideoError]) -> None:
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_only_passing_faults_are_transient(error: VideoError) -> None:
    passing = (VideoUnavailableError, VideoTransportError, VideoAnswerError)
    assert error.is_transient is (isinstance(error, passing) and not isinstance(error, VideoTlsError))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_reads_as_sentences(error: VideoError) -> None:
    assert str(error) == " ".join(str(error).split())
    assert ".." not in str(error)


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (302, VideoApiError),
        (400, VideoApiError),
        (401, VideoAuthError),
        (402, VideoApiError),
        (403, VideoAuthError),
        (404, VideoApiError),
        (405, VideoApiError),
        (408, VideoUnavailableError),
        (425, VideoUnavailableError),
        (410, VideoApiError),
        (422, VideoApiError),
        (429, VideoUnavailableError),
        (500, VideoUnavailableError),
        (503, VideoUnavailableError),
        (529, VideoUnavailableError),
        (599, VideoUnavailableError),
    ],
)
def test_the_status_code_chooses_the_class(status_code: int, kind: type[VideoApiError]) -> None:
    assert VideoApiError.of_answer(status_code) is kind


@pytest.mark.parametrize("status_code", [302, 400, 401, 402, 403, 404, 405, 410, 422])
def test_an_answer_that_ends_a_wait_says_what_to_do(status_code: int) -> None:
    text = str(VideoApiError(**CALL, status_code=status_code, message="No"))
    advice = text.partition("No. ")[2]
    assert len(advice) > 20
    assert advice.endswith(".")


CALLS = get_args(Purpose)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status_code", [302, 400, 401, 402, 403, 404, 405, 410, 422])
def test_what_to_do_depends_on_the_call(call: Purpose, status_code: int) -> None:
    text = advice(call, status_code)
    assert len(text) > 20
    if call in {"order", "list", "test"}:
        assert "id" not in text.replace(",", " ").split()
    if call == "order" and status_code in {400, 404, 410, 422}:
        assert text.startswith("Nothing was ordered.")


def test_a_call_that_this_version_does_not_know_has_the_advice_for_any_call() -> None:
    assert advice("praise", 401) == advice("get", 401)
    assert advice("praise", 404) == ""


@pytest.mark.parametrize(
    ("status_code", "call", "kind"),
    [
        (400, "order", VideoOrderRefusedError),
        (422, "order", VideoOrderRefusedError),
        (402, "order", VideoApiError),
        (401, "order", VideoAuthError),
        (429, "order", VideoUnavailableError),
        (400, "delete", VideoApiError),
    ],
)
def test_an_order_that_would_be_refused_again_has_a_class_of_its_own(
    status_code: int, call: Purpose, kind: type[VideoApiError]
) -> None:
    assert VideoApiError.of_answer(status_code, call) is kind


def test_an_error_of_an_older_version_knows_no_call() -> None:
    older = VideoApiError(**CALL, status_code=404, message="Not found").to_dict()
    del older["call"]
    assert "Check the video's id" in str(VideoError.from_dict(older))


@pytest.mark.parametrize(
    ("status_code", "refusal", "is_unknown"),
    [
        (404, None, True),
        (410, None, True),
        (400, "unknown_video", True),
        (200, "unknown_video", True),
        (400, None, False),
        (404, "final", False),
        (403, "key", False),
    ],
)
def test_only_an_answer_that_says_so_means_that_the_video_is_not_there(
    status_code: int, refusal: str | None, is_unknown: bool
) -> None:
    error = VideoApiError(**CALL, status_code=status_code, message="No", call="delete", refusal=refusal)
    assert error.is_unknown_video is is_unknown


@pytest.mark.parametrize(
    ("refusal", "call", "kind", "words"),
    [
        ("key", "order", VideoAuthError, "Check the API key"),
        ("key", "get", VideoAuthError, "Check the API key"),
        ("final", "order", VideoOrderRefusedError, "Nothing was ordered."),
        ("final", "get", VideoApiError, "Check the video's id"),
        ("unknown_video", "delete", VideoApiError, "Check the video's id"),
        ("limit", "order", VideoUnavailableError, ""),
        ("unclear", "get", VideoUnavailableError, ""),
    ],
)
def test_a_refusal_within_a_success_has_the_class_and_the_advice_of_what_it_means(
    refusal: str, call: Purpose, kind: type[VideoApiError], words: str
) -> None:
    assert VideoApiError.of_answer(200, call, refusal) is kind
    assert words in str(kind(**{**CALL, "call": call}, status_code=200, message="No", refusal=refusal))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            VideoAuthError(**CALL, status_code=401, message="Invalid access token"),
            "Tavus answered 401 for video 'v1' (connection 'tavus_default'): Invalid access token. "
            "Check the API key of the connection.",
        ),
        (
            VideoOrderRefusedError(**ORDER, status_code=400, message="Invalid replica_id"),
            "Tavus answered 400 to the order of a video (connection 'tavus_default'): Invalid replica_id. Nothing was "
            "ordered. Correct the fields of the request; the vendor's page says what each may be.",
        ),
        (
            VideoApiError(**CALL, status_code=400, message="Cannot delete video while it is generating", call="delete"),
            "Tavus answered 400 for deleting video 'v1' (connection 'tavus_default'): Cannot delete video while it is "
            "generating. The video was not changed. If it is still being made, wait until it has ended; otherwise "
            "check its id, and that it was ordered with this connection's account.",
        ),
        (
            VideoUnavailableError(**{**CALL, "video_id": None}, status_code=503, message="Overloaded!"),
            "Tavus answered 503 (connection 'tavus_default'): Overloaded!",
        ),
        (
            VideoFailedError(video=RECORD),
            "Video 'v1' of tavus ended with status 'error' (code 7): no.",
        ),
        (
            VideoFailedError(video={**RECORD, "error_message": None, "error_code": None}),
            "Video 'v1' of tavus ended with status 'error': the vendor gives no reason.",
        ),
        (
            VideoFailedError(video={**RECORD, "state": "ready", "status": "completed", "error_code": None}),
            "Video 'v1' of tavus ended with status 'completed': it is ready without a URL; the vendor says: no.",
        ),
        (
            VideoTimeoutError(video_id="v1", waited="12 h", last_seen="Its status was never seen."),
            "Video 'v1' is not finished after 12 h. Its status was never seen. The vendor may still finish it and "
            "bill it: nothing was cancelled, and you can wait for it again.",
        ),
    ],
    ids=[
        "refused key",
        "refused order",
        "busy",
        "unavailable",
        "failed",
        "failed without reason",
        "ready without URL",
        "timeout",
    ],
)
def test_the_text_says_who_what_and_why(error: VideoError, text: str) -> None:
    assert str(error) == text
