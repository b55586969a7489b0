# SPDX-License-Identifier: Apache-2.0
"""Two Dags that an account starts: one by its ready videos, one by those that failed."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_videos.triggers.account_videos import AccountVideosTrigger


def watched(state: str) -> Asset:
    trigger = AccountVideosTrigger(conn_id="tavus_watched", states=[state], poll_interval=2)
    return Asset(f"watched-{state}", watchers=[AssetWatcher(name=state, trigger=trigger)])


def watching(state: str) -> None:
    asset = watched(state)

    @dag(dag_id=f"watch_{state}", schedule=[asset])
    def watch() -> None:
        @task
        def list_videos(triggering_asset_events: Any = None) -> list[str]:
            events = triggering_asset_events[asset]
            return [video["video_id"] for event in events for video in event.extra["payload"]["videos"]]

        list_videos()

    watch()


for state in ("ready", "failed"):
    watching(state)
