# SPDX-License-Identifier: Apache-2.0
"""The hooks of the tests' own vendors."""

from __future__ import annotations

from airflow_provider_videos.hooks.video import VideoHook
from tests.contract.vendors import LOOMS, Reel, Relay


class RelayHook(VideoHook):
    vendor = Relay()


class ReelHook(VideoHook):
    vendor = Reel()


for _conn_type, _loom in LOOMS.items():
    # Airflow imports a hook by its name.
    globals()[f"{_conn_type}_hook"] = type(f"{_conn_type}_hook", (VideoHook,), {"vendor": _loom})
