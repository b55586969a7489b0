# SPDX-License-Identifier: Apache-2.0
"""One request, one response, sent by requests or by aiohttp with the same outcome.

It knows HTTP, and neither vendors nor Airflow.
"""

from __future__ import annotations

import dataclasses
import functools
import http.client
import logging
import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
import requests
import urllib3
import yarl

from airflow_provider_videos.http.adapter import Deadline
from airflow_provider_videos.http.framing import ACCEPT_ENCODING, FramingError, check_header, decode_body

log = logging.getLogger(__name__)

#: No video record comes near it; what is larger is not read to its end.
MAX_BODY_BYTES = 1_000_000
_CHUNK_BYTES = 65_536
_DAY = 86_400.0
_CONNECT_TIMEOUT_LEAD = 0.1

#: What requests raises where no complete response arrives.
SEND_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, http.client.HTTPException)
_E = TypeVar("_E", bound=BaseException)


@dataclasses.dataclass(frozen=True)
class Request:
    """One HTTP request.

    :param method: HTTP method in capitals.
    :param url: URL with every part already percent-encoded.
    :param timeout: for the whole exchange, in seconds.
    :param headers: headers to send besides the session's own. What a session sends by itself, aiohttp also sends to a
        proxy that it asks for a tunnel.
    :param body: what is sent as JSON; ``None`` sends nothing.
    """

    method: str
    url: str
    timeout: float
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class Response:
    """One HTTP response.

    :param status_code: HTTP status code.
    :param headers: whose names may be asked for in any case.
    :param body: the body, cut off after :data:`MAX_BODY_BYTES` plus one.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_too_large(self) -> bool:
        """Whether the body was cut off."""
        return len(self.body) > MAX_BODY_BYTES


class NoResponseError(Exception):
    """No complete response arrived.

    :param reason: what happened, in words that hold nothing of the request.
    :param maybe_received: whether the other side may have received the request.
    :param is_tls: whether TLS is what can't be had from the other side.
    """

    def __init__(self, reason: str, *, maybe_received: bool, is_tls: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_received = maybe_received
        self.is_tls = is_tls


def read_retry_after(value: str | None, *, now: float) -> float | None:
    """Read a ``Retry-After`` header, which holds seconds or an HTTP date.

    :param value: the header's value.
    :param now: Unix time in seconds.
    :return: seconds to wait, from 0 to a day; ``None`` if the header says nothing that can be read.
    """
    if value is None:
        return None
    # Of two headers, requests makes one with a comma.
    first = value.partition(",")[0].strip()
    try:
        if first.isdecimal():
            seconds = float(first)
        else:
            date = parsedate_to_datetime(value)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _DAY)


def send(session: requests.Session, request: Request) -> Response:
    """Send a request and read its response.

    Redirects are not followed. The timeout holds for the whole exchange if the session's adapter is a
    :class:`~airflow_provider_videos.http.adapter.DeadlineAdapter`; only looking up the host's name has limits of its
    own.

    :raises NoResponseError: if no complete response arrives within the request's timeout.
    """
    try:
        with Deadline(request.timeout) as deadline, open_response(session, request, session.proxies) as response:
            header = response.raw.headers
            check_header(
                fields=len(list(header.iteritems())),
                lengths=header.getlist("Content-Length"),
                transfer_codings=header.getlist("Transfer-Encoding"),
            )
            body = bytearray()
            while len(body) <= MAX_BODY_BYTES and (chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False)):
                body += chunk
                deadline.remaining()
            return _response(response.status_code, response.headers, body)
    except (*SEND_ERRORS, FramingError) as error:
        raise no_response(error, request.timeout) from None


def open_response(session: requests.Session, request: Request, proxies: Mapping[str, str]) -> requests.Response:
    """Send a request and read the header of its response, up to the :class:`Deadline` around it.

    Redirects are not followed.

    :param proxies: as requests wants them.
    :raises Exception: one of :data:`SEND_ERRORS`.
    """
    # A session's own authentication would replace the request's headers.
    auth = (lambda prepared: prepared) if session.auth else None
    prepared = session.prepare_request(
        requests.Request(request.method, request.url, headers=_headers(request), json=request.body, auth=auth)
    )
    # Session.send would read a redirect's body to its end, however long, and parse where it leads.
    response: requests.Response = session.get_adapter(request.url).send(
        prepared,
        stream=True,
        timeout=request.timeout,
        verify=True if session.verify is None else session.verify,
        proxies=proxies,
    )
    return response


async def asend(session: aiohttp.ClientSession, request: Request) -> Response:
    """Do what :func:`send` does, on an event loop."""
    try:
        async with session.request(
            request.method,
            yarl.URL(request.url, encoded=True),
            headers=_headers(request),
            json=request.body,
            allow_redirects=False,
            timeout=_client_timeout(request.timeout),
        ) as response:
            check_header(
                fields=len(response.raw_headers),
                lengths=response.headers.getall("Content-Length", []),
                transfer_codings=response.headers.getall("Transfer-Encoding", []),
            )
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    break
            return _response(response.status, response.headers, body)
    except (aiohttp.ClientError, TimeoutError, FramingError, OSError) as error:
        raise no_response(error, request.timeout) from None


def _headers(request: Request) -> dict[str, str]:
    return {"Accept-Encoding": ACCEPT_ENCODING, **request.headers}


def _response(status_code: int, headers: Mapping[str, str], body: bytearray) -> Response:
    limit = MAX_BODY_BYTES + 1
    if len(body) < limit:
        return Response(status_code, headers, decode_body(bytes(body), headers.get("Content-Encoding", ""), limit))
    # It is too large however it is coded.
    return Response(status_code, headers, bytes(body[:limit]))


@functools.lru_cache(maxsize=64)
def _client_timeout(seconds: float) -> aiohttp.ClientTimeout:
    # After a connect timeout nothing was sent, so it has to strike first. aiohttp rounds what ends in more than
    # ceil_threshold seconds up to a whole second of its clock, which would make the two one.
    return aiohttp.ClientTimeout(total=seconds + _CONNECT_TIMEOUT_LEAD, sock_connect=seconds, ceil_threshold=math.inf)


def no_response(error: BaseException, timeout: float) -> NoResponseError:
    """Describe an exception of either library, in words that hold nothing of the request.

    :param error: what was caught.
    :param timeout: that of the request, in seconds.
    """
    causes = list(_causes(error))
    log.debug("No response: %s", ", ".join(type(cause).__name__ for cause in causes))
    # The texts of what was caught may hold a proxy's password.
    return NoResponseError(
        _reason(causes, timeout),
        maybe_received=_maybe_received(causes),
        is_tls=_is_untrusted(causes) or _speaks_no_tls(causes),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk to what lies behind an exception; both libraries hide it in attributes, arguments and causes.

    Its ``__context__`` may be what a caller was handling meanwhile: another request's.
    """
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and not any(cause is other for other in seen):
            seen.append(cause)
            yield cause
            todo += [getattr(cause, "reason", None), getattr(cause, "os_error", None), *cause.args, cause.__cause__]


def _first(causes: list[BaseException], *kinds: type[_E]) -> _E | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _reason(causes: list[BaseException], timeout: float) -> str:
    """Describe what went wrong, in the same words for both libraries."""
    if _is_untrusted(causes):
        details = [text for cause in causes if (text := getattr(cause, "verify_message", None))]
        return f"its TLS certificate is not trusted ({details[0] if details else 'no reason given'})"
    is_proxys = _first(
        causes, requests.exceptions.ProxyError, aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError
    )
    if is_proxys and not _maybe_received(causes):
        return "the proxy refused or failed"
    if _first(causes, socket.gaierror):
        return "the host name is not known"
    if _first(causes, ConnectionRefusedError):
        return "the connection was refused"
    if _speaks_no_tls(causes):
        return "it does not speak TLS; if plain http is meant, put http:// before the host, or http into the schema"
    if _first(causes, ssl.SSLError):
        return "TLS broke off" if _maybe_received(causes) else "TLS could not be agreed on"
    if _first(causes, TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError):
        return f"it took longer than {timeout:g} seconds"
    return "the connection was closed early, or what came is not an HTTP answer"


def _is_untrusted(causes: list[BaseException]) -> bool:
    return bool(_first(causes, ssl.SSLCertVerificationError)) and not _maybe_received(causes)


def _speaks_no_tls(causes: list[BaseException]) -> bool:
    # What breaks into a connection that spoke TLS before ends with the same error.
    is_plain = any(getattr(cause, "reason", None) in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"} for cause in causes)
    return is_plain and not _maybe_received(causes)


# Each is raised only until the connection is made, its tunnel and its TLS included: the first two by urllib3 and our
# adapter, the others by aiohttp's connector. An error of TLS or of a socket alone may come after the request.
_NEVER_SENT: tuple[type[BaseException], ...] = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


def _maybe_received(causes: list[BaseException]) -> bool:
    return _first(causes, *_NEVER_SENT) is None
