# SPDX-License-Identifier: Apache-2.0
"""Make requests end an exchange at a deadline, and read a header as strictly as aiohttp does.

requests applies its timeout to each read from the socket, so a server that sends one byte at a time never exceeds it.
Here a :class:`Deadline` shortens the socket's timeout before each read, and urllib3 closes the socket when it strikes.
"""

from __future__ import annotations

import contextvars
import functools
import http.client
import io
import ipaddress
import socket
import time
from http import HTTPStatus
from typing import Any, Self

import requests
import urllib3

_current: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("deadline", default=None)


class Deadline:
    """A time by which the responses that are awaited inside of ``with`` must have come.

    It holds for the connection, the TLS handshake, a proxy's tunnel, the header and the body, in one thread, and only
    for sessions with a :class:`DeadlineAdapter`.

    :param seconds: from now, and from each :meth:`renew`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.renew()

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)

    def renew(self) -> None:
        """Begin to count anew."""
        self._at = time.monotonic() + self.seconds

    def remaining(self) -> float:
        """Return the seconds until the deadline.

        :raises TimeoutError: if it has passed.
        """
        remaining = self._at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


class DeadlineAdapter(requests.adapters.HTTPAdapter):
    """Sends what :class:`requests.adapters.HTTPAdapter` does, and observes the :class:`Deadline` around it.

    :param public_only: send nothing to an address that is not public; :exc:`NotPublicError` is raised instead. Where a
        proxy is asked, the proxy chooses the address, and nothing is refused here.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._public_only = public_only
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections that observe a deadline."""
        super().init_poolmanager(*args, **kwargs)
        # A pool passes on to its connections what it doesn't know itself.
        self.poolmanager.pool_classes_by_scheme = {
            scheme: functools.partial(pool, public_only=self._public_only) for scheme, pool in _POOLS.items()
        }

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make connections through a proxy that observe a deadline."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class NotPublicError(Exception):
    """A host's name leads to an address that is not public; nothing was sent."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet: none of a private network, of this machine, or of a cloud's own."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # IPv6 may stand for an address of IPv4.
        nat64 = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = nat64 or ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _Reader(io.RawIOBase):
    """Reads from a socket, but no longer than to the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Lines(io.BufferedReader):
    """Reads lines of a header, of chunk sizes and of trailers, none of which may be cut off.

    http.client and urllib3 take a connection that ends there for the end of the header or the body.
    """

    is_before_status = True

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self.is_before_status and line in {b"\r\n", b"\n"}:
            line = super().readline(size)
        self.is_before_status = False
        if not line.endswith(b"\n"):
            raise http.client.HTTPException("a line is cut off, or too long")
        return line


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        deadline = _current.get()
        self.fp = _Lines(raw if deadline is None else _Reader(raw, sock, deadline))

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            # http.client skips 100 only; 102 and 103 come before the final answer too.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        if self.headers.defects:
            # What follows such a line would be lost, Content-Length too; and urllib3 would log it, whatever it holds.
            raise http.client.HTTPException("a line of the header is malformed")


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Response

    def __init__(self, *args: Any, public_only: bool = False, **kwargs: Any) -> None:
        self._public_only = public_only
        super().__init__(*args, **kwargs)

    @property
    def sock(self) -> Any:
        return self._socket

    @sock.setter
    def sock(self, sock: Any) -> None:
        # Only now is the address certain: a name may lead elsewhere each time that it is looked up.
        if self._public_only and isinstance(sock, socket.socket) and not is_public(sock.getpeername()[0]):
            sock.close()
            raise NotPublicError
        self._socket = sock
        deadline = _current.get()
        if sock is not None and deadline is not None:
            # It is set before a tunnel and a TLS handshake, which would begin to count anew.
            sock.settimeout(deadline.remaining())

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, http.client.HTTPException) as error:
            # TLS, a tunnel and a timeout fail here as they fail after the request, of which nothing was sent yet.
            raise urllib3.exceptions.NewConnectionError(self, "not connected") from error


class _SecureConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
