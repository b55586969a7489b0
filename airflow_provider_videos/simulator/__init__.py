# SPDX-License-Identifier: Apache-2.0
"""Both vendors' video APIs on a real socket, for tests, demos and people without a key.

As a program: ``python -m airflow_provider_videos.simulator``. In a test::

    with Simulator(queued=0.1, generating=0.2) as simulator:
        simulator.add_fault(Fault("status", status=503, times=2, retry_after="1"))
        video_id = simulator.add_video("tavus")
        requests.get(f"{simulator.url}/v2/videos/{video_id}", headers={"x-api-key": simulator.key})
        assert simulator.record.answers == {503: 1}

One port serves both vendors. A request with the header ``x-api-key`` is for Tavus, one with
``Authorization: Bearer`` for Together AI. What can go wrong on request is in
:mod:`airflow_provider_videos.simulator.faults`.
"""

from __future__ import annotations

from airflow_provider_videos.simulator.faults import Fault, retry_after_date
from airflow_provider_videos.simulator.proxy import Proxy
from airflow_provider_videos.simulator.recorder import Record
from airflow_provider_videos.simulator.server import Simulator

__all__ = ["Fault", "Proxy", "Record", "Simulator", "retry_after_date"]
