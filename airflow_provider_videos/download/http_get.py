# SPDX-License-Identifier: Apache-2.0
"""A GET for a file: which addresses are followed, and with what."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Generator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from airflow_provider_videos.http.adapter import NotPublicError
from airflow_provider_videos.http.transport import no_response

if TYPE_CHECKING:
    from airflow_provider_videos.http.adapter import Deadline
    from airflow_provider_videos.http.session import DownloadSession

MAX_REDIRECTS = 10
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}


class DownloadRefusedError(Exception):
    """A file can't be had, or must not be; asking again would not help.

    :param reason: why, in words that hold neither a key nor a URL's query.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
def open_url(
    session: DownloadSession, url: str, headers: Mapping[str, str], *, deadline: Deadline
) -> Generator[requests.Response]:
    """Send a GET and follow its redirects; the body is still to be read.

    :param session: sends it, and holds no key.
    :param url: with the scheme http or https.
    :param headers: to send besides the session's own.
    :param deadline: by which the header of the answer, or of the next redirect, must have come.
    :raises DownloadRefusedError: if it leads to an address that is not followed.
    :raises NoResponseError: if no answer arrives.
    """
    for _ in range(MAX_REDIRECTS + 1):
        deadline.renew()
        response = _get(session, url, headers, deadline.seconds)
        with response:
            if response.status_code not in _REDIRECTS:
                yield response
                return
            url = _followed(url, response.headers.get("Location"))
    raise DownloadRefusedError(f"there were more than {MAX_REDIRECTS} redirects, the last one to {host_of(url)}")


def host_of(url: str) -> str:
    """Give the host with its port, and nothing of what a URL may hold besides."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    return f"{parts.hostname or 'an address without a host'}{port}"


def _get(session: DownloadSession, url: str, headers: Mapping[str, str], timeout: float) -> requests.Response:
    _check(url)
    # A body that was packed on the way would have another length than the one that is announced.
    asked = requests.Request("GET", url, headers={"Accept": "*/*", "Accept-Encoding": "identity", **headers})
    try:
        prepared = session.prepare_request(asked)
        # Session.send would follow redirects by rules of its own.
        response: requests.Response = session.get_adapter(url).send(
            prepared,
            stream=True,
            timeout=timeout,
            verify=True if session.verify is None else session.verify,
            proxies=session.proxies_for(url),
        )
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, UnicodeError):
        raise DownloadRefusedError("its URL can't be read") from None
    except NotPublicError:
        raise DownloadRefusedError(
            f"{host_of(url)} is at an address that is not public, and the connection's extra public_addresses_only "
            "forbids those; nothing was sent there"
        ) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, http.client.HTTPException) as error:
        raise no_response(error, timeout) from None
    return response


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        raise DownloadRefusedError("its URL can't be read") from None
    if not is_usable:
        raise DownloadRefusedError(
            f"only http and https are followed, not {parts.scheme or 'a URL without a scheme'!r:.20}"
        )


def _followed(url: str, location: str | None) -> str:
    if not location:
        raise DownloadRefusedError(f"{host_of(url)} redirects to nowhere")
    # requests gives a header's bytes as Latin-1.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    try:
        target = urljoin(url, location)
    except ValueError:
        raise DownloadRefusedError(f"{host_of(url)} redirects to a URL that can't be read") from None
    _check(target)
    if urlsplit(url).scheme.lower() == "https" and urlsplit(target).scheme.lower() == "http":
        raise DownloadRefusedError(
            f"{host_of(url)} redirects from https to http at {host_of(target)}, which is not followed"
        )
    return target
