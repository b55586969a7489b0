# SPDX-License-Identifier: Apache-2.0
"""The web application: who is asked, with which key, what is counted, and whether a fault strikes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from airflow_provider_videos.simulator.control import Control
from airflow_provider_videos.simulator.media import Media
from airflow_provider_videos.simulator.misbehaviour import misbehave
from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.tavus import TAVUS
from airflow_provider_videos.simulator.together import TOGETHER
from airflow_provider_videos.simulator.vendor import Call, Vendor

# With a pattern of its own, an id may hold braces, which aiohttp's own pattern refuses.
VENDOR_PATHS = ("/v2/videos", "/v2/videos/{id:[^/]+}", "/v2/videos/{id:[^/]+}/name")
MAX_REQUEST_BYTES = 64 * 1024**2
"""Room for an order with images in it."""


def build_app(state: State) -> web.Application:
    """The application that serves both vendors' endpoints, the media and the control paths."""
    app = web.Application(middlewares=[_observer(state)], client_max_size=MAX_REQUEST_BYTES)
    endpoint = _vendor_endpoint(state)
    app.add_routes([web.route("*", path, endpoint) for path in VENDOR_PATHS])
    app.add_routes(Media(state).routes())
    app.add_routes(Control(state).routes())
    return app


def _observer(state: State) -> Middleware:
    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = _template(request)
        if path.startswith("/simulator"):
            return await handler(request)
        endpoint = f"{request.method} {path}"
        video_id = request.match_info.get("id")
        state.record.request(endpoint, video_id)
        fault = state.faults.take("media" if path.startswith("/media") else "api", endpoint, video_id)
        try:
            if fault is None:
                response: web.StreamResponse | None = await handler(request)
            else:
                state.record.fault(fault.kind)
                response = await misbehave(fault, request, handler, _addressed_vendor(request)[0])
        except web.HTTPException as refusal:
            state.record.answer(refusal.status)
            raise
        if response is None:
            # The connection is gone by now; aiohttp wants something to drop.
            return web.Response()
        state.record.answer(response.status)
        return response

    return observe


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "(no such path)" if resource is None else resource.canonical


def _vendor_endpoint(state: State) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        vendor, key = _addressed_vendor(request)
        # A header may hold any bytes; aiohttp hands those that are no UTF-8 on as surrogates.
        if key is None or not hmac.compare_digest(key.encode(errors="surrogateescape"), state.key.encode()):
            state.record.refused_key()
            return _json(401, vendor.error(401))
        path = _template(request)
        name = f"{request.method} {path}"
        endpoint = vendor.endpoints.get(name)
        if endpoint is None:
            allowed = [other.split(" ")[0] for other in vendor.endpoints if other.endswith(f" {path}")]
            if not allowed:
                return _json(404, vendor.error(404))
            return _json(405, vendor.error(405), {"Allow": ", ".join(allowed)})
        call = Call(
            state=state,
            video_id=request.match_info.get("id", ""),
            query=request.query,
            body=await request.read(),
            base_url=f"{request.scheme}://{request.host}",
        )
        status, body = endpoint(call)
        if name == "POST /v2/videos" and status == 200:
            state.record.creation(vendor.name)
        return _json(status, body)

    return answer


def _addressed_vendor(request: web.BaseRequest) -> tuple[Vendor, str | None]:
    key = request.headers.get("x-api-key")
    if key is not None:
        return TAVUS, key
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return TOGETHER, token.strip()
    return TAVUS, None


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> web.Response:
    text = json.dumps(body).encode()
    return web.Response(status=status, body=text, content_type="application/json", headers=headers)
