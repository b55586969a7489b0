# SPDX-License-Identifier: Apache-2.0
"""What a request for a person's approval of a video says, in Markdown, and what an answer to it says.

Names, prompts and scripts are other people's texts: they stand in code spans and code blocks, where Markdown has no
links, images or headings, and Airflow's pages make no links of addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.get_provider_info import VENDOR_NAMES
from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.ordering.naming import is_made_up
from airflow_provider_videos.texts import clock, dollars, shorten
from airflow_provider_videos.web_urls import web_url

#: What a person may answer, in the words of Airflow's ``ApprovalOperator``.
OPTIONS = ("Approve", "Reject")
#: The field of a request's form, and of an answer, that says which video it is about.
VIDEO_ID_FIELD = "video_id"
#: The field that takes a comment.
COMMENT_FIELD = "comment"
#: Key of the XCom that holds the answer.
ANSWER_KEY = "answer"

_MAX_TITLE = 120
_MAX_VALUE = 300
_MAX_TEXT = 4000
#: Control characters but the line break and the tab, lone surrogates, and marks that turn the direction of a text.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def subject_of(record: Mapping[str, Any]) -> str:
    """Return the headline of a request: what the video is called, in plain text."""
    return f"Approve this video? {shorten(_line(title_of(record)), _MAX_TITLE)}"


def body_of(record: Mapping[str, Any], page_url: str) -> str:
    """Return the text of a request, in Markdown.

    :param record: the video's record, or as much of it as there is.
    :param page_url: where the video plays.
    """
    vendor, name = _text(record, "vendor"), _text(record, "name")
    duration, cost = record.get("duration"), record.get("cost")
    facts = {
        "Name": "" if is_made_up(name, _text(record, "video_id")) else name,
        "Vendor": VENDOR_NAMES.get(vendor, vendor),
        "Model": _text(record, "model"),
        "Duration": clock(duration) if is_number(duration) else "",
        "Size": _text(record, "size"),
        "Cost": dollars(cost) if is_number(cost) else "",
        "Kept at": _text(record, "path"),
        "Id": _text(record, "video_id"),
    }
    preview = web_url(record.get("gif_url")) or web_url(record.get("thumbnail_url"))
    parts = [
        f"![Preview]({_target(preview)})" if preview else "",
        f"**[Watch video]({_target(page_url)})**",
        "\n".join(f"- {name}: {_code(value)}" for name, value in facts.items() if value),
    ]
    for name in ("script", "prompt"):
        if text := _text(record, name):
            parts.append(f"{name.capitalize()}:\n\n{_code_block(text)}")
    return "\n\n".join(part for part in parts if part)


def title_of(record: Mapping[str, Any]) -> str:
    """Return what a person calls the video: its name, what is shown or said in it, or its id."""
    fields = ["name", "prompt", "script", "video_id"]
    if is_made_up(_text(record, "name"), _text(record, "video_id")):
        fields = ["prompt", "script", "name", "video_id"]
    return next(filter(None, (_text(record, field) for field in fields)), "")


def answer_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as a JSON object, for tasks that follow.

    :param event: what Airflow resumes the task with.
    :return: ``option``, ``comment`` (empty if there is none), ``params`` (what else the form asked for), ``user``
        (``id`` and ``name``, ``None`` if time answered) and ``answered_at``, ISO 8601.
    """
    fields = dict(event.get("params_input") or {})
    fields.pop(VIDEO_ID_FIELD, None)
    comment = fields.pop(COMMENT_FIELD, None)
    user = event.get("responded_by_user")
    moment = event.get("responded_at")
    return {
        "option": next(iter(event.get("chosen_options") or ()), None),
        "comment": comment if isinstance(comment, str) else "",
        "params": fields,
        "user": {"id": user["id"], "name": user["name"]} if user else None,
        "answered_at": moment if isinstance(moment, str | None) else moment.isoformat(),
    }


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    return value.strip() if isinstance(value, str) else ""


def _line(text: str) -> str:
    return " ".join(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text).split())


def _code(text: str) -> str:
    """Write a text of one line so that Markdown shows it as it is."""
    text = shorten(_line(text), _MAX_VALUE)
    fence = _longer_than_any("`", text, 1)
    # One space on each side is not shown.
    return f"{fence} {text} {fence}"


def _code_block(text: str) -> str:
    text = "\n".join(shorten(text, _MAX_TEXT).splitlines())
    text = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
    fence = _longer_than_any("`", text, 3)
    return f"{fence}text\n{text}\n{fence}"


def _longer_than_any(sign: str, text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(f"{re.escape(sign)}+", text)), default=0)
    return sign * max(least, longest + 1)


def _target(url: str) -> str:
    """Write a URL so that it ends a link where it ends."""
    for sign, encoded in (("\\", "%5C"), ("<", "%3C"), (">", "%3E")):
        url = url.replace(sign, encoded)
    # What looks like an entity would become its character.
    url = re.sub(r"&(?=#?\w+;)", "&amp;", url)
    return f"<{url}>"
