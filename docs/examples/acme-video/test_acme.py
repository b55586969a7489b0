# SPDX-License-Identifier: Apache-2.0
"""Answers of Acme that were written down, read without a socket and without Airflow."""

import pytest
from acme_video.vendor import Acme

from airflow_provider_videos.http.driver import drive
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.errors import RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind


def answered(exchange, *bodies):
    """Return the result of an exchange and its calls."""
    calls, left = [], list(bodies)

    def send(call):
        calls.append(call)
        return Answer(left.pop(0))

    return drive(exchange, send), calls


def test_an_order_carries_its_key_and_needs_no_status():
    video, [call] = answered(Acme().submit({"prompt": "A cat."}, key="k"), {"data": {"id": "clip_1"}})
    assert (call.method, call.path, call.body) == ("POST", "/v1/clips", {"prompt": "A cat."})
    assert call.headers == {"Idempotency-Key": "k"}
    assert (video.video_id, video.state) == ("clip_1", "queued")


def test_a_ready_video_has_its_files():
    body = {"data": {"id": "clip_1", "status": "done", "files": ["https://cdn.acme.example/1.mp4"], "credits": 40}}
    video, _ = answered(Acme().fetch("clip_1"), body)
    assert (video.state, video.download_url, video.credits) == ("ready", "https://cdn.acme.example/1.mp4", 40)


@pytest.mark.parametrize("status", Acme.states)
def test_every_status_is_read(status):
    video, _ = answered(Acme().fetch("clip_1"), {"data": {"id": "clip_1", "status": status}})
    assert video.state is Acme.states[status]


@pytest.mark.parametrize("body", [{}, {"data": {"id": "clip_1"}}, {"data": {"status": "done"}}])
def test_what_is_no_video_is_said_to_be_none(body):
    with pytest.raises(UnreadableAnswerError):
        answered(Acme().fetch("clip_1"), body)


@pytest.mark.parametrize(
    ("code", "kind"), [("moderated", RefusalKind.FINAL), ("busy", RefusalKind.LIMIT), ("out_of_memory", None)]
)
def test_only_a_documented_refusal_is_certain(code, kind):
    refusal = Acme().refusal(Answer({"error": {"code": code}}))
    assert (refusal.kind if refusal else None) is kind


@pytest.mark.parametrize("request_", [{}, {"prompt": ""}, {"prompt": "A cat.", "seconds": 7}])
def test_what_the_page_forbids_is_refused(request_):
    with pytest.raises(RequestFieldError):
        Acme().check(request_)
