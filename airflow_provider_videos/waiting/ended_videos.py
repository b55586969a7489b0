# SPDX-License-Identifier: Apache-2.0
"""What a rescheduled wait for many videos remembers from one poll to the next: those that have ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import unlimited_retention
from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.packing import pack, unpack
from airflow_provider_videos.video import Video, VideoState

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.waiting.batch import BatchWait

#: Packed, a record takes some 500 characters, one with signed URLs thousands. Airflow warns of values beyond 65,535.
VIDEOS_PER_KEY = 40
#: Of their JSON. What can't be compressed becomes a third longer.
MAX_CHARACTERS_PER_KEY = 40_000
_KEY = "video_batch_ended"


class EndedVideos:
    """Keeps in Airflow's task state store (3.3) which videos have ended in this try, and how.

    Without a store nothing is remembered, and each poke asks for all videos again.

    :param context: the task's context.
    """

    def __init__(self, context: Context) -> None:
        self._store: Any = context.get("task_state_store")
        self._attempt: int = context["ti"].try_number
        self._chunks: list[list[Any]] = []
        self._known: set[str] = set()

    def restore(self, batch: BatchWait) -> None:
        """Note in a wait which videos have ended already."""
        while self._store is not None:
            stored = self._store.get(f"{_KEY}_{len(self._chunks)}")
            if not isinstance(stored, dict) or stored.get("attempt") != self._attempt:
                break
            self._chunks.append(unpack(stored.get("videos")))
        for video_id, record, error in (entry for chunk in self._chunks for entry in chunk):
            self._known.add(video_id)
            video = None if record is None else _video(record)
            batch.restore(video_id, video, None if error is None else VideoError.from_dict(error))

    def keep(self, batch: BatchWait) -> None:
        """Remember what has ended since."""
        for one in batch.videos.values():
            if self._store is None or not one.is_over or one.wait.video_id in self._known:
                continue
            record = None if one.video is None else one.video.to_dict()
            entry = [one.wait.video_id, record, None if one.error is None else one.error.to_dict()]
            self._known.add(one.wait.video_id)
            if not self._chunks or _is_full(self._chunks[-1], entry):
                self._write_last()
                self._chunks.append([])
            self._chunks[-1].append(entry)
        self._write_last()

    def _write_last(self) -> None:
        if self._chunks:
            value = {"attempt": self._attempt, "videos": pack(self._chunks[-1])}
            self._store.set(f"{_KEY}_{len(self._chunks) - 1}", value, **unlimited_retention())


def _is_full(chunk: list[Any], entry: list[Any]) -> bool:
    return len(chunk) >= VIDEOS_PER_KEY or len(json.dumps([*chunk, entry])) > MAX_CHARACTERS_PER_KEY


def _video(record: dict[str, Any]) -> Video:
    return Video(**{**record, "state": VideoState(record["state"]), "file_urls": tuple(record["file_urls"])})
