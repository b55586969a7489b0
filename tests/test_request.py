# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoRequestError
from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.request import MAX_DEPTH, read_order, read_request, submit, texts_of
from airflow_provider_videos.vendors.errors import RequestFieldError
from tests.vendor_kit import REQUESTS

ITSELF: list[Any] = []
ITSELF.append(ITSELF)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


ODD: dict[str, tuple[dict[Any, Any], str]] = {
    "a name that is a number": ({5: "x"}, "5"),
    "a name that is None": ({None: "x"}, "None"),
    "a name that is true, and no value": ({True: None}, "True"),
    "a name that is a tuple": ({("a", "b"): "x"}, "('a', 'b')"),
    "self": ({"self": "x"}, "self"),
    "a nested name that is a number": ({"extra": {"a": [{"b": {1: 2}}]}}, "extra"),
    "nested names that can't be sorted": ({"extra": {1: 1, "a": 2}}, "extra"),
    "a nested tuple as a name": ({"extra": {(1, 2): 3}}, "extra"),
    "bytes": ({"extra": b"x"}, "extra"),
    "a set": ({"extra": {"x"}}, "extra"),
    "a time": ({"extra": [datetime(2026, 1, 1)]}, "extra"),
    "no number": ({"extra": {"x": math.nan}}, "extra"),
    "too large a number": ({"extra": math.inf}, "extra"),
    "a dict of another class": ({"extra": MappingProxyType({"a": 1})}, "extra"),
    "itself": ({"extra": ITSELF}, "extra"),
    "nested too deep": ({"extra": nested(MAX_DEPTH + 1)}, "extra"),
    "nested much too deep": ({"extra": nested(100_000)}, "extra"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("hook", [TavusHook, TogetherHook])
def test_a_request_that_cant_be_sent_names_the_field(hook: Any, odd: str) -> None:
    more, field = ODD[odd]
    with pytest.raises(VideoRequestError) as refused:
        read_order({**REQUESTS[hook.conn_type], **more}, hook.vendor)
    assert refused.value.field == field


@pytest.mark.parametrize("value", [[], {}, ["MP4"], 4, "mp4", True])
def test_a_format_that_together_does_not_know_is_refused(value: Any) -> None:
    with pytest.raises(VideoRequestError, match="output_format"):
        read_order({**REQUESTS["together"], "output_format": value}, TogetherHook.vendor)


@pytest.mark.parametrize(
    ("hook", "field"),
    [
        (TavusHook, "replica_id"),
        (TavusHook, "script"),
        (TavusHook, "audio_url"),
        (TogetherHook, "model"),
        (TogetherHook, "prompt"),
    ],
)
@pytest.mark.parametrize("value", [5, ["x"], {"x": "y"}, True])
def test_what_must_be_a_text_is_one(hook: Any, field: str, value: Any) -> None:
    without = {"audio_url": "script"}.get(field)
    request = {name: text for name, text in REQUESTS[hook.conn_type].items() if name != without}
    with pytest.raises(VideoRequestError, match=f"'{field}': must be a string, not {type(value).__name__}"):
        read_order({**request, field: value}, hook.vendor)


def test_what_is_nested_as_deep_as_is_allowed_is_sent_as_it_is() -> None:
    request = {**REQUESTS["tavus"], "extra": nested(MAX_DEPTH), "properties": {"self": None, "x": ({"y": 1},)}}
    assert read_order(request, TavusHook.vendor) == request


@pytest.mark.parametrize("request_", ["", "{", "[" * 100_000, "[]", "5", None, 5, []])
def test_what_is_no_object_is_no_request(request_: Any) -> None:
    with pytest.raises(VideoRequestError, match="request"):
        read_request(request_)


def test_an_unchecked_request_is_sent_with_what_the_page_forbids() -> None:
    request = {**REQUESTS["tavus"], "scrpt": "Hello.", "audio_url": "https://example.com/a.wav"}
    with pytest.raises(VideoRequestError, match="did you mean 'script'"):
        read_order(request, TavusHook.vendor)
    assert read_order(request, TavusHook.vendor, check_request=False) == request


def test_an_unchecked_request_that_no_call_can_be_made_of_is_refused() -> None:
    class Picky(type(TavusHook.vendor)):  # type: ignore[misc]
        def submit(self, request: Any, *, key: str | None) -> Any:
            raise RequestFieldError("kind", "is missing")
            yield

    with pytest.raises(VideoRequestError, match="request, field 'kind': is missing"):
        next(submit(Picky(), {}, key=None))


@pytest.mark.parametrize(
    ("request_", "texts"),
    [
        ({"prompt": "A cat.", "script": "Hello."}, {"prompt": "A cat.", "script": "Hello."}),
        ({"promptText": "A cat."}, {"prompt": "A cat."}),
        ({"input": {"prompt": "A cat."}}, {"prompt": "A cat."}),
        ({"prompt": "A cat.", "input": {"prompt": "A dog."}}, {"prompt": "A cat."}),
        ({"content": [{"type": "image_url"}, {"type": "text", "text": "A cat."}, "A dog."]}, {"prompt": "A cat."}),
        ({"script": {"type": "text", "input": "Hello."}}, {"script": "Hello."}),
        ({"prompt": 5, "input": "A cat.", "script": " "}, {}),
    ],
)
def test_the_texts_of_an_order_are_found_whatever_the_vendor_calls_them(
    request_: dict[str, Any], texts: dict[str, str]
) -> None:
    assert texts_of(request_) == texts
