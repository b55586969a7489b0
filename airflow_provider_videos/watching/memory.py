# SPDX-License-Identifier: Apache-2.0
"""Which videos of an account need not be reported any more, kept in Airflow's asset state store."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Protocol

from airflow_provider_videos.video import Video

#: The most videos that are remembered.
MAX_VIDEOS = 50_000
#: How many keys of the store hold the ids: with that many videos, some 34 KB each. Airflow advises to stay below 64 KB.
SHARDS = 16
_KEY_BYTES = 8
#: Written last: without it, the ids may be only a part of those that were there at the first poll.
_BASELINE = "baseline"


class UnreadableMemoryError(Exception):
    """The asset state store has something else where a memory of videos should be."""


class Store(Protocol):
    """What is asked of Airflow's asset state store."""

    async def aget(self, key: str, default: Any = None) -> Any:
        """Return the value of a key."""

    async def aset(self, key: str, value: Any) -> None:
        """Write the value of a key."""


def key_of(video: Video) -> bytes:
    """Return what a video is remembered by: a short hash of its id."""
    return hashlib.blake2b(f"{video.vendor}\0{video.video_id}".encode(), digest_size=_KEY_BYTES).digest()


class ReportedVideos:
    """Remembers videos in a terminal status, each by :func:`key_of`.

    :param store: where they are kept; ``None`` keeps them in this process only.
    :param watch: what is watched for, as JSON values. A watcher for something else has a memory of its own.
    """

    def __init__(self, store: Store | None, watch: list[Any]) -> None:
        self._store = store
        self._prefix = hashlib.blake2b(json.dumps(watch).encode(), digest_size=_KEY_BYTES).hexdigest()
        self._keys: set[bytes] = set()
        self._changed: set[int] = set()
        self._has_changed_baseline = False
        #: Whether a complete list has said which videos were there before.
        self.has_baseline = False

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return which of these are not remembered."""
        return set(keys) - self._keys

    def has_room_for(self, keys: Iterable[bytes]) -> bool:
        """Return whether these can be remembered besides the others."""
        return len(self._keys) + len(self.missing(keys)) <= MAX_VIDEOS

    def add(self, keys: Iterable[bytes]) -> None:
        """Remember these."""
        new = self.missing(keys)
        self._keys |= new
        self._changed |= set(map(_shard, new))

    def keep_only(self, keys: Iterable[bytes]) -> None:
        """Forget all but these: the vendor does not list the others any more."""
        gone = self._keys - set(keys)
        self._keys -= gone
        self._changed |= set(map(_shard, gone))

    def set_baseline(self) -> None:
        """Note that what was there at the first poll is remembered."""
        self.has_baseline = self._has_changed_baseline = True
        # What can't be read in any of them would make another baseline of the list after each restart.
        self._changed = set(range(SHARDS))

    async def load(self) -> None:
        """Read what the store has.

        :raises UnreadableMemoryError: if that is no memory of videos.
        :raises ValueError: if the trigger watches several assets, for which there is no store.
        """
        if self._store is None:
            return
        if await self._store.aget(self._name(_BASELINE)) is None:
            return
        for number in range(SHARDS):
            self._keys |= _decoded(await self._store.aget(self._name(number), default=""))
        self.has_baseline = True

    async def save(self) -> None:
        """Write what has changed since the last time; what could not be written is written the next time."""
        if self._store is None:
            return
        for number in sorted(self._changed):
            await self._store.aset(self._name(number), _encoded(key for key in self._keys if _shard(key) == number))
            self._changed.discard(number)
        if self._has_changed_baseline:
            await self._store.aset(self._name(_BASELINE), True)
            self._has_changed_baseline = False

    def _name(self, name: object) -> str:
        return f"videos:{self._prefix}:{name}"


def _shard(key: bytes) -> int:
    return key[0] % SHARDS


def _encoded(keys: Iterable[bytes]) -> str:
    return base64.b64encode(b"".join(sorted(keys))).decode()


def _decoded(value: Any) -> set[bytes]:
    try:
        raw = base64.b64decode(value, validate=True)
    except (TypeError, ValueError) as error:
        raise UnreadableMemoryError(str(error)) from None
    return {raw[start : start + _KEY_BYTES] for start in range(0, len(raw), _KEY_BYTES)}
