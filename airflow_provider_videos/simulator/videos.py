# SPDX-License-Identifier: Apache-2.0
"""The simulated videos: what was ordered, and where each one stands at a given moment.

Nothing runs for a video while it "is generated": its phase is computed from the clock when somebody asks.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

VendorName = Literal["tavus", "together"]
Form = Literal["documented", "observed"]
Outcome = Literal["ready", "ready_without_urls", "failed", "deleted", "cancelled", "stuck"]
Texts = Literal["kept", "trimmed", "cut", "normalised"]
Phase = Literal["queued", "generating", "ready", "ready_without_urls", "failed", "deleted", "cancelled"]

VENDORS: tuple[VendorName, ...] = get_args(VendorName)
FORMS: tuple[Form, ...] = get_args(Form)
TEXTS: tuple[Texts, ...] = get_args(Texts)
COMMON_OUTCOMES: tuple[Outcome, ...] = ("ready", "ready_without_urls", "failed", "stuck")
OUTCOMES: Mapping[VendorName, tuple[Outcome, ...]] = {
    "tavus": (*COMMON_OUTCOMES, "deleted"),
    "together": (*COMMON_OUTCOMES, "cancelled"),
}
EXAMPLE_ORDERS: Mapping[VendorName, Mapping[str, Any]] = {
    "tavus": {"replica_id": "r000000000", "script": "Hello from the simulator."},
    "together": {"model": "simulator/clip", "prompt": "A square that swings to and fro."},
}


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """Raise ``ValueError``, naming the field, unless the value is one of the choices."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{field} must be one of {', '.join(known)}, not {value!r}")


def check_seconds(field: str, value: object) -> None:
    """Raise ``ValueError``, naming the field, unless the value is a finite number of seconds, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{field} must be a number of seconds, 0 or more, not {value!r}")


def check_text(field: str, value: object) -> None:
    """Raise ``ValueError``, naming the field, unless the value is a text of at least one character."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a text that is not empty, not {value!r}")


class Moment(NamedTuple):
    """Where a video stands at one moment.

    :param phase: what is happening to it.
    :param progress: 0 to 100; below 100 until it is ready.
    :param since: when the phase began, in Unix seconds.
    """

    phase: Phase
    progress: int
    since: float

    @property
    def is_ready(self) -> bool:
        """Whether there is a file to fetch."""
        return self.phase in {"ready", "ready_without_urls"}


MIN_MEDIA_BYTES = 100_000
MAX_MEDIA_BYTES = 10_000_000_000
"""How large a video's file can be made."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Video:
    """One ordered video and the course that it will take.

    :param vendor: whose video it is.
    :param video_id: its id.
    :param order: the body of the request that ordered it.
    :param queued: seconds that it waits before it is generated.
    :param generating: seconds that generating takes.
    :param outcome: how it ends; ``stuck`` stays in generating for ever.
    :param form: whether its answers look as documented or as observed.
    :param media_bytes: size of the file that it is downloaded as; None: that of the clip.
    :param fields: put over the body of its answers, whatever its phase.
    :param without: names of the keys that its answers lack.
    :param ordered_at: when it was ordered, on the monotonic clock, in seconds.
    :param created_at: the same moment in Unix seconds.
    :param deleted_at: when its user deleted it, on the monotonic clock; None: not deleted.
    :raises ValueError: a value is not usable; the message names the field.
    """

    vendor: VendorName
    video_id: str
    order: Mapping[str, Any]
    queued: float
    generating: float
    outcome: Outcome = "ready"
    form: Form = "documented"
    media_bytes: int | None = None
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    without: tuple[str, ...] = ()
    ordered_at: float = dataclasses.field(default_factory=time.monotonic)
    created_at: float = dataclasses.field(default_factory=time.time)
    deleted_at: float | None = None

    def __post_init__(self) -> None:
        check_choice("vendor", self.vendor, VENDORS)
        check_text("video_id", self.video_id)
        check_seconds("queued", self.queued)
        check_seconds("generating", self.generating)
        check_choice("outcome", self.outcome, OUTCOMES[self.vendor])
        check_choice("form", self.form, FORMS)
        if self.media_bytes is not None and (
            not isinstance(self.media_bytes, int)
            or isinstance(self.media_bytes, bool)
            or not MIN_MEDIA_BYTES <= self.media_bytes <= MAX_MEDIA_BYTES
        ):
            raise ValueError(
                f"media_bytes must be a whole number from {MIN_MEDIA_BYTES} to {MAX_MEDIA_BYTES}, "
                f"not {self.media_bytes!r}"
            )
        if not isinstance(self.fields, Mapping):
            raise ValueError(f"fields must be an object, not {self.fields!r}")
        try:
            json.dumps(dict(self.fields))
        except (TypeError, ValueError) as error:
            raise ValueError(f"fields must hold JSON values only: {error}") from error
        if not isinstance(self.without, tuple) or not all(isinstance(name, str) for name in self.without):
            raise ValueError(f"without must be a list of names, not {self.without!r}")

    def at(self, now: float) -> Moment:
        """Where the video stands at ``now``, which is on the monotonic clock, in seconds."""
        if self.deleted_at is not None:
            return Moment("deleted", 0, self._wall(self.deleted_at))
        elapsed = now - self.ordered_at
        if elapsed < self.queued:
            return Moment("queued", 0, self.created_at)
        generated = elapsed - self.queued
        if self.outcome == "stuck" or generated < self.generating:
            share = generated / self.generating if self.generating else 1.0
            return Moment("generating", min(99, int(100 * share)), self.created_at + self.queued)
        progress = 100 if self.outcome in {"ready", "ready_without_urls"} else 0
        return Moment(self.outcome, progress, self.created_at + self.queued + self.generating)

    def dressed(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as it is sent: with the video's own fields over it, less what it is to lack."""
        body |= self.fields
        for name in self.without:
            body.pop(name, None)
        return body

    def _wall(self, monotonic: float) -> float:
        return self.created_at + monotonic - self.ordered_at


def new_video_id(vendor: VendorName) -> str:
    """A fresh id that looks like the vendor's own: ten hexadecimal digits, or a UUID of version 7."""
    if vendor == "tavus":
        return secrets.token_hex(5)
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | secrets.randbits(80)
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=number))


class VideoStore:
    """Every video of both vendors, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._videos: dict[VendorName, dict[str, Video]] = {vendor: {} for vendor in VENDORS}

    def get(self, vendor: VendorName, video_id: str) -> Video | None:
        """The video, or None if that vendor has none of this id."""
        return self._videos[vendor].get(video_id)

    def put(self, video: Video) -> None:
        """Add the video as the newest one. One of the same id is dropped."""
        with self._lock:
            self._videos[video.vendor].pop(video.video_id, None)
            self._videos[video.vendor][video.video_id] = video

    def change(
        self,
        vendor: VendorName,
        video_id: str,
        changes: Mapping[str, Any],
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a video where it stands.

        :param vendor: whose video it is.
        :param video_id: its id.
        :param changes: arguments of :class:`Video` and their new values.
        :param fields: added to its fields; None (default): they stay as they are.

        :raises KeyError: that vendor has no video of this id.
        :raises ValueError: a value is not usable.
        """
        with self._lock:
            video = self._videos.get(vendor, {}).get(video_id)
            if video is None:
                raise KeyError(f"{vendor} has no video {video_id!r}")
            merged = {**video.fields, **(fields or {})}
            self._videos[vendor][video_id] = dataclasses.replace(video, **{"fields": merged, **changes})

    def remove(self, vendor: VendorName, video_id: str) -> None:
        """Drop the video, if it is there."""
        with self._lock:
            self._videos[vendor].pop(video_id, None)

    def newest(self, vendor: VendorName, *, skip: int, limit: int, ordered_by: float) -> tuple[list[Video], int]:
        """``limit`` videos after the newest ``skip`` ones, newest first, and how many there are in all.

        :param ordered_by: later ones are left out; on the monotonic clock, in seconds.
        """
        with self._lock:
            videos = [video for video in self._videos[vendor].values() if video.ordered_at <= ordered_by]
        return list(itertools.islice(reversed(videos), skip, skip + limit)), len(videos)

    def clear(self) -> None:
        """Drop every video."""
        with self._lock:
            for videos in self._videos.values():
                videos.clear()
