# SPDX-License-Identifier: Apache-2.0
"""The tables of Airflow 3.4 as far as the pages know them, made after its source, until the index has it.

An XCom belongs to an attempt of a task instance, by its id. Retired attempts stay, without a place in the working set,
and several live instances may have one map index, in a region of their own; that of a task in a loop is the iteration
here, and -1 in Airflow's own pages and tasks. XComs are read through a projection, and
``get_many`` gives what is in no region unless it is asked for all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Select, Uuid, and_, select
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column, synonym

NO_REGION = UUID(int=0)


class Base(DeclarativeBase):
    type_annotation_map = {UUID: Uuid}


class DagRun(Base):
    __tablename__ = "dag_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    dag_id: Mapped[str]
    run_id: Mapped[str]
    state: Mapped[str] = mapped_column(default="running")
    start_date: Mapped[datetime | None]


class TaskInstance(Base):
    __tablename__ = "task_instance"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    dag_id: Mapped[str]
    run_id: Mapped[str]
    task_id: Mapped[str]
    region_id: Mapped[UUID] = mapped_column(default=NO_REGION)
    region_index: Mapped[int] = mapped_column(default=-1)
    map_index = synonym("region_index")
    working_set: Mapped[bool | None]
    state: Mapped[str | None]
    operator: Mapped[str] = mapped_column(default="VideoSensor")
    updated_at: Mapped[datetime | None]


class RenderedTaskInstanceFields(Base):
    __tablename__ = "rtif_v2"
    task_instance_id: Mapped[UUID] = mapped_column(ForeignKey("task_instance.id"), primary_key=True)
    rendered_fields: Mapped[Any] = mapped_column(JSON)


class HITLDetail(Base):
    __tablename__ = "hitl_detail"
    ti_id: Mapped[UUID] = mapped_column(ForeignKey("task_instance.id"), primary_key=True)
    options: Mapped[Any] = mapped_column(JSON)
    params: Mapped[Any] = mapped_column(JSON)
    assignees: Mapped[Any] = mapped_column(JSON)
    responded_at: Mapped[datetime | None]


class StoredXCom(Base):
    __tablename__ = "xcom_v2"
    task_instance_id: Mapped[UUID] = mapped_column(ForeignKey("task_instance.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    timestamp: Mapped[datetime]


class XComModel(Base):
    __table__ = (
        select(
            StoredXCom.__table__,
            TaskInstance.dag_id,
            TaskInstance.task_id,
            TaskInstance.run_id,
            TaskInstance.region_index.label("map_index"),
            DagRun.id.label("dag_run_id"),
        )
        .join(TaskInstance, StoredXCom.task_instance_id == TaskInstance.id)
        .join(DagRun, and_(DagRun.dag_id == TaskInstance.dag_id, DagRun.run_id == TaskInstance.run_id))
        .subquery("xcom")
    )
    __mapper_args__ = {"primary_key": [__table__.c.task_instance_id, __table__.c.key]}

    @classmethod
    def get_many(
        cls,
        *,
        run_id: str,
        key: str | None = None,
        task_ids: list[str] | None = None,
        dag_ids: str | None = None,
        map_indexes: list[int] | None = None,
        region_id: UUID | None = NO_REGION,
        include_node_regions: bool = True,
    ) -> Select[Any]:
        entity: Any = aliased(cls)
        producers = select(TaskInstance.id).where(TaskInstance.run_id == run_id, TaskInstance.dag_id == dag_ids)
        if region_id is not None:
            producers = producers.where(TaskInstance.region_id == region_id)
        if task_ids is not None:
            producers = producers.where(TaskInstance.task_id.in_(task_ids))
        if map_indexes is not None:
            producers = producers.where(TaskInstance.map_index.in_(map_indexes))
        return select(entity).where(entity.task_instance_id.in_(producers)).order_by(entity.timestamp.desc())
