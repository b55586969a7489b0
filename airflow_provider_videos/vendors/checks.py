# SPDX-License-Identifier: Apache-2.0
"""Checks of a request's fields that several vendors make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.vendors.errors import RequestFieldError

__all__ = ["check_required", "check_texts"]


def check_required(request: Mapping[str, Any], *fields: str) -> None:
    """Refuse a request in which a field is missing or empty; raises :exc:`RequestFieldError`."""
    for field in fields:
        if not request.get(field):
            raise RequestFieldError(field, "is missing")


def check_texts(request: Mapping[str, Any], *fields: str) -> None:
    """Refuse fields that are there and are no texts; raises :exc:`RequestFieldError`."""
    for field in fields:
        value = request.get(field)
        if value is not None and not isinstance(value, str):
            raise RequestFieldError(field, f"must be a text, not {type(value).__name__}")
