# SPDX-License-Identifier: Apache-2.0
"""The variants: which trigger waits, with which arguments, and what its event says when all went well."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from benchmarks.setting import Setting, video_id

FLOOR = "floor"
BATCH = "batch"
CONNECTION_TYPES = {"video": "tavus", "http": "http", "dbt": "dbt_cloud"}
"""Connection types, by the first part of a connection's id."""
_LONG = 3600.0


def _says_success(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("status") == "success"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to wait in Airflow's triggerer.

    :param title: what it is, for the table.
    :param classpath: of the trigger.
    :param arguments: its arguments, made from the setting, the connection's id, a video's index and the seconds after
        which that is ready.
    :param connection: first part of the id of its connection; empty if it needs none.
    :param is_success: whether an event's payload says that the video is ready; most say so by a ``status``.
    """

    title: str
    classpath: str
    arguments: Callable[[Setting, str, int, float], dict[str, Any]]
    connection: str = ""
    is_success: Callable[[Any], bool] = _says_success


def _ours(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    return {
        "video_id": video_id(index),
        "conn_id": conn_id,
        "poke_interval": setting.poll_interval,
        "timeout": _LONG,
    }


def _ours_silent(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    return {**_ours(setting, conn_id, index, ready_after), "do_xcom_push": False}


def _hand_written(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    return {"conn_id": conn_id, "video_id": video_id(index), "poke_interval": setting.poll_interval}


def _http(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    # As HttpSensor hands them over.
    return {
        "endpoint": f"until-ready/{video_id(index)}",
        "http_conn_id": conn_id,
        "data": {},
        "headers": {},
        "method": "GET",
        "extra_options": {},
        "poke_interval": setting.poll_interval,
    }


def _dbt(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    return {
        "conn_id": conn_id,
        "run_id": index,
        "end_time": time.time() + _LONG,
        "poll_interval": setting.poll_interval,
        "account_id": 1,
    }


def _idle(setting: Setting, conn_id: str, index: int, ready_after: float) -> dict[str, Any]:
    return {"seconds": ready_after}


VARIANTS = {
    "ours": Variant(
        title="`VideoTrigger`",
        classpath="airflow_provider_videos.triggers.video.VideoTrigger",
        connection="video",
        arguments=_ours,
        is_success=lambda payload: isinstance(payload, dict) and bool(payload.get("video")),
    ),
    "silent": Variant(
        title="`VideoTrigger`, `do_xcom_push=False`",
        classpath="airflow_provider_videos.triggers.video.VideoTrigger",
        connection="video",
        arguments=_ours_silent,
        is_success=lambda payload: isinstance(payload, dict) and bool(payload.get("video")),
    ),
    "shared": Variant(
        title="plain loop, shared session",
        classpath="benchmarks.triggers.SharedSessionTrigger",
        connection="video",
        arguments=_hand_written,
    ),
    "hand": Variant(
        title="(a) hand-written trigger",
        classpath="benchmarks.triggers.HandWrittenTrigger",
        connection="video",
        arguments=_hand_written,
    ),
    "http": Variant(
        title="(b) http provider's sensor",
        classpath="airflow.providers.http.triggers.http.HttpSensorTrigger",
        connection="http",
        arguments=_http,
        is_success=lambda payload: payload is True,
    ),
    "dbt": Variant(
        title="(c) dbt Cloud's trigger",
        classpath="benchmarks.triggers.PlainDbtTrigger",
        connection="dbt",
        arguments=_dbt,
    ),
    "idle": Variant(
        title="(e) idle runner",
        classpath="benchmarks.triggers.SleepingTrigger",
        arguments=_idle,
    ),
}
TITLES = {name: variant.title for name, variant in VARIANTS.items()} | {
    FLOOR: "(d) bare aiohttp loop",
    BATCH: "one batch's wait",
}
#: Those that run without Airflow's triggerer, by the module that does.
MODULES = {FLOOR: "benchmarks.floor", BATCH: "benchmarks.batch_wait"}
ORDER = ("ours", "silent", BATCH, "shared", "hand", "http", "dbt", FLOOR, "idle")
