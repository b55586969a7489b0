# SPDX-License-Identifier: Apache-2.0
"""Triggers that the package's own is compared with."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiohttp
from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook
from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger
from airflow.sdk import BaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent


class HandWrittenTrigger(BaseTrigger):
    """What one writes first: at each look it looks up the connection and opens a session.

    :param conn_id: id of the connection.
    :param video_id: the video.
    :param poke_interval: seconds between two looks.
    """

    def __init__(self, conn_id: str, video_id: str, poke_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.video_id = video_id
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger again."""
        return (
            f"{__name__}.HandWrittenTrigger",
            {"conn_id": self.conn_id, "video_id": self.video_id, "poke_interval": self.poke_interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the video is ready."""
        while True:
            connection = await BaseHook.aget_connection(self.conn_id)
            url = f"http://{connection.host}:{connection.port}/v2/videos/{self.video_id}"
            headers = {"x-api-key": connection.password or ""}
            async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
                video = await response.json()
            if video["status"] == "ready":
                yield TriggerEvent({"status": "success", "video": video})
                return
            await asyncio.sleep(self.poke_interval)


class SharedSessionTrigger(BaseTrigger):
    """What one writes next: a loop of its own, on one session that all share. It survives nothing.

    :param conn_id: id of the connection.
    :param video_id: the video.
    :param poke_interval: seconds between two looks.
    """

    _session: ClassVar[asyncio.Task[tuple[str, aiohttp.ClientSession]] | None] = None

    def __init__(self, conn_id: str, video_id: str, poke_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.video_id = video_id
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger again."""
        return (
            f"{__name__}.SharedSessionTrigger",
            {"conn_id": self.conn_id, "video_id": self.video_id, "poke_interval": self.poke_interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the video is ready."""
        cls = type(self)
        # The warm-up has a session of its own.
        if cls._session is None or not self.conn_id.endswith("_0"):
            cls._session = asyncio.create_task(self._open())
        await asyncio.sleep(random.random() * self.poke_interval)
        address, session = await cls._session
        while True:
            async with session.get(f"{address}/v2/videos/{self.video_id}") as response:
                video = await response.json()
            if video["status"] == "ready":
                if not self.conn_id.endswith("_0"):
                    cls._session = None
                    await session.close()
                yield TriggerEvent({"status": "success", "video": video})
                return
            await asyncio.sleep(self.poke_interval)

    async def _open(self) -> tuple[str, aiohttp.ClientSession]:
        connection = await BaseHook.aget_connection(self.conn_id)
        session = aiohttp.ClientSession(
            headers={"x-api-key": connection.password or ""}, connector=aiohttp.TCPConnector(limit=200)
        )
        return f"http://{connection.host}:{connection.port}", session


class SleepingTrigger(BaseTrigger):
    """Does nothing but take as long as a video does: what is left is Airflow's own.

    :param seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds = seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger again."""
        return f"{__name__}.SleepingTrigger", {"seconds": self.seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep, and fire."""
        await asyncio.sleep(self.seconds)
        yield TriggerEvent({"status": "success"})


class PlainDbtTrigger(DbtCloudRunJobTrigger):
    """dbt Cloud's trigger as it is; only its hook, which writes ``https`` into the URL, is made to speak plain HTTP."""


def _plain_url(
    tenant: str, endpoint: str, include_related: list[str] | None = None, *, api_version: str = "v2"
) -> tuple[str, dict[str, Any]]:
    return f"http://{tenant}/api/{api_version}/accounts/{endpoint}", {}


DbtCloudHook.get_request_url_params = staticmethod(_plain_url)  # type: ignore[method-assign]
