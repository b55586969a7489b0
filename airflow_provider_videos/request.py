# SPDX-License-Identifier: Apache-2.0
"""What holds for the fields of an order whatever the vendor."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.exceptions import VideoRequestError
from airflow_provider_videos.vendors.base import Orders, recovery_of
from airflow_provider_videos.vendors.errors import RequestFieldError
from airflow_provider_videos.vendors.recovery import marked_field_of

if TYPE_CHECKING:
    from airflow_provider_videos.vendors.exchange import Exchange
    from airflow_provider_videos.video import Video

MAX_DEPTH = 100
#: What vendors call the texts of a record.
_TEXT_FIELDS = {"prompt": ("prompt", "promptText", "prompt_text"), "script": ("script",)}


def read_request(request: object) -> Mapping[str, Any]:
    """Return the fields of an order, from a dict or from the text of a JSON object.

    :raises VideoRequestError: if it is neither.
    """
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError) as error:
            raise VideoRequestError(field="request", problem=f"is a string, but not valid JSON: {error}") from None
    if not isinstance(request, Mapping):
        raise VideoRequestError(field="request", problem=f"must be a dict, not {type(request).__name__}")
    return request


def read_requests(requests: object) -> list[Mapping[str, Any]]:
    """Return the fields of many orders, from a list of dicts or of texts, or from the text of a JSON list.

    :raises VideoRequestError: naming the place in the list.
    """
    if isinstance(requests, str):
        try:
            requests = json.loads(requests)
        except (ValueError, RecursionError) as error:
            raise VideoRequestError(field="requests", problem=f"is a string, but not valid JSON: {error}") from None
    # The outputs of a mapped task are a sequence of Airflow's own, of which a slice takes one request.
    if not isinstance(requests, Sequence) or isinstance(requests, bytes):
        raise VideoRequestError(field="requests", problem=f"must be a list, not {type(requests).__name__}")
    found = []
    for place, request in enumerate(requests[:]):
        with _naming(place):
            found.append(read_request(request))
            check_names(found[-1])
    return found


def read_orders(
    requests: Sequence[Mapping[str, Any]], vendor: Orders, *, check_request: bool = True
) -> list[dict[str, Any]]:
    """Return what is sent of many orders, each as :func:`read_order` does.

    :raises VideoRequestError: naming the place in the list, too.
    """
    orders = []
    for place, request in enumerate(requests):
        with _naming(place):
            orders.append(read_order(request, vendor, check_request=check_request))
    return orders


def read_order(request: Mapping[str, Any], vendor: Orders, *, check_request: bool = True) -> dict[str, Any]:
    """Return what is sent of an order: its fields without those that are ``None``.

    :param check_request: check the fields against the vendor's page.
    :raises VideoRequestError: naming the field that the vendor forbids, or that is no JSON.
    """
    check_names(request)
    order = {field: value for field, value in request.items() if value is not None}
    if (marked := marked_field_of(recovery_of(vendor, order))) in order:
        # Where templates render to native objects, a name of digits has become a number.
        order[marked] = str(order[marked])
    for field, value in order.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise VideoRequestError(field=field, problem=f"can't be sent as JSON: {error}") from None
    if check_request:
        try:
            vendor.check(order)
        except RequestFieldError as error:
            raise VideoRequestError(field=error.field, problem=error.problem) from None
    return order


def submit(vendor: Orders, order: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
    """Order a video.

    :param order: as :func:`read_order` returns it.
    :param key: idempotency key, for a vendor that takes one.
    :raises VideoRequestError: before any call, if none can be made of an order that was not checked.
    """
    try:
        return (yield from vendor.submit(order, key=key))
    except RequestFieldError as error:
        raise VideoRequestError(field=error.field, problem=error.problem) from None


def texts_of(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the ``prompt`` and the ``script`` of an order, as far as it has them, whatever its vendor calls them.

    For the record of a video whose vendor doesn't return what it was made from.
    """
    inputs = request.get("input")
    texts: dict[str, str] = {}
    for field, names in _TEXT_FIELDS.items():
        for fields in (request, inputs if isinstance(inputs, Mapping) else {}):
            for name in names:
                if isinstance(text := fields.get(name), str) and text.strip():
                    texts.setdefault(field, text)
    # MiniMax and Kling take a list of one text and any number of files, D-ID a text with its voice.
    lists = [request.get("content"), request.get("contents")]
    parts = [("prompt", item, "text") for items in lists if isinstance(items, list | tuple) for item in items]
    for field, part, name in [*parts, ("script", request.get("script"), "input")]:
        if isinstance(part, Mapping) and isinstance(text := part.get(name), str) and text.strip():
            texts.setdefault(field, text)
    return texts


def check_names(request: Mapping[Any, Any]) -> None:
    """Refuse fields whose names no vendor can have, at any depth, before they become another name in JSON.

    :raises VideoRequestError: naming the outermost field.
    """
    for field, value in request.items():
        _check_name(field, field)
        todo: list[tuple[Any, int]] = [(value, 1)]
        while todo:
            part, depth = todo.pop()
            if not isinstance(part, Mapping | list | tuple):
                continue
            if depth > MAX_DEPTH:
                raise VideoRequestError(field=field, problem=f"is nested more than {MAX_DEPTH} deep, or holds itself")
            if isinstance(part, Mapping):
                for name in part:
                    _check_name(name, field)
                part = part.values()
            todo += [(inner, depth + 1) for inner in part]


@contextlib.contextmanager
def _naming(place: int) -> Generator[None]:
    try:
        yield
    except VideoRequestError as error:
        raise VideoRequestError(field=error.field, problem=error.problem, place=place) from None


def _check_name(name: object, field: object) -> None:
    if not isinstance(name, str):
        raise VideoRequestError(
            field=str(field),
            problem=f"the name {name!r:.100} is not a string but {type(name).__name__}; put it into quotes",
        )
    if name == "self" and name == field:
        raise VideoRequestError(field=name, problem="is no field of any vendor's; leave it out")
