# SPDX-License-Identifier: Apache-2.0
"""Orders of vendors that are found again in different ways, and what tests do to them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.vendors.recovery import ResendSameKey
from tests.attempts import Attempts, Killed
from tests.contract.vendors import LOOMS, RECOVERIES
from tests.generating import attempts
from tests.operators.conftest import mode as mode

REQUEST = {"prompt": "A cat.", "seed": 7}


ALL = tuple(RECOVERIES)


KEYED = tuple(name for name in ALL if "_key" in name)


#: A search can say that an order is not there.
SURE = ("loom_name", "loom_own_id")


FOUND = (*KEYED, *SURE, "loom_echo")


NEEDS_A_HUMAN = ("loom_human",)


ACCEPTED = [
    Fault("accept_then_reset", times=1),
    Fault("accept_then_hang", times=1),
    Fault("accept_then_status", status=503, times=1),
    Fault("accept_then_status", status=200, body="{}", times=1),
]


NOT_ACCEPTED = Fault("status", status=503, endpoint="create", times=1)


by_fault = pytest.mark.parametrize("fault", ACCEPTED, ids=lambda fault: f"{fault.kind}-{fault.status or ''}")


def refusing(status: int, times: int = 1) -> Fault:
    return Fault("status", status=status, endpoint="create", times=times)


def of(vendors: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vendor", vendors)


def order(vendor: str, mode: str = "sync", **options: Any) -> Attempts:
    return attempts(vendor, mode, **{"request": REQUEST} | options)


def orders_sent(simulator: Simulator) -> int:
    return sum(count for name, count in simulator.record.requests.items() if name.endswith(" create"))


def let_keys_live(monkeypatch: pytest.MonkeyPatch, vendor: str, seconds: float) -> None:
    recovery = RECOVERIES[vendor]
    assert isinstance(recovery, ResendSameKey)
    shorter = ResendSameKey(lifetime=seconds, afterwards=recovery.afterwards)
    monkeypatch.setattr(type(LOOMS[vendor]), "recovery", shorter)


def kill_while_it_is_sent(task: Attempts, monkeypatch: pytest.MonkeyPatch, *, is_received: bool = True) -> None:
    order_video = VideoHook.order_video

    def order_and_die(hook: VideoHook, request: Any, *, key: str | None, **options: Any) -> None:
        if is_received:
            order_video(hook, request, key=key, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(VideoHook, "order_video", order_and_die)
        with pytest.raises(Killed):
            task.run()
