# SPDX-License-Identifier: Apache-2.0
"""What tasks, triggers and the plugin use of Airflow's inside. Nothing is imported before it is asked for."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Attributes of a mapped task that hold what it passes on, and are not documented; a task that is not mapped has none.
MAPPED_TASK_FIELDS = ("partial_kwargs", "expand_input", "op_kwargs_expand_input")
_XCOM_BACKEND = "airflow.sdk.execution_time.xcom.BaseXCom"


def airflow_version() -> str:
    """Return the version of the Airflow that is installed."""
    from airflow import __version__

    return __version__


def _is_at_least(*version: int) -> bool:
    return tuple(map(int, airflow_version().split(".")[: len(version)])) >= version


# Waiting -------------------------------------------------------------------------------------------------------------


def xcom_backend() -> tuple[Any, bool]:
    """Return the class that stores XComs, and whether it is Airflow's own, which has a coroutine for it.

    Airflow documents only how tasks push XComs, not how a trigger does.

    :raises Exception: if this Airflow has it elsewhere.
    """
    from airflow.sdk import BaseXCom
    from airflow.sdk.execution_time.xcom import XCom

    return XCom, XCom is BaseXCom


def context_to_push_in() -> contextvars.Context:
    """Return the context in which a trigger pushes XComs beside its own work.

    From Airflow 3.4 on, a trigger's context says whose its XComs are. Before, all that it says is in which task's log a
    line of Airflow's lands. Goes with Airflow 3.3.
    """
    return contextvars.copy_context() if _is_at_least(3, 4) else contextvars.Context()


def has_airflows_xcom_backend() -> bool:
    """Return whether XComs are kept where Airflow keeps them; imports nothing, unlike :func:`xcom_backend`."""
    from airflow.sdk import conf

    return bool(conf.get("core", "xcom_backend", fallback=_XCOM_BACKEND).rpartition(".")[2] == "BaseXCom")


def can_start_from_trigger() -> bool:
    """Return whether the triggerer renders a trigger's arguments: from Airflow 3.3 on; goes with Airflow 3.2."""
    from airflow.triggers.base import BaseTrigger

    return hasattr(BaseTrigger, "render_template_fields")


def tells_triggers_of_kills() -> bool:
    """Return whether a trigger is told that a user ends its task: from Airflow 3.3 on; goes with Airflow 3.2."""
    from airflow.triggers.base import BaseTrigger

    return hasattr(BaseTrigger, "on_kill")


def trigger_timeout(trigger: Any) -> datetime | None:
    """Return when Airflow ends a trigger, if it has one that is started by the scheduler tell (3.3); undocumented."""
    moment = getattr(trigger, "timeout_after", None)
    return moment if isinstance(moment, datetime) else None


def has_mapped_dependants(task: Any) -> bool:
    """Return whether other tasks are mapped over what a task returns, so that Airflow has to note its length.

    :param task: the task, ``None`` if it is not known.
    """
    if task is None or not task.has_dag():
        return False
    return next(iter(task.iter_mapped_dependants()), None) is not None


def is_mapped_over(task: Any, source: Any) -> bool:
    """Return whether a task is mapped over what another one returns, itself or by a group that it is in.

    Its map index then counts what the other returned, and is not the other's.
    """
    mapped = {node.node_id for node in source.iter_mapped_dependants()}
    return task.node_id in mapped or any(group.node_id in mapped for group in task.iter_mapped_task_groups())


def is_in_mapped_group(task: Any) -> bool:
    """Return whether a task is in a mapped task group.

    What such a task skips is not found by Airflow 3.2 and 3.3: they look for it under the index of a task that is not
    mapped (``NotPreviouslySkippedDep``).
    """
    return next(iter(task.iter_mapped_task_groups()), None) is not None


def waits_for_input() -> tuple[type[BaseException], ...]:
    """Return the exceptions by which a task that asks a person gives its worker back.

    From Airflow 3.3 on no trigger takes part; one of the two goes with Airflow 3.2. Each has ``kwargs``, what the task
    is resumed with.
    """
    from airflow.sdk import exceptions

    names = ("TaskDeferred", "TaskAwaitingInput")
    return tuple(getattr(exceptions, name) for name in names if hasattr(exceptions, name))


def unlimited_retention() -> dict[str, Any]:
    """Return the arguments that make the task state store (3.3) keep an entry as long as the run.

    Without the constant an entry is kept as long as Airflow keeps others; this goes with Airflow 3.2.
    """
    from airflow import sdk

    never = getattr(sdk, "NEVER_EXPIRE", None)
    return {} if never is None else {"retention": never}


# Ordering ------------------------------------------------------------------------------------------------------------


def loop_iteration(context: Context) -> int | None:
    """Return which iteration of a task loop a task instance is in, from 0: Airflow has loops from 3.4 on.

    The region of a task instance says more, and changes: a clear of a run, or of the gate of a loop, makes the later
    iterations anew in another region, and so with an empty task state store. No task can read which region that was.

    :return: ``None`` if it is in no loop.
    """
    loop: Any = context.get("loop")
    return None if loop is None else int(loop.index)


# Pages ---------------------------------------------------------------------------------------------------------------


def tab_scope(operator_names: Sequence[str]) -> dict[str, Any]:
    """Return the part of a tab's description that limits it to tasks of some operators.

    Airflow knows it from 3.4 on (apache/airflow#69148, #74278); one before would take it and heed nothing.

    :param operator_names: names of the operators' classes.
    """
    return {"applies_to": {"operator_name": list(operator_names)}} if _is_at_least(3, 4) else {}
