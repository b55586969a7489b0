# SPDX-License-Identifier: Apache-2.0
"""Order videos in a real Airflow, disturb each order at a step, and count what the vendor accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from airflow_provider_videos.simulator import Fault, Proxy, SimulatedVendor, Simulator
from local_airflow.real_airflow import RealAirflow

DAGS_FOLDER = Path(__file__).parent / "dags"
#: Environment variable of Airflow's processes: what the Dags order from further vendors, as JSON by connection type.
OTHER_VENDORS = "CRASH_TESTS_OTHER_VENDORS"
#: What happens to an order, by step; the Dags' own process kills itself but for the triggerer.
STEPS = {
    "before": "the task is killed before the order is sent",
    "in_flight": "the task is killed while the vendor has the order and has not answered",
    "unstored": "the task is killed after the answer and before it is stored",
    "slow": "the task is killed while it orders, and the vendor accepts the order later",
    "wait": "the task or the triggerer is killed while it waits",
    "resume": "the resumed task is killed",
    "dropped": "the connection is dropped before the answer",
    "proxied": "the connection is dropped behind a proxy",
    "late": "the vendor accepts the order after the request timed out",
    "gateway": "a gateway answers 504, and the vendor accepts the order later",
    "lag": "the connection is dropped, and the vendor lists the video late",
    "clear_kept": "the task is cleared",
    "clear_emptied": "the task is cleared, its state store emptied",
    "run_kept": "the run is cleared",
    "run_emptied": "the run is cleared, the state store emptied",
    "failed_kept": "the task is marked as failed, and cleared",
    "failed_emptied": "the task is marked as failed, and cleared, its state store emptied",
}
#: Steps that come after the first end of the run.
CLEARS = tuple(step for step in STEPS if step.endswith(("_kept", "_emptied")))
#: Seconds that a request may take, and that the vendor takes longer for an order or a list.
TIMEOUT = 5.0
_LATER = TIMEOUT + 3.0
_FAULTS = {
    "in_flight": Fault("accept_then_hang", times=1),
    "slow": Fault("hang_then_accept", times=1, seconds=_LATER),
    "dropped": Fault("accept_then_reset", times=1),
    "proxied": Fault("accept_then_reset", times=1),
    "late": Fault("hang_then_accept", times=1, seconds=_LATER),
    "gateway": Fault("status_then_accept", times=1, seconds=_LATER),
    "lag": Fault("accept_then_reset", times=1),
}
_ACCEPTED_LATER = {"slow", "late", "gateway"}
_SLOW = 15.0


class Order(NamedTuple):
    """One order that is disturbed.

    :param vendor: connection type of the vendor.
    :param mode: ``sync``, ``deferrable``, or ``plain`` for the operator that one writes by hand.
    :param step: a key of :data:`STEPS`.
    """

    vendor: str
    mode: str
    step: str

    @property
    def name(self) -> str:
        """Of its connection, and a part of its Dag's."""
        return "_".join(self)


class Outcome(NamedTuple):
    """How an order ended.

    :param state: of the task.
    :param tries: how many there were.
    :param created: how many orders the vendor accepted.
    :param log: of the last try.
    """

    state: str
    tries: int
    created: int
    log: str


def place(
    airflow: RealAirflow, orders: Iterable[Order], key: str, others: Sequence[SimulatedVendor] = ()
) -> dict[Order, Outcome]:
    """Place all orders at once, each at a vendor of its own, and see how they end.

    :param airflow: has the Dags of :data:`DAGS_FOLDER`.
    :param key: API key of the vendors.
    :param others: vendors besides the built-in ones.
    """
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy())
        vendors = {}
        for order in orders:
            vendor = stack.enter_context(Simulator(key=key, generating=_seconds(order), vendors=others))
            if order.step in _FAULTS:
                vendor.add_fault(_FAULTS[order.step])
            if order.step == "lag":
                vendor.listing_delay = _LATER
            _connect(
                airflow, order, vendor.vendor_url(order.vendor), key, proxy.url if order.step == "proxied" else None
            )
            vendors[order] = vendor
        runs = {order: airflow.trigger(f"order_{order.name}") for order in vendors}
        waiting = [order for order in vendors if order.mode == "deferrable" and order.step == "wait"]
        for order in waiting:
            airflow.wait_for_task(f"order_{order.name}", runs[order], "order", "deferred", timeout=300)
        if waiting:
            triggerers = airflow.running("triggerer")
            for triggerer in triggerers:
                airflow.kill(triggerer)
            for triggerer in triggerers:
                airflow.start(triggerer)
        for order, run_id in runs.items():
            airflow.wait_for_run(f"order_{order.name}", run_id, timeout=600)
        for order, run_id in runs.items():
            if order.step in CLEARS:
                _clear(airflow, order, run_id)
        if any(order.step in _ACCEPTED_LATER for order in runs):
            # A task that fails at once is over before the vendor accepts its order.
            time.sleep(_LATER)
        outcomes = {}
        for order, run_id in runs.items():
            dag_id = f"order_{order.name}"
            airflow.wait_for_run(dag_id, run_id, timeout=600)
            [task] = airflow.task_instances(dag_id, run_id)
            outcomes[order] = Outcome(
                state=task["state"],
                tries=task["try_number"],
                created=sum(vendors[order].record.created.values()),
                log=airflow.log(dag_id, run_id, "order", try_number=task["try_number"]),
            )
        return outcomes


def _connect(airflow: RealAirflow, order: Order, url: str, key: str, proxy: str | None) -> None:
    extra = {"timeout": TIMEOUT} | ({"proxy": proxy} if proxy else {})
    connection = {"connection_id": order.name, "conn_type": order.vendor, "host": url, "password": key}
    airflow.api("POST", "/connections", json=connection | {"extra": json.dumps(extra)})


def _clear(airflow: RealAirflow, order: Order, run_id: str) -> None:
    dag_id = f"order_{order.name}"
    if order.step.startswith("failed_"):
        airflow.set_state(dag_id, run_id, "order", "failed")
    if order.step.endswith("_emptied"):
        airflow.empty_task_state_store(dag_id, run_id, "order")
    if order.step.startswith("run_"):
        airflow.clear_run(dag_id, run_id)
    else:
        airflow.clear(dag_id, run_id, "order")


def _seconds(order: Order) -> float:
    return _SLOW if order.step == "wait" else 3.0
