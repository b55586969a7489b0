# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator

#: Gives what a call to a client returns, whether the client is sync or async.
Done = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of the machine take part, and no key or address of a real account."""
    for name in os.environ:
        if name.upper().endswith("_PROXY") or name.startswith(("FAL_", "LUMA", "REPLICATE_", "RUNWAYML_", "TOGETHER_")):
            monkeypatch.delenv(name)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run every vendor, with videos that take no time unless a test says otherwise."""
    with Simulator(queued=0, generating=0) as running:
        yield running


@pytest.fixture
def done() -> Iterator[Done]:
    """Give a function that waits for what an async client returns, and hands on what a sync one does.

    So one test holds for both. All calls of a test run on one event loop, as a client's connections need.
    """
    with asyncio.Runner() as runner:

        async def wait(value: Any) -> Any:
            return await value

        yield lambda value: runner.run(wait(value)) if inspect.isawaitable(value) else value
