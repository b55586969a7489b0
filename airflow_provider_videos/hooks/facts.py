# SPDX-License-Identifier: Apache-2.0
"""What a vendor's hook states, and what follows from it: which call asks for what, and what an answer means."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from airflow_provider_videos.exceptions import VideoRequestError, VideoUnsupportedError
from airflow_provider_videos.http.client import Call
from airflow_provider_videos.request import check_names
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.video import Video, VideoState, read_video_id

if TYPE_CHECKING:
    from airflow_provider_videos.http.response import ResponseReader
    from airflow_provider_videos.http.transport import Response

MAX_STATUS_CHARACTERS = 100
REQUIRED_METHODS = ("auth_headers", "read_video")


class VendorFacts:
    """Facts of a vendor, and decisions on them, without I/O.

    A vendor states the class variables that have no value here, :meth:`auth_headers`, :meth:`read_video` and, if it
    takes orders, :meth:`check_request`.
    """

    #: Id of the connection that is used if none is given.
    default_conn_name: ClassVar[str]
    #: Connection type, which also names the vendor in a :class:`~airflow_provider_videos.video.Video`.
    conn_type: ClassVar[str]
    #: Display name of the vendor.
    hook_name: ClassVar[str]
    #: Where the vendor is, without a slash at the end.
    base_url: ClassVar[str]
    #: Path of the vendor's videos.
    videos_path: ClassVar[str]
    #: The vendor's status words, in lower case, and what they mean.
    states: ClassVar[Mapping[str, VideoState]]
    #: The field of an order that names the video; ``None`` if the vendor keeps no names, or can't list its videos.
    name_field: ClassVar[str | None] = None
    #: Fields of an order that change neither the video nor the bill.
    free_fields: ClassVar[Collection[str]] = ()
    #: Where the vendor's description of a video shows a field of its order.
    order_paths: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    #: Words, in lower case, by which a refusal of an order (400, 422) says that a limit of the account is reached that
    #: passes, so that the order may be sent again.
    passing_limits: ClassVar[Collection[str]] = ()
    #: What ``test_connection`` asks for below ``videos_path``: something that costs nothing.
    test_path: ClassVar[str]
    #: Status codes with which the vendor answers that to a good key.
    test_status_codes: ClassVar[Collection[int]] = (HTTPStatus.OK,)
    #: What a question for a video must be asked with so that the answer names a thumbnail.
    thumbnail_query: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def missing_facts(cls) -> list[str]:
        """Name the facts that have to be stated, and are not."""
        missing = [name for name in VendorFacts.__annotations__ if not hasattr(cls, name)]
        return missing + [name for name in REQUIRED_METHODS if getattr(cls, name) is getattr(VendorFacts, name)]

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the headers that carry the key."""
        raise NotImplementedError

    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a :class:`~airflow_provider_videos.video.Video` out of an answer.

        :return: the fields by name, ``status`` and ``video_id`` included; ``vendor`` and ``state`` are added to them.
        """
        raise NotImplementedError

    @classmethod
    def check_request(cls, request: Mapping[str, Any]) -> None:
        """Check an order against what the vendor's page requires and forbids.

        :param request: the order's fields, none of them ``None``.
        :raises VideoRequestError: naming the field.
        :raises VideoUnsupportedError: if the vendor's hook says nothing of orders.
        """
        raise VideoUnsupportedError(vendor=cls.hook_name, call="order a video")

    def order_call(self, request: Mapping[str, Any]) -> Call:
        """Make the call that orders a video; raises what :meth:`order_body` does."""
        body = self.order_body(request)
        return Call(path=self.videos_path, method="POST", body=body, kind="order", limits=self.passing_limits)

    @classmethod
    def order_body(cls, request: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is sent of an order: its fields without those that are ``None``.

        :raises VideoRequestError: naming the field that the vendor forbids, or that is no JSON.
        :raises VideoUnsupportedError: if the vendor's hook says nothing of orders.
        """
        check_names(request)
        body = {field: value for field, value in request.items() if value is not None}
        if cls.name_field in body:
            # Where templates render to native objects, a name of digits has become a number.
            body[cls.name_field] = str(body[cls.name_field])
        for field, value in body.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError) as error:
                raise VideoRequestError(field=field, problem=f"can't be sent as JSON: {error}") from None
        cls.check_request(body)
        return body

    def video_call(self, video_id: str | Mapping[str, Any], **query: str) -> Call:
        """Make the call that asks for a video."""
        asked = read_video_id(video_id, vendor=self.conn_type)
        path = f"{self.videos_path}/{quote(asked, safe='')}"
        return Call(path=f"{path}?{urlencode(query)}" if query else path, video_id=asked)

    def read_answer(self, response: Response, reader: ResponseReader) -> Video:
        """Read the video that a response describes.

        :raises VideoApiError: if the vendor answers with an error.
        :raises VideoAnswerError: if the answer is no video record.
        """
        return self.read_body(reader.read_object(response), reader)

    def read_body(self, body: Mapping[str, Any], reader: ResponseReader) -> Video:
        """Read the video that a JSON object describes.

        Of an order the id is enough: without it the video would be lost. Its status is ``unknown`` then.

        :raises VideoAnswerError: if the object describes no video, or another one than the call is about.
        """
        fields = self.read_video(Answer(body, secret=reader.secret))
        status = " ".join((fields.pop("status") or "").split())[:MAX_STATUS_CHARACTERS]
        video_id = fields.pop("video_id") or reader.video_id
        if not status or not isinstance(body.get("status"), str):
            if not reader.is_of_an_order or video_id is None:
                raise reader.answer_error("it has no status")
            status = VideoState.UNKNOWN.value
        if video_id is None:
            raise reader.answer_error("it has no id")
        # What is read is without white space at its ends.
        if reader.video_id is not None and reader.video_id.strip() != video_id.strip():
            raise reader.answer_error(f"it is about another video, {video_id!r:.100}")
        return Video(
            vendor=self.conn_type,
            video_id=video_id,
            status=status,
            state=self.states.get(status.lower(), VideoState.UNKNOWN),
            **fields,
        )

    def read_success(self, response: Response, reader: ResponseReader) -> None:
        """Read a response that says nothing but that a change was made.

        :raises VideoApiError: if it was not.
        """
        if not 200 <= response.status_code < 300:
            raise reader.api_error(response)
