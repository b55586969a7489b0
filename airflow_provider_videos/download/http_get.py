# SPDX-License-Identifier: Apache-2.0
"""A GET for a file: which addresses are followed, and with what."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

import requests

from airflow_provider_videos.http.adapter import NotPublicError
from airflow_provider_videos.http.transport import SEND_ERRORS, Request, no_response, open_response
from airflow_provider_videos.web_urls import WEB_SCHEMES, host_of, web_url

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
    """A file can't be had, or must not be; asking again would not help. Its text holds no key and no URL's query."""


@contextlib.contextmanager
def open_url(
    session: DownloadSession, url: str, headers: Mapping[str, str], *, deadline: Deadline
) -> Generator[requests.Response]:
    """Send a GET and follow its redirects; the body is still to be read.

    :param session: sends it.
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


def _get(session: DownloadSession, url: str, headers: Mapping[str, str], timeout: float) -> requests.Response:
    _check(url)
    # A body that was packed on the way would have another length than the one that is announced.
    asked = Request("GET", url, timeout=timeout, headers={"Accept-Encoding": "identity", **headers})
    try:
        return open_response(session, asked, session.proxies_for(url))
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, UnicodeError):
        raise DownloadRefusedError("its URL can't be read") from None
    except NotPublicError:
        raise DownloadRefusedError(
            f"{host_of(url)} is at an address that is not public, and the connection's extra public_addresses_only "
            "forbids those; nothing was sent there"
        ) from None
    except SEND_ERRORS as error:
        raise no_response(error, timeout) from None


def _check(url: str) -> None:
    if web_url(url) is None:
        scheme, has_scheme, _ = url.partition(":")
        if scheme.lower() in WEB_SCHEMES:
            raise DownloadRefusedError("its URL can't be read")
        named = f"{scheme!r:.20}" if has_scheme else "a URL without a scheme"
        raise DownloadRefusedError(f"only http and https are followed, not {named}")


def _followed(url: str, location: str | None) -> str:
    if not location:
        raise DownloadRefusedError(f"{host_of(url)} redirects to nowhere")
    # requests gives a header's bytes as Latin-1.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    try:
        # A path may hold what no URL may; browsers encode it.
        target = "".join(sign if sign.isprintable() and sign != " " else quote(sign) for sign in urljoin(url, location))
    except ValueError:
        raise DownloadRefusedError(f"{host_of(url)} redirects to a URL that can't be read") from None
    _check(target)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise DownloadRefusedError(
            f"{host_of(url)} redirects from https to http at {host_of(target)}, which is not followed"
        )
    return target
