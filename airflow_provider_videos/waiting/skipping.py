# SPDX-License-Identifier: Apache-2.0
"""What ``soft_fail`` and ``never_fail`` make of a failure, in whatever process it is known."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowTaskTimeout

from airflow_provider_videos.exceptions import VideoBatchError, VideoFailedError


def why_skip(error: BaseException, *, soft_fail: bool, never_fail: bool) -> str | None:
    """Return the skip reason if ``soft_fail`` or ``never_fail`` applies to this error, else ``None``.

    :param error: what it would fail with.
    :param soft_fail: skip when the video ends without success or not in time.
    :param never_fail: skip on any failure.
    :return: ``None`` if it fails.
    """
    # Not on every AirflowFailException: without an id there is nothing to wait for, whatever the vendor does.
    is_of_video = isinstance(error, VideoFailedError | AirflowSensorTimeout | AirflowTaskTimeout)
    if soft_fail and (is_of_video or (isinstance(error, VideoBatchError) and error.is_of_videos)):
        return f"Skipped, as soft_fail is set: {error}"
    if never_fail:
        return f"Skipped, as never_fail is set: {error}"
    return None
