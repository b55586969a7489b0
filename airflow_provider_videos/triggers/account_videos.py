# SPDX-License-Identifier: Apache-2.0
"""Watching a vendor's account for an asset."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Hashable
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.watching.account import AccountListing, listings
from airflow_provider_videos.watching.memory import MAX_VIDEOS, ReportedVideos, Store, UnreadableMemoryError

__all__ = ["AccountVideosTrigger"]

log = logging.getLogger(__name__)

#: The most videos of one event; the rest comes with the next poll. Airflow merges events that arrive together.
MAX_VIDEOS_PER_EVENT = 200
EVENT_FIELDS = ("vendor", "video_id", "state", "download_url", "stream_url", "hosted_url", "name")


class _ArgumentError(ValueError, TypeError):
    """An argument can't be used.

    Of what a trigger raises that is made from what another version of this package stored, Airflow's triggerer
    survives a ``TypeError`` only.
    """


class AccountVideosTrigger(BaseEventTrigger):
    """Fires when videos of an account reach a terminal status, however they were ordered.

    For an ``AssetWatcher``: a Dag with ``schedule=[asset]`` starts then, and no task waits. The event's payload is
    ``{"conn_id": …, "videos": […]}`` with up to 200 videos that one poll found, each a dict of ``vendor``,
    ``video_id``, ``state``, ``download_url``, ``stream_url``, ``hosted_url`` and ``name``.

    The first complete list is the baseline: what is terminal in it is not reported. Each video is reported at least
    once, and again only if the triggerer dies within a poll interval of the report. The memory is in the asset state
    store (Airflow 3.3 and newer) and outlives the triggerer, so what became ready meanwhile is reported later. It never
    raises: a failure is logged once and tried again.

    :param conn_id: id of an Airflow connection of a video vendor's type. The vendor is learned at the first poll; one
        that can't list videos is logged as an error, and looked up again every hour.
    :param states: which states are reported: ``ready``, ``failed``, ``cancelled``, ``deleted``, ``expired``.
    :param name_contains: report only videos whose name contains this text.
    :param poll_interval: seconds between two polls; above 0. Watchers of one connection and interval share them.
    :param include_existing: report what is terminal at the first poll, too.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    """

    def __init__(
        self,
        conn_id: str,
        states: Collection[str] = ("ready",),
        name_contains: str = "",
        poll_interval: float = 60.0,
        include_existing: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        terminal = sorted(state for state in VideoState if state.is_terminal)
        if not isinstance(conn_id, str) or not conn_id:
            raise _ArgumentError(f"conn_id must be the id of an Airflow connection, not {conn_id!r}")
        if isinstance(states, str) or not states or not set(states) <= set(terminal):
            raise _ArgumentError(f"states must be a list of {', '.join(terminal)}, not {states!r}")
        if not isinstance(name_contains, str):
            raise _ArgumentError(f"name_contains must be a string, not {name_contains!r}")
        if not is_number(poll_interval) or poll_interval <= 0:
            raise _ArgumentError(f"poll_interval must be a number of seconds above 0, not {poll_interval!r}")
        if not isinstance(include_existing, bool):
            raise _ArgumentError(f"include_existing must be True or False, not {include_existing!r}")
        self.conn_id = conn_id
        self.states = sorted(map(str, states))
        self.name_contains = name_contains
        self.poll_interval = float(poll_interval)
        self.include_existing = include_existing
        self._reported: ReportedVideos | None = None
        self._logged: set[str] = set()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        names = ("conn_id", "states", "name_contains", "poll_interval", "include_existing")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    def shared_stream_key(self) -> Hashable | None:
        """Return what watchers must have in common to share one poll."""
        return (__name__, self.conn_id, self.poll_interval)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[AccountListing]:
        """List the account at each poll, for all watchers that share it."""
        async for listing in listings(kwargs["conn_id"], kwargs["poll_interval"]):
            yield listing

    async def filter_shared_stream(self, shared_stream: AsyncIterator[AccountListing]) -> AsyncIterator[TriggerEvent]:
        """Fire for what this watcher has not reported yet."""
        async for listing in shared_stream:
            try:
                videos = await self._new_videos(listing)
            except Exception as error:
                self._log_once(f"The asset state store can't be used just now, so nothing is reported: {error}")
                continue
            if videos:
                found = [{field: record[field] for field in EVENT_FIELDS} for record in map(Video.to_dict, videos)]
                yield TriggerEvent({"conn_id": self.conn_id, "videos": found})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch without sharing polls, on an Airflow that has no shared streams."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event

    async def _new_videos(self, listing: AccountListing) -> list[Video]:
        if self._reported is None:
            self._reported = await self._load()
        reported = self._reported
        # What an earlier poll reported has reached Airflow by now.
        await reported.save()
        terminal = {key: video for key, video in listing.videos.items() if video.state.is_terminal}
        if not reported.has_room_for(terminal) and listing.problem is None:
            # Not sooner: a list that is empty by mistake would let all be reported again.
            reported.keep_only(listing.videos)
        if not reported.has_room_for(terminal):
            self._log_once(
                f"The account of connection {self.conn_id!r} has more than {MAX_VIDEOS:,} videos, more than can be "
                "remembered. Nothing is reported until some are deleted."
            )
            return []
        if not reported.has_baseline:
            if listing.problem is not None:
                self._log_once(f"Nothing is reported until the list of videos is complete: {listing.problem}")
                return []
            reported.set_baseline()
            if not self.include_existing:
                reported.add(terminal)
                await reported.save()
        missing = reported.missing(terminal)
        wanted = [key for key in terminal if key in missing and self._is_wanted(terminal[key])]
        now = wanted[:MAX_VIDEOS_PER_EVENT]
        reported.add([*missing.difference(wanted), *now])
        return [terminal[key] for key in now]

    def _is_wanted(self, video: Video) -> bool:
        return video.state in self.states and self.name_contains in (video.name or "")

    async def _load(self) -> ReportedVideos:
        # Airflow 3.2 has no such store.
        store: Store | None = getattr(self, "asset_state_store", None)
        if store is None:
            self._log_once("This Airflow has no asset state store, so what was reported is forgotten on a restart.")
        reported = self._memory(store)
        try:
            await reported.load()
        except UnreadableMemoryError as error:
            self._log_once(f"What was reported before can't be read, so the next list is the baseline: {error}")
            return self._memory(store)
        except ValueError as error:
            if type(error) is not ValueError:
                # Such as of a backend's own that can't read its file just now.
                raise
            self._log_once(
                "Several assets have an equal watcher, for which Airflow has no asset state store: what was reported "
                "is forgotten on a restart. Give them one asset, or different poll intervals."
            )
            return self._memory(None)
        return reported

    def _memory(self, store: Store | None) -> ReportedVideos:
        return ReportedVideos(store, [self.conn_id, self.states, self.name_contains])

    def _log_once(self, line: str) -> None:
        if line not in self._logged:
            self._logged.add(line)
            log.error("%s", line)
