# SPDX-License-Identifier: Apache-2.0
"""The vendors' video APIs on a real socket, for tests, demos and people without a key.

As a program: ``python -m airflow_provider_videos.simulator``. In a test::

    with Simulator(queued=0.1, generating=0.2) as simulator:
        simulator.add_fault(Fault("status", status=503, times=2, retry_after="1"))
        video_id = simulator.add_video("tavus")
        url = f"{simulator.vendor_url('tavus')}/v2/videos/{video_id}"
        requests.get(url, headers={"x-api-key": simulator.key})
        assert simulator.record.answers == {503: 1}

One port serves every vendor, each below its connection type; Tavus and Together AI also at the root. What can go wrong
on request is in :mod:`airflow_provider_videos.simulator.faults`; ``docs/testing.md`` shows how to add a vendor.
"""

from __future__ import annotations

from airflow_provider_videos.simulator.auth import Auth, HeaderKey
from airflow_provider_videos.simulator.faults import Fault, retry_after_date
from airflow_provider_videos.simulator.proxy import Proxy
from airflow_provider_videos.simulator.recorder import Record
from airflow_provider_videos.simulator.server import Simulator
from airflow_provider_videos.simulator.vendor import Endpoint, RefusedError, Reply, SimulatedVendor, VendorRequest
from airflow_provider_videos.simulator.videos import Moment, SimulatedVideo

__all__ = [
    "Auth",
    "Endpoint",
    "Fault",
    "HeaderKey",
    "Moment",
    "Proxy",
    "Record",
    "RefusedError",
    "Reply",
    "SimulatedVendor",
    "SimulatedVideo",
    "Simulator",
    "VendorRequest",
    "retry_after_date",
]
