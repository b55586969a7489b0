# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from airflow_provider_videos.vendors.signed_urls import expiry_after, expiry_of

NOON = "2025-11-22T12:00:00+00:00"


def token(claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("query", "moment"),
    [
        ("Expires=1763812800&Signature=x", NOON),
        ("X-Amz-Date=20251122T110000Z&X-Amz-Expires=3600", NOON),
        ("X-Goog-Date=20251122T110000Z&X-Goog-Expires=3600", NOON),
        ("se=2025-11-22T12:00:00Z&sig=x", NOON),
        ("se=2025-11-22T12:00:00&sig=x", NOON),
        (f"_jwt={token({'exp': 1763812800})}", NOON),
        (f"_jwt={token({'keyHash': 'a', 'bucket': 'b', 'exp': 1763812800.0})}", NOON),
        (f"_jwt={token({})}", None),
        (f"_jwt={token({'exp': 'soon'})}", None),
        (f"_jwt={token([])}", None),
        (f"_jwt={token({'exp': 1e300})}", None),
        ("_jwt=token", None),
        ("_jwt=a.b.c", None),
        ("download=v1", None),
        ("Expires=soon", None),
        ("Expires=99999999999999999999", None),
        ("se=soon&sig=x", None),
        ("X-Amz-Date=today&X-Amz-Expires=3600", None),
    ],
)
def test_a_signed_url_says_when_it_expires(query: str, moment: str | None) -> None:
    assert expiry_of(f"https://a.example/v.mp4?{query}") == moment


@pytest.mark.parametrize(
    ("moment", "expires_at"),
    [("2025-11-22T11:00:00+00:00", NOON), (None, None), ("9999-12-31T23:59:59+00:00", None)],
)
def test_a_url_that_is_good_for_an_hour_expires_an_hour_later(moment: str | None, expires_at: str | None) -> None:
    assert expiry_after(moment, 3600) == expires_at
