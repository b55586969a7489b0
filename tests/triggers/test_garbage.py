# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.triggers import garbage, poller
from airflow_provider_videos.triggers.video import VideoTrigger
from tests.vendors import Connect
from tests.waiting import only_event


@pytest.fixture(autouse=True)
def _nothing_is_set_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(("waits", "is_set_aside"), [(3, True), (2, False)])
def test_while_many_wait_collections_leave_out_what_was_there(
    waits: int, is_set_aside: bool, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "MANY_WAITS", 3)
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", generating=0.5) for _ in range(waits)]

    async def wait() -> int:
        triggers = [
            VideoTrigger(video_id=video_id, conn_id=conn_id, timeout=20, poke_interval=0.1) for video_id in video_ids
        ]
        events = asyncio.gather(*map(only_event, triggers))
        await asyncio.sleep(0.2)
        frozen = gc.get_freeze_count()
        await events
        return frozen

    assert (asyncio.run(wait()) > 0) is is_set_aside
    assert gc.get_freeze_count() == 0


def test_what_something_else_has_set_aside_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.freeze()
    with monkeypatch.context() as patched:
        patched.setattr(gc, "freeze", lambda: pytest.fail("it is frozen already"))
        garbage.set_aside()
    garbage.take_back()
    assert gc.get_freeze_count() > 0
