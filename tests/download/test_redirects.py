# SPDX-License-Identifier: Apache-2.0
"""Where a download may be led, and what is told of what answers there."""

from __future__ import annotations

import pytest

from airflow_provider_videos.download.http_get import DownloadRefusedError
from airflow_provider_videos.http.adapter import is_public
from airflow_provider_videos.simulator import Fault, Simulator
from tests.download.fetching import VIDEO, Memory, connection, fetch
from tests.download.odd_server import Answer, OddServer, serving

CREDENTIALS = b'{"AccessKeyId": "AKIA1", "SecretAccessKey": "wJalrXUtnFEMI"}'


def test_redirects_are_followed(odd: OddServer) -> None:
    odd.answers = [
        Answer(status=302, headers={"Location": "/a/b?c=d"}, length=0),
        Answer(status=308, headers={"Location": "../e"}, length=0),
        Answer(VIDEO, length=len(VIDEO)),
    ]
    assert fetch(f"{odd.url}/start", Memory()).size == len(VIDEO)
    assert [request["path"] for request in odd.asked] == ["/start", "/a/b?c=d", "/e"]


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.com/video.mp4", "only http and https"),
        ("javascript:alert(1)", "only http and https"),
        ("http://[", "can't be read"),
        ("/again", "more than 10 redirects"),
        ("", "redirects to nowhere"),
    ],
)
def test_a_redirect_to_elsewhere_than_http_is_not_followed(location: str, text: str, odd: OddServer) -> None:
    odd.answers = [Answer(status=302, headers={"Location": location}, length=0)]
    with pytest.raises(DownloadRefusedError, match=text):
        fetch(odd.url, Memory())


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "video.mp4", "http://", "http://[x", "https://\udc80/"]
)
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(DownloadRefusedError):
        fetch(url, Memory())


def test_a_redirect_from_https_down_to_http_is_not_followed(odd: OddServer) -> None:
    with Simulator(tls=True, queued=0, generating=0) as simulator:
        simulator.add_video("tavus", video_id="v")
        simulator.add_fault(Fault("redirect", location=f"{odd.url}/video", target="media"))
        trusting = connection(ca_file=str(simulator.certificate))
        with pytest.raises(DownloadRefusedError, match="from https to http"):
            fetch(f"{simulator.url}/media/tavus/v.mp4", Memory(), connection=trusting)
    assert odd.asked == []


@pytest.mark.parametrize(
    "body", [CREDENTIALS, CREDENTIALS[1:], b"<html>" + CREDENTIALS, b"<x>" + CREDENTIALS, b"\xfe\0" + CREDENTIALS]
)
def test_of_what_another_host_answers_nothing_is_quoted(body: bytes, odd: OddServer) -> None:
    with serving() as vendor:
        vendor.answers = [Answer(status=302, headers={"Location": f"{odd.url}/latest/meta-data"}, length=0)]
        odd.answers = [Answer(body, length=len(body))]
        with pytest.raises(DownloadRefusedError, match="seems to be") as refused:
            fetch(vendor.url, Memory(), connection=connection(base_url=vendor.url))
    assert odd.url.removeprefix("http://") in str(refused.value)
    for secret in ("AKIA1", "wJalr", body[:8].hex(" ")):
        assert secret not in str(refused.value)


def test_the_vendors_own_words_are_quoted_without_its_key(odd: OddServer) -> None:
    body = b'{"error": "expired", "key": "key-that-nobody-may-see"}'
    odd.answers = [Answer(body, length=len(body))]
    own = connection(base_url=f"{odd.url}/v2", api_key="key-that-nobody-may-see")
    with pytest.raises(DownloadRefusedError, match="expired") as refused:
        fetch(f"{odd.url}/v.mp4", Memory(), connection=own)
    assert "nobody" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_not_public_is_refused_where_the_connection_says_so(host: str, odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, length=len(VIDEO))]
    url = odd.url.replace("127.0.0.1", host)
    with pytest.raises(DownloadRefusedError, match=rf"^{host}:\d+ is at an address that is not public"):
        fetch(url, Memory(), connection=connection(public_addresses_only=True))
    assert odd.asked == []
    assert fetch(url, Memory()).size == len(VIDEO)


def test_over_tls_too() -> None:
    with Simulator(tls=True, queued=0, generating=0) as simulator:
        simulator.add_video("tavus", video_id="v")
        trusting = connection(ca_file=str(simulator.certificate), public_addresses_only=True)
        with pytest.raises(DownloadRefusedError, match="not public"):
            fetch(f"{simulator.url}/media/tavus/v.mp4", Memory(), connection=trusting)
        assert simulator.record.requests == {}


def test_a_proxy_may_be_anywhere(odd: OddServer) -> None:
    odd.answers = [Answer(VIDEO, length=len(VIDEO))]
    behind = connection(proxy=odd.url, public_addresses_only=True)
    assert fetch("http://videos.invalid/v.mp4", Memory(), connection=behind).size == len(VIDEO)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1"),
        *("2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a9fe:a9fe"),
    ],
)
def test_addresses_of_a_network_or_a_machine_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
