# SPDX-License-Identifier: Apache-2.0
"""When a signed URL of a file ends, as far as the URL itself tells."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

_SIGNED_AT_FORMAT = "%Y%m%dT%H%M%SZ"


def expiry_of(url: str) -> str | None:
    """Return when a URL expires, ISO 8601 in UTC; ``None`` if it doesn't say.

    It reads what Amazon S3 and CloudFront, Google Cloud Storage and Azure Blob Storage write into the query, and the
    JSON Web Token of Runway.
    """
    if "?" not in url:
        return None
    try:
        query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        for cloud in ("x-amz", "x-goog"):
            if f"{cloud}-date" in query and f"{cloud}-expires" in query:
                signed_at = datetime.strptime(query[f"{cloud}-date"], _SIGNED_AT_FORMAT)
                return _iso(signed_at + timedelta(seconds=int(query[f"{cloud}-expires"])))
        if "expires" in query:
            return _iso(datetime.fromtimestamp(int(query["expires"]), UTC))
        if "se" in query and "sig" in query:
            return _iso(datetime.fromisoformat(query["se"]))
        if "_jwt" in query:
            payload = query["_jwt"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return _iso(datetime.fromtimestamp(claims["exp"], UTC))
    except (ValueError, LookupError, TypeError, OverflowError, OSError, RecursionError):
        return None
    return None


def expiry_after(moment: str | None, lifetime: float) -> str | None:
    """Return when a URL expires that is good for so many seconds from a moment on, in ISO 8601 as that is."""
    try:
        return None if moment is None else _iso(datetime.fromisoformat(moment) + timedelta(seconds=lifetime))
    except OverflowError:
        return None


def _iso(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
