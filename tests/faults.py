# SPDX-License-Identifier: Apache-2.0
"""Every fault that a wait meets, by the name under which docs/troubleshooting.md shows it."""

from __future__ import annotations

import functools
from collections.abc import Callable

from airflow_provider_videos.simulator import Fault, retry_after_date

#: Faults that pass, each made when it is needed: a date in a header is not for ever in the future.
PASSING: dict[str, Callable[[], Fault]] = {
    "408": lambda: Fault("status", status=408),
    "425": lambda: Fault("status", status=425),
    "429": lambda: Fault("status", status=429),
    "429, Retry-After: 1": lambda: Fault("status", status=429, retry_after="1"),
    "429, Retry-After: a date": lambda: Fault("status", status=429, retry_after=retry_after_date(2)),
    "500": lambda: Fault("status", status=500),
    "502 with a page of HTML": lambda: Fault("html", status=502),
    "503": lambda: Fault("status", status=503),
    "504": lambda: Fault("status", status=504),
    "connection reset before the answer": lambda: Fault("reset_before"),
    "connection reset in the answer": lambda: Fault("reset_during"),
    "no answer, connection open": lambda: Fault("hang"),
    "one byte a second": lambda: Fault("drip"),
    "body cut short": lambda: Fault("truncated"),
    "200 with a page of HTML": lambda: Fault("html"),
    "200 with no body": lambda: Fault("empty"),
    "200 with 20 MB": lambda: Fault("huge"),
    "200, not UTF-8": lambda: Fault("not_utf8"),
    "200 with a list": lambda: Fault("json", body="[]"),
    "200 with a number": lambda: Fault("json", body="17"),
    "200 without a status": lambda: Fault("json", body='{"video_id": "v"}'),
    "200, status null": lambda: Fault("json", body='{"status": null}'),
    "200, status a number": lambda: Fault("json", body='{"status": 3}'),
}

#: Answers that no second attempt would change.
FINAL: dict[str, Callable[[], Fault]] = {
    "302 to another host": lambda: Fault("redirect", location="http://127.0.0.1:9/"),
    **{
        str(status): functools.partial(Fault, "status", status=status, body='{"message": "the vendor\'s own words"}')
        for status in (400, 401, 402, 403, 404, 405, 410, 422)
    },
}

#: Where a connection leads to that no vendor answers, and whether that may pass.
NOWHERE = {
    "connection refused": ("127.0.0.1:9/http", True),
    "host name not known": ("nowhere.invalid/http", True),
    "proxy refused": ("127.0.0.1:9/http?proxy=http%3A%2F%2F127.0.0.1%3A9", True),
    "certificate that nobody signed": ("{secure}/https", False),
    "plain http where TLS is asked for": ("{plain}/https", False),
}
