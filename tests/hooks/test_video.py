# SPDX-License-Identifier: Apache-2.0
"""What both hooks do over both libraries when the vendor, the network or the connection is sane, odd or hostile."""

from __future__ import annotations

import asyncio
import gc
import http.server
import json
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoTlsError,
    VideoTransportError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Fault, Simulator, retry_after_date
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.vendors.together import Together
from airflow_provider_videos.video import Video, VideoState
from tests.conftest import API_KEY
from tests.vendor_kit import Connect

Look = Callable[[str, Any], Video]
NAMES = {"tavus": "Tavus", "together": "Together AI"}
HOOKS: dict[str, type[VideoHook]] = {"tavus": TavusHook, "together": TogetherHook}
PROXY_PASSWORD = "proxy-password"


def look_by_requests(conn_id: str, video_id: Any) -> Video:
    hook = VideoHook.get_hook(conn_id)
    with hook.get_conn():
        return hook.get_video(video_id)


def look_by_aiohttp(conn_id: str, video_id: Any) -> Video:
    async def look() -> Video:
        async with await VideoHook.aget_hook(conn_id) as hook:
            return await hook.aget_video(video_id)

    return asyncio.run(look())


LOOKS = {"requests": look_by_requests, "aiohttp": look_by_aiohttp}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> Look:
    """Run the test with each library: look at a video through a hook of its own."""
    return LOOKS[request.param]


class Server(http.server.ThreadingHTTPServer):
    """Any other server: keeps what it is asked, and answers what it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b'{"status": "queued"}'
        self.extra_headers: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.server.requests.append((self.command, self.path))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(self.server.status)
        for name, value in self.server.extra_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_CONNECT = answer  # ruff: ignore[mixed-case-variable-in-class-scope] - http.server looks for these names

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """Run another server than the simulator."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def secure_simulator() -> Iterator[Simulator]:
    """Run a simulator that speaks TLS with a certificate of its own."""
    with Simulator(key=API_KEY, queued=0, generating=0, tls=True) as running:
        yield running


def failure_of(look: Look, conn_id: str, video_id: Any = "v1") -> VideoError:
    """Look, which must fail; the key must be nowhere in the failure."""
    with pytest.raises(VideoError) as failure:
        look(conn_id, video_id)
    error = failure.value
    texts = [str(error), repr(error), repr(vars(error)), json.dumps(error.to_dict(), allow_nan=False)]
    texts += traceback.format_exception(error)
    for text in texts:
        assert API_KEY not in text
        assert PROXY_PASSWORD not in text
    return error


def as_no_answer(vendor: VendorName, address: str, reason: str, *, maybe_received: bool = True) -> dict[str, Any]:
    kind = VideoTlsError if "certificate" in reason else VideoTransportError
    return kind(
        vendor=NAMES[vendor],
        conn_id=f"{vendor}_default",
        video_id="v1",
        host=address,
        reason=reason,
        maybe_received=maybe_received,
    ).to_dict()


BROKEN = "the connection was closed early, or what came is not an HTTP answer"
LATE = "it took longer than 0.5 seconds"


@pytest.mark.parametrize(
    ("kind", "seconds", "reason"),
    [
        ("reset_before", 1, BROKEN),
        ("reset_during", 1, BROKEN),
        ("truncated", 1, BROKEN),
        ("hang", 1, LATE),
        ("latency", 1, LATE),
        ("drip", 0.01, LATE),
    ],
)
def test_an_answer_that_does_not_arrive(
    look: Look, kind: Any, seconds: float, reason: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_video("tavus", video_id="v1")
    simulator.add_fault(Fault(kind, seconds=seconds))
    began = time.monotonic()
    error = failure_of(look, connect("tavus", query="timeout=0.5"))
    # Without an end of its own it would take minutes, or for ever.
    assert time.monotonic() - began < 5
    assert error.to_dict() == as_no_answer("tavus", f"127.0.0.1:{simulator.port}", reason)
    assert str(error) == (
        f"No answer from Tavus at 127.0.0.1:{simulator.port} for video 'v1' (connection 'tavus_default'): {reason}."
    )


def test_a_refused_port(look: Look, vendor: VendorName, unused_port: int, connect: Connect) -> None:
    error = failure_of(look, connect(vendor, address=f"127.0.0.1:{unused_port}/http"))
    reason = "the connection was refused"
    assert error.to_dict() == as_no_answer(vendor, f"127.0.0.1:{unused_port}", reason, maybe_received=False)


def test_an_unknown_host(look: Look, vendor: VendorName, connect: Connect) -> None:
    error = failure_of(look, connect(vendor, address="nobody.invalid/http"))
    reason = "the host name is not known"
    assert error.to_dict() == as_no_answer(vendor, "nobody.invalid", reason, maybe_received=False)


def test_tls_to_a_server_that_speaks_none(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect(vendor, address=f"127.0.0.1:{simulator.port}/https", query="timeout=2")
    one, other = [failure_of(look, conn_id).to_dict() for look in LOOKS.values()]
    assert one == other
    assert one["type"] == "VideoTlsError"
    assert "http:// before the host" in one["reason"]


def test_a_certificate_that_nobody_signed_is_refused(
    look: Look, vendor: VendorName, secure_simulator: Simulator, connect: Connect
) -> None:
    address = f"127.0.0.1:{secure_simulator.port}"
    error = failure_of(look, connect(vendor, address=address))
    reason = "its TLS certificate is not trusted (self-signed certificate)"
    assert error.to_dict() == as_no_answer(vendor, address, reason, maybe_received=False)
    assert secure_simulator.record.requests == {}


@pytest.mark.parametrize("verify", ["false", "the certificate"])
def test_a_certificate_can_be_accepted(
    look: Look, vendor: VendorName, verify: str, secure_simulator: Simulator, connect: Connect
) -> None:
    video_id = secure_simulator.add_video(vendor)
    value = "false" if verify == "false" else quote(str(secure_simulator.certificate), safe="")
    conn_id = connect(vendor, address=f"127.0.0.1:{secure_simulator.port}", query=f"verify={value}")
    assert look(conn_id, video_id).is_usable


def test_a_proxy_that_nobody_runs(
    look: Look, vendor: VendorName, unused_port: int, simulator: Simulator, connect: Connect
) -> None:
    proxy = quote(f"http://user:{PROXY_PASSWORD}@127.0.0.1:{unused_port}", safe="")
    error = failure_of(look, connect(vendor, query=f"proxy={proxy}"))
    reason = "the proxy refused or failed"
    assert error.to_dict() == as_no_answer(vendor, f"127.0.0.1:{simulator.port}", reason, maybe_received=False)
    assert simulator.record.requests == {}


def test_a_proxy_that_refuses_a_tunnel(
    look: Look, vendor: VendorName, server: Server, secure_simulator: Simulator, connect: Connect
) -> None:
    server.status = 407
    address = f"127.0.0.1:{secure_simulator.port}"
    proxy = quote(f"http://user:{PROXY_PASSWORD}@{server.address}", safe="")
    error = failure_of(look, connect(vendor, address=address, query=f"proxy={proxy}&verify=false"))
    reason = "the proxy refused or failed"
    assert error.to_dict() == as_no_answer(vendor, address, reason, maybe_received=False)
    assert server.requests[0] == ("CONNECT", address)
    assert API_KEY not in repr(server.headers)
    assert server.headers[0]["proxy-authorization"].startswith("Basic ")


def test_a_proxy_that_refuses_a_plain_request(
    look: Look, server: Server, simulator: Simulator, connect: Connect
) -> None:
    server.status = 407
    error = failure_of(look, connect("tavus", query=f"proxy={quote(f'http://{server.address}', safe='')}"))
    assert isinstance(error, VideoApiError)
    assert error.status_code == 407
    assert server.requests == [("GET", f"{simulator.url}/v2/videos/v1?verbose=true")]
    assert simulator.record.requests == {}


def test_a_proxy_of_the_environment_without_a_scheme(
    look: Look, server: Server, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    assert look(connect("tavus"), "v1").state is VideoState.QUEUED
    assert server.requests == [("GET", f"{simulator.url}/v2/videos/v1?verbose=true")]


GARBAGE: list[Any] = [
    pytest.param(Fault("html"), "it is not JSON but 'Proxy'", id="html"),
    pytest.param(Fault("empty"), "it is not JSON but 'nothing'", id="empty"),
    pytest.param(Fault("not_utf8"), "it is not UTF-8", id="not UTF-8"),
    pytest.param(Fault("huge"), "it is larger than 1 MB", id="huge"),
    pytest.param(Fault("json", body="[" * 100_000), f"it is not JSON but {'[' * 500 + '…'!r}", id="100,000 lists"),
    pytest.param(Fault("json", body="{"), "it is not JSON but '{'", id="half an object"),
    *[
        pytest.param(Fault("json", body=body), f"it is a JSON {kind}, no object", id=body)
        for body, kind in [("[]", "list"), ("5", "int"), ("null", "NoneType"), ('"ready"', "str"), ("true", "bool")]
    ],
    *[
        pytest.param(Fault("json", body=body), "it has no status", id=body)
        for body in (
            "{}",
            '{"status": null}',
            '{"status": 5}',
            '{"status": true}',
            '{"status": ["ready"]}',
            '{"status": {"status": "ready"}}',
            '{"status": ""}',
            '{"status": "  "}',
            '{"data": {"status": "ready"}}',
        )
    ],
]


@pytest.mark.parametrize(("fault", "problem"), GARBAGE)
def test_an_answer_that_is_no_video(
    look: Look, fault: Fault, problem: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(fault)
    error = failure_of(look, connect("tavus"))
    assert isinstance(error, VideoAnswerError)
    assert error.problem == problem
    assert str(error) == (
        f"The answer of Tavus for video 'v1' (connection 'tavus_default') is not a video record: {problem}."
    )


def test_a_huge_answer_takes_little_memory(look: Look, simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    simulator.add_fault(Fault("huge"))
    tracemalloc.start()
    try:
        failure_of(look, conn_id)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 15_000_000


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ready", VideoState.READY),
        ("READY", VideoState.READY),
        (" Ready\n", VideoState.READY),
        ("pondering", VideoState.UNKNOWN),
        ("completed", VideoState.UNKNOWN),
    ],
)
def test_a_status_is_read_whatever_its_case_and_blanks(
    look: Look, status: str, state: VideoState, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("json", body=json.dumps({"status": status})))
    video = look(connect("tavus"), "v1")
    assert (video.state, video.status, video.video_id) == (state, status.strip(), "v1")


SIDE_FIELDS = {
    "tavus": ("video_name", "data", "download_url", "hosted_url", "generation_progress", "created_at", "replica_id"),
    "together": ("model", "seconds", "size", "outputs", "error", "created_at", "completed_at", "info", "inputs"),
}


@pytest.mark.parametrize(
    "nonsense",
    ["NaN", "1e400", "-1", "[[[]]]", "[" * 400 + "]" * 400, "9" * 4000, '{"a": "b"}', "true", '"\\ud800"', '"\\u0000"'],
    ids=lambda nonsense: nonsense[:8],
)
def test_nonsense_beside_the_status_does_not_lose_the_video(
    look: Look, vendor: VendorName, nonsense: str, simulator: Simulator, connect: Connect
) -> None:
    fields = [f'"{name}": {nonsense}' for name in SIDE_FIELDS[vendor]]
    simulator.add_fault(Fault("json", body=f'{{"status": "queued", {", ".join(fields)}}}'))
    record = look(connect(vendor), "v1").to_dict()
    assert record["state"] == "queued"
    stored = json.dumps(record, allow_nan=False, ensure_ascii=False)
    assert stored.encode()
    assert "\\u0000" not in stored


STATUS_CODES: list[tuple[int, type[VideoApiError]]] = [
    *[(code, VideoUnavailableError) for code in (408, 425, 429, 500, 502, 503, 504, 529)],
    *[(code, VideoAuthError) for code in (401, 403)],
    *[(code, VideoApiError) for code in (400, 402, 404, 405, 407, 409, 410, 418, 422, 451)],
]


def test_the_answer_about_another_video_is_not_taken(
    look: Look, vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    key = {"tavus": "video_id", "together": "id"}[vendor]
    simulator.add_fault(Fault("merge", body=json.dumps({key: "another-1"}), times=1))
    error = failure_of(look, connect(vendor), video_id)
    assert isinstance(error, VideoAnswerError)
    assert error.is_transient
    assert "it is about another video, 'another-1'" in str(error)
    assert look(connect(vendor), video_id).video_id == video_id


@pytest.mark.parametrize(("code", "kind"), STATUS_CODES)
def test_a_status_code_chooses_the_exception(
    look: Look, code: int, kind: type[VideoApiError], simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=code, body='{"error": {"message": "Because"}}'))
    error = failure_of(look, connect("tavus"))
    assert type(error) is kind
    assert error.to_dict() == {
        "type": kind.__name__,
        "vendor": "Tavus",
        "conn_id": "tavus_default",
        "video_id": "v1",
        "status_code": code,
        "message": "Because",
        "retry_after": None,
        "call": "get",
        "refusal": "key" if kind is VideoAuthError else None,
    }
    assert str(error).startswith(f"Tavus answered {code} for video 'v1' (connection 'tavus_default'): Because.")
    assert simulator.record.answers == {code: 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": "Invalid video_id"}', "Invalid video_id"),
        ('{"message": "Slow down"}', "Slow down"),
        ("<!doctype html><title>Bad Gateway</title>", "Bad Gateway"),
        ("upstream error", "upstream error"),
        ("", "Internal Server Error"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("[" * 100_000, "[" * 500 + "…"),
    ],
    ids=["error", "message", "HTML", "text", "nothing", "no UTF-8", "100,000 lists"],
)
def test_the_vendors_own_message_is_passed_on(
    look: Look, body: str | bytes, message: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", body=body))
    error = failure_of(look, connect("tavus"))
    assert isinstance(error, VideoUnavailableError)
    assert error.message == message


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (lambda: "7", 7.0),
        (lambda: retry_after_date(100), pytest.approx(100, abs=60)),
        (lambda: retry_after_date(-100), 0.0),
        (lambda: "soon", None),
        (lambda: "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
    ids=["seconds", "date", "past date", "word", "endless year"],
)
def test_retry_after_is_passed_on(
    look: Look, retry_after: Callable[[], str], seconds: Any, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=429, retry_after=retry_after()))
    error = failure_of(look, connect("together"))
    assert isinstance(error, VideoUnavailableError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    look: Look, code: int, server: Server, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("redirect", status=code, location=f"http://{server.address}/v2/videos/v1"))
    error = failure_of(look, connect("together"))
    assert type(error) is VideoApiError
    assert error.status_code == code
    assert "not followed" in str(error)
    assert server.requests == []


IDS = [
    "../personas",
    "../../v1/x",
    "a/b",
    "a?b=c",
    "a#b",
    "a b",
    "a%2Fb",
    "%2e%2e",
    "%",
    "a;b",
    "žluť-🎬",
    "a\nb",
    "...",
]


@pytest.mark.parametrize("video_id", IDS)
def test_an_id_is_one_segment_of_the_path_whatever_it_holds(
    look: Look, video_id: str, server: Server, connect: Connect
) -> None:
    assert look(connect("tavus", address=f"{server.address}/http"), video_id).video_id == video_id
    assert server.requests == [("GET", f"/v2/videos/{quote(video_id, safe='')}?verbose=true")]


@pytest.mark.parametrize("prefix", ["gateway", "a/b/", "é", "a%20b"])
def test_a_path_of_the_host_comes_first(look: Look, prefix: str, server: Server, connect: Connect) -> None:
    host = quote(f"http://{server.address}/{prefix}", safe="")
    look(connect("tavus", address=host), "v1")
    assert server.requests == [("GET", f"/{quote(prefix.rstrip('/'), safe='/%')}/v2/videos/v1?verbose=true")]


@pytest.mark.parametrize(
    "video_id",
    [
        "",
        " ",
        ".",
        "..",
        "None",
        "x" * 10_000,
        "\ud800",
        None,
        5.5,
        {},
        {"video_id": None},
        {"video_id": "v", "vendor": 5},
    ],
    ids=lambda video_id: repr(video_id)[:30],
)
def test_what_is_no_id_is_refused_before_any_request(
    look: Look, video_id: Any, simulator: Simulator, connect: Connect
) -> None:
    assert isinstance(failure_of(look, connect("together"), video_id), VideoIdError)
    assert simulator.record.requests == {}


@pytest.mark.parametrize(
    ("key", "query", "field"),
    [
        ("", "", "password"),
        ("with\nbreak", "", "password"),
        ("kľúč", "", "password"),
        (API_KEY, "timeout=soon", "extra.timeout"),
        (API_KEY, "verify=maybe", "extra.verify"),
        (API_KEY, f"verify={quote(__file__, safe='')}", "extra.verify"),
        (API_KEY, f"proxy={quote('socks5://proxy.test', safe='')}", "extra.proxy"),
    ],
)
def test_a_connection_that_can_not_be_used_is_refused_before_any_request(
    look: Look, key: str, query: str, field: str, simulator: Simulator, connect: Connect
) -> None:
    error = failure_of(look, connect("tavus", key=key, query=query))
    assert isinstance(error, VideoConnectionError)
    assert (error.conn_id, error.field) == ("tavus_default", field)
    assert simulator.record.requests == {}


@pytest.mark.parametrize(
    "uri", [f"tavus://:{API_KEY}/x@h.test", f"tavus://:k@h.test:{API_KEY}", f"tavus://:{API_KEY}@[h"]
)
def test_a_uri_that_can_not_be_read_names_the_connection_only(
    look: Look, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TAVUS_DEFAULT", uri)
    error = failure_of(look, "tavus_default")
    assert isinstance(error, VideoConnectionError)
    assert error.conn_id == "tavus_default"


def test_a_netrc_does_not_replace_the_key(
    look: Look,
    vendor: VendorName,
    server: Server,
    connect: Connect,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("default login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    look(connect(vendor, address=f"{server.address}/http"), "v1")
    expected = {"x-api-key": API_KEY} if vendor == "tavus" else {"authorization": f"Bearer {API_KEY}"}
    sent = {name: value for name, value in server.headers[0].items() if name in {"x-api-key", "authorization"}}
    assert sent == expected


ECHOES = {
    "at once": f"Invalid key {API_KEY}",
    "in a link": f"https://help.test/?key={API_KEY}&x",
    "at the cut": "x" * 490 + f" {API_KEY} is wrong",
}


@pytest.mark.parametrize("place", ECHOES)
@pytest.mark.parametrize("form", ["json", "text", "html", "no JSON"])
def test_a_key_that_the_vendor_echoes_is_not_passed_on(
    look: Look, place: str, form: str, simulator: Simulator, connect: Connect
) -> None:
    echo = ECHOES[place]
    bodies = {"json": json.dumps({"error": {"message": echo}}), "html": f"<html><title>{echo}</title></html>"}
    body = bodies.get(form, echo)
    simulator.add_fault(Fault("json", body=body) if form == "no JSON" else Fault("status", status=400, body=body))
    error = failure_of(look, connect("tavus"))
    assert API_KEY[:6] not in str(error)


def test_a_key_that_the_vendor_echoes_in_a_video_is_not_passed_on(
    look: Look, simulator: Simulator, connect: Connect
) -> None:
    reason = f"The key {API_KEY} has no credit."
    video_id = simulator.add_video("tavus", outcome="failed", status_details=reason)
    record = look(connect("tavus"), video_id).to_dict()
    assert API_KEY not in json.dumps(record)
    assert API_KEY not in str(VideoFailedError(video=record))


def test_the_key_is_in_the_repr_of_nothing(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video(vendor)
    hook = VideoHook.get_hook(connect(vendor))
    video = hook.get_video(video_id)

    async def look() -> str:
        async with hook:
            return repr(vars(hook))

    things = [hook, vars(hook), hook.get_conn(), video, video.to_dict(), vars(video), asyncio.run(look())]
    for thing in things:
        assert API_KEY not in repr(thing)
        assert API_KEY not in str(thing)


def test_a_session_drops_the_key_after_a_redirect_to_another_host(
    vendor: VendorName, server: Server, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("redirect", location=f"http://{server.address}/elsewhere"))
    with VideoHook.get_hook(connect(vendor)).get_conn() as session:
        response = session.get(f"{simulator.url}/v2/videos/v1", timeout=5)
    assert response.url == f"http://{server.address}/elsewhere"
    [headers] = server.headers
    assert API_KEY not in repr(headers)
    assert not {"x-api-key", "authorization"} & set(headers)


def test_a_session_keeps_the_key_after_a_redirect_within_the_host(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    simulator.add_fault(Fault("redirect", times=1, location=f"/v2/videos/{video_id}"))
    with VideoHook.get_hook(connect(vendor)).get_conn() as session:
        assert session.get(f"{simulator.url}/v2/videos/v1", timeout=5).status_code == 200


def test_a_session_sends_the_key_to_the_connections_host_only(
    vendor: VendorName, server: Server, connect: Connect
) -> None:
    with VideoHook.get_hook(connect(vendor)).get_conn() as session:
        session.get(f"http://{server.address}/download.mp4", timeout=5)
    assert API_KEY not in repr(server.headers)


def test_a_session_is_made_once(vendor: VendorName, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect(vendor))
    with hook.get_conn() as session:
        assert hook.get_conn() is session


def test_a_key_that_was_rotated_is_looked_up_once(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video(vendor)
    hook = VideoHook.get_hook(connect(vendor))
    assert hook.get_video(video_id).is_usable
    simulator.key = "rotated"
    connect(vendor, key="rotated")
    assert hook.get_video(video_id).is_usable
    assert hook.get_video(video_id).is_usable
    assert simulator.record.answers == {200: 3, 401: 1}


def test_a_key_that_was_rotated_is_looked_up_once_on_a_loop(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)

    async def look() -> None:
        async with await VideoHook.aget_hook(connect(vendor)) as hook:
            assert (await hook.aget_video(video_id)).is_usable
            simulator.key = "rotated"
            connect(vendor, key="rotated")
            assert (await hook.aget_video(video_id)).is_usable
            assert (await hook.aget_video(video_id)).is_usable

    asyncio.run(look())
    assert simulator.record.answers == {200: 3, 401: 1}


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_that_has_not_changed_is_sent_once(
    look: Look, vendor: VendorName, code: int, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=code))
    assert isinstance(failure_of(look, connect(vendor)), VideoAuthError)
    assert simulator.record.answers == {code: 1}


def test_a_new_key_that_is_refused_too_is_not_looked_up_again(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    hook = VideoHook.get_hook(connect(vendor, key="old"))
    connect(vendor, key="new")
    with pytest.raises(VideoAuthError):
        hook.get_video("v1")
    assert simulator.record.answers == {401: 2}


async def looks_at_once(conn_id: str, video_ids: list[str], then: Callable[[], object]) -> list[Any]:
    async with await VideoHook.aget_hook(conn_id) as hook:
        then()
        return await asyncio.gather(*map(hook.aget_video, video_ids), return_exceptions=True)


def test_a_refused_key_is_sent_once_for_each_of_many_videos(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    outcomes = asyncio.run(looks_at_once(connect(vendor, key="wrong"), ["v1", "v2", "v3"], lambda: None))
    assert [type(outcome) for outcome in outcomes] == [VideoAuthError] * 3
    assert simulator.record.answers == {401: 3}


def test_a_rotated_key_breaks_no_look_that_is_under_way(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video(vendor) for _ in range(4)]
    for place, video_id in enumerate(video_ids[1:], 1):
        simulator.add_fault(Fault("latency", video_id=video_id, seconds=0.05 * place, times=1))
    simulator.key = "rotated"
    conn_id = connect(vendor, key="old")
    outcomes = asyncio.run(looks_at_once(conn_id, video_ids, lambda: connect(vendor, key="rotated")))
    assert [getattr(outcome, "state", outcome) for outcome in outcomes] == [VideoState.READY] * 4


def test_looks_at_once_through_a_hook_that_is_not_open_break_none_of_each_other(
    simulator: Simulator, connect: Connect
) -> None:
    video_ids = [simulator.add_video("tavus") for _ in range(3)]
    simulator.add_fault(Fault("latency", video_id=video_ids[1], seconds=0.05))
    conn_id = connect("tavus")

    async def look() -> list[Any]:
        hook = await VideoHook.aget_hook(conn_id)
        # Which look opens its session first is up to a thread.
        return [
            getattr(outcome, "state", outcome)
            for _ in range(10)
            for outcome in await asyncio.gather(*map(hook.aget_video, video_ids), return_exceptions=True)
        ]

    assert asyncio.run(look()) == [VideoState.READY] * 30


def test_looks_on_a_loop_share_one_connection_while_the_hook_is_open(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)

    async def look() -> None:
        async with await VideoHook.aget_hook(connect(vendor)) as hook:
            for _ in range(3):
                await hook.aget_video(video_id)

    asyncio.run(look())
    assert simulator.record.connections == 1


@pytest.mark.parametrize("ending", ["success", "refused key", "hang", "cancelled", "rotated key", "not opened"])
def test_no_session_is_left_open(ending: str, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")

    async def look() -> None:
        hook = await VideoHook.aget_hook(
            connect("tavus", key="wrong" if ending == "refused key" else API_KEY, query="timeout=0.2")
        )
        if ending in {"hang", "cancelled"}:
            simulator.add_fault(Fault("hang"))
        if ending == "rotated key":
            simulator.key = "rotated"
            connect("tavus", key="rotated")
        if ending == "not opened":
            await hook.aget_video(video_id)
            return
        async with hook:
            looking = asyncio.create_task(hook.aget_video(video_id))
            if ending == "cancelled":
                await asyncio.sleep(0.05)
                looking.cancel()
            await looking

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            asyncio.run(look())
        except (VideoError, asyncio.CancelledError):
            assert ending in {"refused key", "hang", "cancelled"}
        gc.collect()
    assert [warning for warning in caught if issubclass(warning.category, ResourceWarning)] == []


@pytest.mark.parametrize("way", ["sync", "async"])
def test_the_connections_type_picks_the_hook(way: str, vendor: VendorName, connect: Connect) -> None:
    conn_id = connect(vendor)
    hook = VideoHook.get_hook(conn_id) if way == "sync" else asyncio.run(VideoHook.aget_hook(conn_id))
    assert type(hook) is HOOKS[vendor]
    assert hook.conn_id == conn_id


@pytest.mark.parametrize(
    ("uri", "field"),
    [
        (None, "conn_id"),
        *[(f"{kind}://h.test", "conn_type") for kind in ("http", "smtp", "nonsense", "generic", "email", "mesos")],
    ],
)
def test_a_connection_of_no_video_vendor_gives_no_hook(
    look: Look, uri: str | None, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if uri:
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", uri)
    error = failure_of(look, "other")
    assert isinstance(error, VideoConnectionError)
    assert (error.conn_id, error.field) == ("other", field)


@pytest.mark.parametrize("vendor", HOOKS)
def test_a_hook_of_its_own_class_reads_the_default_connection(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor)
    connect(vendor)
    assert HOOKS[vendor]().get_video(video_id).is_usable
    assert asyncio.run(HOOKS[vendor]().aget_video(video_id)).is_usable


def test_a_hook_refuses_a_connection_of_another_vendor(connect: Connect) -> None:
    with pytest.raises(VideoConnectionError, match="'conn_type'"):
        TavusHook(connect("together")).get_video("v1")


THIRD_PARTY = """
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.vendors.base import Vendor, path_of
    from airflow_provider_videos.vendors.exchange import Call
    from airflow_provider_videos.video import VideoState

    class Acme(Vendor):
        conn_type = "acme"
        name = "Acme"
        base_url = "https://acme.invalid"
        states = {"done": VideoState.READY}

        def headers(self, credentials):
            return {"x-acme": credentials.password}

        def fetch(self, video_id):
            answer = yield Call(path=f"/clips/{path_of(video_id)}")
            return self.video(video_id, answer.word("status"), download_url=answer.url("url"))

        def probe(self):
            yield Call(path="/clips")

    class AcmeHook(VideoHook):
        vendor = Acme()

"""
THIRD_PARTY_INFO = """
    def provider_info():
        return {
            "package-name": "acme-provider",
            "name": "Acme",
            "description": "",
            "connection-types": [{"connection-type": "acme", "hook-class-name": "acme_hook.AcmeHook"}],
        }
"""
USING_IT = """
    import asyncio
    from airflow_provider_videos.hooks.video import VideoHook

    async def look():
        async with await VideoHook.aget_hook("acme_default") as hook:
            return await hook.aget_video("v1")

    hook = VideoHook.get_hook("acme_default")
    assert hook.get_video("v1") == asyncio.run(look())
    print(type(hook).__name__, hook.get_video("v1").download_url)
"""


def test_a_type_of_a_third_party_will_do(server: Server, tmp_path: pathlib.Path) -> None:
    server.body = b'{"status": "done", "url": "https://acme.test/v1.mp4"}'
    (tmp_path / "acme_hook.py").write_text(textwrap.dedent(THIRD_PARTY))
    (tmp_path / "acme_provider.py").write_text(textwrap.dedent(THIRD_PARTY_INFO))
    metadata = tmp_path / "acme_provider-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-provider\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[apache_airflow_provider]\nx = acme_provider:provider_info\n")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(USING_IT)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
            "AIRFLOW_CONN_ACME_DEFAULT": f"acme://:{API_KEY}@{server.address}/http",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split()[-2:] == ["AcmeHook", "https://acme.test/v1.mp4"], done.stderr
    assert server.headers[0]["x-acme"] == API_KEY
    assert {path for _, path in server.requests} == {"/clips/v1"}


def test_a_hook_that_names_no_vendor_is_refused_when_it_is_defined() -> None:
    with pytest.raises(TypeError, match="AcmeHook does not name its vendor"):
        type("AcmeHook", (VideoHook,), {})


def test_a_hook_has_the_names_of_its_vendor() -> None:
    class Acme(Together):
        conn_type = "acme"
        name = "Acme"

    class AcmeHook(VideoHook):
        vendor = Acme()

    assert (AcmeHook.conn_type, AcmeHook.hook_name, AcmeHook().conn_id) == ("acme", "Acme", "acme_default")


def test_a_good_key_passes_the_test(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    assert VideoHook.get_hook(connect(vendor)).test_connection() == (True, f"{NAMES[vendor]} accepts the API key.")
    assert simulator.record.created == {}
    assert sum(simulator.record.requests.values()) == 1


def test_the_test_names_what_is_ignored_and_what_can_not_be_masked(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    simulator.key = "short"
    is_good, text = VideoHook.get_hook(connect(vendor, key="short", query="verfy=false")).test_connection()
    assert is_good
    assert "Extra 'verfy' is not known here" in text
    assert "can't be masked" in text


def test_a_refused_key_fails_the_test_in_the_vendors_words(
    vendor: VendorName, simulator: Simulator, connect: Connect
) -> None:
    is_good, text = VideoHook.get_hook(connect(vendor, key="wrong")).test_connection()
    assert not is_good
    assert text.startswith(f"{NAMES[vendor]} refuses the API key: Invalid ")


@pytest.mark.parametrize("status", [200, 404])
def test_another_server_fails_the_test(vendor: VendorName, status: int, simulator: Simulator, connect: Connect) -> None:
    simulator.add_fault(Fault("html", status=status))
    is_good, text = VideoHook.get_hook(connect(vendor)).test_connection()
    assert not is_good
    assert "Proxy" in text


@pytest.mark.parametrize(
    "fault", [Fault("hang"), Fault("status", status=503), Fault("empty"), Fault("json", body="[]")]
)
def test_a_fault_fails_the_test_with_its_cause(
    vendor: VendorName, fault: Fault, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(fault)
    is_good, text = VideoHook.get_hook(connect(vendor, query="timeout=0.2")).test_connection()
    assert not is_good
    assert NAMES[vendor] in text


def test_an_unreachable_host_fails_the_test(vendor: VendorName, unused_port: int, connect: Connect) -> None:
    conn_id = connect(vendor, address=f"127.0.0.1:{unused_port}/http")
    is_good, text = VideoHook.get_hook(conn_id).test_connection()
    assert not is_good
    assert "the connection was refused" in text


def test_a_connection_without_a_key_fails_the_test(vendor: VendorName, connect: Connect) -> None:
    is_good, text = HOOKS[vendor](connect(vendor, key="")).test_connection()
    assert not is_good
    assert "'password'" in text
