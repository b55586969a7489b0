# SPDX-License-Identifier: Apache-2.0
"""Exchanges of vendors that answer, or are written, in an unusual way, by both libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoAnswerError, VideoOrderLostError, VideoTransportError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, path_of
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.tavus import Tavus
from airflow_provider_videos.video import Video
from tests.vendor_kit import REQUESTS
from tests.wire import Wire, answer, then_reset

ORDER = REQUESTS["tavus"]


@pytest.fixture(params=["requests", "aiohttp"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give a function that calls a method of a hook by one of the libraries."""

    def call(hook: VideoHook, name: str, /, *arguments: Any, **options: Any) -> Any:
        if request.param == "requests":
            return getattr(hook, name)(*arguments, **options)
        return asyncio.run(getattr(hook, f"a{name}")(*arguments, **options))

    return call


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., VideoHook]:
    """Give a function that makes a hook for a vendor of the test's own, which answers at a URL."""

    def hook_of(vendor_class: type[Tavus], url: str, *, login: str = "") -> VideoHook:
        port = url.split(":")[2].partition("/")[0]
        monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", f"tavus://{login}:some-key@127.0.0.1:{port}/http?timeout=2")

        class OwnHook(VideoHook):
            vendor = vendor_class()

        return OwnHook()

    return hook_of


class NamesNoVideo(Tavus):
    """Takes any error for one about an unknown video."""

    def refusal(self, answer: Answer) -> Refusal | None:
        return Refusal(RefusalKind.UNKNOWN_VIDEO) if answer.status_code >= 400 else None


def test_an_unknown_video_does_not_say_that_an_order_was_not_accepted(
    call: Callable[..., Any], hook_of: Callable[..., VideoHook], wire: Wire
) -> None:
    with pytest.raises(VideoOrderLostError):
        call(hook_of(NamesNoVideo, wire(answer("500 Internal Server Error"))), "create_video", **ORDER)


class AnswersMalformedIds(Tavus):
    """Makes an id of an answer to an order."""

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        ordered = yield Call(method="POST", path="/orders", body=request)
        return self.video(path_of(ordered.text("id") or ""), "queued")


def test_a_malformed_id_in_the_answer_to_an_order_is_a_lost_order(
    call: Callable[..., Any], hook_of: Callable[..., VideoHook], wire: Wire
) -> None:
    with pytest.raises(VideoOrderLostError, match="is no id of this vendor's"):
        call(hook_of(AnswersMalformedIds, wire(answer(body=b'{"id": ".."}'))), "create_video", **ORDER)


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"HTTP/1.1 200", VideoTransportError), (answer(body=b'{"status": "queued"}'), VideoAnswerError)],
    ids=["no answer", "no id"],
)
def test_a_lost_order_has_what_happened_as_its_cause(
    content: bytes, cause: type[Exception], call: Callable[..., Any], hook_of: Callable[..., VideoHook], wire: Wire
) -> None:
    with pytest.raises(VideoOrderLostError) as lost:
        call(hook_of(Tavus, wire(then_reset(content))), "create_video", **ORDER)
    assert isinstance(lost.value.__cause__, cause)


class OverridesAHeader(Tavus):
    """Asks with another version for a video than for anything else."""

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {**super().headers(credentials), "X-Version": "1"}

    def fetch(self, video_id: str) -> Exchange[Video]:
        answer = yield Call(path="/videos", headers={"X-Version": "2"})
        return self.video(video_id, answer.word("status"))


def test_a_header_of_a_call_comes_before_the_one_of_any_call(
    call: Callable[..., Any], hook_of: Callable[..., VideoHook], wire: Wire
) -> None:
    call(hook_of(OverridesAHeader, wire(answer(body=b'{"status": "queued"}'))), "get_video", "v1")
    assert b"X-Version: 2" in wire.received
    assert b"X-Version: 1" not in wire.received
    assert b"x-api-key: some-key" in wire.received


def test_a_key_that_is_new_does_not_go_to_the_host_from_before(
    hook_of: Callable[..., VideoHook], wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = wire(answer("401 Unauthorized"))
    hook = hook_of(Tavus, before)
    session = hook.get_conn()
    after = wire(answer(body=b'{"status": "queued"}')).replace("http://", "").partition("/")[0]
    monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", f"tavus://:new-secret@{after}/http")
    asyncio.run(hook.aget_video("v1"))
    assert b"new-secret" in wire.received
    session.get(before)
    assert b"new-secret" not in wire.received
    assert hook.get_conn() is not session


def test_a_page_of_html_with_a_redirect_advises_on_the_redirect(hook_of: Callable[..., VideoHook], wire: Wire) -> None:
    page = b"<html><head><title>301 Moved Permanently</title></head></html>"
    redirect = answer("301 Moved Permanently", "Location: https://127.0.0.1/", body=page)
    is_good, text = hook_of(Tavus, wire(redirect)).test_connection()
    assert not is_good
    assert "set the connection's host to the final address" in text
