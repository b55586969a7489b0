# SPDX-License-Identifier: Apache-2.0
"""Reading fields from a vendor's JSON, in every form in which vendors were seen to write them.

A side field that makes no sense is lost with a debug line; it doesn't lose the video.
"""

from __future__ import annotations

import html
import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from airflow_provider_videos.masking import margin, mask

log = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 500
#: Together takes a prompt of so many; a text that is longer is cut off.
MAX_TEXT_CHARACTERS = 32_000
#: What of an error's body is looked at.
MAX_MESSAGE_BYTES = 10_000

_T = TypeVar("_T")


class Answer:
    """A JSON object that a vendor answered.

    Each method takes the path of a field, as keys from the outermost to the innermost, and gives ``None`` if the
    field is missing, null, or of a form that can't be read.

    :param body: the object.
    :param secret: what is replaced by stars where the answer echoes it.
    """

    def __init__(self, body: Mapping[str, Any], *, secret: str | None = None) -> None:
        self._body = body
        self._secret = secret

    def text(self, *path: str) -> str | None:
        """Read a text; a number becomes one, a list of texts too, an empty text is none."""
        return self._read(path, _text)

    def url(self, *path: str) -> str | None:
        """Read an ``http`` or ``https`` URL."""
        return self._read(path, _url)

    def time(self, *path: str) -> str | None:
        """Read Unix seconds, an ISO 8601 or an RFC 1123 date as ISO 8601 in UTC. Without a zone it is UTC."""
        return self._read(path, _time)

    def number(self, *path: str) -> float | None:
        """Read a number of 0 or more, also when it is written as a text."""
        return self._read(path, _number)

    def fraction(self, *path: str) -> float | None:
        """Read a part of a whole, 0 to 1, also when it is written like ``37/100`` or ``37%``."""
        return self._read(path, _fraction)

    def _read(self, path: tuple[str, ...], convert: Callable[[Any], _T]) -> _T | None:
        value: Any = self._body
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return None
        try:
            return self._masked(convert(value))
        except (ValueError, TypeError, OverflowError, RecursionError):
            log.debug("Field %s is ignored: a %s of that form has no meaning", ".".join(path), type(value).__name__)
            return None

    def _masked(self, value: _T) -> _T:
        if not isinstance(value, str):
            return value
        return mask(value, self._secret, limit=MAX_TEXT_CHARACTERS)  # type: ignore[return-value]


def read_error_message(body: bytes, *, secret: str | None = None) -> str | None:
    """Find the message in the body of an error, which may be JSON, HTML, plain text or empty.

    :param body: the body.
    :param secret: what is replaced by stars where the message echoes it.
    :return: the message in one line, shortened; ``None`` if there is none.
    """
    text = body[:MAX_MESSAGE_BYTES].decode("utf-8-sig", errors="replace")
    try:
        message = _message(json.loads(text))
    except (ValueError, RecursionError):
        message = _without_markup(text) if is_html(body) else text
    message = " ".join(_storable(message).split())
    if len(body) > MAX_MESSAGE_BYTES:
        # The cut may have gone through the secret.
        message = message[: -margin(secret)]
    message = mask(message, secret)
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = message[:MAX_MESSAGE_CHARACTERS] + "…"
    return message or None


def is_html(body: bytes) -> bool:
    """Tell whether a body is a page for people."""
    start = body[:MAX_MESSAGE_BYTES].lower()
    return any(tag in start for tag in (b"<!doctype", b"<html", b"<head", b"<body", b"<title"))


def _without_markup(text: str) -> str:
    if (title := re.search(r"<title[^<>]*>", text, re.IGNORECASE)) and (
        end := re.compile(r"</title", re.IGNORECASE).search(text, title.end())
    ):
        text = text[title.end() : end.start()]
    return html.unescape(re.sub(r"<[^<>]*>", " ", text))


def _storable(text: str) -> str:
    """Drop what a log or a database can't take: lone surrogates and the character 0."""
    return text.encode(errors="replace").decode().replace("\0", "")


def _message(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        for key in ("error", "message", "detail"):
            if message := _message(value.get(key)):
                return message
    return ""


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "; ".join(text for item in value if (text := _text(item))) or None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    return _storable(str(value)).strip() or None


def _url(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError
    url: str = value.strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or not url.isprintable() or " " in url:
        raise ValueError
    return url


def _number(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= (number := float(value)) < math.inf:
        raise ValueError
    return number


def _fraction(value: Any) -> float:
    if isinstance(value, str) and "/" in value:
        part, whole = value.split("/")
        fraction = _number(part) / _number(whole) if _number(whole) else math.nan
    elif isinstance(value, str) and value.endswith("%"):
        fraction = _number(value[:-1]) / 100
    else:
        fraction = _number(value)
    if not fraction <= 1:
        raise ValueError
    return fraction


def _time(value: Any) -> str:
    try:
        seconds = _number(value)
    except ValueError:
        if not isinstance(value, str):
            raise
        try:
            time = datetime.fromisoformat(value.strip())
        except ValueError:
            time = parsedate_to_datetime(value)
    else:
        time = datetime.fromtimestamp(seconds, UTC)
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    # Together writes "0001-01-01T00:00:00Z" for a time that has not come; others write 0.
    if time.timestamp() <= 0:
        raise ValueError
    return time.isoformat()
