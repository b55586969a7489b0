# SPDX-License-Identifier: Apache-2.0
"""What the pages use of Airflow's API server: who may see what, and the tables. It is no public interface of Airflow.

Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import airflow_version

if TYPE_CHECKING:
    from airflow.api_fastapi.app import get_auth_manager as get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity as DagAccessEntity
    from airflow.api_fastapi.common.db.common import SessionDep as SessionDep
    from airflow.api_fastapi.core_api.security import GetUserDep as GetUserDep
    from airflow.api_fastapi.core_api.security import requires_access_dag as requires_access_dag
    from airflow.models.dagrun import DagRun as DagRun
    from airflow.models.hitl import HITLDetail as HITLDetail
    from airflow.models.renderedtifields import RenderedTaskInstanceFields as RenderedTaskInstanceFields
    from airflow.models.taskinstance import TaskInstance as TaskInstance
    from airflow.models.xcom import XComModel as XComModel
    from airflow.utils.session import create_session as create_session
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

#: Where the names are: they stay as long as a page can't ask the REST API for what it shows in one request, with the
#: viewer's own right.
_PAGES = {
    # Whoever may see a task's XComs may see its video.
    "DagAccessEntity": "airflow.api_fastapi.auth.managers.models.resource_details",
    "GetUserDep": "airflow.api_fastapi.core_api.security",
    "get_auth_manager": "airflow.api_fastapi.app",
    "requires_access_dag": "airflow.api_fastapi.core_api.security",
    # The tables that have what a page shows.
    "DagRun": "airflow.models.dagrun",
    "HITLDetail": "airflow.models.hitl",
    "RenderedTaskInstanceFields": "airflow.models.renderedtifields",
    "SessionDep": "airflow.api_fastapi.common.db.common",
    "TaskInstance": "airflow.models.taskinstance",
    "XComModel": "airflow.models.xcom",
    # A link is made outside of a request that would bring a session.
    "create_session": "airflow.utils.session",
}
#: How many of the newest runs the lists of runs look through from Airflow 3.4 on, whose XComs have no index by key.
RUNS_SEARCHED = 10_000


def __getattr__(name: str) -> Any:
    """Import one of the names that only pages need.

    :raises AttributeError: if this module has no such name.
    :raises ImportError: if this Airflow has it elsewhere.
    """
    if name not in _PAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_PAGES[name]), name)
    except AttributeError:
        raise ImportError(f"Airflow {airflow_version()} has no {name} in {_PAGES[name]}") from None


def has_regions() -> bool:
    """Return whether a run may have several live instances of a task and map index, and keeps retired attempts.

    That is so from Airflow 3.4 on. Then XComs belong to an attempt, not to a task and map index. The switch goes with
    Airflow 3.3.
    """
    return hasattr(__getattr__("TaskInstance"), "working_set")


def is_live() -> list[ColumnElement[bool]]:
    """Return the conditions that leave out retired attempts of task instances."""
    return [__getattr__("TaskInstance").working_set.is_(True)] if has_regions() else []


def region_columns() -> tuple[Any, Any]:
    """Return the columns that tell a task's live instances of one map index apart: NULL before Airflow 3.4."""
    from sqlalchemy import null

    instance = __getattr__("TaskInstance")
    return (instance.region_id, instance.region_index) if has_regions() else (null(), null())


def owner_columns(entity: Any) -> tuple[Any, ...]:
    """Return the columns that name a task instance within its run.

    :param entity: ``TaskInstance``, what :func:`run_xcoms` gives, or ``RenderedTaskInstanceFields``.
    """
    if not has_regions():
        return (entity.task_id, entity.map_index)
    return (entity.id if entity is __getattr__("TaskInstance") else entity.task_instance_id,)


def run_xcoms(
    dag_id: str,
    run_id: str,
    *,
    task_ids: Collection[str] | None = None,
    map_indexes: Collection[int] | None = None,
) -> tuple[Select[Any], Any]:
    """Return a query of the XComs of a run's live task instances, in no order, and the entity that it selects.

    :param task_ids: only those of some tasks.
    :param map_indexes: only those of some instances.
    """
    from sqlalchemy import select

    get_many = __getattr__("XComModel").get_many
    # From 3.4 on it gives what is in no region, unless it is asked for all.
    scope = {"region_id": None} if "region_id" in inspect.signature(get_many).parameters else {}
    query = get_many(
        run_id=run_id,
        dag_ids=dag_id,
        task_ids=None if task_ids is None else list(task_ids),
        map_indexes=None if map_indexes is None else list(map_indexes),
        **scope,
    ).order_by(None)
    entity = query.column_descriptions[0]["entity"]
    if has_regions():
        instance = __getattr__("TaskInstance")
        live = select(instance.id).where(instance.dag_id == dag_id, instance.run_id == run_id, *is_live())
        return query.where(entity.task_instance_id.in_(live)), entity
    # The index of the run's number leads to its XComs alone; SQLite would go through those of all runs of the Dag.
    run = __getattr__("DagRun")
    number = select(run.id).where(run.dag_id == dag_id, run.run_id == run_id).correlate(None).scalar_subquery()
    return query.where(entity.dag_run_id == number), entity


def lacks_xcom(
    xcom: Any, choice: Callable[[Any], ColumnElement[bool]], *, dag_id: str, run_id: str
) -> ColumnElement[bool]:
    """Return the condition that the task instance of an XCom left none of some others.

    :param xcom: the entity that :func:`run_xcoms` gives.
    :param choice: the condition that chooses the others, made of an entity.
    """
    from sqlalchemy import exists
    from sqlalchemy.orm import aliased

    if has_regions():
        query, other = run_xcoms(dag_id, run_id)
        owners = query.with_only_columns(*owner_columns(other)).where(choice(other)).correlate(None)
        missing: ColumnElement[bool] = xcom.task_instance_id.not_in(owners)
        return missing
    other = aliased(__getattr__("XComModel"))
    same = [getattr(other, name) == getattr(xcom, name) for name in ("dag_run_id", "task_id", "map_index")]
    return ~exists().where(*same, choice(other))


def rendered_fields_of_run(dag_id: str, run_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions that join the rendered fields of a run's tasks with their task instances."""
    fields, instance = __getattr__("RenderedTaskInstanceFields"), __getattr__("TaskInstance")
    same = [one == other for one, other in zip(owner_columns(fields), owner_columns(instance), strict=True)]
    return same if has_regions() else [fields.dag_id == dag_id, fields.run_id == run_id, *same]


def has_xcom(keys: Collection[str], operators: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a run has an XCom with one of some keys, as far as a list of runs can ask for that.

    :param keys: the XComs'.
    :param operators: from Airflow 3.4 on, where XComs have no index by key, names of the operators whose tasks push it.
    """
    from sqlalchemy import and_, exists, func, select

    run, instance = __getattr__("DagRun"), __getattr__("TaskInstance")
    if not has_regions():
        xcom = __getattr__("XComModel")
        found: ColumnElement[bool] = run.id.in_(select(xcom.dag_run_id).where(xcom.key.in_(keys)))
        return found
    newest = select(func.max(run.id)).scalar_subquery()
    of_run = (instance.dag_id == run.dag_id, instance.run_id == run.run_id)
    has_task = exists().where(*of_run, *is_live(), instance.operator.in_(operators))
    return and_(run.id > newest - RUNS_SEARCHED, has_task.correlate(run))


def count_xcoms(session: Session, runs: Mapping[int, tuple[str, str]], key: str) -> dict[int, int]:
    """Count the different texts that the tasks of some runs pushed under a key.

    :param runs: the Dag's and the run's id, by the number that the run has in the database.
    """
    from sqlalchemy import Text, cast, func

    def texts(value: Any) -> Any:
        # What a triggerer pushed is JSON within JSON.
        return func.count(func.replace(func.replace(cast(value, Text), "\\", ""), '"', "").distinct())

    return dict(_of_runs(session, runs, key, texts, is_aggregate=True))


def read_xcoms(session: Session, runs: Mapping[int, tuple[str, str]], key: str) -> Iterator[tuple[int, str]]:
    """Read what the tasks of some runs pushed under a key, as text of JSON, each with its run's number.

    :param runs: the Dag's and the run's id, by the number that the run has in the database.
    """
    from sqlalchemy import Text, cast

    return _of_runs(session, runs, key, lambda value: cast(value, Text), is_aggregate=False)


def _of_runs(
    session: Session,
    runs: Mapping[int, tuple[str, str]],
    key: str,
    column: Callable[[Any], Any],
    *,
    is_aggregate: bool,
) -> Iterator[tuple[int, Any]]:
    from sqlalchemy import select

    if has_regions():
        # This Airflow has a query for one run only.
        for number, (dag_id, run_id) in runs.items():
            query, xcom = run_xcoms(dag_id, run_id)
            for value in session.scalars(query.with_only_columns(column(xcom.value)).where(xcom.key == key)):
                yield number, value
        return
    xcom = __getattr__("XComModel")
    query = select(xcom.dag_run_id, column(xcom.value)).where(xcom.dag_run_id.in_(list(runs)), xcom.key == key)
    for number, value in session.execute(query.group_by(xcom.dag_run_id) if is_aggregate else query):
        yield number, value
