# SPDX-License-Identifier: Apache-2.0
"""Sessions of both HTTP libraries that treat a connection alike."""

from __future__ import annotations

import asyncio
import http.cookiejar
import os
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import requests

from airflow_provider_videos import __version__
from airflow_provider_videos.http.adapter import DeadlineAdapter
from airflow_provider_videos.http.connection import environment_proxy
from airflow_provider_videos.http.framing import MAX_HEADER_BYTES
from airflow_provider_videos.masking import mask
from airflow_provider_videos.web_urls import is_same_origin

if TYPE_CHECKING:
    from airflow_provider_videos.http.connection import VendorConnection

_FileHeaders = Callable[[str], Mapping[str, str]]
_USER_AGENT = f"airflow-provider-videos/{__version__}"


def open_session(connection: VendorConnection, auth_headers: Callable[[], Mapping[str, str]]) -> requests.Session:
    """Open a session that sends the key to the connection's own host, and to no other.

    :param connection: the connection.
    :param auth_headers: returns the headers that carry its key.
    """
    session = _Session(connection.base_url, auth_headers)
    session.headers["User-Agent"] = _USER_AGENT
    session.verify = connection.ca_file or False
    if connection.proxy:
        session.proxies = {"http": connection.proxy, "https": connection.proxy}
    return session


async def open_async_session(connection: VendorConnection) -> aiohttp.ClientSession:
    """Open a session that sends no key by itself."""
    # Loading the CA certificates takes tens of milliseconds of CPU.
    trust = await asyncio.to_thread(_ssl_context, connection.ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust, limit=connection.max_concurrent_requests),
        headers={"User-Agent": _USER_AGENT},
        proxy=connection.proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
        # Its own limits are an eighth of what requests takes, and it decodes other codings.
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        auto_decompress=False,
    )


class _DeadlineSession(requests.Session):
    """A session that observes the :class:`~airflow_provider_videos.http.adapter.Deadline` around a request."""

    def __init__(self, *, public_only: bool = False) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(public_only=public_only))


class _Session(_DeadlineSession):
    """A session whose key goes to the connection's own host, and to no other."""

    def __init__(self, base_url: str, auth_headers: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        # With it, requests reads proxies and CA files from the environment, which the hook has done for both
        # libraries, and lets a .netrc replace the key.
        self.trust_env = False
        self._base_url = base_url
        self._auth_headers = auth_headers
        self.auth = self._authenticate

    def _authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if is_same_origin(request.url or "", self._base_url):
            request.headers.update(self._auth_headers())
        return request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Drop the key from a request that a redirect sends elsewhere."""
        for name in self._auth_headers():
            prepared_request.headers.pop(name, None)
        self._authenticate(prepared_request)


class DownloadSession(_DeadlineSession):
    """A session for files, whose hosts may be anybody's: no key is sent but what ``file_headers`` returns.

    :param connection: returns the connection in use. Its TLS settings, proxy and ``public_addresses_only`` are used as
        they are at first; if the environment names the proxy, it does so for each host.
    :param file_headers: returns the headers that carry the key, for the URL of a file that needs it. It is asked about
        each URL that is sent, redirects included.
    :param secrets: returns what no text may show.
    """

    def __init__(
        self,
        connection: Callable[[], VendorConnection],
        file_headers: _FileHeaders,
        secrets: Callable[[], tuple[str, ...]],
    ) -> None:
        first = connection()
        super().__init__(public_only=first.public_addresses_only)
        # With it, requests would send what a .netrc holds.
        self.trust_env = False
        self.headers["User-Agent"] = _USER_AGENT
        self.verify = first.ca_file or False
        # Signed URLs need none, and a file's host may set some for others.
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._connection = connection
        self._file_headers = file_headers
        self._secrets = secrets
        self._proxy = first.proxy
        # NO_PROXY may name the vendor's host and not the file's, or the other way round.
        self._is_environments = first.proxy == environment_proxy(first.base_url)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Add the key where a file needs it, by the URL that is really sent."""
        prepared: requests.PreparedRequest = super().prepare_request(request)
        prepared.headers.update(self._file_headers(prepared.url or ""))
        return prepared

    def proxies_for(self, url: str) -> dict[str, str]:
        """Return the proxies for a URL in the form that requests wants."""
        proxy = environment_proxy(url) if self._is_environments else self._proxy
        return {"http": proxy, "https": proxy} if proxy else {}

    def quote_of(self, url: str) -> Callable[[str], str] | None:
        """Return what makes a text of a URL fit for an error, by masking the key; ``None`` if it must not be quoted.

        Only the vendor's own words are: a URL or a redirect may lead to a host that answers with secrets of its own.
        """
        # The key may have been renewed since the session was opened.
        is_own = is_same_origin(url, self._connection().base_url)
        return (lambda text: mask(text, *self._secrets())) if is_own else None


def _ssl_context(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return False
    if os.path.isdir(ca_file):
        return ssl.create_default_context(capath=ca_file)
    return ssl.create_default_context(cafile=ca_file)
