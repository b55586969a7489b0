# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_videos.approval import answer_of, body_of, subject_of

PAGE = "http://localhost:8080/videos/dags/d/runs/r/tasks/approve?map_index=-1"
RECORD: dict[str, Any] = {
    "vendor": "runway",
    "video_id": "v1",
    "state": "ready",
    "name": "Dawn",
    "model": "gen4.5",
    "duration": 5.2,
    "size": "1280x720",
    "cost": 0.35,
    "prompt": "A cat on a roof.",
    "script": None,
    "thumbnail_url": "https://cdn.test/v1.jpg?a=1&b=2",
    "gif_url": None,
    "error_message": None,
}
HOSTILE = (
    "](javascript:alert(1)) ![x](https://evil.test/p.png) <script>alert(1)</script> https://evil.test "
    "``` ```` `a` ~~~ # | \\ &lt; [l]: https://evil.test"
)


def test_a_request_shows_what_a_person_decides_by() -> None:
    assert subject_of(RECORD) == "Approve this video? Dawn"
    assert body_of(RECORD, PAGE) == (
        "![Preview](<https://cdn.test/v1.jpg?a=1&b=2>)\n\n"
        f"**[Watch video](<{PAGE}>)**\n\n"
        "- Name: ` Dawn `\n- Vendor: ` Runway `\n- Model: ` gen4.5 `\n- Duration: ` 0:05 `\n- Size: ` 1280x720 `\n"
        "- Cost: ` $0.35 `\n- Id: ` v1 `\n\n"
        "Prompt:\n\n```text\nA cat on a roof.\n```"
    )


def test_a_moving_preview_comes_before_a_still_one() -> None:
    assert "![Preview](<https://cdn.test/v1.gif>)" in body_of({**RECORD, "gif_url": "https://cdn.test/v1.gif"}, PAGE)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:image/png;base64,AA", "https://cdn.test/a b", "", None, 7]
)
def test_what_is_no_address_of_the_web_is_no_preview(url: Any) -> None:
    assert "![" not in body_of({**RECORD, "thumbnail_url": url}, PAGE)


def test_a_preview_ends_where_its_address_ends() -> None:
    url = "https://cdn.test/a>)![x](https://evil.test/<b\\&copy;=1"
    target = "<https://cdn.test/a%3E)![x](https://evil.test/%3Cb%5C&amp;copy;=1>"
    assert body_of({**RECORD, "thumbnail_url": url}, PAGE).startswith(f"![Preview]({target})\n\n**[Watch")


def test_the_least_that_is_known_of_a_video_will_do() -> None:
    assert subject_of({"vendor": "tavus", "video_id": "v1"}) == "Approve this video? v1"
    assert body_of({"vendor": "mine", "video_id": "v1"}, PAGE) == (
        f"**[Watch video](<{PAGE}>)**\n\n- Vendor: ` mine `\n- Id: ` v1 `"
    )


def test_a_name_that_a_machine_made_up_is_no_title() -> None:
    made_up = {**RECORD, "name": "airflow-0123456789abcdef01234567 dag.order"}
    assert subject_of(made_up) == "Approve this video? A cat on a roof."
    assert "- Name" not in body_of(made_up, PAGE)


@pytest.mark.parametrize("field", ["name", "model", "size", "path", "prompt", "script", "video_id", "vendor"])
def test_a_text_of_somebody_else_stays_within_code(field: str) -> None:
    """What Markdown takes for code is cut out, as CommonMark defines it; nothing of the text may be left."""
    body = body_of({"vendor": "tavus", "video_id": "v1", field: f"x\n\n{HOSTILE}\n\n- y\n```"}, PAGE)
    rest = re.sub(r"^(`{3,})text\n.*?\n\1$", "", body, flags=re.MULTILINE | re.DOTALL)
    rest = re.sub(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", rest)
    assert "evil" not in rest
    assert "alert" not in rest
    assert "`" not in rest
    assert rest.startswith(f"**[Watch video](<{PAGE}>)**\n\n- ")


def test_signs_that_nobody_sees_are_shown_as_such() -> None:
    body = body_of({**RECORD, "prompt": "a\x00b\u202ec\ud83dd\r\ne\tf"}, PAGE)
    assert "```text\na\N{REPLACEMENT CHARACTER}b" in body
    assert "c\N{REPLACEMENT CHARACTER}d\ne\tf\n```" in body
    # It is sent as JSON.
    body.encode()
    subject_of({**RECORD, "name": "a\ud83d\nb\u202e"}).encode()


def test_a_text_that_is_too_long_is_cut() -> None:
    long = {**RECORD, "prompt": "p" * 100_000, "name": "n" * 100_000}
    assert len(body_of(long, PAGE)) < 6000
    assert len(subject_of(long)) < 200


def test_numbers_that_are_none_are_left_out() -> None:
    body = body_of({**RECORD, "cost": float("nan"), "duration": "5", "model": 7}, PAGE)
    assert not re.search(r"Cost|Duration|Model", body)


def test_an_answer_is_an_object_of_json() -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    event = {
        "chosen_options": ["Reject"],
        "params_input": {"video_id": "v1", "comment": "Too dark.", "prompt": "A cat at noon."},
        "responded_at": moment,
        "responded_by_user": {"id": "1", "name": "ann"},
    }
    assert answer_of(event) == {
        "option": "Reject",
        "comment": "Too dark.",
        "params": {"prompt": "A cat at noon."},
        "user": {"id": "1", "name": "ann"},
        "answered_at": "2026-11-22T00:00:00+00:00",
    }
    by_time = {"chosen_options": ["Reject"], "params_input": {}, "responded_at": moment, "responded_by_user": None}
    assert answer_of(by_time) == {
        "option": "Reject",
        "comment": "",
        "params": {},
        "user": None,
        "answered_at": "2026-11-22T00:00:00+00:00",
    }
