# SPDX-License-Identifier: Apache-2.0
"""Reads which runs have videos: those whose tasks pushed an id. Airflow's database has an index of XCom keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import datetime

from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from sqlalchemy import Text, and_, cast, func, select
from sqlalchemy.orm import Session

ID_KEY = "video_id"


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoRun:
    """A run that has videos.

    :param dag_id: id of its Dag.
    :param run_id: its id.
    :param state: Airflow's state of it.
    :param started_at: when it started, ``None`` before that.
    :param count: how many videos its tasks pushed the id of.
    """

    dag_id: str
    run_id: str
    state: str
    started_at: datetime | None
    count: int


def read_dag_ids(session: Session) -> list[str]:
    """Return the ids of all Dags that have a video, in order."""
    query = select(XComModel.dag_id).where(XComModel.key == ID_KEY).distinct()
    return sorted(session.scalars(query))


def read_runs(session: Session, dag_ids: Collection[str], *, skip: int, limit: int) -> list[VideoRun]:
    """Return the runs of some Dags that have a video, newest first.

    :param skip: how many of the newest are left out.
    :param limit: how many are returned at most.
    """
    # What the triggerer pushed is JSON within JSON.
    video_id = func.replace(func.replace(cast(XComModel.value, Text), "\\", ""), '"', "")
    query = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.start_date, func.count(video_id.distinct()))
        .join(XComModel, and_(XComModel.dag_id == DagRun.dag_id, XComModel.run_id == DagRun.run_id))
        .where(XComModel.key == ID_KEY, DagRun.dag_id.in_(dag_ids))
        .group_by(DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.start_date)
        .order_by(DagRun.id.desc())
        .offset(skip)
        .limit(limit)
    )
    return [
        VideoRun(dag_id=dag_id, run_id=run_id, state=str(state), started_at=started_at, count=count)
        for dag_id, run_id, state, started_at, count in session.execute(query)
    ]
