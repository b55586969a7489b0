# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextvars
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.execution_time.xcom import XCom

from airflow_provider_videos.airflow_compat import tasks
from airflow_provider_videos.simulator import Simulator
from tests.triggers.firing import Pushed, of_a_task, trigger_for
from tests.vendor_kit import Connect
from tests.waiting_kit import only_event, until


def test_while_a_task_is_deferred_its_xcom_says_how_the_wait_stands(
    simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    seen: list[dict[str, Any]] = []
    push = pushed.aset

    async def aset(*, key: str, value: Any, **place: Any) -> None:
        await push(key=key, value=value, **place)
        seen.append(json.loads(json.dumps(value)))

    pushed.aset = aset  # type: ignore[method-assign]
    trigger = of_a_task(trigger_for(simulator.add_video("tavus", queued=0.5, generating=0.5), connect("tavus")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(XCom, "aset", aset, raising=False)
        asyncio.run(only_event(trigger))
    assert [value["status"] for value in seen] == ["queued", "generating"]
    assert {value["video_id"] for value in seen} == {trigger.video_id}
    last_poll, deadline = (datetime.fromisoformat(seen[-1][name]) for name in ("last_poll", "deadline"))
    assert timedelta(seconds=15) < deadline - last_poll <= timedelta(seconds=20)
    assert list(pushed) == ["waiting"]


def test_a_task_that_pushes_nothing_says_nothing_while_it_waits(
    simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    trigger = of_a_task(trigger_for(simulator.add_video("tavus", generating=0.5), connect("tavus"), do_xcom_push=False))
    asyncio.run(only_event(trigger))
    assert pushed == {}


def test_nothing_is_pushed_after_a_cancelled_wait(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, ended = [], []

    async def slow(*, key: str, value: Any, **place: Any) -> None:
        began.append(key)
        await asyncio.sleep(0.5)
        ended.append(key)

    monkeypatch.setattr(XCom, "aset", slow, raising=False)
    trigger = of_a_task(trigger_for(simulator.add_video("tavus", outcome="stuck"), connect("tavus")))

    async def cancel() -> None:
        running = asyncio.create_task(only_event(trigger))
        await until(lambda: began)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(1)

    asyncio.run(cancel())
    assert began == ["waiting"]
    assert ended == []


@pytest.mark.parametrize(("version", "whose"), [("3.3.2", None), ("3.4.0b2", "the trigger's")])
def test_from_airflow_3_4_on_a_report_is_pushed_in_the_context_that_says_whose_it_is(
    version: str, whose: str | None, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner: contextvars.ContextVar[str | None] = contextvars.ContextVar("owner", default=None)
    owners = []

    async def aset(*, key: str, value: Any, **place: Any) -> None:
        await asyncio.sleep(0)
        owners.append(owner.get())

    monkeypatch.setattr(XCom, "aset", aset, raising=False)
    monkeypatch.setattr(tasks, "airflow_version", lambda: version)
    trigger = of_a_task(trigger_for(simulator.add_video("tavus", generating=0.5), connect("tavus")))

    async def run() -> None:
        owner.set("the trigger's")
        await only_event(trigger)

    asyncio.run(run())
    assert set(owners) == {whose}
