# SPDX-License-Identifier: Apache-2.0
"""Checks of a request's fields that several vendors make; each raises :exc:`RequestFieldError`, naming the field.

A field that is missing passes all of them but :func:`check_required`.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.vendors.errors import RequestFieldError

__all__ = ["check_choice", "check_fields", "check_number", "check_required", "check_texts"]

log = logging.getLogger(__name__)

#: How alike two names must be, from 0 to 1, for one to be taken for a misspelling of the other.
_SIMILARITY = 0.8


def check_fields(request: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse an unknown field that is close to a known one, and warn of any other unknown field.

    Vendors ignore a misspelled field, and bill the video that they make without it.

    :param known: every field that the vendor's page has for such an order.
    """
    plain = {_plain(field): field for field in known}
    for field in request:
        if field in known:
            continue
        if close := difflib.get_close_matches(_plain(field), plain, n=1, cutoff=_SIMILARITY):
            raise RequestFieldError(
                field, f"is unknown; did you mean {plain[close[0]]!r}? If not, check_request=False sends it as it is"
            )
        log.warning("The vendor's page has no field %r for this order; it is sent as it is.", field)


def check_required(request: Mapping[str, Any], *fields: str) -> None:
    """Refuse a request in which a field is missing or empty."""
    for field in fields:
        if not request.get(field):
            raise RequestFieldError(field, "is missing")


def check_texts(request: Mapping[str, Any], *fields: str, longest: int | None = None) -> None:
    """Refuse fields that are no texts or have too many characters.

    :param longest: most characters; then an empty text is refused too.
    """
    for field in fields:
        value = request.get(field)
        if value is None:
            continue
        if not isinstance(value, str):
            raise RequestFieldError(field, f"must be a string, not {type(value).__name__}")
        if longest is not None and not 1 <= len(value) <= longest:
            raise RequestFieldError(field, f"has {len(value)} characters; it must have 1 to {longest:,}")


def check_choice(request: Mapping[str, Any], field: str, choices: Collection[Any]) -> None:
    """Refuse a field whose value is none of the choices."""
    value = request.get(field)
    # True equals 1, which a vendor tells apart.
    if value is not None and not any(value == choice and type(value) is type(choice) for choice in choices):
        raise RequestFieldError(field, f"must be one of {', '.join(map(repr, choices))}")


def check_number(
    request: Mapping[str, Any], field: str, smallest: float, largest: float, *, whole: bool = False
) -> None:
    """Refuse a field whose value is no number, or is out of its range.

    :param whole: refuse fractions too.
    """
    value = request.get(field)
    if value is not None and not (is_number(value, whole=whole) and smallest <= value <= largest):
        kind = "whole number" if whole else "number"
        raise RequestFieldError(field, f"must be a {kind} from {smallest:,} to {largest:,}")


def _plain(field: str) -> str:
    """Return a name without what tells ``promptText`` from ``prompt_text``."""
    return field.replace("_", "").replace("-", "").lower()
