# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.system.conftest import KEY
from tests.system.orders import Order, place
from tests.system.real_airflow import RealAirflow

pytestmark = pytest.mark.system


def test_no_kill_at_any_step_orders_a_second_video(airflow: RealAirflow) -> None:
    tavus = [
        Order("tavus", "sync", "before"),
        Order("tavus", "deferrable", "in_flight"),
        Order("tavus", "deferrable", "dropped"),
        Order("tavus", "sync", "unstored"),
        Order("tavus", "deferrable", "wait"),
        Order("tavus", "deferrable", "resume"),
    ]
    together = Order("together", "sync", "in_flight")
    outcomes = place(airflow, [*tavus, together], KEY)
    for order in tavus:
        assert (order.name, outcomes[order].state, outcomes[order].created) == (order.name, "success", 1)
    assert (outcomes[together].state, outcomes[together].created) == ("failed", 1)
    assert "order_again_if_lost=True" in outcomes[together].log
