# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.hooks.exchanges import ListedVideo, shown_fields
from airflow_provider_videos.ordering.search import shows_order
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.replicate import Replicate
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
URL = "https://replicate.delivery/xezq/output.mp4"
ORDER = {"model": "minimax/video-01", "input": {"prompt": "A cat."}}
STARTING = {
    "id": "gm3qorzdhgbfurvjtvhg6dckhu",
    "model": "minimax/video-01",
    "version": "hidden",
    "input": {"prompt": "A cat."},
    "logs": "",
    "output": None,
    "data_removed": False,
    "error": None,
    "status": "starting",
    "created_at": "2023-09-08T16:19:34.765994Z",
    "urls": {
        "cancel": "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu/cancel",
        "get": "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu",
        "web": "https://replicate.com/p/gm3qorzdhgbfurvjtvhg6dckhu",
    },
}
SUCCEEDED = {
    **STARTING,
    "status": "succeeded",
    "output": URL,
    "metrics": {"predict_time": 108.2, "total_time": 110.4},
    "started_at": "2023-09-08T16:19:35.100000Z",
    "completed_at": "2023-09-08T16:21:23.300000Z",
}
FAILED = {**STARTING, "status": "failed", "error": "Prediction failed: out of memory", "metrics": {"predict_time": 2.1}}


def read(body: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(Replicate().fetch(STARTING["id"]), {**body, **changes})  # type: ignore[arg-type]
    return video


def test_every_field_of_a_prediction_is_read() -> None:
    assert read(SUCCEEDED) == Video(
        vendor="replicate",
        video_id="gm3qorzdhgbfurvjtvhg6dckhu",
        state=VideoState.READY,
        status="succeeded",
        download_url=URL,
        file_urls=(URL,),
        hosted_url="https://replicate.com/p/gm3qorzdhgbfurvjtvhg6dckhu",
        expires_at="2023-09-08T17:19:34.765994+00:00",
        model="minimax/video-01",
        prompt="A cat.",
        created_at="2023-09-08T16:19:34.765994+00:00",
        finished_at="2023-09-08T16:21:23.300000+00:00",
    )


def test_a_prediction_that_was_just_ordered_has_no_files() -> None:
    video = read(STARTING)
    assert (video.state, video.download_url, video.expires_at) == (VideoState.QUEUED, None, None)
    assert video.hosted_url == "https://replicate.com/p/gm3qorzdhgbfurvjtvhg6dckhu"


def test_a_failure_says_why() -> None:
    video = read(FAILED)
    assert (video.state, video.error_message) == (VideoState.FAILED, "Prediction failed: out of memory")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("starting", VideoState.QUEUED),
        ("processing", VideoState.GENERATING),
        ("succeeded", VideoState.READY),
        ("failed", VideoState.FAILED),
        ("canceled", VideoState.CANCELLED),
        ("aborted", VideoState.CANCELLED),
    ],
)
def test_each_documented_status_has_a_meaning(word: str, state: VideoState) -> None:
    assert read(SUCCEEDED, status=word).state is Replicate.states[word] is state
    assert len(Replicate.states) == 6


@pytest.mark.parametrize(
    ("output", "files"),
    [
        ("https://a.test/v.mp4", ("https://a.test/v.mp4",)),
        (["https://a.test/v.mp4"], ("https://a.test/v.mp4",)),
        (["https://a.test/cover.png", "https://a.test/v.MP4?x=1"], ("https://a.test/v.MP4?x=1", "https://a.test/cover.png")),
        ({"cover": "https://a.test/c.png", "video": "https://a.test/v.webm"}, ("https://a.test/v.webm", "https://a.test/c.png")),
        ([{"video": "https://a.test/v.mp4", "seed": 7}, None], ("https://a.test/v.mp4",)),
        (["https://a.test/1", "https://a.test/2"], ("https://a.test/1", "https://a.test/2")),
    ],
    ids=str,
)  # fmt: skip
def test_an_output_may_be_a_url_a_list_or_an_object(output: Any, files: tuple[str, ...]) -> None:
    video = read(SUCCEEDED, output=output)
    assert (video.file_urls, video.download_url) == (files, files[0])


@pytest.mark.parametrize("output", [None, "", [], {}, "data:video/mp4;base64,AAAA", "file:///etc/passwd", 7])
def test_success_without_a_file_is_not_usable_and_says_why(output: Any) -> None:
    video = read(SUCCEEDED, output=output)
    assert (video.state, video.is_usable) == (VideoState.READY, False)
    assert video.error_message == "its output has no URL of a file"


def test_an_output_that_is_nested_without_end_has_no_file() -> None:
    output: Any = URL
    for _ in range(500):
        output = [output]
    assert read(SUCCEEDED, output=output).file_urls == ()


def test_a_prediction_whose_data_is_removed_has_expired() -> None:
    video = read(SUCCEEDED, output=None, input={}, logs=None, data_removed=True)
    assert (video.state, video.status, video.is_usable) == (VideoState.EXPIRED, "succeeded", False)
    assert video.error_message is not None
    assert "removed its files" in video.error_message


def test_a_failure_whose_data_is_removed_is_still_a_failure() -> None:
    assert read(FAILED, data_removed=True, input={}).state is VideoState.FAILED


def test_a_prediction_that_was_aborted_says_why() -> None:
    assert read(STARTING, status="aborted").error_message == "it reached its deadline before it was started"
    assert read(STARTING, status="aborted", error="deadline").error_message == "deadline"


def test_the_files_of_a_prediction_that_was_made_on_the_web_stay() -> None:
    assert read(SUCCEEDED, source="web").expires_at is None
    assert read(SUCCEEDED, source="api").expires_at == "2023-09-08T17:19:34.765994+00:00"


@pytest.mark.parametrize(
    ("named", "path", "sent"),
    [
        ({"model": "minimax/video-01"}, "/v1/models/minimax/video-01/predictions", {}),
        ({"deployment": "me/clips.2"}, "/v1/deployments/me/clips.2/predictions", {}),
        ({"version": VERSION}, "/v1/predictions", {"version": VERSION}),
        ({"version": f"a/b:{VERSION}"}, "/v1/predictions", {"version": f"a/b:{VERSION}"}),
    ],
    ids=str,
)
def test_an_order_names_a_model_a_version_or_a_deployment(
    named: dict[str, str], path: str, sent: dict[str, str]
) -> None:
    order = {**named, "input": {"prompt": "A cat."}, "webhook": "https://a.test/hook"}
    Replicate().check(order)
    video, [call] = run(Replicate().submit(order, key=None), STARTING)
    assert (call.method, call.path) == ("POST", path)
    assert call.body == {**sent, "input": {"prompt": "A cat."}, "webhook": "https://a.test/hook"}
    assert (video.video_id, video.state) == ("gm3qorzdhgbfurvjtvhg6dckhu", VideoState.QUEUED)


def test_an_id_is_enough_of_an_answer_to_an_order() -> None:
    video, _ = run(Replicate().submit(ORDER, key=None), {"id": "p1"})
    assert (video.video_id, video.state) == ("p1", VideoState.UNKNOWN)


NAMELESS: list[dict[str, Any]] = [
    {},
    {"model": ""},
    {"model": "a/b", "version": VERSION},
    {"model": "a/b", "deployment": "a/c"},
    {"model": "video-01"},
    {"model": f"a/b:{VERSION}"},
    {"model": "a/b/c"},
    {"model": "../b"},
    {"deployment": "a/.."},
    {"model": 7},
]


@pytest.mark.parametrize("named", NAMELESS, ids=str)
def test_an_order_that_names_none_is_refused_also_unchecked(named: dict[str, Any]) -> None:
    order = {**named, "input": {"prompt": "A cat."}}
    with pytest.raises(RequestFieldError):
        Replicate().check(order)
    with pytest.raises(RequestFieldError):
        next(Replicate().submit(order, key=None))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"input": None}, "input"),
        ({"input": "A cat."}, "input"),
        ({"inputs": {}}, "inputs"),
        ({"webhook": "http://a.test"}, "webhook"),
        ({"webhook": 7}, "webhook"),
        ({"webhook_events_filter": ["done"]}, "webhook_events_filter"),
        ({"webhook_events_filter": "completed!"}, "webhook_events_filter"),
    ],
    ids=str,
)
def test_what_the_page_forbids_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as refused:
        Replicate().check({**ORDER, **changes})
    assert refused.value.field == field


def test_what_the_page_allows_passes() -> None:
    Replicate().check({**ORDER, "webhook": "https://a.test", "webhook_events_filter": ["start", "completed"]})
    Replicate().check({**ORDER, "input": {}, "a_newer_field": True})


def shown_as_ordered(order: dict[str, Any], entry: dict[str, Any]) -> bool:
    listed = ListedVideo(read(STARTING), shown_fields(Answer(entry), Replicate.recovery.shown))
    return shows_order(listed, Replicate.recovery.expected_of(order))


@pytest.mark.parametrize(
    ("named", "entry", "is_shown"),
    [
        ({"model": "minimax/video-01"}, {}, True),
        ({"model": "minimax/video-01"}, {"version": VERSION}, True),
        ({"model": "minimax/video-02"}, {}, False),
        ({"version": VERSION}, {"version": VERSION}, True),
        ({"version": VERSION}, {"version": "f" * 64}, False),
        ({"version": f"minimax/video-01:{VERSION}"}, {"version": VERSION}, True),
        ({"version": f"minimax/video-02:{VERSION}"}, {"version": VERSION}, False),
        ({"version": "minimax/video-01"}, {}, True),
        ({"version": "minimax/video-02"}, {}, False),
        ({"model": "minimax/video-01"}, {"deployment": "me/clips"}, False),
        ({"model": "minimax/video-01"}, {"input": {}, "data_removed": True}, False),
        ({"deployment": "me/clips"}, {"deployment": "me/clips"}, True),
        ({"deployment": "me/clips"}, {}, False),
    ],
    ids=str,
)
def test_an_order_is_known_by_what_a_list_shows_of_it(
    named: dict[str, str], entry: dict[str, Any], is_shown: bool
) -> None:
    assert shown_as_ordered({**named, "input": STARTING["input"]}, {**STARTING, **entry}) is is_shown


def test_the_next_page_is_asked_for_at_the_connections_own_host() -> None:
    following = "https://elsewhere.test/v1/other?cursor=cD0yMDIz%3D&source=api"
    page, [first] = run(Replicate().list_page(None, 100), {"next": following, "results": [STARTING, 7]})
    assert (first.path, first.query) == ("/v1/predictions", {})
    assert [entry and entry.text("id") for entry in page.entries] == ["gm3qorzdhgbfurvjtvhg6dckhu", None]
    last, [second] = run(Replicate().list_page(page.cursor, 100), {"next": None, "results": []})
    assert (second.path, second.query) == ("/v1/predictions", {"cursor": "cD0yMDIz=", "source": "api"})
    assert last.cursor is None


@pytest.mark.parametrize(
    "body", [{}, {"results": None}, {"results": [], "next": "https://a.test/v1"}, {"results": [], "next": 7}], ids=str
)
def test_a_list_that_cant_be_read_to_its_end_is_no_list(body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(Replicate().list_page(None, 100), body)


def test_a_prediction_is_cancelled_and_the_key_is_tried_without_an_order() -> None:
    _, [cancel] = run(Replicate().cancel("p1"), STARTING)
    assert (cancel.method, cancel.path) == ("POST", "/v1/predictions/p1/cancel")
    _, [probe] = run(Replicate().probe(), {"type": "user", "username": "u", "name": "U", "github_url": None})
    assert (probe.method, probe.path) == ("GET", "/v1/account")


def test_no_file_gets_the_key() -> None:
    assert not Replicate().file_needs_key(URL)
