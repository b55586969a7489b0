# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pathlib
from typing import Any
from urllib.parse import quote

import certifi
import pytest
from airflow.sdk import Connection

from airflow_provider_videos.exceptions import VideoConnectionError
from airflow_provider_videos.http.connection import DEFAULT_TIMEOUT, VendorConnection, read_connection
from airflow_provider_videos.vendors.tavus import Tavus
from tests.conftest import API_KEY

DEFAULT_URL = "https://vendor.test"
PROXY_PASSWORD = "proxy-password"


class _Tavus(Tavus):
    base_url = DEFAULT_URL
    order_timeout = 120.0


def read(connection: Connection) -> VendorConnection:
    return read_connection(connection, _Tavus())


def with_fields(**fields: Any) -> VendorConnection:
    return read(Connection(conn_id="c", **{"conn_type": "tavus", "password": API_KEY, **fields}))


def with_extra(**extra: Any) -> VendorConnection:
    return with_fields(extra=json.dumps(extra))


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("", DEFAULT_URL),
        ("localhost:8080", "https://localhost:8080"),
        ("localhost", "https://localhost"),
        ("localhost:0", "https://localhost"),
        ("localhost:8080/http", "http://localhost:8080"),
        ("127.0.0.1:8080/https", "https://127.0.0.1:8080"),
        ("[::1]:8080/http", "http://[::1]:8080"),
        (quote("http://gateway.test:8080/tavus/", safe=""), "http://gateway.test:8080/tavus"),
        (quote("gateway.test/tavus", safe="") + ":8080", "https://gateway.test:8080/tavus"),
    ],
)
def test_a_uri_says_where_the_vendor_is(address: str, base_url: str) -> None:
    assert read(Connection.from_uri(conn_id="c", uri=f"tavus://:{API_KEY}@{address}")).base_url == base_url


def test_a_uri_says_everything() -> None:
    query = f"timeout=2.5&verify=false&proxy={quote(f'http://user:{PROXY_PASSWORD}@proxy.test:3128', safe='')}&foo=bar"
    assert read(
        Connection.from_uri(conn_id="c", uri=f"tavus://:{quote('a/b+c', safe='')}@h.test?{query}")
    ) == VendorConnection(
        conn_id="c",
        api_key="a/b+c",
        base_url="https://h.test",
        timeout=2.5,
        order_timeout=2.5,
        ca_file=None,
        proxy=f"http://user:{PROXY_PASSWORD}@proxy.test:3128",
        unknown_extras=("foo",),
    )


def test_json_says_everything() -> None:
    connection = {
        "conn_type": "tavus",
        "password": API_KEY,
        "host": "h.test",
        "port": 8080,
        "schema": "http",
        "extra": {"timeout": 5, "verify": False, "proxy": "http://proxy.test:3128", "foo": {"bar": 1}},
    }
    assert read(Connection.from_json(json.dumps(connection), conn_id="c")) == VendorConnection(
        conn_id="c",
        api_key=API_KEY,
        base_url="http://h.test:8080",
        timeout=5,
        order_timeout=5,
        ca_file=None,
        proxy="http://proxy.test:3128",
        unknown_extras=("foo",),
    )


def test_a_form_with_nothing_but_the_key_will_do() -> None:
    # This is what Airflow's form stores for fields that are left empty.
    form = {"host": "", "login": "", "schema": "", "port": 0, "extra": '{"timeout": null, "verify": "", "proxy": ""}'}
    assert with_fields(**form) == VendorConnection(
        conn_id="c",
        api_key=API_KEY,
        base_url=DEFAULT_URL,
        timeout=DEFAULT_TIMEOUT,
        order_timeout=120.0,
        ca_file=certifi.where(),
        proxy=None,
    )


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        pytest.param({"host": None}, DEFAULT_URL, id="none"),
        pytest.param({"host": "  "}, DEFAULT_URL, id="blank"),
        pytest.param({"host": "", "schema": "http", "port": 8080}, DEFAULT_URL, id="schema and port without a host"),
        pytest.param({"host": " h.test "}, "https://h.test", id="blanks around"),
        pytest.param({"host": "h.test:8080"}, "https://h.test:8080", id="port in the host"),
        pytest.param({"host": "h.test", "port": 8080}, "https://h.test:8080", id="port beside the host"),
        pytest.param({"host": "h.test:8080", "port": 8080}, "https://h.test:8080", id="port in both"),
        pytest.param({"host": "h.test", "port": 0}, "https://h.test", id="a port that was left empty"),
        pytest.param({"host": "h.test", "schema": "http"}, "http://h.test", id="schema"),
        pytest.param({"host": "https://h.test", "schema": "http"}, "https://h.test", id="the host's scheme wins"),
        pytest.param({"host": "https://h.test/"}, "https://h.test", id="slash at the end"),
        pytest.param({"host": "https://h.test/a/b//"}, "https://h.test/a/b", id="path prefix"),
        pytest.param({"host": "h.test/é"}, "https://h.test/%C3%A9", id="path prefix in unicode"),
        pytest.param({"host": "h.test/a%20b"}, "https://h.test/a%20b", id="path prefix that is encoded"),
        pytest.param({"host": "HTTPS://H.Test"}, "https://h.test", id="capitals"),
        pytest.param({"host": "bücher.test"}, "https://xn--bcher-kva.test", id="IDN"),
        pytest.param({"host": "::1", "port": 8080}, "https://[::1]:8080", id="IPv6"),
        pytest.param({"host": "[::1]:8080"}, "https://[::1]:8080", id="IPv6 in brackets"),
        pytest.param({"host": "http://[::1]"}, "http://[::1]", id="IPv6 in a URL"),
        pytest.param({"host": "http://[::1]", "port": 8080}, "http://[::1]:8080", id="IPv6 in a URL and a port"),
    ],
)
def test_form_fields_say_where_the_vendor_is(fields: dict[str, Any], base_url: str) -> None:
    assert with_fields(**fields).base_url == base_url


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"conn_type": "http"}, "conn_type", id="another type"),
        pytest.param({"conn_type": "together"}, "conn_type", id="another vendor"),
        pytest.param({"conn_type": None}, "conn_type", id="no type"),
        pytest.param({"password": None}, "password", id="no key"),
        pytest.param({"password": ""}, "password", id="empty key"),
        pytest.param({"password": " "}, "password", id="blank key"),
        pytest.param({"password": f"{API_KEY}\n"}, "password", id="key with a line break at its end"),
        pytest.param({"password": f"{API_KEY}\r\nX-Evil: 1"}, "password", id="key with a header"),
        pytest.param({"password": f" {API_KEY}"}, "password", id="key after a blank"),
        pytest.param({"password": f"{API_KEY}é"}, "password", id="key outside ASCII"),
        pytest.param({"password": f"{API_KEY}\0"}, "password", id="key with a zero"),
        pytest.param({"host": f"https://user:{API_KEY}@h.test"}, "host", id="credentials"),
        pytest.param({"host": f"{API_KEY}@h.test"}, "host", id="user"),
        pytest.param({"host": f"https://user:{API_KEY}/x@h.test"}, "host", id="credentials with a slash"),
        pytest.param({"host": f"https://h.test:{API_KEY}"}, "host", id="key for a port"),
        pytest.param({"host": f"https://a℀b:{API_KEY}@h.test"}, "host", id="credentials after an odd letter"),
        pytest.param({"host": f"https://a℀b.{API_KEY}.test"}, "host", id="odd letter"),
        pytest.param({"host": f"h.test?key={API_KEY}"}, "host", id="query"),
        pytest.param({"host": f"h.test#{API_KEY}"}, "host", id="fragment"),
        pytest.param({"host": f"{API_KEY}://h.test"}, "host", id="key for a scheme"),
        pytest.param({"host": "ftp://h.test"}, "host", id="another scheme"),
        pytest.param({"host": "://h.test"}, "host", id="empty scheme"),
        pytest.param({"host": "https://"}, "host", id="scheme only"),
        pytest.param({"host": "https:///path"}, "host", id="path only"),
        pytest.param({"host": "https://:8080"}, "host", id="port only"),
        pytest.param({"host": "//h.test"}, "host", id="no scheme before slashes"),
        pytest.param({"host": "h test"}, "host", id="blank in the host"),
        pytest.param({"host": "h\n.test"}, "host", id="line break in the host"),
        pytest.param({"host": "h\0.test"}, "host", id="zero in the host"),
        pytest.param({"host": "[::1"}, "host", id="half an IPv6 address"),
        pytest.param({"host": "a..b"}, "host", id="empty label"),
        pytest.param({"host": "a" * 64}, "host", id="label too long"),
        pytest.param({"host": "h.test:99999"}, "host", id="port too high in the host"),
        pytest.param({"host": "h.test:-1"}, "host", id="negative port in the host"),
        pytest.param({"host": "h.test", "port": 99_999}, "port", id="port too high"),
        pytest.param({"host": "h.test:0"}, "port", id="port 0 in the host"),
        pytest.param({"host": "h.test:0", "port": 8080}, "port", id="port 0 in the host, another beside it"),
        pytest.param({"host": "h.test", "port": -1}, "port", id="negative port"),
        pytest.param({"host": "h.test:80", "port": 81}, "port", id="two ports"),
        pytest.param({"host": "h.test", "schema": "ftp"}, "schema", id="another schema"),
        pytest.param({"host": "h.test", "schema": "https://evil.test/"}, "schema", id="URL for a schema"),
        pytest.param({"extra": "verify=false"}, "extra", id="extra no JSON"),
        pytest.param({"extra": "[" * 100_000}, "extra", id="extra deep"),
        pytest.param({"extra": "[]"}, "extra", id="extra a list"),
        pytest.param({"extra": "null"}, "extra", id="extra null"),
        *[
            pytest.param({"extra": f'{{"timeout": {value}}}'}, "extra.timeout", id=f"timeout {value[:12]}")
            for value in (
                *("0", "-1", "NaN", "Infinity", "1e400", "true", "[]", "{}", '"soon"', '"nan"', '"inf"', '"1,5"'),
                *("1" + "0" * 400, "1e300"),
            )
        ],
        *[
            pytest.param({"extra": f'{{"verify": {value}}}'}, "extra.verify", id=f"verify {value}")
            for value in ("0", "1", "[]", "{}", '"maybe"', '"/no/such/file.pem"', f'"{__file__}"', '"a\\u0000b"')
        ],
        *[
            pytest.param({"extra": f'{{"public_addresses_only": {value}}}'}, "extra.public_addresses_only", id=value)
            for value in ("0", "1", "[]", '"maybe"')
        ],
        *[
            pytest.param({"extra": json.dumps({"proxy": value})}, "extra.proxy", id=f"proxy {value}")
            for value in (
                *(
                    f"user:{PROXY_PASSWORD}@proxy.test",
                    f"socks5://u:{PROXY_PASSWORD}@proxy.test",
                    "http://",
                    "http://[",
                ),
                *("http://proxy.test:99999", "http://proxy.test:0", "http://proxy.test:x", 5, True, ["http://p.test"]),
            )
        ],
    ],
)
def test_an_invalid_field_is_named_and_no_secret_is_shown(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(VideoConnectionError) as invalid:
        with_fields(**fields)
    assert invalid.value.conn_id == "c"
    assert invalid.value.field == field
    text = str(invalid.value)
    assert text.startswith(f"Connection 'c', field {field!r}: ")
    assert len(text) < 300
    assert API_KEY not in text
    assert PROXY_PASSWORD not in text
    # A traceback prints the whole chain.
    assert invalid.value.__cause__ is None
    assert invalid.value.__suppress_context__ or invalid.value.__context__ is None


@pytest.mark.parametrize(
    ("value", "timeout"),
    [(5, 5.0), (0.5, 0.5), ("5", 5.0), (" 0.5 ", 0.5), ("", DEFAULT_TIMEOUT), (None, DEFAULT_TIMEOUT)],
)
def test_a_timeout_is_a_number_or_its_text(value: object, timeout: float) -> None:
    assert with_extra(timeout=value).timeout == timeout


@pytest.mark.parametrize(
    ("value", "is_on"), [(True, True), ("true", True), (" True ", True), (False, False), ("false", False), ("", False)]
)
def test_public_addresses_only_is_a_switch(value: object, is_on: bool) -> None:
    assert with_extra(public_addresses_only=value).public_addresses_only == is_on
    assert not with_extra().public_addresses_only


@pytest.mark.parametrize("value", [True, "true", "True", " TRUE ", "", None])
def test_certificates_are_checked_by_default(value: object) -> None:
    assert with_extra(verify=value).ca_file == certifi.where()
    assert with_extra().ca_file == certifi.where()


@pytest.mark.parametrize("value", [False, "false", "False", " FALSE "])
def test_certificates_are_not_checked_on_request(value: object) -> None:
    assert with_extra(verify=value).ca_file is None


def test_a_ca_file_can_be_named() -> None:
    assert with_extra(verify=certifi.where()).ca_file == certifi.where()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("verify", [None, True])
def test_the_environment_names_a_ca_file(
    name: str, verify: bool | None, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ca.pem"
    own.write_bytes(pathlib.Path(certifi.where()).read_bytes())
    monkeypatch.setenv(name, str(own))
    assert with_extra(verify=verify).ca_file == str(own)
    assert with_extra(verify=False).ca_file is None


@pytest.mark.parametrize("path", ["/no/such/file.pem", __file__], ids=["missing", "no certificate"])
def test_a_useless_ca_file_of_the_environment_is_an_error_before_any_request(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
    with pytest.raises(VideoConnectionError, match=r"extra\.verify"):
        with_fields()


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({"https_proxy": "http://proxy.test:3128"}, "http://proxy.test:3128"),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, "http://proxy.test:3128"),
        ({"ALL_PROXY": "http://proxy.test:3128"}, "http://proxy.test:3128"),
        ({"https_proxy": "proxy.test:3128"}, "http://proxy.test:3128"),
        ({"http_proxy": "http://proxy.test:3128"}, None),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": "vendor.test"}, None),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": ".test"}, None),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": "*"}, None),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": "other.test"}, "http://proxy.test:3128"),
        ({"https_proxy": ""}, None),
    ],
    ids=str,
)
def test_the_environment_names_a_proxy(
    environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert with_fields().proxy == proxy


def test_a_proxy_of_the_connection_comes_before_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://other.test:3128")
    monkeypatch.setenv("no_proxy", "vendor.test")
    assert with_extra(proxy="http://proxy.test:3128").proxy == "http://proxy.test:3128"


@pytest.mark.parametrize("proxy", [f"socks5://u:{PROXY_PASSWORD}@proxy.test:1080", "http://proxy.test:0", "http://["])
def test_a_proxy_of_the_environment_that_no_library_takes_is_an_error(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(VideoConnectionError, match=r"extra\.proxy") as invalid:
        with_fields()
    assert PROXY_PASSWORD not in str(invalid.value)


def test_no_secret_is_in_the_repr() -> None:
    connection = with_extra(proxy=f"http://user:{PROXY_PASSWORD}@proxy.test:3128")
    for text in (repr(connection), str(connection), f"{connection}", connection.host):
        assert API_KEY not in text
        assert PROXY_PASSWORD not in text


@pytest.mark.parametrize(
    ("host", "shown"), [("", "vendor.test"), ("http://h.test:8080/a", "h.test:8080"), ("::1", "[::1]")]
)
def test_the_host_is_shown_with_its_port(host: str, shown: str) -> None:
    assert with_fields(host=host).host == shown


def test_an_unknown_extra_is_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    connection = with_extra(verfy=False, timeout=5)
    assert connection.unknown_extras == ("verfy",)
    assert "Connection 'c': Extra 'verfy' is not known here and ignored; known are timeout, verify, " in caplog.text


def test_a_key_in_the_wrong_place_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    assert with_extra(**{"tvs_9f8e7d6c5b4a": ""}).unknown_extras == ("…",)
    assert "9f8e" not in caplog.text


@pytest.mark.parametrize(("key", "is_short"), [("1234567", True), ("12345678", False)])
def test_a_key_that_can_not_be_masked_is_told(key: str, is_short: bool, caplog: pytest.LogCaptureFixture) -> None:
    warnings = with_fields(password=key).warnings
    assert ("The API key has fewer than 8 characters" in " ".join(warnings)) == is_short
    assert ("can't be masked" in caplog.text) == is_short
    assert key not in caplog.text


def test_a_good_connection_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert with_extra(timeout=5, verify=False, proxy="", max_concurrent_requests=None).warnings == ()
    assert caplog.messages == []


def test_a_type_that_airflow_did_not_know_says_where_this_package_is_missing() -> None:
    with pytest.raises(VideoConnectionError, match="airflow-provider-videos may not be installed where") as wrong:
        with_fields(conn_type="generic")
    assert str(wrong.value).startswith("Connection 'c', field 'conn_type': is 'generic', but must be 'tavus'; ")


def test_an_order_may_take_as_long_as_the_vendor_asks_for_unless_the_connection_says_otherwise() -> None:
    assert (with_fields().timeout, with_fields().order_timeout) == (DEFAULT_TIMEOUT, 120.0)
    assert (with_extra(timeout=5).timeout, with_extra(timeout=5).order_timeout) == (5.0, 5.0)


def test_the_first_part_of_a_key_of_two_is_the_login() -> None:
    assert with_fields().login is None
    assert with_fields(login="access").login == "access"


@pytest.mark.parametrize("login", ["access\n", " access", "acc€ss"])
def test_a_first_part_that_no_header_can_hold_is_refused(login: str) -> None:
    with pytest.raises(VideoConnectionError, match="'login'"):
        with_fields(login=login)
