# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.download.http_get import DownloadRefusedError
from airflow_provider_videos.simulator import Fault, Simulator
from tests.download.fetching import ETAG, HALF, VIDEO, Memory, broken, connection, fetch, rest
from tests.download.odd_server import Answer, OddServer
from tests.wire import Script, Wire, answer, drip


def test_a_file_arrives_with_its_size_its_digest_and_its_kind(odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, length=len(VIDEO))]
    sink = Memory()
    done = fetch(odd.url, sink)
    assert sink.content == VIDEO
    assert (done.size, done.sha256) == (len(VIDEO), hashlib.sha256(VIDEO).hexdigest())
    assert done.kind.content_type == "video/mp4"
    assert sink.begun == [(done.kind, len(VIDEO))]


def test_a_file_in_chunks_may_have_no_length(odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, chunked=True)]
    sink = Memory()
    assert fetch(odd.url, sink).size == len(VIDEO)
    assert sink.begun[0][1] is None


def test_attempts_are_bounded(odd: OddServer) -> None:
    odd.answers = [broken()]
    with pytest.raises(DownloadRefusedError, match="given up after 3 attempts"):
        fetch(odd.url, Memory(), attempts=3)
    assert len(odd.asked) == 3


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_status_is_asked_again(status: int, odd: OddServer) -> None:
    odd.answers = [Answer(status=status, length=0), Answer(VIDEO, length=len(VIDEO))]
    assert fetch(odd.url, Memory()).size == len(VIDEO)


def test_a_passing_fault_is_logged_with_its_attempt(odd: OddServer, caplog: pytest.LogCaptureFixture) -> None:
    odd.answers = [Answer(status=503, length=0), Answer(VIDEO, length=len(VIDEO))]
    fetch(odd.url, Memory())
    host = odd.url.removeprefix("http://")
    assert f"Attempt 1 of 5: {host} answered 503. Next in 0 s." in caplog.text


def test_retry_after_is_obeyed(odd: OddServer) -> None:
    odd.answers = [Answer(status=429, headers={"Retry-After": "1"}, length=0), Answer(VIDEO, length=len(VIDEO))]
    began = time.monotonic()
    fetch(odd.url, Memory())
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("status", [400, 402, 405, 204, 304])
def test_any_other_status_ends_it(status: int, odd: OddServer) -> None:
    odd.answers = [Answer(status=status, length=0)]
    with pytest.raises(DownloadRefusedError, match=f"answered {status}"):
        fetch(odd.url, Memory())
    assert len(odd.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_url_is_renewed_once(status: int, odd: OddServer) -> None:
    asked = []

    def renew() -> str:
        asked.append(1)
        return f"{odd.url}/new"

    odd.answers = [Answer(status=status, length=0), Answer(VIDEO, length=len(VIDEO))]
    assert fetch(f"{odd.url}/old", Memory(), renew_url=renew).size == len(VIDEO)
    assert [request["path"] for request in odd.asked] == ["/old", "/new"]
    odd.answers = [Answer(status=status, length=0)]
    with pytest.raises(DownloadRefusedError, match=f"answered {status}"):
        fetch(f"{odd.url}/old", Memory(), renew_url=renew)
    assert len(asked) == 2


def test_a_url_that_expires_in_the_middle_is_renewed_and_gone_on_with(odd: OddServer) -> None:
    odd.answers = [broken(ETag=ETAG), Answer(status=403, length=0), rest(HALF, headers={"ETag": ETAG})]
    sink = Memory()
    fetch(f"{odd.url}/old", sink, renew_url=lambda: f"{odd.url}/new")
    assert sink.content == VIDEO
    assert odd.asked[2]["path"] == "/new"
    assert odd.asked[2]["range"] == f"bytes={HALF}-"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<!doctype html><title>Sorry</title>", "a page of HTML"),
        (b'{"error": "no"}', "JSON"),
        (b"", "an empty file"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 2000, "image/jpeg"),
    ],
    ids=["HTML", "JSON", "empty", "image"],
)
def test_what_is_no_video_is_refused_and_named(body: bytes, text: str, odd: OddServer) -> None:
    odd.answers = [Answer(body, length=len(body), headers={"Content-Type": "video/mp4"})]
    sink = Memory()
    with pytest.raises(DownloadRefusedError, match=text):
        fetch(odd.url, sink)
    assert sink.begun == []
    assert len(odd.asked) == 1


def test_a_body_whose_end_can_not_be_told_from_a_break_is_refused(odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO)]
    with pytest.raises(DownloadRefusedError, match="does not say how long"):
        fetch(odd.url, Memory())


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_above_the_limit_is_refused(chunked: bool, odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, length=None if chunked else len(VIDEO), chunked=chunked)]
    with pytest.raises(DownloadRefusedError, match=f"max_bytes allows {len(VIDEO) - 1}"):
        fetch(odd.url, Memory(), max_bytes=len(VIDEO) - 1)
    assert fetch(odd.url, Memory(), max_bytes=len(VIDEO)).size == len(VIDEO)


def test_the_connections_tls_settings_are_used() -> None:
    with Simulator(tls=True, queued=0, generating=0) as simulator:
        simulator.add_video("tavus", video_id="v")
        url = f"{simulator.url}/media/tavus/v.mp4"
        assert fetch(url, Memory(), connection=connection(ca_file=str(simulator.certificate))).size
        with pytest.raises(DownloadRefusedError, match="certificate is not trusted"):
            fetch(url, Memory())


def test_the_connections_proxy_is_used(odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, length=len(VIDEO))]
    fetch("http://videos.invalid/v.mp4", Memory(), connection=connection(proxy=odd.url))
    assert odd.asked[0]["path"] == "http://videos.invalid/v.mp4"


def test_the_environments_proxy_is_chosen_for_the_files_host(odd: OddServer, monkeypatch: pytest.MonkeyPatch) -> None:
    odd.answers = [Answer(VIDEO, length=len(VIDEO))]
    monkeypatch.setenv("HTTP_PROXY", odd.url)
    monkeypatch.setenv("http_proxy", odd.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    fetch("http://videos.invalid/v.mp4", Memory(), connection=connection(proxy=None))
    assert odd.asked[0]["path"] == "http://videos.invalid/v.mp4"
    fetch(f"{odd.url}/v.mp4", Memory(), connection=connection(base_url="http://api.invalid", proxy=odd.url))
    assert odd.asked[1]["path"] == "/v.mp4"


def test_no_key_no_netrc_and_no_cookie_is_sent(odd: OddServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    odd.answers = [
        Answer(status=302, headers={"Location": "/next", "Set-Cookie": "a=b"}, length=0),
        Answer(VIDEO, length=len(VIDEO)),
    ]
    fetch(odd.url, Memory(), connection=connection(base_url=odd.url))
    for request in odd.asked:
        assert {"authorization", "x-api-key", "cookie"} & set(request) == set()
        assert "key" not in str({name: value for name, value in request.items() if name != "connection"})


@pytest.fixture
def media(simulator: Simulator) -> Callable[[Fault], str]:
    """Give a function that orders a fault and gives a video's URL."""

    def order(fault: Fault) -> str:
        simulator.add_video("tavus", video_id="v", media_bytes=400_000)
        simulator.add_fault(fault)
        return f"{simulator.url}/media/tavus/v.mp4"

    return order


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset_before", times=2, target="media"),
        Fault("reset_during", times=2, target="media"),
        Fault("hang", times=1, target="media"),
        Fault("hang_during", times=1, target="media"),
        Fault("drip", times=1, seconds=0.05, target="media"),
        Fault("truncated", times=2, target="media"),
        Fault("status", times=2, status=503, retry_after="0", target="media"),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_passing_fault_is_survived(
    fault: Fault, media: Callable[[Fault], str], simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    url = media(fault)
    sink = Memory()
    done = fetch(url, sink, timeout=0.4)
    assert (done.size, done.sha256) == (400_000, hashlib.sha256(sink.content).hexdigest())
    assert sum(simulator.record.faults.values()) == fault.times
    # What such a fault sends of the file names no validator to go on with.
    began_a_file = {"reset_during", "hang_during", "drip", "truncated"}
    assert ("from its start" in caplog.text) == (fault.kind in began_a_file)


def test_a_url_with_a_token_is_not_told(odd: OddServer) -> None:
    odd.answers = [Answer(status=400, length=0)]
    with pytest.raises(DownloadRefusedError) as caught:
        fetch(f"{odd.url}/path?token=secret", Memory())
    assert "secret" not in str(caught.value)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(drip(answer("200 OK", f"X: {'x' * 99}"), 0.05), id="header"),
        pytest.param(drip(CHUNKED + b"2;" + b"x" * 99 + b"\r\n", 0.05, at_once=len(CHUNKED)), id="size of a chunk"),
        pytest.param(
            drip(CHUNKED + b"%x\r\n%s\r\n0\r\n" % (len(VIDEO), VIDEO) + b"X: x\r\n" * 50, 0.05, at_once=-290),
            id="trailers",
        ),
    ],
)
def test_a_drip_counts_as_a_broken_transfer(script: Script, wire: Wire) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadRefusedError, match=r"it took longer than 0\.4 seconds; given up after 2 attempts"):
        fetch(wire(script), Memory(), timeout=0.4, attempts=2)
    assert time.monotonic() - began < 3


def test_a_slow_sink_is_not_the_servers_fault(wire: Wire) -> None:
    class Slow(Memory):
        def write(self, chunk: bytes) -> None:
            time.sleep(0.1)
            super().write(chunk)

    sink = Slow()
    assert fetch(wire(answer(body=VIDEO * 200)), sink, timeout=0.3).size == len(VIDEO) * 200
    assert sink.content == VIDEO * 200
