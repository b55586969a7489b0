# SPDX-License-Identifier: Apache-2.0
"""Every fault that a wait meets, by the name under which the README shows it."""

from __future__ import annotations

from airflow_provider_videos.simulator import Fault, retry_after_date

#: What a request may take in the waits that meet them, in seconds.
REQUEST_TIMEOUT = 0.3

PASSING = {
    "408": Fault("status", status=408),
    "429": Fault("status", status=429),
    "429, Retry-After: 1": Fault("status", status=429, retry_after="1"),
    "429, Retry-After: a date": Fault("status", status=429, retry_after=retry_after_date(1)),
    "500": Fault("status", status=500),
    "502 with a page of HTML": Fault("html", status=502),
    "503": Fault("status", status=503),
    "504": Fault("status", status=504),
    "connection reset before the answer": Fault("reset_before"),
    "connection reset in the answer": Fault("reset_during"),
    "no answer, connection open": Fault("hang"),
    "one byte a second": Fault("drip"),
    "body cut short": Fault("truncated"),
    "200 with a page of HTML": Fault("html"),
    "200 with no body": Fault("empty"),
    "200 with 20 MB": Fault("huge"),
    "200, not UTF-8": Fault("not_utf8"),
    "200 with a list": Fault("json", body="[]"),
    "200 with a number": Fault("json", body="17"),
    "200 without a status": Fault("json", body='{"video_id": "v"}'),
    "200, status null": Fault("json", body='{"status": null}'),
    "200, status a number": Fault("json", body='{"status": 3}'),
}

FINAL = {
    "302 to another host": Fault("redirect", location="http://127.0.0.1:9/"),
    **{
        str(status): Fault("status", status=status, body='{"message": "the vendor\'s own words"}')
        for status in (400, 401, 402, 403, 404, 405, 410, 422)
    },
}
