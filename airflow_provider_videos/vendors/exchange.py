# SPDX-License-Identifier: Apache-2.0
"""What a vendor's file and an HTTP client say to each other: calls, answers, and what an answer refuses.

A vendor writes each of its operations as a generator that yields calls and is sent answers. It does not know whether
requests or aiohttp sends them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Generator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.errors import UnreadableAnswerError

__all__ = ["Call", "Exchange", "Refusal", "RefusalKind"]

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call to a vendor's API.

    :param path: below the connection's URL, percent-encoded, beginning with a slash.
    :param method: HTTP method in capitals.
    :param query: parameters of the URL, not yet encoded.
    :param headers: headers besides those that carry the key.
    :param body: what is sent as JSON; ``None`` sends nothing.
    :param accepts: status codes whose answer the exchange reads itself, whatever its body. Of any other one, the body
        must be a JSON object and the status code a 2xx; else the exchange ends with an error.
    """

    path: str
    method: str = "GET"
    query: Mapping[str, str | int] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    accepts: Collection[int] = ()

    def __post_init__(self) -> None:
        # Anything else could make another host of the connection's, and the key would go there.
        if not self.path.startswith("/") or self.path.startswith("//"):
            raise UnreadableAnswerError(f"it leads to {self.path!r:.200}, which is no path below the connection's URL")


#: A generator that yields calls, is sent the answer to each, and returns a result.
Exchange = Generator[Call, Answer, _T]


class RefusalKind(StrEnum):
    """What a vendor means when it refuses a call in its own way."""

    #: The key, or what it may do. Whatever was asked for was not done.
    KEY = "key"
    #: It has no such video.
    UNKNOWN_VIDEO = "unknown_video"
    #: It will not do it, however often it is asked. Whatever was asked for was not done, and costs nothing.
    FINAL = "final"
    #: A limit that passes. Whatever was asked for was not done.
    LIMIT = "limit"
    #: An error that does not say whether it was done: an order may have been accepted.
    UNCLEAR = "unclear"


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """What a vendor's own words in an answer refuse, where the HTTP status code alone does not tell.

    :param kind: what it means.
    :param message: the vendor's message; ``None`` takes the one that errors usually have.
    """

    kind: RefusalKind
    message: str | None = None
