# SPDX-License-Identifier: Apache-2.0
"""What a response is worth: a JSON object, or an exception that says what happened."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoOrderRefusedError,
    VideoTlsError,
    VideoTransportError,
    VideoUnavailableError,
)
from airflow_provider_videos.http.transport import read_retry_after
from airflow_provider_videos.vendors.answer import read_error_message

if TYPE_CHECKING:
    from airflow_provider_videos.http.client import Call
    from airflow_provider_videos.http.connection import VendorConnection
    from airflow_provider_videos.http.transport import NoResponseError, Response


class ResponseReader:
    """Reads the response to one call.

    :param vendor: display name of the vendor.
    :param connection: what the call was made with.
    :param call: the call.
    """

    def __init__(self, *, vendor: str, connection: VendorConnection, call: Call) -> None:
        self._vendor = vendor
        self._connection = connection
        self._call = call
        #: Id of the video that the call is about, ``None`` if it is about none.
        self.video_id = call.video_id

    @property
    def is_of_an_order(self) -> bool:
        """Whether the call orders a video."""
        return self._call.kind == "order"

    @property
    def secret(self) -> str:
        """What must not be found in what is read."""
        return self._connection.api_key

    def read_object(self, response: Response) -> dict[str, Any]:
        """Read the JSON object that a response holds.

        :raises VideoApiError: if the status code is none of success.
        :raises VideoAnswerError: if the body is no JSON object of at most 1 MB.
        """
        if response.status_code < 200:
            raise self.answer_error(f"it is a {response.status_code}, which is no final answer")
        if response.status_code >= 300:
            raise self.api_error(response)
        if response.is_too_large:
            raise self.answer_error("it is larger than 1 MB")
        try:
            body = json.loads(response.body)
        except UnicodeDecodeError:
            raise self.answer_error("it is not UTF-8") from None
        except (ValueError, RecursionError):
            raise self.answer_error(f"it is no JSON but {self._message(response) or 'nothing'!r}") from None
        if not isinstance(body, dict):
            raise self.answer_error(f"it is a JSON {type(body).__name__}, no object")
        return body

    def api_error(self, response: Response) -> VideoApiError:
        """Make the exception for a response whose status code is none of success."""
        message = self._message(response) or _phrase(response.status_code)
        kind = VideoApiError.of_status_code(response.status_code, self._call.kind)
        if kind is VideoOrderRefusedError and any(words in message.lower() for words in self._call.limits):
            kind = VideoUnavailableError
        return kind(
            vendor=self._vendor,
            conn_id=self._connection.conn_id,
            video_id=self.video_id,
            status_code=response.status_code,
            message=message,
            retry_after=read_retry_after(response.headers.get("retry-after"), now=time.time()),
            call=self._call.kind,
        )

    def answer_error(self, problem: str) -> VideoAnswerError:
        """Make the exception for an answer that can't be read."""
        return VideoAnswerError(
            vendor=self._vendor, conn_id=self._connection.conn_id, video_id=self.video_id, problem=problem
        )

    def transport_error(self, error: NoResponseError) -> VideoTransportError:
        """Make the exception for a response that did not arrive."""
        return (VideoTlsError if error.is_tls else VideoTransportError)(
            vendor=self._vendor,
            conn_id=self._connection.conn_id,
            video_id=self.video_id,
            host=self._connection.host,
            reason=error.reason,
            maybe_received=error.maybe_received,
        )

    def _message(self, response: Response) -> str | None:
        # Vendors and gateways were seen to echo the key that they refuse.
        return read_error_message(response.body, secret=self._connection.api_key)


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "no message"
