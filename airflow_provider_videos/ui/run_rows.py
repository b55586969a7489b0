# SPDX-License-Identifier: Apache-2.0
"""Reads what Airflow's database has of a run's tasks and of what they left in XCom about videos. Asks no vendor."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from airflow.sdk import BaseXCom
from sqlalchemy import ColumnElement, Text, and_, case, cast, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import (
    RenderedTaskInstanceFields,
    TaskInstance,
    is_live,
    lacks_xcom,
    owner_columns,
    region_columns,
    rendered_fields_of_run,
    run_xcoms,
)
from airflow_provider_videos.xcom import (
    FAILED_VIDEO_KEY,
    PUSHED_FIELDS,
    STATUS_SECONDS_KEY,
    VIDEO_IDS_KEY,
    VIDEOS_KEY,
    WAITING_KEY,
)

#: Keys of what may be a video's record.
RECORD_KEYS = (BaseXCom.XCOM_RETURN_KEY, FAILED_VIDEO_KEY)
#: Fields of a record that say which videos a run has, how they stand, and what they cost.
SUMMARY_FIELDS = ("vendor", "video_id", "state", "cost", "sha256")
#: The task whose rendered fields say what it orders.
ORDERING_OPERATOR = "GenerateVideoOperator"
#: States of a task that may still have no record.
UNFINISHED = ("deferred", "queued", "restarting", "running", "scheduled", "up_for_reschedule", "up_for_retry")

#: What was pushed field by field that a record has, too.
_FIELDS = ("vendor", "video_id", "state", WAITING_KEY)
_KEYS = (*RECORD_KEYS, *PUSHED_FIELDS, STATUS_SECONDS_KEY, WAITING_KEY, VIDEO_IDS_KEY, VIDEOS_KEY)
_NO_REGION = UUID(int=0)

#: What a task left under a key, and when.
Left = Mapping[str, tuple[Any, datetime]]
Choice = Callable[[Any], ColumnElement[bool]]


@dataclasses.dataclass(frozen=True)
class Region:
    """Where in a loop or an expansion a task instance is; Airflow 3.4 may have several of one map index.

    :param id: of the region.
    :param index: of the instance within it.
    """

    id: UUID
    index: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Instance:
    """A task instance.

    :param task_id: id of the task.
    :param map_index: index of the instance, -1 if the task is not mapped.
    :param state: Airflow's state of it, ``None`` before it is scheduled.
    :param region: where it is, ``None`` if it is in no region.
    """

    task_id: str
    map_index: int
    # It may change between two queries.
    state: str | None = dataclasses.field(default=None, compare=False)
    region: Region | None = None

    @property
    def place(self) -> tuple[str, int, Region | None]:
        """What tells it from others of its run."""
        return self.task_id, self.map_index, self.region


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """The task instances of a run that a page shows.

    :param dag_id: id of its Dag.
    :param run_id: its id.
    :param task_ids: only those of some tasks; ``None``: of all.
    :param map_indexes: only those of some indexes; ``None``: of all.
    """

    dag_id: str
    run_id: str
    task_ids: Collection[str] | None = None
    map_indexes: Collection[int] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions that choose them among all task instances."""
        chosen = [TaskInstance.dag_id == self.dag_id, TaskInstance.run_id == self.run_id, *is_live()]
        if self.task_ids is not None:
            chosen.append(TaskInstance.task_id.in_(self.task_ids))
        if self.map_indexes is not None:
            chosen.append(TaskInstance.map_index.in_(self.map_indexes))
        return chosen

    def only(self, instances: Iterable[Instance]) -> Run:
        """Return the run limited to the tasks and indexes of some of its instances."""
        places = [instance.place for instance in instances]
        return dataclasses.replace(
            self, task_ids={task_id for task_id, _, _ in places}, map_indexes={index for _, index, _ in places}
        )


def is_record(xcom: Any) -> ColumnElement[bool]:
    """Return the condition that an XCom may be a video's record; what else a task returned may be large."""
    return and_(xcom.key.in_(RECORD_KEYS), cast(xcom.value, Text).contains("video_id"))


def read_state(session: Session, run: Run) -> list[Any]:
    """Return values that are others as soon as any task of a run changes, or what it left about a video."""
    instances = select(TaskInstance.state, func.count(), func.max(TaskInstance.updated_at)).where(*run.conditions())
    query, xcom = _xcoms(run)
    left = query.with_only_columns(func.count(), func.max(xcom.timestamp)).where(xcom.key.in_(_KEYS))
    by_state = session.execute(instances.group_by(TaskInstance.state).order_by(TaskInstance.state))
    return [tuple(row) for rows in (by_state, session.execute(left)) for row in rows]


def read_instances(session: Session, run: Run, *conditions: ColumnElement[bool]) -> list[Instance]:
    """Return the task instances of a run that meet some conditions."""
    query = select(*instance_columns()).where(*run.conditions(), *conditions)
    return [instance_of(row) for row in session.execute(query)]


def read_left(session: Session, run: Run, choice: Choice) -> dict[Instance, Left]:
    """Return what the tasks of a run left in XCom, by task instance and key.

    :param choice: the condition that chooses among the XComs.
    """
    rows = session.execute(_left_query(run, choice, lambda xcom: [xcom.value]))
    return _by_instance((row, decoded(row[-1])) for row in rows)


def read_summaries(session: Session, run: Run) -> dict[Instance, Left]:
    """Return of what the tasks of a run left only what it takes to count its videos, by task instance and key.

    Of records, which are most of all that there is, the database gives :data:`SUMMARY_FIELDS`; what was pushed field by
    field is in them, too, so that is given only where there is no record.
    """

    def fields(xcom: Any) -> list[Any]:
        # Some versions of Airflow keep a text of JSON; no part of that can be asked for.
        is_text = cast(xcom.value, Text).startswith('"')
        return [*(cast(xcom.value[name], Text) for name in SUMMARY_FIELDS), case((is_text, xcom.value))]

    try:
        with session.begin_nested():
            rows = session.execute(_left_query(run, is_record, fields)).all()
    except DBAPIError:
        # A database may not be able to read what a task returned, such as NaN.
        records = read_left(session, run, is_record)
    else:
        records = _by_instance((row, _summary(row)) for row in rows)
    # A task that waits has left none yet, and a custom backend keeps them elsewhere.
    others = read_left(session, run, lambda xcom: and_(xcom.key.in_(_FIELDS), _lacks_record(run, xcom)))
    return {**others, **records}


def read_lists(session: Session, run: Run) -> dict[Instance, Left]:
    """Return what the tasks of a run that have many videos left of them, by task instance and key."""
    keys = (VIDEOS_KEY, VIDEO_IDS_KEY, "vendor", WAITING_KEY)
    left = read_left(session, run, lambda xcom: xcom.key.in_(keys))
    return {one: values for one, values in left.items() if VIDEOS_KEY in values or VIDEO_IDS_KEY in values}


def read_requests(session: Session, run: Run) -> dict[tuple[str, int, Region | None], Mapping[str, Any]]:
    """Return what the tasks that order a video, and have not ended yet, were asked for, by place."""
    query = select(*instance_columns(), RenderedTaskInstanceFields.rendered_fields).where(
        *run.conditions(),
        *rendered_fields_of_run(run.dag_id, run.run_id),
        TaskInstance.operator == ORDERING_OPERATOR,
        TaskInstance.state.in_(UNFINISHED),
    )
    return {
        instance_of(row).place: request
        for row in session.execute(query)
        if isinstance(row[-1], dict) and isinstance(request := decoded(row[-1].get("request")), dict)
    }


def instance_columns() -> tuple[Any, ...]:
    """Return the columns that :func:`instance_of` reads, first of a query."""
    return TaskInstance.task_id, TaskInstance.map_index, TaskInstance.state, *region_columns()


def instance_of(row: Any) -> Instance:
    """Return the task instance that a row begins with."""
    task_id, map_index, state, region_id, region_index = row[:5]
    region = None if region_id in {None, _NO_REGION} else Region(region_id, region_index)
    return Instance(task_id=task_id, map_index=map_index, state=state, region=region)


def decoded(value: Any) -> Any:
    """Return what an XCom holds: the database has JSON, and from some versions of Airflow a text of JSON."""
    if isinstance(value, str) and value.startswith(('"', "{", "[")):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value
        # An id may be all digits.
        return found if isinstance(found, dict | list | str) else value
    return value


def _lacks_record(run: Run, xcom: Any) -> ColumnElement[bool]:
    return lacks_xcom(xcom, is_record, dag_id=run.dag_id, run_id=run.run_id)


def _xcoms(run: Run) -> tuple[Any, Any]:
    return run_xcoms(run.dag_id, run.run_id, task_ids=run.task_ids, map_indexes=run.map_indexes)


def _left_query(run: Run, choice: Choice, columns: Callable[[Any], list[Any]]) -> Any:
    query, xcom = _xcoms(run)
    same = (one == other for one, other in zip(owner_columns(xcom), owner_columns(TaskInstance), strict=True))
    wanted = (*instance_columns(), xcom.key, xcom.timestamp, *columns(xcom))
    return query.with_only_columns(*wanted).where(*run.conditions(), *same, choice(xcom))


def _by_instance(rows: Iterable[tuple[Any, Any]]) -> dict[Instance, Left]:
    left: dict[Instance, dict[str, tuple[Any, datetime]]] = defaultdict(dict)
    for row, value in rows:
        key, timestamp = row[5:7]
        left[instance_of(row)][key] = (value, timestamp)
    return dict(left)


def _summary(row: Any) -> Any:
    *values, text = row[7:]
    if text is not None:
        return decoded(text)
    # To read them at once takes a third of the time.
    found = json.loads(f"[{','.join(value or 'null' for value in values)}]")
    return {name: value for name, value in zip(SUMMARY_FIELDS, found, strict=True) if value is not None}
