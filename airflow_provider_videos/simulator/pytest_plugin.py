# SPDX-License-Identifier: Apache-2.0
"""A pytest fixture for the tests of one's own Dags. It is there only where a test asks for this plugin by name::

    pytest_plugins = ["airflow_provider_videos.simulator.pytest_plugin"]


    def test_my_dag(video_simulator):
        video_simulator.outcome = "failed"
        ...

It imports nothing of Airflow, so that a ``conftest.py`` can name it and still set ``AIRFLOW_HOME`` first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from airflow_provider_videos.simulator.server import Simulator


@pytest.fixture
def video_simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Run a simulator for one test, and let each vendor's default connection, such as ``tavus_default``, lead to it.

    Its videos are ready at once; set its ``queued`` and ``generating`` (seconds) for others. A connection of another id
    is one more line: ``monkeypatch.setenv("AIRFLOW_CONN_MY_TAVUS", video_simulator.connection_uri("tavus"))``.
    """
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy of this machine doesn't reach the simulator.
        monkeypatch.setenv(name, ",".join(filter(None, [os.environ.get(name), "127.0.0.1"])))
    with Simulator(queued=0, generating=0) as simulator:
        for vendor in simulator.vendors:
            uri = simulator.connection_uri(vendor.conn_type)
            monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.conn_type.upper()}_DEFAULT", uri)
        yield simulator
