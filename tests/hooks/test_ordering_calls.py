# SPDX-License-Identifier: Apache-2.0
"""Ordering, listing, renaming and deleting, by both transports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoRequestError,
    VideoTransportError,
    VideoUnavailableError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Fault, Proxy, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from tests.vendor_kit import REQUESTS, Connect


@pytest.fixture(params=["requests", "aiohttp"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give a function that calls a method of a hook by one of the transports."""

    def call(hook: VideoHook, name: str, /, *arguments: Any, **options: Any) -> Any:
        if request.param == "requests":
            return getattr(hook, name)(*arguments, **options)
        return asyncio.run(getattr(hook, f"a{name}")(*arguments, **options))

    return call


@pytest.fixture(params=["requests", "aiohttp"])
def call_list(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give a function that puts the videos that a hook lists by one of the transports into a list."""

    def call_list(hook: VideoHook, listed: list[Any], *, limit: int) -> None:
        async def alist() -> None:
            async for video in hook.alist_videos(limit=limit):
                listed.append(video)

        if request.param == "aiohttp":
            asyncio.run(alist())
        else:
            for video in hook.list_videos(limit=limit):
                listed.append(video)

    return call_list


def test_an_order_gives_the_video(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.generating = 60
    hook = VideoHook.get_hook(connect(vendor))
    video = call(hook, "create_video", **REQUESTS[vendor])
    assert video.vendor == vendor
    assert not video.state.is_terminal
    assert hook.get_video(video.video_id).video_id == video.video_id


def test_a_field_that_is_none_is_left_out(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    optional = {"tavus": "fast", "together": "seed"}[vendor]
    call(VideoHook.get_hook(connect(vendor)), "create_video", **REQUESTS[vendor], **{optional: None})
    assert simulator.record.created == {vendor: 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("accept_then_reset", times=1),
        Fault("accept_then_hang", times=1),
        Fault("accept_then_status", times=1, status=503),
        Fault("status", times=1, status=500),
        Fault("status", times=1, status=408),
        Fault("html", times=1, status=200),
        Fault("json", times=1, body="{}"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status or ''}",
)
def test_an_order_is_sent_once_and_an_unclear_answer_is_an_error_of_its_own(
    fault: Fault, call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    hook = VideoHook.get_hook(connect(vendor, query="timeout=0.4"))
    simulator.add_fault(fault)
    with pytest.raises(VideoOrderLostError, match="may have accepted the order"):
        call(hook, "create_video", **REQUESTS[vendor])
    assert simulator.record.requests == {f"{vendor} create": 1}


def test_what_certainly_was_not_received_is_told_apart(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=429, retry_after="7", times=1))
    with pytest.raises(VideoUnavailableError) as refused:
        call(VideoHook.get_hook(connect(vendor)), "create_video", **REQUESTS[vendor])
    assert refused.value.retry_after == 7
    with pytest.raises(VideoTransportError) as unreachable:
        call(VideoHook.get_hook(connect(vendor, address="127.0.0.1:1/http")), "create_video", **REQUESTS[vendor])
    assert not unreachable.value.maybe_received


@pytest.fixture(params=["forwarded", "CONNECT"])
def proxied(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Simulator, Callable[..., VideoHook]]]:
    """Run the test with a proxy that forwards plain HTTP, and with one that tunnels TLS."""
    is_tls = request.param == "CONNECT"
    with Simulator(key="k", tls=is_tls) as simulator:

        def hook(proxy: str) -> VideoHook:
            query = {"proxy": proxy, "timeout": "2"} | ({"verify": str(simulator.certificate)} if is_tls else {})
            scheme = "https" if is_tls else "http"
            uri = f"tavus://:k@127.0.0.1:{simulator.port}/{scheme}?{urlencode(query)}"
            monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", uri)
            return VideoHook.get_hook("tavus_default")

        yield simulator, hook


@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_hang", "reset_before", "reset_during"])
def test_behind_a_proxy_an_answer_that_is_lost_is_a_lost_order(
    kind: Any, call: Callable[..., Any], proxied: tuple[Simulator, Callable[..., VideoHook]]
) -> None:
    simulator, hook = proxied
    simulator.add_fault(Fault(kind, times=1))
    with Proxy() as proxy, pytest.raises(VideoOrderLostError):
        call(hook(proxy.url), "create_video", **REQUESTS["tavus"])
    assert simulator.record.requests == {"tavus create": 1}


@pytest.mark.parametrize("proxied", ["CONNECT"], indirect=True)
@pytest.mark.parametrize("status", [403, 407, 502, 504])
def test_a_tunnel_that_the_proxy_refuses_has_carried_no_order(
    status: int, call: Callable[..., Any], proxied: tuple[Simulator, Callable[..., VideoHook]]
) -> None:
    simulator, hook = proxied
    with Proxy(refuse_with=status) as proxy, pytest.raises(VideoTransportError, match="the proxy refused") as refused:
        call(hook(proxy.url), "create_video", **REQUESTS["tavus"])
    assert not refused.value.maybe_received
    assert simulator.record.requests == {}


def test_a_proxy_that_cant_be_reached_has_carried_no_order(
    call: Callable[..., Any], proxied: tuple[Simulator, Callable[..., VideoHook]]
) -> None:
    _, hook = proxied
    with pytest.raises(VideoTransportError, match="the proxy refused") as unreachable:
        call(hook("http://127.0.0.1:1"), "create_video", **REQUESTS["tavus"])
    assert not unreachable.value.maybe_received


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 429, 451])
def test_a_refusal_is_no_lost_order(
    status: int, call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=status))
    with pytest.raises(VideoApiError) as refused:
        call(VideoHook.get_hook(connect(vendor)), "create_video", **REQUESTS[vendor])
    assert refused.value.status_code == status


@pytest.mark.parametrize("status", [202, 301, 302, 307, 308, 399, 406, 407, 409, 418, 423, 424, 425, 428, 499, 599])
def test_an_answer_that_is_no_certain_refusal_is_a_lost_order(
    status: int, call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("accept_then_status", status=status))
    with pytest.raises(VideoOrderLostError, match="may have accepted the order"):
        call(VideoHook.get_hook(connect(vendor)), "create_video", **REQUESTS[vendor])
    assert simulator.record.created == {vendor: 1}


def test_a_forbidden_request_is_refused_before_it_is_sent(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    with pytest.raises(VideoRequestError):
        call(VideoHook.get_hook(connect(vendor)), "create_video", callback_url="https://example.com")
    assert simulator.record.requests == {}


@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_every_video_is_listed_once_whatever_number_the_first_page_has(
    page_base: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(key="k", page_base=page_base) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", f"tavus://:k@127.0.0.1:{simulator.port}/http")
        video_ids = {simulator.add_video("tavus") for _ in range(5)}
        hook = VideoHook.get_hook("tavus_default")
        listed = [video.video_id for video in hook.list_videos(limit=limit)]

        async def alisted() -> list[str]:
            return [video.video_id async for video in hook.alist_videos(limit=limit)]

        assert asyncio.run(alisted()) == listed
    assert len(listed) == 5
    assert set(listed) == video_ids


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault("list_cut"), "it ended after 2 of 7 videos"),
        (Fault("list_bad_entry", times=1), "an entry of it can't be read"),
        (
            Fault("json", endpoint="list", after=2, body='{"data": [], "total_count": 7}'),
            "it ended after 6 of 7",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_list_that_may_lack_videos_says_so_after_those_that_it_has(
    fault: Fault, problem: str, call_list: Callable[..., list[Any]], simulator: Simulator, connect: Connect
) -> None:
    for _ in range(7):
        simulator.add_video("tavus")
    simulator.add_fault(fault)
    listed: list[Any] = []
    with pytest.raises(VideoAnswerError, match=f"incomplete: {problem}"):
        call_list(VideoHook.get_hook(connect("tavus")), listed, limit=3)
    assert len(listed) in {2, 6}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("list_total_of_page"),
        Fault("status", status=404, endpoint="list", after=3),
        Fault("status", status=400, endpoint="list", times=1),
        Fault("status", status=422, endpoint="list", times=4),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status or ''}",
)
def test_a_list_is_read_to_its_end_however_the_vendor_says_where_that_is(
    fault: Fault, call_list: Callable[..., list[Any]], simulator: Simulator, connect: Connect
) -> None:
    video_ids = {simulator.add_video("tavus") for _ in range(7)}
    simulator.add_fault(fault)
    listed: list[Any] = []
    call_list(VideoHook.get_hook(connect("tavus")), listed, limit=60 if fault.status in {400, 422} else 3)
    assert {video.video_id for video in listed} == video_ids


def test_no_videos_are_an_empty_list(simulator: Simulator, connect: Connect) -> None:
    assert list(VideoHook.get_hook(connect("tavus")).list_videos()) == []


def test_a_video_is_renamed_and_deleted(call: Callable[..., Any], simulator: Simulator, connect: Connect) -> None:
    video_id, hook = simulator.add_video("tavus"), VideoHook.get_hook(connect("tavus"))
    call(hook, "rename_video", video_id, "Greeting")
    assert hook.get_video(video_id).name == "Greeting"
    call(hook, "delete_video", {"video_id": video_id, "vendor": "tavus"})
    assert hook.get_video(video_id).state == "deleted"
    call(hook, "delete_video", video_id, hard=True)
    with pytest.raises(VideoApiError):
        hook.get_video(video_id)


def test_together_says_what_it_has_no_call_for(
    call: Callable[..., Any], simulator: Simulator, connect: Connect
) -> None:
    hook = VideoHook.get_hook(connect("together"))
    with pytest.raises(VideoUnsupportedError, match="Together AI has no call to delete a video"):
        call(hook, "delete_video", "v1")
    with pytest.raises(VideoUnsupportedError, match="rename"):
        call(hook, "rename_video", "v1", "Greeting")
    with pytest.raises(VideoUnsupportedError, match="list"):
        hook.list_videos()
    assert simulator.record.requests == {}


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_order_is_told_about_the_request(
    status: int, call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=status, body='{"error": "Invalid size"}'))
    with pytest.raises(VideoOrderRefusedError, match=r"Nothing was ordered\. Correct the fields of the request"):
        call(VideoHook.get_hook(connect(vendor)), "create_video", **REQUESTS[vendor])


def test_a_limit_of_the_account_that_passes_is_no_refusal_for_good(
    call: Callable[..., Any], simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=400, body='{"message": "User has reached maximum concurrent videos"}'))
    with pytest.raises(VideoUnavailableError, match=r"maximum concurrent videos\.$"):
        call(VideoHook.get_hook(connect("tavus")), "create_video", **REQUESTS["tavus"])


def test_an_answer_with_an_id_alone_is_an_order(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("merge", body='{"status": null}', times=1))
    hook = VideoHook.get_hook(connect(vendor))
    video = call(hook, "create_video", **REQUESTS[vendor])
    assert (video.state, video.status) == ("unknown", "unknown")
    assert hook.get_video(video.video_id).video_id == video.video_id


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("get_video", ["v1"], "for video 'v1'"),
        ("delete_video", ["v1"], "for deleting video 'v1'"),
        ("rename_video", ["v1", "Greeting"], "for renaming video 'v1'"),
    ],
)
def test_an_error_says_which_call_failed(
    name: str, arguments: list[str], words: str, call: Callable[..., Any], simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=400))
    with pytest.raises(VideoApiError, match=words) as refused:
        call(VideoHook.get_hook(connect("tavus")), name, *arguments)
    assert refused.value.call == name.removesuffix("_video")


def test_a_list_that_is_refused_is_not_about_a_video(simulator: Simulator, connect: Connect) -> None:
    simulator.add_fault(Fault("status", status=404))
    hook = VideoHook.get_hook(connect("tavus"))
    with pytest.raises(VideoApiError, match=r"to a list of videos.*Check the host of the connection"):
        list(hook.list_videos())
    assert "Check the host of the connection" in hook.test_connection()[1]


def test_a_field_that_python_takes_for_its_own_is_refused_by_name(
    call: Callable[..., Any], vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    hook = VideoHook.get_hook(connect(vendor))
    with pytest.raises(VideoRequestError, match="'self'"):
        call(hook, "create_video", **REQUESTS[vendor], **{"self": "x"})
    assert simulator.record.requests == {}
