# SPDX-License-Identifier: Apache-2.0
"""A transfer that broke goes on only with what is certainly the same file."""

from __future__ import annotations

import hashlib

import pytest

from tests.download.fetching import DATE, ETAG, HALF, VIDEO, Memory, broken, fetch, rest
from tests.download.odd_server import Answer, OddServer


@pytest.mark.parametrize(
    ("headers", "if_range"),
    [
        ({"ETag": ETAG, "Last-Modified": DATE}, ETAG),
        ({"ETag": 'W/"weak"', "Last-Modified": DATE}, DATE),
        ({"ETag": 'W/"weak"'}, None),
        ({}, None),
    ],
    ids=["strong tag", "weak tag and date", "weak tag", "nothing"],
)
def test_a_broken_transfer_goes_on_where_it_stopped(
    headers: dict[str, str], if_range: str | None, odd: OddServer
) -> None:
    odd.answers = [broken(**headers), rest(HALF, headers=headers)]
    sink = Memory()
    done = fetch(odd.url, sink)
    assert sink.content == VIDEO
    assert done.sha256 == hashlib.sha256(VIDEO).hexdigest()
    assert odd.asked[1]["range"] == f"bytes={HALF}-"
    assert odd.asked[1].get("if-range") == if_range
    assert len(sink.begun) == 1


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
