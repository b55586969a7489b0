# SPDX-License-Identifier: Apache-2.0
"""A transfer that broke goes on only with what is certainly the same file."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from tests.download.fetching import DATE, ETAG, HALF, VIDEO, Memory, broken, fetch, rest
from tests.download.odd_server import Answer, OddServer


@pytest.mark.parametrize(
    ("headers", "if_range"),
    [
        ({"ETag": ETAG, "Last-Modified": DATE}, ETAG),
        ({"ETag": ETAG}, ETAG),
        ({"ETag": 'W/"weak"', "Last-Modified": DATE}, DATE),
        ({"Last-Modified": DATE}, DATE),
    ],
    ids=["strong tag and date", "strong tag", "weak tag and date", "date"],
)
def test_a_broken_transfer_goes_on_where_it_stopped(headers: dict[str, str], if_range: str, odd: OddServer) -> None:
    odd.answers = [broken(**headers), rest(HALF, headers=headers)]
    sink = Memory()
    done = fetch(odd.url, sink)
    assert sink.content == VIDEO
    assert done.sha256 == hashlib.sha256(VIDEO).hexdigest()
    assert odd.asked[1]["range"] == f"bytes={HALF}-"
    assert odd.asked[1]["if-range"] == if_range
    assert len(sink.begun) == 1


def test_with_a_strong_tag_a_part_needs_no_date(odd: OddServer) -> None:
    headers = {"ETag": ETAG, "Last-Modified": DATE}
    odd.answers = [broken(**headers), rest(HALF, headers={"ETag": ETAG})]
    assert fetch(odd.url, Memory()).size == len(VIDEO)
    assert len(odd.asked) == 2


OTHER = bytes(reversed(VIDEO[HALF:]))
WEAK, OTHER_DATE = 'W/"weak"', "Wed, 21 Oct 2026 07:28:01 GMT"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"ETag": ETAG}, {}),
        ({"ETag": ETAG}, {"ETag": '"another"'}),
        ({"ETag": ETAG}, {"ETag": f"W/{ETAG}"}),
        ({"ETag": ETAG, "Last-Modified": DATE}, {"Last-Modified": DATE}),
        ({"ETag": ETAG, "Last-Modified": DATE}, {"ETag": ETAG, "Last-Modified": OTHER_DATE}),
        ({"ETag": WEAK, "Last-Modified": DATE}, {"ETag": 'W/"another"', "Last-Modified": DATE}),
        ({"ETag": WEAK, "Last-Modified": DATE}, {"Last-Modified": DATE}),
        ({"Last-Modified": DATE}, {}),
        ({"Last-Modified": DATE}, {"Last-Modified": OTHER_DATE}),
        ({"Last-Modified": DATE}, {"ETag": ETAG, "Last-Modified": DATE}),
    ],
)
def test_a_part_that_does_not_show_the_validator_that_was_there_is_not_put_behind_another(
    first: dict[str, str], second: dict[str, str], odd: OddServer
) -> None:
    other = dataclasses.replace(rest(HALF, headers=second), body=OTHER)
    odd.answers = [broken(**first), other, Answer(VIDEO, length=len(VIDEO))]
    sink = Memory()
    fetch(odd.url, sink)
    assert sink.content == VIDEO
    assert len(odd.asked) == 3


@pytest.mark.parametrize("headers", [{}, {"ETag": WEAK}], ids=["nothing", "weak tag"])
def test_without_a_validator_a_broken_transfer_starts_over(headers: dict[str, str], odd: OddServer) -> None:
    odd.answers = [broken(**headers), Answer(VIDEO, length=len(VIDEO))]
    sink = Memory()
    fetch(odd.url, sink)
    assert sink.content == VIDEO
    assert "range" not in odd.asked[1]


@pytest.mark.parametrize(
    "second",
    [
        Answer(VIDEO, length=len(VIDEO)),
        rest(HALF, headers={"Content-Range": f"bytes {HALF - 1}-{len(VIDEO) - 1}/{len(VIDEO)}"}),
        rest(HALF, headers={"Content-Range": f"bytes {HALF}-{len(VIDEO) - 1}/{len(VIDEO) + 1}"}),
        rest(HALF, headers={"Content-Range": f"bytes {HALF}-{len(VIDEO) - 1}/*"}),
        rest(HALF, headers={"Content-Range": "octets"}),
        rest(HALF, headers={"ETag": '"another"'}),
        Answer(status=416, length=0),
    ],
    ids=["no ranges", "wrong place", "other length", "no length", "no range", "other file", "refused range"],
)
def test_a_transfer_that_can_not_go_on_starts_over(second: Answer, odd: OddServer) -> None:
    odd.answers = [broken(ETag=ETAG), second, Answer(VIDEO, length=len(VIDEO))]
    sink = Memory()
    assert fetch(odd.url, sink).sha256 == hashlib.sha256(VIDEO).hexdigest()
    assert sink.content == VIDEO


def test_without_length_and_tag_a_broken_transfer_is_not_gone_on_with(odd: OddServer) -> None:
    half = Answer(b"%x\r\n%s" % (len(VIDEO), VIDEO[:HALF]), headers={"Transfer-Encoding": "chunked"})
    odd.answers = [half, Answer(VIDEO, length=len(VIDEO))]
    sink = Memory()
    assert fetch(odd.url, sink).size == len(VIDEO)
    assert "range" not in odd.asked[1]
    assert sink.content == VIDEO
