# SPDX-License-Identifier: Apache-2.0
"""Reads which runs have videos: those whose tasks pushed an id, or the ids of a batch."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import DagRun, count_xcoms, has_xcom, read_xcoms
from airflow_provider_videos.ui.run_rows import decoded
from airflow_provider_videos.xcom import VIDEO_IDS_KEY, VIDEO_OPERATORS

ID_KEY = "video_id"
KEYS = (ID_KEY, VIDEO_IDS_KEY)


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


def read_runs(session: Session, dag_id: str, *, skip: int, limit: int) -> list[VideoRun]:
    """Return the runs of a Dag that have a video, newest first.

    :param skip: how many of the newest are left out.
    :param limit: how many are returned at most.
    """
    return _read(session, DagRun.dag_id == dag_id, skip=skip, limit=limit)


def read_all_runs(session: Session, may_see: Callable[[str], bool], *, skip: int, limit: int) -> list[VideoRun]:
    """Return the runs that have a video, of all Dags that somebody may see, newest first.

    :param may_see: whether that is so for a Dag. It is asked only for those that have a run on this page or before it.
    """
    asked: set[str] = set()
    hidden: set[str] = set()
    while True:
        is_shown = DagRun.dag_id.not_in(hidden)
        window = select(DagRun.dag_id).where(has_xcom(KEYS, VIDEO_OPERATORS), is_shown)
        until_here = window.order_by(DagRun.id.desc()).limit(skip + limit).subquery()
        new = set(session.scalars(select(until_here.c.dag_id).distinct())) - asked
        asked |= new
        more = {dag_id for dag_id in new if not may_see(dag_id)}
        if not more:
            return _read(session, is_shown, skip=skip, limit=limit)
        hidden |= more


def _read(session: Session, is_shown: ColumnElement[bool], *, skip: int, limit: int) -> list[VideoRun]:
    query = (
        select(DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.start_date)
        .where(has_xcom(KEYS, VIDEO_OPERATORS), is_shown)
        .order_by(DagRun.id.desc())
        .offset(skip)
        .limit(limit)
    )
    runs = list(session.execute(query))
    counts = _counts(session, {number: (dag_id, run_id) for number, dag_id, run_id, _, _ in runs})
    return [
        VideoRun(dag_id=dag_id, run_id=run_id, state=str(state), started_at=started_at, count=counts.get(number, 0))
        for number, dag_id, run_id, state, started_at in runs
    ]


def _counts(session: Session, runs: Mapping[int, tuple[str, str]]) -> dict[int, int]:
    counts = count_xcoms(session, runs, ID_KEY)
    ids: dict[int, set[str]] = defaultdict(set)
    for number, text in read_xcoms(session, runs, VIDEO_IDS_KEY):
        listed = decoded(json.loads(text))
        ids[number].update(one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, str))
    # Other tasks of the run may have pushed single ids of the same videos.
    for number, text in read_xcoms(session, {number: runs[number] for number in ids}, ID_KEY):
        ids[number].add(str(decoded(json.loads(text))))
    return counts | {number: len(of_run) for number, of_run in ids.items()}
