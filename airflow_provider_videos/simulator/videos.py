# SPDX-License-Identifier: Apache-2.0
"""The simulated videos: what was ordered, and where each one stands at a given moment.

Nothing runs for a video while it "is generated": its phase is computed from the clock when somebody asks.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import math
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from airflow_provider_videos.simulator.checks import check_choice, check_seconds, check_text, check_whole

VendorName = str
"""A vendor's connection type, such as ``tavus``."""
Outcome = str
"""How a video ends: one of :data:`COMMON_OUTCOMES`, or one of its vendor's own."""
Form = Literal["documented", "observed"]

FORMS: tuple[Form, ...] = get_args(Form)
COMMON_OUTCOMES: tuple[Outcome, ...] = ("ready", "ready_without_urls", "failed", "stuck")
PENDING_PHASES = ("queued", "generating")
READY_PHASES = ("ready", "ready_without_urls")
MIN_MEDIA_BYTES = 100_000
MAX_MEDIA_BYTES = 10_000_000_000
"""How large a video's file can be made."""


class Moment(NamedTuple):
    """Where a video stands at one moment.

    :param phase: what is happening to it: ``queued``, ``generating``, or how it ended: ``ready``,
        ``ready_without_urls``, ``failed``, or a vendor's own outcome, such as ``cancelled``.
    :param progress: 0 to 100; below 100 until it is ready.
    :param since: when the phase began, in Unix seconds.
    """

    phase: str
    progress: int
    since: float

    @property
    def is_pending(self) -> bool:
        """Whether the video is queued or generating."""
        return self.phase in PENDING_PHASES

    @property
    def is_ready(self) -> bool:
        """Whether there is a file to fetch."""
        return self.phase in READY_PHASES


class Ending(NamedTuple):
    """A request that ended a video before or after its time, such as one that cancels or deletes it.

    :param phase: how it ended, such as ``cancelled``.
    :param at: when, on the monotonic clock, in seconds.
    """

    phase: str
    at: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimulatedVideo:
    """One ordered video and the course that it will take.

    :param vendor: connection type of the vendor whose video it is.
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
    :param ending: what a request ended it with; None: nothing did.
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
    ending: Ending | None = None

    def __post_init__(self) -> None:
        check_text("video_id", self.video_id)
        check_seconds("queued", self.queued)
        check_seconds("generating", self.generating)
        check_choice("form", self.form, FORMS)
        if self.media_bytes is not None:
            check_whole("media_bytes", self.media_bytes, MIN_MEDIA_BYTES, MAX_MEDIA_BYTES)
        if not isinstance(self.fields, Mapping):
            raise ValueError(f"fields must be an object, not {self.fields!r}")
        try:
            json.dumps(dict(self.fields))
        except (TypeError, ValueError) as error:
            raise ValueError(f"fields must hold JSON values only: {error}") from error
        if not isinstance(self.without, tuple) or not all(isinstance(name, str) for name in self.without):
            raise ValueError(f"without must be a list of names, not {self.without!r}")

    @property
    def moment(self) -> Moment:
        """Where the video stands now."""
        return self.at(time.monotonic())

    def at(self, now: float) -> Moment:
        """Where the video stands at ``now``, which is on the monotonic clock, in seconds."""
        if self.ending is not None:
            return Moment(self.ending.phase, 0, self.created_at + self.ending.at - self.ordered_at)
        elapsed = now - self.ordered_at
        if elapsed < self.queued:
            return Moment("queued", 0, self.created_at)
        generated = elapsed - self.queued
        if self.outcome == "stuck" or generated < self.generating:
            share = generated / self.generating if self.generating else 1.0
            return Moment("generating", min(99, int(100 * share)), self.created_at + self.queued)
        progress = 100 if self.outcome in READY_PHASES else 0
        return Moment(self.outcome, progress, self.created_at + self.queued + self.generating)

    def dressed(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as it is sent: with the video's own fields over it, less what it is to lack."""
        body |= self.fields
        for name in self.without:
            body.pop(name, None)
        return body


class VideoStore:
    """Every vendor's videos, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._videos: dict[VendorName, dict[str, SimulatedVideo]] = collections.defaultdict(dict)

    def get(self, vendor: VendorName, video_id: str) -> SimulatedVideo | None:
        """The video, or None if that vendor has none of this id."""
        with self._lock:
            return self._videos[vendor].get(video_id)

    def put(self, video: SimulatedVideo) -> None:
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
        :param changes: arguments of :class:`SimulatedVideo` and their new values.
        :param fields: added to its fields; None (default): they stay as they are.

        :raises KeyError: that vendor has no video of this id.
        :raises ValueError: a value is not usable.
        """
        with self._lock:
            video = self._videos[vendor].get(video_id)
            if video is None:
                raise KeyError(f"{vendor} has no video {video_id!r}")
            merged = {**video.fields, **(fields or {})}
            self._videos[vendor][video_id] = dataclasses.replace(video, **{"fields": merged, **changes})

    def remove(self, vendor: VendorName, video_id: str) -> None:
        """Drop the video, if it is there."""
        with self._lock:
            self._videos[vendor].pop(video_id, None)

    def newest(
        self,
        vendor: VendorName,
        *,
        limit: int,
        skip: int = 0,
        after: str | None = None,
        ordered_by: float = math.inf,
    ) -> tuple[list[SimulatedVideo], int]:
        """``limit`` videos, newest first, and how many there are in all.

        :param skip: how many of the newest to leave out. Default 0.
        :param after: id of the video that the first one follows; None (default): the newest comes first. No videos
            follow one that isn't there.
        :param ordered_by: later ones are left out; on the monotonic clock, in seconds. Default: none is.
        """
        with self._lock:
            videos = [video for video in self._videos[vendor].values() if video.ordered_at <= ordered_by]
        total = len(videos)
        if after is not None:
            ids = [video.video_id for video in videos]
            videos = videos[: ids.index(after)] if after in ids else []
        return list(itertools.islice(reversed(videos), skip, skip + limit)), total

    def clear(self) -> None:
        """Drop every video."""
        with self._lock:
            self._videos.clear()
