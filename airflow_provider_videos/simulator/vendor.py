# SPDX-License-Identifier: Apache-2.0
"""What a vendor's file states: its endpoints and its error bodies, as functions of values."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.videos import VendorName


class Answer(NamedTuple):
    """A status code and the JSON value that goes with it."""

    status: int
    body: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One request to a vendor's endpoint, its key already accepted.

    :param state: what the simulator knows; an endpoint may change it.
    :param video_id: the id in the path, empty where the path has none.
    :param query: the query's parameters.
    :param body: the body, as it came.
    :param base_url: scheme, host and port under which the client reached the simulator.
    """

    state: State
    video_id: str
    query: Mapping[str, str]
    body: bytes
    base_url: str

    def json_object(self) -> dict[str, Any] | None:
        """The body, or None if it is not a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


Endpoint = Callable[[Call], Answer]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor as the simulator plays it.

    :param name: its name.
    :param endpoints: what it answers, by method and path, such as ``GET /v2/videos/{id}``.
    :param error: the body of an answer of this status code.
    :param unknown_video: what it answers about a video that it doesn't have.
    """

    name: VendorName
    endpoints: Mapping[str, Endpoint]
    error: Callable[[int], dict[str, Any]]
    unknown_video: Answer


def media_url(base_url: str, vendor: VendorName, video_id: str, suffix: str) -> str:
    """Where this simulator serves a file of a video, such as its ``mp4``."""
    return f"{base_url}/media/{vendor}/{urllib.parse.quote(video_id, safe='')}.{suffix}"


def wrongly_typed(order: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> str | None:
    """The first field of an order whose type is not the table's; None: all are right."""
    for name, value in order.items():
        expected = types.get(name)
        if expected is None:
            continue
        # To isinstance, True is an int; to a vendor it is not.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            return name
    return None
