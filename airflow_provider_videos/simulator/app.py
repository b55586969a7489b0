# SPDX-License-Identifier: Apache-2.0
"""The web application: who is asked, with which key, what is counted, and whether a fault strikes."""

from __future__ import annotations

import functools

from aiohttp import web

from airflow_provider_videos.simulator.control import Control
from airflow_provider_videos.simulator.faults import Struck
from airflow_provider_videos.simulator.media import Media
from airflow_provider_videos.simulator.misbehaviour import misbehave, to_response
from airflow_provider_videos.simulator.mounts import Addressed, Mounts
from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.vendor import VendorRequest

MAX_REQUEST_BYTES = 64 * 1024**2
"""Room for an order with images in it."""


def build_app(state: State, mounts: Mounts) -> web.Application:
    """The application that serves the vendors' endpoints, the media and the control paths."""
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    media = Media(state)
    app.on_cleanup.append(media.close)
    app.add_routes(Control(state, mounts).routes())
    app.add_routes([web.route("*", "/{path:(?!simulator(/|$)).*}", _VendorApi(state, mounts, media).serve)])
    return app


class _VendorApi:
    def __init__(self, state: State, mounts: Mounts, media: Media) -> None:
        self._state = state
        self._mounts = mounts
        self._media = media

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Count a request and answer it, rightly or as a fault wants it."""
        record = self._state.record
        to = self._mounts.address(request.method, request.rel_url.raw_path, request.query, request.headers)
        record.request(to.vendor.conn_type, to.role, to.video_id)
        fault = self._state.faults.take(Struck(to.vendor.conn_type, to.role, request.method, to.video_id))
        try:
            if fault is None:
                response: web.StreamResponse | None = await self._answer(to, request)
            else:
                record.fault(fault.kind)
                response = await misbehave(fault, request, functools.partial(self._answer, to), to.vendor)
        except web.HTTPException as refusal:
            record.answer(refusal.status)
            raise
        if response is None:
            # The connection is gone by now; aiohttp wants something to drop.
            return web.Response()
        record.answer(response.status)
        return response

    async def _answer(self, to: Addressed, request: web.Request) -> web.StreamResponse:
        vendor = to.vendor
        if to.needs_key:
            sent = vendor.auth.read(request.headers)
            if sent is None or not vendor.auth.accepts(sent, self._state.key):
                self._state.record.refused_key()
                return to_response(vendor.error(401))
        if to.role is None:
            response = to_response(vendor.error(405 if to.allowed else 404))
            if to.allowed:
                response.headers["Allow"] = ", ".join(to.allowed)
            return response
        if to.role == "media":
            return self._media.send(vendor.conn_type, to.parts["id"], to.parts.get("suffix", "mp4"))
        call = VendorRequest(
            vendor=vendor,
            state=self._state,
            parts=to.parts,
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            base_url=f"{request.scheme}://{request.host}",
        )
        return to_response(vendor.answer(to.role, call))
