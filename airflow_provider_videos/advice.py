# SPDX-License-Identifier: Apache-2.0
"""What a user can do about an error that a vendor answered, by the call that it answered."""

from __future__ import annotations

#: The status code whose advice fits what a vendor's own words refuse.
_LIKE = {"key": 401, "unknown_video": 404, "final": 422}
_REDIRECT = "It is not followed, as the API key would go along: set the connection's host to the final address."
_ANY_CALL = {
    401: "Check the API key of the connection.",
    402: "The account's balance or spending limit is used up: check its billing page.",
    403: "Check what the API key of the connection may do.",
    405: "Check the host of the connection: what answers there does not take this call.",
}
_ID = "Check the video's id, and that it was ordered with this connection's account."
_FIELDS = "Nothing was ordered. Correct the fields of the request; the vendor's page says what each may be."
_BUSY = (
    "The video was not changed. If it is still being made, wait until it has ended; otherwise check its id, and that "
    "it was ordered with this connection's account."
)
_HOST = "Check the host of the connection, and the path in it."
_MISSING = "Check the video's id, that it was ordered with this connection's account, and that nobody deleted it."
_GONE = "The vendor does not have it any more."
_CALL: dict[str, dict[int, str]] = {
    "order": {
        400: _FIELDS,
        404: "Nothing was ordered. Check the host of the connection, and the names in the request, such as the model.",
        410: "Nothing was ordered. What the request names, such as the model, is not offered any more.",
        413: "Nothing was ordered. The request is too large: pass URLs instead of what they lead to.",
        415: _FIELDS,
        422: _FIELDS,
        451: "Nothing was ordered. The vendor may not make this video: change the request.",
    },
    "get": {400: _ID, 404: _MISSING, 410: _GONE, 422: _ID},
    "delete": {400: _BUSY, 404: _MISSING, 409: _BUSY, 410: _GONE, 422: _BUSY, 423: _BUSY},
    "cancel": {400: _BUSY, 404: _MISSING, 409: _BUSY, 410: _GONE, 422: _BUSY, 423: _BUSY},
    "rename": {400: _BUSY, 404: _MISSING, 409: _BUSY, 410: _GONE, 422: _BUSY, 423: _BUSY},
    "list": dict.fromkeys((400, 404, 410, 422), _HOST),
    "test": dict.fromkeys((400, 404, 410, 422), _HOST),
}


def advice(call: str, status_code: int, refusal: str | None = None) -> str:
    """Return a sentence that says what to do, empty where there is nothing to say.

    :param call: a :data:`~airflow_provider_videos.vendors.answer.Purpose`; an unknown one gets what holds for any
        call.
    :param status_code: HTTP status code of the answer.
    :param refusal: what the vendor's own words refuse, a
        :class:`~airflow_provider_videos.vendors.exchange.RefusalKind`; ``None`` if the status code says it all.
    """
    if 300 <= status_code < 400:
        return _REDIRECT
    is_said_by_the_code = status_code in {401, 403} or (refusal == "final" and status_code >= 400)
    meant = status_code if is_said_by_the_code else _LIKE.get(refusal or "", status_code)
    return _ANY_CALL.get(meant) or _CALL.get(call, {}).get(meant, "")
