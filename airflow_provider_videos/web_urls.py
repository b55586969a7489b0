# SPDX-License-Identifier: Apache-2.0
"""What counts as a URL of the web, and what its origin is. It reads texts; no HTTP library takes part."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

WEB_SCHEMES = {"http": 80, "https": 443}


def web_url(value: object) -> str | None:
    """Return a value if it is a URL of the web, else ``None``.

    That is a text with the scheme ``http`` or ``https`` in any case, a host, and no space, control character or lone
    surrogate. It may hold a user, a password and characters outside ASCII.
    """
    return value if isinstance(value, str) and origin_of(value) is not None else None


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Return the scheme, the host and the port (the scheme's own if there is none), ``None`` if it is no web URL."""
    parts = split_web_url(url)
    if parts is None or parts.hostname is None or parts.port == 0:
        return None
    return parts.scheme, parts.hostname, parts.port or WEB_SCHEMES[parts.scheme]


def is_same_origin(url: str, other: str) -> bool:
    """Whether two URLs of the web lead to the same scheme, host and port; never true of anything else."""
    origin = origin_of(url)
    return origin is not None and origin == origin_of(other)


def host_of(url: str) -> str:
    """Return the host with its port, for messages, and nothing of what a URL may hold besides."""
    parts = split_web_url(url)
    return "an unreadable address" if parts is None else parts.netloc.rpartition("@")[2]


def split_web_url(url: str) -> SplitResult | None:
    """Split a URL of the web, whose port may still be 0; ``None`` if it is none."""
    # urlsplit drops line breaks and tabs, which others may not.
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in WEB_SCHEMES and parts.hostname and parts.port != -1
    except ValueError:
        return None
    # At a backslash the host ends for browsers and urllib3, and for urlsplit it doesn't.
    return parts if is_web and "\\" not in parts.netloc else None
