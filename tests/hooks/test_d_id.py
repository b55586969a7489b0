# SPDX-License-Identifier: Apache-2.0
"""What D-ID refuses, over real sockets."""

from __future__ import annotations

import base64
import json

import pytest

from airflow_provider_videos.exceptions import VideoApiError, VideoOrderLostError, VideoOrderRefusedError
from airflow_provider_videos.hooks.d_id import DIdHook
from airflow_provider_videos.simulator import Fault, Simulator
from tests.vendor_kit import REQUESTS


@pytest.fixture
def hook(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> DIdHook:
    monkeypatch.setenv("AIRFLOW_CONN_D_ID_DEFAULT", simulator.connection_uri("d_id", timeout=1))
    return DIdHook()


@pytest.mark.parametrize(
    ("status", "kind"), [(451, "TextModerationError"), (403, "PermissionError"), (400, "BadRequestError")]
)
def test_a_refused_order_says_why_and_is_not_sent_again(
    status: int, kind: str, hook: DIdHook, simulator: Simulator
) -> None:
    body = json.dumps({"kind": kind, "description": "because of this"})
    simulator.add_fault(Fault("status", status=status, body=body, endpoint="create"))
    with pytest.raises(VideoOrderRefusedError, match="because of this"):
        hook.create_video(**REQUESTS["d_id"])
    assert simulator.record.requests == {"d_id create": 1}


@pytest.mark.parametrize("status", [408, 409, 500, 502, 504])
def test_an_order_that_may_have_been_accepted_is_lost(status: int, hook: DIdHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=status, endpoint="create"))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**REQUESTS["d_id"])
    assert simulator.record.requests == {"d_id create": 1}


def test_videos_of_all_kinds_are_listed(hook: DIdHook) -> None:
    orders = [
        REQUESTS["d_id"],
        {"kind": "clip", "presenter_id": "amy-1", "script": {"type": "text", "input": "Hello."}},
        {"kind": "expressive", "avatar_id": "avt_1", "script": {"type": "text", "input": "Hello."}},
    ]
    ids = [hook.create_video(**order).video_id for order in orders]
    assert [video.video_id for video in hook.list_videos()] == ids


def test_a_video_that_is_not_finished_is_not_deleted(hook: DIdHook, simulator: Simulator) -> None:
    with pytest.raises(VideoApiError, match="in process"):
        hook.delete_video(simulator.add_video("d_id", generating=600))


def test_a_key_in_base64_is_accepted(hook: DIdHook, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = base64.b64encode(simulator.key.encode()).decode()
    uri = simulator.connection_uri("d_id").replace(simulator.key, encoded.replace("=", "%3D"))
    monkeypatch.setenv("AIRFLOW_CONN_D_ID_DEFAULT", uri)
    assert hook.test_connection()[0]
