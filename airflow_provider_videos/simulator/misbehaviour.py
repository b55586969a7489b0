# SPDX-License-Identifier: Apache-2.0
"""How a fault is carried out on the connection that it strikes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from airflow_provider_videos.simulator.faults import Fault
from airflow_provider_videos.simulator.media import MediaFile
from airflow_provider_videos.simulator.vendor import Reply, SimulatedVendor

HUGE_BYTES = 20_000_000
HUGE_CHUNK_BYTES = 1_000_000
MISSING_BYTES = 1000
"""How many bytes a truncated answer promises and does not send."""

DELIVERY_SECONDS = 0.1
"""Time for a half-sent body to reach the client before the reset overtakes it."""

HTML = b"<!doctype html><html><head><title>Proxy</title></head><body><h1>Please wait</h1></body></html>"
_LATE_ORDERS: set[asyncio.Future[None]] = set()
"""A loop keeps no task that nobody holds."""
NOT_UTF8 = '{"status": "prêt"}'.encode("latin-1")


async def misbehave(
    fault: Fault, request: web.Request, rightly: Handler, vendor: SimulatedVendor
) -> web.StreamResponse | None:
    """Answer a request the way a fault wants it, or not at all.

    :param fault: what goes wrong.
    :param request: the request that it strikes.
    :param rightly: gives the right answer.
    :param vendor: whose error form is used.
    :return: what is to be sent, or has been; None: the connection was reset before an answer.
    """
    match fault.kind:
        case "reset_before":
            _reset(request)
            return None
        case "hang":
            await asyncio.Event().wait()
        case "status":
            return _status(fault, vendor)
        case "unknown_video":
            return to_response(vendor.unknown_video)
        case "html":
            return _plain(fault, HTML, "text/html")
        case "empty":
            return _plain(fault, b"", "application/json")
        case "not_utf8":
            return _plain(fault, NOT_UTF8, "application/json")
        case "json":
            return _plain(fault, b"", "application/json")
        case "huge":
            return await _send(
                request, _huge(), status=fault.answer_status, content_type="application/json", promised=None
            )
        case "redirect":
            return web.Response(status=fault.answer_status, headers={"Location": fault.location or ""})
        case "latency":
            await asyncio.sleep(fault.seconds)
            return await rightly(request)
        case "hang_then_accept" | "status_then_accept":
            return await _accept_later(fault, request, rightly, vendor)
    response = await rightly(request)
    content = _content(response)
    content_type = response.headers.get("Content-Type", "application/json")
    send = functools.partial(_send, request, status=response.status, content_type=content_type)
    match fault.kind:
        case "drip":
            drops = (content[place : place + 1] for place in range(len(content)))
            return await send(drops, promised=len(content), pause=fault.seconds)
        case "truncated":
            short = await send([content], promised=len(content) + MISSING_BYTES)
            short.force_close()
            return short
        case "hang_during":
            await send([content[: len(content) // 2]], promised=len(content))
            await asyncio.Event().wait()
        case "reset_during":
            cut = await send([content[: len(content) // 2]], promised=len(content))
            await asyncio.sleep(DELIVERY_SECONDS)
            _reset(request)
            return cut
    if response.status >= 400:
        return response
    match fault.kind:
        case "list_cut" | "list_total_of_page" | "list_bad_entry" | "merge":
            # A reply without a body has nothing to change.
            return _edited(fault, json.loads(content), response.status, vendor) if content else response
        case "accept_then_reset":
            _reset(request)
            return None
        case "accept_then_hang":
            await asyncio.Event().wait()
    return _status(fault, vendor)


async def _accept_later(
    fault: Fault, request: web.Request, rightly: Handler, vendor: SimulatedVendor
) -> web.StreamResponse | None:
    # What the client sent is gone once it has hung up.
    await request.read()

    async def accept() -> None:
        await asyncio.sleep(fault.seconds)
        await rightly(request)

    accepting = asyncio.ensure_future(accept())
    _LATE_ORDERS.add(accepting)
    accepting.add_done_callback(_LATE_ORDERS.discard)
    if fault.kind == "hang_then_accept":
        await asyncio.Event().wait()
    return _status(fault, vendor)


def _edited(fault: Fault, value: Any, status: int, vendor: SimulatedVendor) -> web.Response:
    if fault.kind == "merge":
        value = _merged(value, json.loads(fault.body or ""))
    elif isinstance(value, dict) and isinstance(videos := value.get(vendor.list_items), list):
        # An error inside a 200 has no videos.
        match fault.kind:
            case "list_cut":
                value[vendor.list_items] = videos[: len(videos) // 2]
            case "list_bad_entry":
                value[vendor.list_items] = [{"status": 7}, *videos[1:]]
            case "list_total_of_page" if vendor.list_end is not None:
                value |= vendor.list_end(len(videos))
    return web.json_response(value, status=status)


def to_response(reply: Reply) -> web.Response:
    """Return what a vendor answers as an HTTP response."""
    content_type = None if reply.body is None else "application/json"
    return web.Response(
        status=reply.status, body=_json(reply.body), content_type=content_type, headers=dict(reply.headers)
    )


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    # A socket that lingers for zero seconds is closed with RST instead of FIN.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _status(fault: Fault, vendor: SimulatedVendor) -> web.Response:
    standard = _json(vendor.error(fault.answer_status).body)
    response = _plain(fault, standard, "application/json")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _plain(fault: Fault, standard: bytes, content_type: str) -> web.Response:
    body = standard if fault.body is None else fault.body
    content = body.encode() if isinstance(body, str) else body
    return web.Response(status=fault.answer_status, body=content, content_type=content_type)


def _merged(value: Any, patch: Any) -> Any:
    """Merge a patch into a JSON value as RFC 7396 says."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, part in patch.items():
        if part is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), part)
    return merged


def _content(response: web.StreamResponse) -> bytes:
    if isinstance(response, MediaFile):
        return response.path.read_bytes()
    body = response.body if isinstance(response, web.Response) else b""
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


async def _send(
    request: web.Request,
    parts: Iterable[bytes],
    *,
    status: int,
    content_type: str,
    promised: int | None,
    pause: float = 0.0,
) -> web.StreamResponse:
    headers = {"Content-Type": content_type}
    if promised is not None:
        headers["Content-Length"] = str(promised)
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    # A client that has read enough hangs up.
    with contextlib.suppress(ConnectionError):
        for part in parts:
            await response.write(part)
            await asyncio.sleep(pause)
    return response


def _huge() -> Iterator[bytes]:
    opening, closing = b'{"padding": "', b'"}'
    yield opening
    left = HUGE_BYTES - len(opening) - len(closing)
    while left:
        size = min(left, HUGE_CHUNK_BYTES)
        yield b"x" * size
        left -= size
    yield closing
