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
from typing import Any, Literal, TypeVar

from airflow_provider_videos.masking import margin, mask
from airflow_provider_videos.numeric import read_number
from airflow_provider_videos.texts import shorten
from airflow_provider_videos.web_urls import web_url

__all__ = ["Answer", "Purpose"]

log = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 500
#: Together takes a prompt of so many; a text that is longer is cut off.
MAX_TEXT_CHARACTERS = 32_000
#: What of an error's body is looked at.
MAX_MESSAGE_BYTES = 10_000

#: What an exchange is for.
Purpose = Literal["order", "get", "list", "cancel", "delete", "rename", "test"]
_T = TypeVar("_T")


class Answer:
    """What a vendor answered to one call.

    Each reading method takes the path of a field, as keys of objects and places in lists from the outermost to the
    innermost, and returns ``None`` if the field is missing, null, or of a form that can't be read.

    :param body: the JSON value; ``None`` if the body is empty or no JSON, where the call accepts that.
    :param status_code: HTTP status code.
    :param headers: headers, by names in any case.
    :param purpose: what the exchange is for.
    :param message: the message that errors usually have, in one line; a function, as few answers are asked for it.
    :param secrets: what is replaced by stars where the answer echoes it.
    """

    __slots__ = ("_message", "_secrets", "body", "headers", "purpose", "status_code")

    def __init__(
        self,
        body: Any,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        purpose: Purpose = "get",
        message: Callable[[], str | None] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.body = body
        self.status_code = status_code
        self.headers: Mapping[str, str] = headers if headers is not None else {}
        self.purpose = purpose
        self._message = message
        self._secrets = secrets

    @property
    def message(self) -> str | None:
        """The message that errors usually have, in one line."""
        return self._message() if self._message is not None else None

    def text(self, *path: str | int) -> str | None:
        """Read a text; a number becomes one, a list of texts too, an empty text is none."""
        return self._read(path, _text)

    def word(self, *path: str | int) -> str | None:
        """Read a text that is one in the answer, such as a status; an empty text is none."""
        return self._read(path, _word)

    def url(self, *path: str | int) -> str | None:
        """Read an ``http`` or ``https`` URL."""
        return self._read(path, _url)

    def urls(self, *path: str | int) -> tuple[str, ...]:
        """Read a URL or a list of URLs; what is none is left out."""
        value = self.value(*path)
        found = [Answer(item, secrets=self._secrets).url() for item in (value if isinstance(value, list) else [value])]
        return tuple(url for url in found if url is not None)

    def time(self, *path: str | int) -> str | None:
        """Read Unix seconds, an ISO 8601 or an RFC 1123 date as ISO 8601 in UTC. Without a zone it is UTC."""
        return self._read(path, _time)

    def number(self, *path: str | int) -> float | None:
        """Read a number of 0 or more, also when it is written as a text."""
        return self._read(path, _number)

    def fraction(self, *path: str | int) -> float | None:
        """Read a part of a whole, 0 to 1, also when it is written like ``37/100`` or ``37%``."""
        return self._read(path, _fraction)

    def entries(self, *path: str | int, within: str | None = None) -> list[Answer | None] | None:
        """Read a list of objects, each as an answer of its own; ``None`` in it stands for what is no object.

        :param within: key that each object is put under, as it is in the answer to a poll.
        """
        value = self.value(*path)
        if not isinstance(value, list):
            return None
        return [
            Answer({within: item} if within else item, secrets=self._secrets) if isinstance(item, Mapping) else None
            for item in value
        ]

    def value(self, *path: str | int) -> Any:
        """Return whatever JSON value there is, unread and with the secrets in it if the answer echoes that."""
        value = self.body
        for key in path:
            if isinstance(key, int):
                value = value[key] if isinstance(value, list) and -len(value) <= key < len(value) else None
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _read(self, path: tuple[str | int, ...], convert: Callable[[Any], _T]) -> _T | None:
        value = self.value(*path)
        if value is None:
            return None
        try:
            return self._masked(convert(value))
        except (ValueError, TypeError, OverflowError, RecursionError):
            log.debug("Field %s is ignored: a %s can't be read so", ".".join(map(str, path)), type(value).__name__)
            return None

    def _masked(self, value: _T) -> _T:
        if not isinstance(value, str):
            return value
        return mask(value, *self._secrets, limit=MAX_TEXT_CHARACTERS)  # type: ignore[return-value]


def read_error_message(body: bytes, *, secrets: tuple[str, ...] = ()) -> str | None:
    """Find the message in the body of an error, which may be JSON, HTML, plain text or empty.

    :param body: the body.
    :param secrets: what is replaced by stars where the message echoes it.
    :return: the message in one line, shortened; ``None`` if there is none.
    """
    text = body[:MAX_MESSAGE_BYTES].decode("utf-8-sig", errors="replace")
    try:
        message = _message(json.loads(text))
    except (ValueError, RecursionError):
        message = _without_markup(text) if is_html(body) else text
    message = " ".join(_storable(message).split())
    if len(body) > MAX_MESSAGE_BYTES:
        # The cut may have gone through a secret.
        message = message[: -margin(*secrets)]
    return shorten(mask(message, *secrets), MAX_MESSAGE_CHARACTERS) or None


def is_html(body: bytes) -> bool:
    """Return whether a body is a page for people."""
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
    if isinstance(value, list):
        # One entry for each field of a request that is wrong.
        return "; ".join(message for item in value if (message := _message(item)))
    if isinstance(value, Mapping):
        for key in ("error", "message", "detail", "msg", "title", "description"):
            if message := _message(value.get(key)):
                return message
    return ""


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "; ".join(text for item in value if (text := _text(item))) or None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    return _storable(str(value)).strip() or None


def _word(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError
    return _text(value)


def _url(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError
    text = value.strip()
    url = web_url(text)
    if text and url is None:
        raise ValueError
    return url


def _number(value: Any) -> float:
    number = read_number(value)
    if number is None or number < 0:
        raise ValueError
    return float(number)


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
