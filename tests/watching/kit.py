# SPDX-License-Identifier: Apache-2.0
"""Videos of an account, and an asset state store that a test can look into and break."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.watching.account import AccountListing
from airflow_provider_videos.watching.memory import key_of

MAX_VALUE_BYTES = 64 * 1024


def video(video_id: object, state: VideoState = VideoState.READY, name: str | None = None) -> Video:
    return Video(vendor="tavus", video_id=str(video_id), state=state, status=str(state), name=name)


def listing(*videos: Video, problem: str | None = None) -> AccountListing:
    return AccountListing(videos={key_of(one): one for one in videos}, problem=problem)


class AssetStore(dict[str, Any]):
    """Takes what Airflow's store takes: JSON of at most 64 KB for each key."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Exception | None = None
        self.writes: list[str] = []

    async def aget(self, key: str, default: Any = None) -> Any:
        self._check()
        return self.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self._check()
        assert value is not None
        assert len(json.dumps(value)) <= MAX_VALUE_BYTES
        self.writes.append(key)
        self[key] = json.loads(json.dumps(value))

    def _check(self) -> None:
        if self.problem is not None:
            raise self.problem
