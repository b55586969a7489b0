# SPDX-License-Identifier: Apache-2.0
"""What a response is worth: an answer for the vendor's exchange, or an exception that says what happened."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoError,
    VideoIdError,
    VideoOrderLostError,
    VideoTlsError,
    VideoTransportError,
)
from airflow_provider_videos.http.transport import NoResponseError, read_retry_after
from airflow_provider_videos.masking import mask
from airflow_provider_videos.vendors.answer import Answer, Purpose, is_html, read_error_message
from airflow_provider_videos.vendors.errors import MalformedIdError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Refusal, RefusalKind

if TYPE_CHECKING:
    from airflow_provider_videos.http.connection import VendorConnection
    from airflow_provider_videos.http.transport import Response
    from airflow_provider_videos.vendors.base import Vendor

#: HTTP status codes that say of an order that it was not accepted. Any other one may come from a gateway that has
#: already passed the order on.
CERTAIN_REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 429, 451})
#: What a vendor says in words of its own, and means that an order was not accepted.
_CERTAIN_KINDS = frozenset({RefusalKind.KEY, RefusalKind.FINAL, RefusalKind.LIMIT})
_KEY_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class ResponseReader:
    """Reads the responses to the calls of one exchange.

    :param vendor: the vendor.
    :param connection: what the calls are made with.
    :param purpose: what the exchange is for.
    :param video_id: id of the video that it is about, ``None`` if it is about none.
    """

    __slots__ = ("_connection", "_purpose", "_vendor", "_video_id", "secrets")

    def __init__(self, vendor: Vendor, connection: VendorConnection, *, purpose: Purpose, video_id: str | None) -> None:
        self._vendor = vendor
        self._connection = connection
        self._purpose = purpose
        self._video_id = video_id
        #: What no text may show: what the last call was made with.
        self.secrets: tuple[str, ...] = (connection.api_key,)

    def read(self, response: Response) -> tuple[Answer, Refusal | None]:
        """Read what may be no success yet: an answer, and what it refuses in the vendor's own words or by its code."""
        answer = Answer(
            _json(response.body),
            status_code=response.status_code,
            headers=response.headers,
            purpose=self._purpose,
            message=lambda: self._message(response),
            secrets=self.secrets,
        )
        refusal = self._vendor.refusal(answer)
        if refusal is None and response.status_code in _KEY_REFUSED:
            refusal = Refusal(RefusalKind.KEY)
        return answer, refusal

    def check(self, call: Call, response: Response, answer: Answer, refusal: Refusal | None) -> None:
        """Raise unless an answer is one that the exchange can go on with.

        :raises VideoApiError: if the vendor answers with an error.
        :raises VideoAnswerError: if the answer is no JSON object of at most 1 MB.
        :raises VideoOrderLostError: instead of either, if the exchange orders a video and it may have been accepted.
        """
        is_accepted = refusal is None and response.status_code in call.accepts
        if not is_accepted and (refusal is not None or response.status_code >= 300):
            raise self._refused(response, answer, refusal)
        if self._purpose == "test" and is_html(response.body):
            page = f"it is a page of HTML, {answer.message!r}, so another service answers there"
            raise self.unreadable(page)
        if is_accepted:
            return
        if response.status_code < 200:
            raise self.unreadable(f"it is a {response.status_code}, which is not a final answer")
        if response.is_too_large:
            raise self.unreadable("it is larger than 1 MB")
        if not isinstance(answer.body, dict):
            raise self.unreadable(self._not_an_object(response, answer.body))

    def failure(self, error: NoResponseError | UnreadableAnswerError | MalformedIdError) -> VideoError:
        """Make the exception for a response that did not arrive, or for what a vendor's file raised."""
        if isinstance(error, NoResponseError):
            return self._no_response(error)
        # An order is given no id to ask for, so it is the answer that holds a malformed one.
        if isinstance(error, MalformedIdError) and self._purpose != "order":
            return VideoIdError(error.problem)
        return self.unreadable(error.problem)

    def unreadable(self, problem: str) -> VideoError:
        """Make the exception for an answer that is not what was asked for."""
        return self._lost_if_ordered(
            VideoAnswerError(
                vendor=self._vendor.name,
                conn_id=self._connection.conn_id,
                video_id=self._video_id,
                problem=mask(problem, *self.secrets),
            )
        )

    def _no_response(self, error: NoResponseError) -> VideoError:
        failed = (VideoTlsError if error.is_tls else VideoTransportError)(
            vendor=self._vendor.name,
            conn_id=self._connection.conn_id,
            video_id=self._video_id,
            host=self._connection.host,
            reason=error.reason,
            maybe_received=error.maybe_received,
        )
        return self._lost_if_ordered(failed) if error.maybe_received else failed

    def _refused(self, response: Response, answer: Answer, refusal: Refusal | None) -> VideoError:
        status_code, kind = response.status_code, None if refusal is None else refusal.kind
        message = (refusal.message if refusal is not None else None) or answer.message
        error = VideoApiError.of_answer(status_code, self._purpose, kind)(
            vendor=self._vendor.name,
            conn_id=self._connection.conn_id,
            video_id=self._video_id,
            status_code=status_code,
            message=mask(message or responses.get(status_code, "no message"), *self.secrets),
            retry_after=read_retry_after(response.headers.get("retry-after"), now=time.time()),
            call=self._purpose,
            refusal=None if kind is None else kind.value,
        )
        is_said_by_the_code = kind in {None, RefusalKind.UNKNOWN_VIDEO} and status_code in CERTAIN_REFUSALS
        is_certain = kind in _CERTAIN_KINDS or is_said_by_the_code
        return error if is_certain else self._lost_if_ordered(error)

    def _lost_if_ordered(self, error: VideoError) -> VideoError:
        if self._purpose != "order":
            return error
        lost = VideoOrderLostError(vendor=self._vendor.name, conn_id=self._connection.conn_id, reason=str(error))
        lost.__cause__ = error
        return lost

    def _not_an_object(self, response: Response, body: Any) -> str:
        if body is not None or response.body.strip() == b"null":
            return f"it is a JSON {type(body).__name__}, no object"
        try:
            response.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return "it is not UTF-8"
        return f"it is not JSON but {self._message(response) or 'nothing'!r}"

    def _message(self, response: Response) -> str | None:
        # Vendors and gateways were seen to echo the key that they refuse.
        return read_error_message(response.body, secrets=self.secrets)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
