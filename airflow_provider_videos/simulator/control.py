# SPDX-License-Identifier: Apache-2.0
"""The control paths: what a test may do to a simulator that runs in another process. They ask for no key."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from airflow_provider_videos.simulator.faults import Fault
from airflow_provider_videos.simulator.mounts import Mounts
from airflow_provider_videos.simulator.state import SETTINGS, State

VIDEO_OPTIONS = ("video_id", "queued", "generating", "outcome", "form", "media_bytes", "fields", "without")
FAULT_FIELDS = tuple(field.name for field in dataclasses.fields(Fault))


class Control:
    """Answers the control paths. A body that is not usable gets status 400 and ``{"error": text}``."""

    def __init__(self, state: State, mounts: Mounts) -> None:
        self._state = state
        self._mounts = mounts

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to an application."""
        return [
            web.get("/simulator", self.show),
            web.patch("/simulator", _refusing(self.change)),
            web.delete("/simulator", self.forget),
            web.post("/simulator/videos", _refusing(self.add_video)),
            web.post("/simulator/faults", _refusing(self.add_fault)),
            web.delete("/simulator/faults", self.clear_faults),
        ]

    async def show(self, _request: web.Request) -> web.Response:
        """Send the record."""
        return web.json_response(self._state.record.snapshot().to_dict())

    async def change(self, request: web.Request) -> web.Response:
        """Change settings."""
        self._state.change(await _read(request, SETTINGS))
        return web.json_response({})

    async def forget(self, _request: web.Request) -> web.Response:
        """Drop the videos, the faults and the record."""
        self._state.forget()
        return web.json_response({})

    async def add_video(self, request: web.Request) -> web.Response:
        """Put a video there."""
        options = await _read(request, ("vendor", *VIDEO_OPTIONS), required="vendor")
        vendor = self._mounts.vendor(options.pop("vendor"))
        if isinstance(options.get("without"), list):
            options["without"] = tuple(options["without"])
        video = vendor.add_video(self._state, options)
        return web.json_response({"video_id": video.video_id})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Put a fault in force."""
        fault = Fault(**await _read(request, FAULT_FIELDS, required="kind"))
        self._mounts.check_fault(fault)
        self._state.faults.add(fault)
        return web.json_response({})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Let nothing go wrong any more."""
        self._state.faults.clear()
        return web.json_response({})


def _refusing(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=400)

    return answer


async def _read(request: web.Request, known: Collection[str], required: str | None = None) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise ValueError(f"the body must be JSON: {error}") from error
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    unknown = [name for name in body if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0]} is not known here; known are {', '.join(known)}")
    if required is not None and required not in body:
        raise ValueError(f"{required} must be given")
    return body
