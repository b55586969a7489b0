# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.videos import VendorName


@pytest.mark.parametrize("options", [{}, {"key": "it's a key/with:signs"}, {"tls": True}, {"host": "::1"}])
def test_a_hook_finds_the_simulator_by_the_uri_alone(
    vendor: VendorName, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(queued=0, generating=0, **options) as simulator:  # type: ignore[arg-type]
        monkeypatch.setenv("AIRFLOW_CONN_MINE", simulator.connection_uri(vendor))
        assert VideoHook.get_hook("mine").get_video(simulator.add_video(vendor)).state == "ready"


def test_extra_fields_go_into_the_uri(simulator: Simulator) -> None:
    uri = simulator.connection_uri("tavus", timeout=2.5, proxy="http://proxy.test:3128")
    assert uri.endswith("%2Ftavus/?timeout=2.5&proxy=http%3A%2F%2Fproxy.test%3A3128")


def test_a_vendor_that_is_not_simulated_is_refused_by_name(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match=r"vendor must be one of (\w+, )*tavus, together, not 'nobody'"):
        simulator.connection_uri("nobody")
