# SPDX-License-Identifier: Apache-2.0
"""The form of a simulated vendor: what its one file states, and what the simulator hands to its functions."""

from __future__ import annotations

import dataclasses
import http
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_videos.simulator.auth import Auth
from airflow_provider_videos.simulator.checks import check_choice
from airflow_provider_videos.simulator.path_template import path_template
from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.videos import COMMON_OUTCOMES, Ending, SimulatedVideo

MEDIA_PATH = "/media/{vendor}/{id}.{suffix}"
"""Where a file of a video is, unless the vendor has a role ``media``."""
_CONN_TYPE = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = ("media", "simulator")


class Reply(NamedTuple):
    """What a vendor answers.

    :param status: the status code.
    :param body: a JSON value; None (default): the body is empty.
    :param headers: further headers. Default: none.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


class RefusedError(Exception):
    """Raised by a vendor's function to end a request with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"status {reply.status}")
        self.reply = reply


def phrase(status: int) -> str:
    """What a status code is called, such as ``Not Found``."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


@dataclasses.dataclass(kw_only=True)
class VendorRequest:
    """One request to a vendor's endpoint, its key already accepted.

    :param vendor: the vendor.
    :param state: what the simulator knows: its settings and videos.
    :param parts: what the parts in braces of the endpoint's path stand for; ``id`` is a video's id.
    :param query: the query's parameters.
    :param headers: the headers.
    :param body: the body, as it came.
    :param base_url: scheme, host and port under which the client reached the simulator.
    """

    vendor: SimulatedVendor
    state: State
    parts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    base_url: str = "http://127.0.0.1"
    has_created: bool = dataclasses.field(default=False, init=False)

    @property
    def vendor_url(self) -> str:
        """The vendor's own base URL at this simulator."""
        return f"{self.base_url}/{self.vendor.conn_type}"

    @property
    def video(self) -> SimulatedVideo:
        """The video whose id is in the path.

        :raises RefusedError: there is none of this id.
        """
        video = self.state.videos.get(self.vendor.conn_type, self.parts["id"])
        if video is None:
            raise RefusedError(self.vendor.unknown_video)
        return video

    def json_object(self) -> dict[str, Any] | None:
        """The body, or None if it is not a JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def create_video(self, order: Mapping[str, Any], **options: Any) -> SimulatedVideo:
        """Order a video, which counts as created.

        :param order: what was ordered.
        :param options: further arguments of the video, such as ``video_id``. Default: from the settings.
        """
        video = self.vendor.add_video(self.state, {"outcome": self.state.outcome, **options}, order)
        self.state.record.creation(self.vendor.conn_type)
        self.has_created = True
        return video

    def change_order(self, **changes: Any) -> None:
        """Change fields of the order of the video whose id is in the path.

        :raises RefusedError: there is none of this id.
        """
        video = self.video
        self.state.videos.change(video.vendor, video.video_id, {"order": {**video.order, **changes}})

    def end_video(self, phase: str) -> None:
        """End the video whose id is in the path now, as ``cancelled``, ``deleted`` or what else the vendor knows.

        :raises RefusedError: there is none of this id.
        """
        video = self.video
        self.state.videos.change(video.vendor, video.video_id, {"ending": Ending(phase, time.monotonic())})

    def remove_video(self) -> None:
        """Drop the video whose id is in the path: from now on it is unknown.

        :raises RefusedError: there is none of this id.
        """
        self.state.videos.remove(self.vendor.conn_type, self.video.video_id)

    def newest(self, *, limit: int, skip: int = 0, after: str | None = None) -> tuple[list[SimulatedVideo], int]:
        """A page of the vendor's videos, newest first, and how many there are in all.

        :param limit: how many at most.
        :param skip: how many of the newest to leave out. Default 0.
        :param after: id of the video that the page follows, for lists with cursors; None (default): of none.
        """
        ordered_by = time.monotonic() - self.state.listing_delay
        return self.state.videos.newest(
            self.vendor.conn_type, limit=limit, skip=skip, after=after, ordered_by=ordered_by
        )

    def media_url(self, video: SimulatedVideo, suffix: str = "mp4") -> str:
        """Where a file of a video is served: ``mp4`` (default), ``jpg``, ``gif``, ``m3u8``, ``srt``,
        or ``html``, its page."""
        parts = {"vendor": video.vendor, "id": video.video_id, "suffix": suffix}
        media = self.vendor.endpoints.get("media")
        if media is not None:
            return self.vendor_url + path_template(media.path).fill(parts)
        return self.base_url + path_template(MEDIA_PATH).fill(parts)


class Endpoint(NamedTuple):
    """An endpoint of a vendor.

    :param method: the HTTP method.
    :param path: the path below the vendor's base URL, with parts in braces: see
        :class:`~airflow_provider_videos.simulator.path_template.PathTemplate`. The part ``id`` is a video's id.
    :param answer: what it answers; None (default): only for the role ``media``, which the simulator answers.
    """

    method: str
    path: str
    answer: Callable[[VendorRequest], Reply] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimulatedVendor:
    """A vendor as the simulator plays it, mounted below ``/{conn_type}``.

    :param conn_type: the connection's type, such as ``tavus``.
    :param name: its name for people, such as ``Tavus``.
    :param auth: how it is told its key.
    :param endpoints: its endpoints by role. Those of a role that faults, the record and tests know by name are
        ``create`` (orders a video), ``get`` (polls it), ``result`` (a second GET once it is ready), ``list``,
        ``cancel``, ``delete``, ``rename``, and ``media``: the file itself, if only the key opens it. Without a role
        ``media``, files lie at a URL of their own that needs no key.
    :param error: what it answers where something is wrong, by the HTTP status that fits: 401 for a wrong key, 404 for
        an unknown path, 405 for a wrong method, and whatever a fault asks for.
    :param unknown_video: what it answers about a video that it doesn't have.
    :param new_id: a fresh id that looks like the vendor's own.
    :param example_order: the body of an order that it accepts.
    :param example_path: path of that order; empty (default): that of the role ``create``, if it has no parts.
    :param outcomes: how a video can end besides the ways common to all vendors, such as ``cancelled``. Default: none.
    :param login: the login of its Airflow connection, where its key has two parts; the simulator's key is the other
        one. Default: none.
    :param idempotency_header: header of an order that gets, sent with the same value again, the same answer again
        instead of a new video; empty (default): it has none.
    :param check: sees each request with a right key first; a reply refuses the request. None (default): no check.
    :param list_items: key of a page of a list that holds its videos. Default ``data``.
    :param list_end: what is merged into a page, by the number of its videos, to say that it is all there is.
        Default: nothing.
    :param at_root: whether it answers at the root too, to requests with its key's header. Default False.
    :raises ValueError: an argument is not usable; the message names it.
    """

    conn_type: str
    name: str
    auth: Auth
    endpoints: Mapping[str, Endpoint]
    error: Callable[[int], Reply]
    unknown_video: Reply
    new_id: Callable[[], str]
    example_order: Mapping[str, Any]
    example_path: str = ""
    outcomes: tuple[str, ...] = ()
    login: str = ""
    idempotency_header: str = ""
    check: Callable[[VendorRequest], Reply | None] | None = None
    list_items: str = "data"
    list_end: Callable[[int], Mapping[str, Any]] | None = None
    at_root: bool = False

    def __post_init__(self) -> None:
        if not _CONN_TYPE.fullmatch(self.conn_type) or self.conn_type in _RESERVED:
            raise ValueError(f"conn_type must be a name in small letters, and none of {_RESERVED}: {self.conn_type!r}")
        for role, endpoint in self.endpoints.items():
            path_template(endpoint.path)
            if endpoint.answer is None and role != "media":
                raise ValueError(f"endpoints[{role!r}] has no function that answers")
        for role in ("create", "get"):
            if role not in self.endpoints:
                raise ValueError(f"endpoints must have the role {role}")

    def answer(self, role: str, request: VendorRequest) -> Reply:
        """Answer a request with a right key. An order with an idempotency key that has been seen makes no new video.

        :param role: role of the endpoint, other than ``media``.
        :param request: the request.
        """
        answer = self.endpoints[role].answer
        if answer is None:
            raise ValueError(f"the role {role!r} has no function that answers")
        sent = request.headers.get(self.idempotency_header) if role == "create" and self.idempotency_header else None
        replay = (self.conn_type, *request.parts.values(), sent) if sent else None
        if replay and replay in request.state.replays:
            earlier: Reply = request.state.replays[replay]
            return earlier
        try:
            reply = (self.check and self.check(request)) or answer(request)
        except RefusedError as refusal:
            return refusal.reply
        if replay and request.has_created:
            request.state.replays[replay] = reply
        return reply

    def add_video(
        self, state: State, options: Mapping[str, Any], order: Mapping[str, Any] | None = None
    ) -> SimulatedVideo:
        """Put a video there as if it had been ordered now.

        :param state: where it is put.
        :param options: arguments of the video; those that lack or are None are taken from the settings.
        :param order: the body of the request that ordered it; None (default): an example.
        :raises ValueError: an option is not usable; the message names it.
        """
        given = {name: value for name, value in options.items() if value is not None}
        given = {"queued": state.queued, "generating": state.generating, "form": state.form} | given
        if "video_id" not in given:
            given["video_id"] = self.new_id()
        self._check_outcome(given)
        video = SimulatedVideo(vendor=self.conn_type, order=self.example_order if order is None else order, **given)
        state.videos.put(video)
        return video

    def change_video(self, state: State, video_id: str, changes: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Change a video where it stands.

        :param state: where it is.
        :param video_id: its id.
        :param changes: arguments of the video and their new values.
        :param fields: added to its fields.
        :raises KeyError: there is no video of this id.
        :raises ValueError: a value is not usable; the message names it.
        """
        self._check_outcome(changes)
        state.videos.change(self.conn_type, video_id, changes, fields)

    def _check_outcome(self, options: Mapping[str, Any]) -> None:
        if "outcome" in options:
            check_choice("outcome", options["outcome"], (*COMMON_OUTCOMES, *self.outcomes))
