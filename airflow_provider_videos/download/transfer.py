# SPDX-License-Identifier: Apache-2.0
"""Bytes from a URL into a sink, through expired URLs, broken connections and transient errors.

It knows HTTP, and neither vendors nor Airflow nor where the bytes go.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from airflow_provider_videos.clock import in_words
from airflow_provider_videos.download.container import HEAD_BYTES, Kind, describe
from airflow_provider_videos.download.http_get import DownloadRefusedError, open_url
from airflow_provider_videos.download.part import Part, read_part
from airflow_provider_videos.http.adapter import Deadline
from airflow_provider_videos.http.transport import SEND_ERRORS, NoResponseError, no_response, read_retry_after
from airflow_provider_videos.retries import JITTER, Retries, is_transient_status
from airflow_provider_videos.web_urls import host_of

if TYPE_CHECKING:
    import requests

    from airflow_provider_videos.http.session import DownloadSession

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 18
#: Slower than this over a whole request timeout, a transfer counts as broken; in bytes a second.
MIN_RATE = 1000
#: The pause after the first transient error in seconds; it doubles from error to error, up to the longest one.
FIRST_PAUSE = 1.0
MAX_PAUSE = 60.0
_EXPIRED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class Sink(Protocol):
    """Where the bytes go."""

    def begin(self, kind: Kind, total: int | None) -> None:
        """Begin a file, and drop the one that was begun before.

        :param kind: what its first bytes say that it is.
        :param total: how many bytes it will have, ``None`` if nobody said.
        """

    def write(self, chunk: bytes) -> None:
        """Add bytes to the file."""


class TransientDownloadError(Exception):
    """Something went wrong that may go right the next time.

    :param reason: what it was.
    :param retry_after: how many seconds the other side asks to wait, ``None`` if it doesn't.
    """

    is_transient = True

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _ExpiredError(Exception):
    """The URL leads to nothing any more."""


def retries_of(max_attempts: int) -> Retries:
    """Return what repeats calls after transient errors; after the last attempt, DownloadRefusedError is raised."""
    return Retries(
        most=max_attempts,
        first=FIRST_PAUSE,
        longest=MAX_PAUSE,
        jitter=JITTER,
        line=lambda error, n, pause: f"Attempt {n} of {max_attempts}: {str(error).rstrip('.')}. Next in {pause}.",
        given_up=lambda error, n: DownloadRefusedError(f"{str(error).rstrip('.')}; given up after {n} attempts"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transferred:
    """What was transferred.

    :param size: how many bytes.
    :param sha256: of them, in hexadecimal digits.
    :param kind: what kind of file they are.
    """

    size: int
    sha256: str
    kind: Kind


@dataclasses.dataclass(kw_only=True)
class Transfer:
    """One file on its way into a sink.

    :param session: sends the requests.
    :param url: where the file is.
    :param timeout: how many seconds an answer's header may take, and how many may pass without a byte of the file.
    :param sink: where the bytes go.
    :param recognise: says of what kind a file is by its first bytes, ``None`` if it is not wanted.
    :param wanted: what is wanted, for an error's text.
    :param retries: repeats what failed with a transient error.
    :param renew_url: gives a new URL for one that has expired; ``None`` if there can be none.
    :param max_bytes: the most that is transferred; ``None`` sets no limit.
    :param tell: is told how many bytes are there, and of how many.
    """

    session: DownloadSession
    url: str
    timeout: float
    sink: Sink
    recognise: Callable[[bytes], Kind | None]
    wanted: str
    retries: Retries
    renew_url: Callable[[], str] | None = None
    max_bytes: int | None = None
    tell: Callable[[int, int | None], None] = lambda done, total: None

    def __post_init__(self) -> None:
        self._forget()

    def run(self) -> Transferred:
        """Transfer the file; it is complete when this returns.

        :raises DownloadRefusedError: if it can't be had, or is not what is wanted.
        """
        while True:
            try:
                self.retries.run(self._attempt)
            except _ExpiredError as error:
                self.url = self._renewed(error)
                continue
            if self._kind is None:
                raise DownloadRefusedError(f"what {host_of(self.url)} sent is an empty file, not {self.wanted}")
            return Transferred(size=self._done, sha256=self._hash.hexdigest(), kind=self._kind)

    def _forget(self) -> None:
        self._done = 0
        self._head = b""
        self._kind: Kind | None = None
        self._part: Part | None = None
        self._hash = hashlib.sha256()

    def _renewed(self, error: _ExpiredError) -> str:
        if self.renew_url is None:
            raise DownloadRefusedError(str(error))
        log.info("%s, so the URL is taken for expired; the vendor is asked for a new one.", error)
        renew, self.renew_url = self.renew_url, None
        return renew()

    def _attempt(self) -> None:
        headers = {}
        if self._part is not None and self._done:
            if self._part.validator is not None:
                headers = {"Range": f"bytes={self._done}-", "If-Range": self._part.validator}
            else:
                log.info("The server doesn't say which file it sent; the file is transferred from its start.")
                self._forget()
        try:
            with (
                Deadline(self.timeout) as deadline,
                open_url(self.session, self.url, headers, deadline=deadline) as response,
            ):
                self._check_status(response)
                part = read_part(response)
                if not (self._part and headers and part.continues(self._part, at=self._done)):
                    if part.start:
                        self._forget()
                        raise TransientDownloadError("the answer begins in the middle of the file")
                    if self._done:
                        log.info("The server does not go on where it stopped; the file is transferred from its start.")
                    self._forget()
                    self._part = part
                self._receive(response, self._part, deadline)
        except NoResponseError as error:
            reason = f"no answer from {host_of(self.url)}: {error.reason}"
            if error.is_tls:
                raise DownloadRefusedError(reason) from None
            raise TransientDownloadError(reason) from None

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return
        answer = f"{host_of(self.url)} answered {status}"
        if status in _EXPIRED:
            raise _ExpiredError(answer)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._done:
            self._forget()
            raise TransientDownloadError(answer)
        if is_transient_status(status):
            retry_after = read_retry_after(response.headers.get("Retry-After"), now=time.time())
            raise TransientDownloadError(answer, retry_after=retry_after)
        raise DownloadRefusedError(answer)

    def _receive(self, response: requests.Response, part: Part, deadline: Deadline) -> None:
        if not part.has_an_end:
            raise DownloadRefusedError(
                f"{host_of(self.url)} does not say how long the file is, so a break could not be told from its end"
            )
        self._check_size(part.total or 0)
        for chunk in self._chunks(response, deadline):
            self._done += len(chunk)
            if part.total is not None and self._done > part.total:
                self._forget()
                raise TransientDownloadError("more bytes came than were announced")
            self._check_size(self._done)
            self._take(chunk, part.total, response.url)
            self.tell(self._done, part.total)
        if self._kind is None:
            self._open_sink(part.total, response.url)
        if part.total is not None and self._done != part.total:
            raise TransientDownloadError(f"{self._done} bytes came instead of {part.total}")

    def _take(self, chunk: bytes, total: int | None, url: str) -> None:
        if self._kind is not None:
            self._hash.update(chunk)
            self.sink.write(chunk)
            return
        self._head += chunk
        if len(self._head) >= HEAD_BYTES:
            self._open_sink(total, url)

    def _open_sink(self, total: int | None, url: str) -> None:
        if total is not None and len(self._head) < min(total, HEAD_BYTES):
            # The connection ended before anything can be said.
            return
        kind = self.recognise(self._head)
        if kind is None:
            what = describe(self._head, self.session.quote_of(url))
            raise DownloadRefusedError(f"what {host_of(url)} sent is not {self.wanted}; it seems to be {what}")
        self.sink.begin(kind, total)
        self._kind = kind
        self._hash.update(self._head)
        self.sink.write(self._head)

    def _check_size(self, size: int) -> None:
        if self.max_bytes is not None and size > self.max_bytes:
            raise DownloadRefusedError(f"it has {size} bytes or more; max_bytes allows {self.max_bytes}")

    def _chunks(self, response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
        # How long the sink takes is not the server's fault.
        waited, received = 0.0, 0
        while True:
            began = time.monotonic()
            deadline.renew()
            try:
                chunk = response.raw.read1(CHUNK_BYTES, decode_content=False)
            except SEND_ERRORS as error:
                raise no_response(error, self.timeout) from None
            if not chunk:
                return
            waited += time.monotonic() - began
            received += len(chunk)
            yield chunk
            if waited > self.timeout:
                if received < MIN_RATE * waited:
                    raise TransientDownloadError(f"only {received} bytes came in {in_words(waited)}")
                waited, received = 0.0, 0
