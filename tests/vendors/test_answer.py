# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import logging
import math
import time
from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import MAX_MESSAGE_CHARACTERS, Answer, read_error_message

NESTED: Any = "x"
for _ in range(400):
    NESTED = [NESTED]

# What is nonsense in a field of any kind.
NONSENSE = [
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param({}, id="empty object"),
    pytest.param({"a": 1}, id="object"),
    pytest.param([[]], id="list"),
    pytest.param([True], id="list of nonsense"),
]
NO_NUMBER = [
    *NONSENSE,
    pytest.param(math.nan, id="NaN"),
    pytest.param(math.inf, id="Infinity"),
    pytest.param(-math.inf, id="-Infinity"),
    pytest.param(json.loads("1e400"), id="1e400"),
    pytest.param(10**400, id="400 digits"),
    pytest.param(-1, id="negative"),
    pytest.param("-1", id="negative text"),
    pytest.param("nan", id="nan as text"),
    pytest.param("Infinity", id="Infinity as text"),
    pytest.param("1e400", id="1e400 as text"),
    pytest.param("five", id="word"),
    pytest.param("", id="empty"),
    pytest.param(NESTED, id="400 lists in each other"),
]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0.0),
        (1, 1.0),
        (0.28, 0.28),
        ("5", 5.0),
        ("5.0", 5.0),
        (" 5 ", 5.0),
        ("1e3", 1000.0),
        (2**53, 2.0**53),
    ],
)
def test_a_number_is_read(value: object, number: float) -> None:
    read = Answer({"field": value}).number("field")
    assert read == number
    assert type(read) is float


@pytest.mark.parametrize("value", NO_NUMBER)
def test_what_is_no_number_is_lost(value: object) -> None:
    assert Answer({"field": value}).number("field") is None


@pytest.mark.parametrize(
    ("value", "fraction"),
    [
        ("37/100", 0.37),
        ("0/100", 0.0),
        ("100/100", 1.0),
        (" 37 / 100 ", 0.37),
        ("37%", 0.37),
        ("37 %", 0.37),
        (0.37, 0.37),
        ("0.37", 0.37),
        (0, 0.0),
        (1, 1.0),
    ],
)
def test_a_progress_is_read(value: object, fraction: float) -> None:
    assert Answer({"field": value}).fraction("field") == pytest.approx(fraction)


@pytest.mark.parametrize(
    "value",
    [
        *NO_NUMBER,
        *[
            "37",
            "101/100",
            "37/0",
            "0/0",
            "1/2/3",
            "-1/2",
            "-1/-2",
            "1/-2",
            "/",
            "1/",
            "/1",
            "a/b",
            "%",
            "101%",
            "-1%",
            "nan/nan",
            "inf/inf",
            "1e308/1e-308",
        ],
    ],
)
def test_what_is_no_part_of_a_whole_is_lost(value: object) -> None:
    assert Answer({"field": value}).fraction("field") is None


@pytest.mark.parametrize(
    ("value", "time"),
    [
        pytest.param("Wed, 05 Feb 2025 04:27:02 GMT", "2025-02-05T04:27:02+00:00", id="RFC 1123"),
        pytest.param("Wed, 05 Feb 2025 05:27:02 +0100", "2025-02-05T04:27:02+00:00", id="RFC 1123 with a zone"),
        pytest.param("2024-08-28 15:27:40.824457", "2024-08-28T15:27:40.824457+00:00", id="naive"),
        pytest.param("2025-10-20T06:57:18.154804Z", "2025-10-20T06:57:18.154804+00:00", id="ISO"),
        pytest.param("2025-10-20T08:57:18+02:00", "2025-10-20T06:57:18+00:00", id="ISO with a zone"),
        pytest.param(" 2025-10-20T06:57:18Z ", "2025-10-20T06:57:18+00:00", id="ISO with blanks"),
        pytest.param("2025-10-20", "2025-10-20T00:00:00+00:00", id="day"),
        pytest.param(1738729622, "2025-02-05T04:27:02+00:00", id="Unix seconds"),
        pytest.param(1738729622.5, "2025-02-05T04:27:02.500000+00:00", id="Unix seconds with a fraction"),
        pytest.param("1738729622", "2025-02-05T04:27:02+00:00", id="Unix seconds as text"),
        pytest.param("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00", id="far future"),
        pytest.param(253402300799, "9999-12-31T23:59:59+00:00", id="far future in Unix seconds"),
    ],
)
def test_a_time_is_read_as_utc(value: object, time: str) -> None:
    assert Answer({"field": value}).time("field") == time


@pytest.mark.parametrize(
    "value",
    [
        *NO_NUMBER,
        pytest.param("0001-01-01T00:00:00Z", id="year 1"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before year 1"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after year 9999"),
        pytest.param("1969-12-31T23:59:59Z", id="before 1970"),
        pytest.param("Wed, 05 Feb 99999999999999999999 04:27:02 GMT", id="endless year"),
        pytest.param("Wed, 05 Feb 2025 04:27:02 +99999999999999999999", id="endless zone"),
        pytest.param(253402300800, id="year 10000"),
        pytest.param(1e300, id="1e300"),
        pytest.param(1738729622000, id="milliseconds"),
        pytest.param("yesterday", id="yesterday"),
        pytest.param(",", id="comma"),
        pytest.param("12:30", id="time of day"),
        pytest.param("2025-02-30", id="no day"),
    ],
)
def test_what_is_no_time_is_lost(value: object) -> None:
    assert Answer({"field": value}).time("field") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (" x ", "x"), ("žluťoučký 🎬", "žluťoučký 🎬"), (5, "5"), (0.28, "0.28"), (["a", "b"], "a; b")],
)
def test_a_text_is_read(value: object, text: str) -> None:
    assert Answer({"field": value}).text("field") == text


@pytest.mark.parametrize("value", [*NONSENSE, pytest.param("", id="empty"), pytest.param(" \n", id="blank")])
def test_what_is_no_text_is_lost(value: object) -> None:
    assert Answer({"field": value}).text("field") is None


@pytest.mark.parametrize("value", ["half a \ud800 pair", "a \0 character"])
def test_a_text_is_one_that_a_log_and_a_database_take(value: str) -> None:
    text = Answer({"field": value}).text("field")
    assert text
    assert text.encode()
    assert "\0" not in text


def test_a_text_in_many_lists_harms_nothing() -> None:
    assert Answer({"field": NESTED}).text("field") in {"x", None}


@pytest.mark.parametrize(
    "url",
    [
        "https://stream.mux.com/abc/high.mp4?download=v1",
        "https://tavus.video/v1",
        "https://api.together.ai/shrt/DwlaBdSakNRFlBxN",
        "http://127.0.0.1:8080/media/v1.mp4",
        "HTTPS://X.TEST/V1",
    ],
)
def test_a_url_is_taken_as_it_is(url: str) -> None:
    assert Answer({"field": f" {url} "}).url("field") == url


@pytest.mark.parametrize(
    "value",
    [
        *NONSENSE,
        5,
        "",
        " ",
        "v1.mp4",
        "//x.test/v1",
        "https://",
        "https:///v1",
        "http://[::1",
        "javascript:alert(1)",
        "data:video/mp4;base64,AA",
        "file:///etc/passwd",
        "ftp://x.test/v1",
        "https://x.test/\ud800",
        "https://x.test/\0",
        "https://x.test/a\nb",
    ],
)
def test_what_is_no_url_is_lost(value: object) -> None:
    assert Answer({"field": value}).url("field") is None


@pytest.mark.parametrize("body", [{}, {"a": None}, {"a": {}}, {"a": {"b": None}}, {"a": []}, {"a": "b"}, {"a": 5}])
def test_what_is_missing_on_the_way_is_missing(body: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="airflow_provider_videos")
    answer = Answer(body)
    assert [read("a", "b") for read in (answer.text, answer.url, answer.time, answer.number, answer.fraction)] == [
        None
    ] * 5
    assert caplog.messages == []


def test_a_lost_field_is_named_in_a_debug_line_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="airflow_provider_videos")
    answer = Answer({"outputs": {"cost": "as-agreed"}, "seconds": "5"})
    assert answer.number("outputs", "cost") is None
    assert answer.number("seconds") == 5
    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert "outputs.cost" in record.getMessage()
    assert "as-agreed" not in record.getMessage()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"error": "Invalid video_id"}', "Invalid video_id", id="error"),
        pytest.param(b'{"message": "Invalid access token"}', "Invalid access token", id="message"),
        pytest.param(
            b'{"error": {"message": "Slow down", "type": "rate_limit", "param": null}}', "Slow down", id="error.message"
        ),
        pytest.param(b'{"detail": "Not found"}', "Not found", id="detail"),
        pytest.param(b'{"error": {"error": {"message": "Deep"}}}', "Deep", id="nested"),
        pytest.param(b'{"error": null, "message": "Second"}', "Second", id="null, then message"),
        pytest.param(b'{"error": true, "message": "Second"}', "Second", id="true, then message"),
        pytest.param(b'{"error": "", "message": "Second"}', "Second", id="empty, then message"),
        pytest.param(
            b'{"title": "Input validation failed", "detail": [{"loc": ["input"], "msg": "Required"}, {"msg": "No"}]}',
            "Required; No",
            id="a list",
        ),
        pytest.param(b'{"title": "Unauthenticated", "status": 401}', "Unauthenticated", id="title"),
        pytest.param(b'"Only a text"', "Only a text", id="JSON text"),
        pytest.param(b"upstream connect error", "upstream connect error", id="plain text"),
        pytest.param(b" two \r\n lines \t", "two lines", id="lines"),
        pytest.param("Není místo".encode(), "Není místo", id="UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"error": "Marked"}', "Marked", id="byte order mark"),
        pytest.param(
            b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>",
            "502 Bad Gateway",
            id="HTML with a title",
        ),
        pytest.param(b'<HTML><TITLE lang="en">\nA &amp; B\n</TITLE>', "A & B", id="HTML in capitals"),
        pytest.param(b"<html><body><h1>Sorry</h1><p>closed</p></body></html>", "Sorry closed", id="HTML without title"),
        pytest.param(b"<html><title>Broken", "Broken", id="HTML that breaks off"),
        pytest.param("İİİİİ<html><title>Bad Gateway</title>".encode(), "Bad Gateway", id="HTML after odd letters"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b" \n", None, id="blank"),
        pytest.param(b"<html></html>", None, id="HTML without a text"),
        *[
            pytest.param(body, None, id=body.decode())
            for body in (b"{}", b"[]", b"null", b"5", b"NaN", b'""', b'{"error": {}}', b'{"error": []}', b'{"a": "b"}')
        ],
    ],
)
def test_the_message_is_found_in_an_error(body: bytes, message: str | None) -> None:
    assert read_error_message(body) == message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x" * 1_000_000, id="text"),
        pytest.param(b'{"error": "' + b"x" * 1_000_000 + b'"}', id="JSON"),
        pytest.param(b'{"error": "' + b"x" * 1_000_000, id="half of a JSON"),
        pytest.param(b"[" * 1_000_000, id="lists"),
        pytest.param(b'{"error":' * 100_000 + b'"x"' + b"}" * 100_000, id="nested errors"),
        pytest.param(b'{"error":' * 900 + b'"x"' + b"}" * 900, id="fewer nested errors"),
        pytest.param(b'{"error": "x", "number": ' + b"9" * 1_000_000 + b"}", id="number"),
        pytest.param(b"<html" + b"<" * 1_000_000, id="tags that never end"),
        pytest.param(b"<title>" * 140_000, id="titles that never end"),
        pytest.param(b"<title" * 160_000, id="titles that never begin"),
        pytest.param(b"<html>" + b"&lt" * 300_000, id="entities"),
        pytest.param(b"<html>" + b"&#" * 500_000, id="half entities"),
        pytest.param(b"<html>" + b"\n" * 1_000_000, id="blank lines"),
        pytest.param(bytes(range(256)) * 4_000, id="binary"),
        pytest.param(b"\0" * 1_000_000, id="zeros"),
        pytest.param(b'{"error": "' + b"\\ud800\\u0000" * 10_000 + b'"}', id="half surrogate pairs"),
    ],
)
def test_a_hostile_error_gives_one_short_line_soon(body: bytes) -> None:
    began = time.monotonic()
    message = read_error_message(body)
    assert time.monotonic() - began < 5
    if message is not None:
        assert len(message) <= MAX_MESSAGE_CHARACTERS + 1
        assert message.encode()
        assert "\0" not in message
        assert message == " ".join(message.split())


def test_a_message_of_the_longest_length_is_whole() -> None:
    assert read_error_message(b"x" * MAX_MESSAGE_CHARACTERS) == "x" * MAX_MESSAGE_CHARACTERS
    assert read_error_message(b"x" * (MAX_MESSAGE_CHARACTERS + 1)) == "x" * MAX_MESSAGE_CHARACTERS + "…"


def test_an_entry_can_be_put_where_the_answer_to_a_poll_has_it() -> None:
    entries = Answer({"data": [{"id": "v1 key-12345"}, 7]}, secrets=("key-12345",)).entries("data", within="data")
    assert entries is not None
    assert [entry and entry.text("data", "id") for entry in entries] == ["v1 ***", None]
