# SPDX-License-Identifier: Apache-2.0
"""What a page shows of the values in a video's record: text for people, and only URLs that are safe to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow.utils.state import State

from airflow_provider_videos.clock import in_words, read_iso
from airflow_provider_videos.get_provider_info import VENDOR_NAMES
from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.ordering.naming import is_made_up
from airflow_provider_videos.texts import clock, dollars
from airflow_provider_videos.ui.kept_files import first_playable, how_to_get
from airflow_provider_videos.ui.task_videos import TaskVideo
from airflow_provider_videos.vendors.signed_urls import expiry_of
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.web_urls import web_url

#: What a page says for a state, and its colour.
LABELS: Mapping[str, tuple[str, str]] = {
    VideoState.QUEUED: ("Queued", "waiting"),
    VideoState.GENERATING: ("Generating", "waiting"),
    VideoState.UNKNOWN: ("Waiting", "waiting"),
    VideoState.READY: ("Ready", "ready"),
    VideoState.FAILED: ("Failed", "failed"),
    VideoState.CANCELLED: ("Cancelled", "failed"),
    VideoState.DELETED: ("Deleted", "failed"),
    VideoState.EXPIRED: ("Expired", "failed"),
}
URL_FIELDS = (
    ("download_url", "Download"),
    ("stream_url", "Stream"),
    ("hosted_url", "Vendor's page"),
    ("thumbnail_url", "Thumbnail"),
    ("gif_url", "Preview"),
)


def finite(value: Any) -> float | None:
    """Return a number if it is one that can be counted with."""
    return float(value) if is_number(value) else None


class Shown:
    """A task's video as a page shows it.

    :param task: what is known.
    :param now: for what has expired.
    """

    def __init__(self, task: TaskVideo, *, now: datetime) -> None:
        self.task = task
        self.video = task.video
        self._now = now

    @property
    def label(self) -> str:
        """Its state in a word."""
        return self._label[0]

    @property
    def tone(self) -> str:
        """How good that is: ``ready``, ``waiting``, ``failed`` or ``none``."""
        return self._label[1]

    @property
    def is_waiting(self) -> bool:
        """Whether the page may show more soon."""
        return self.tone == "waiting" and self.task.task_state not in State.finished

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        vendor = self._text("vendor")
        return str(VENDOR_NAMES.get(vendor, vendor))

    @property
    def title(self) -> str:
        """What to call it: its name, what is said in it or shown, or its id."""
        fields = ["name", "prompt", "script", "video_id"]
        if is_made_up(self._text("name"), self._text("video_id")):
            fields = ["prompt", "script", "name", "video_id"]
        return next(filter(None, (self._text(field).strip() for field in fields)), self.instance)

    @property
    def instance(self) -> str:
        """The task and its map index, or which iteration of a loop it is."""
        index = self.task.map_index
        if index < 0 and self.task.region is not None:
            index = self.task.region.index
        return self.task.task_id if index < 0 else f"{self.task.task_id} [{index}]"

    @property
    def words(self) -> tuple[str, str] | None:
        """The script or the prompt, with what it is."""
        for field, name in (("script", "Script"), ("prompt", "Prompt")):
            if text := self._text(field).strip():
                return name, text
        return None

    @property
    def media_url(self) -> str | None:
        """What a player plays."""
        if self.tone != "ready":
            return None
        return web_url(self.video.get("download_url")) or web_url(self.video.get("stream_url"))

    @property
    def expired_at(self) -> datetime | None:
        """When the player's URL expired, if it says so itself."""
        moment = read_iso(expiry_of(self.media_url)) if self.media_url else None
        return moment if moment and moment <= self._now else None

    @property
    def file_url(self) -> str | None:
        """What a person may download, unless its URL says itself that it expired."""
        return web_url(self.video.get("download_url")) if self.tone == "ready" and not self.expired_at else None

    @property
    def poster_url(self) -> str | None:
        """A still image."""
        return web_url(self.video.get("thumbnail_url"))

    @property
    def urls(self) -> list[tuple[str, str, bool]]:
        """Every URL with its name, and whether it may be followed."""
        return [(name, url, web_url(url) is not None) for field, name in URL_FIELDS if (url := self._text(field))]

    @property
    def reason(self) -> str:
        """Why the video failed, in the vendor's words."""
        return self._text("error_message")

    @property
    def duration(self) -> str:
        """Its length."""
        seconds = self._number("duration")
        return "" if seconds is None else clock(seconds)

    @property
    def cost(self) -> str:
        """What the vendor charged."""
        cost = self._number("cost")
        return "" if cost is None else dollars(cost)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What else is known, each with its name."""
        progress = self._number("progress")
        facts = [
            ("Vendor", self.vendor),
            ("Name", name if (name := self._text("name")) != self.title else ""),
            ("Model", self._text("model")),
            ("Duration", self.duration),
            ("Size", self._text("size").replace("x", " \N{MULTIPLICATION SIGN} ")),
            ("Cost", self.cost),
            ("Progress", "" if progress is None or not self.is_waiting else f"{progress:.0%}"),
            ("Vendor's status", self._text("status")),
            ("Error code", self._text("error_code")),
        ]
        return [(name, value) for name, value in facts if value]

    @property
    def progress(self) -> str:
        """How many videos of a batch stand how, in a sentence; empty for a single one."""
        counts = {name: finite(self.task.waiting.get(name)) for name in ("videos", "ready", "failed", "not_ordered")}
        if counts["videos"] is None:
            return ""
        words = {name: f"{count or 0:,.0f}" for name, count in counts.items()}
        left = f", {words['not_ordered']} not ordered yet" if counts["not_ordered"] else ""
        return f"{words['ready']} of {words['videos']} ready, {words['failed']} failed{left}"

    @property
    def standing(self) -> str:
        """How the wait stands, in a sentence or two; empty if it has not been reported."""
        waiting = self.task.waiting
        parts = []
        started, since, deadline = (read_iso(waiting.get(name)) for name in ("started", "since", "deadline"))
        if started is not None:
            parts.append(f"Waiting for {in_words(round((self._now - started).total_seconds()))}.")
        if since is not None and self._text("status"):
            parts.append(f"{self._text('status')!r} for {in_words(round((self._now - since).total_seconds()))}.")
        if deadline is not None:
            left = round((deadline - self._now).total_seconds())
            parts.append(f"The task gives up in {in_words(left)}." if left > 0 else "The task's time is over.")
        if failed := finite(waiting.get("failed_polls")):
            parts.append(f"The last {failed:.0f} polls failed." if failed > 1 else "The last poll failed.")
        return " ".join(parts)

    @property
    def moments(self) -> list[tuple[str, datetime]]:
        """When it was ordered and finished."""
        found = []
        for field, name in (("created_at", "Ordered"), ("finished_at", "Finished")):
            try:
                moment = datetime.fromisoformat(self._text(field))
            except ValueError:
                continue
            found.append((name, moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
        return found

    @property
    def statuses(self) -> list[tuple[str, str, float]]:
        """How long each status took: its name, the time in words, and its part of the whole in percent."""
        spans = [
            (str(status), seconds)
            for status, value in self.task.status_seconds.items()
            if (seconds := finite(value)) is not None
        ]
        whole = sum(seconds for _, seconds in spans) or 1.0
        return [(status, in_words(seconds), round(100 * seconds / whole, 2)) for status, seconds in spans]

    @property
    def copies(self) -> list[dict[str, Any]]:
        """Where kept copies lie."""
        return [
            {
                "path": str(copy.get("path") or ""),
                "bytes": finite(copy.get("bytes")),
                "sha256": str(copy.get("sha256") or ""),
                "how_to_get": how_to_get(str(copy.get("path") or "")),
            }
            for copy in self.task.copies
        ]

    @cached_property
    def has_playable_copy(self) -> bool:
        """Whether a kept copy can be played from here."""
        return first_playable(self.task.copies) is not None

    @cached_property
    def _label(self) -> tuple[str, str]:
        if not self.task.is_decided and self.task.task_state == "failed":
            return "Task failed", "failed"
        if not self.video and self.task.task_state in State.finished:
            return "No video", "none"
        if self.task.copies and not self._text("state"):
            # Only what was ready can have been kept.
            return LABELS[VideoState.READY]
        return LABELS.get(self._text("state"), ("Waiting", "waiting"))

    def _text(self, field: str) -> str:
        value = self.video.get(field)
        if value is None:
            value = self.task.request.get(field)
        return value if isinstance(value, str) else ""

    def _number(self, field: str) -> float | None:
        return finite(self.video.get(field))


def total_cost(videos: Iterable[Shown]) -> str:
    """Add up what the vendors charged, as far as they say."""
    costs = [cost for video in videos if (cost := video._number("cost")) is not None]
    return f"${sum(costs):,.2f}" if costs else ""
