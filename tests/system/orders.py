# SPDX-License-Identifier: Apache-2.0
"""Orders videos in a real Airflow, kills something at a step of each order, and counts what the vendor accepted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import NamedTuple

from airflow_provider_videos.simulator import Fault, Simulator

from .real_airflow import RealAirflow

#: What is killed, by step; the Dags' own process kills itself but for the triggerer.
STEPS = {
    "before": "the task, before the order is sent",
    "in_flight": "the task, while the vendor has the order and has not answered",
    "dropped": "the vendor's connection, before its answer",
    "unstored": "the task, after the answer and before it is stored",
    "wait": "the task or the triggerer, while it waits",
    "resume": "the resumed task",
}
_SLOW = 15.0


class Order(NamedTuple):
    """One order that is disturbed.

    :param vendor: ``tavus`` or ``together``.
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


def place(airflow: RealAirflow, orders: Iterable[Order], key: str) -> dict[Order, Outcome]:
    """Place all orders at once, each at a vendor of its own, and see how they end."""
    with ExitStack() as stack:
        vendors = {order: stack.enter_context(Simulator(key=key, generating=_seconds(order))) for order in orders}
        for order, vendor in vendors.items():
            if order.step == "in_flight":
                vendor.add_fault(Fault("accept_then_hang", times=1))
            if order.step == "dropped":
                vendor.add_fault(Fault("accept_then_reset", times=1))
            connection = {"connection_id": order.name, "conn_type": order.vendor, "host": vendor.url, "password": key}
            airflow.api("POST", "/connections", json=connection)
        runs = {order: airflow.trigger(f"order_{order.name}") for order in vendors}
        waiting = [order for order in vendors if order.mode == "deferrable" and order.step == "wait"]
        for order in waiting:
            airflow.wait_for_task(f"order_{order.name}", runs[order], "order", "deferred", timeout=300)
        if waiting:
            airflow.kill("triggerer")
            airflow.start("triggerer")
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


def _seconds(order: Order) -> float:
    return _SLOW if order.step == "wait" else 3.0
