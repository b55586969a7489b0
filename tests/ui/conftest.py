# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.api_fastapi.common.db.common import _get_session
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import renderedtifields, taskinstance, xcom
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, delete, insert, select
from sqlalchemy.orm import Session, configure_mappers

from airflow_provider_videos.ui.app import ACCESS, make_app
from local_airflow.airflow_home import create_database

START = datetime(2026, 11, 22, tzinfo=UTC)

Leave = Callable[..., uuid.UUID]

#: From Airflow 3.4 on, what a task left belongs to its attempt, and a map index is called a region's.
IS_BY_ATTEMPT = hasattr(taskinstance.TaskInstance, "working_set")
_INDEX = "region_index" if IS_BY_ATTEMPT else "map_index"
XCOMS = xcom.XComModelV2.__table__ if IS_BY_ATTEMPT else xcom.XComModel.__table__


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("airflow") / "airflow.db"
    create_database(path)
    # Airflow 3.2's tables warn when they are first used, and this package's warnings are errors here.
    configure_mappers()
    return path


@pytest.fixture
def session(database: Path) -> Iterator[Session]:
    """Give a session of Airflow's own tables, which are as they were afterwards."""
    engine = create_engine(f"sqlite:///{database}", connect_args={"check_same_thread": False})
    with engine.connect() as connection, Session(connection) as session:
        yield session
        session.rollback()
    engine.dispose()


@pytest.fixture
def leave(session: Session) -> Leave:
    """Give a function that puts a task instance there with what it left in XCom, a minute after the one before.

    There is a run "run", and another one as soon as a task of it is put there.
    """
    minutes = iter(range(1000))
    runs: dict[str, int] = {}

    def number_of(run_id: str) -> int:
        if run_id not in runs:
            runs[run_id] = len(runs) + 1
            place = {"id": runs[run_id], "dag_id": "dag", "run_id": run_id}
            session.execute(
                insert(DagRun.__table__).values(
                    **place, run_type="manual", state="running", logical_date=None, run_after=START
                )
            )
        return runs[run_id]

    number_of("run")

    def put(
        task_id: str,
        state: str | None = "success",
        *,
        map_index: int = -1,
        operator: str = "VideoSensor",
        run_id: str = "run",
        xcoms: dict[str, Any] | None = None,
        rendered: dict[str, Any] | None = None,
    ) -> uuid.UUID:
        number = number_of(run_id)
        place = {"dag_id": "dag", "run_id": run_id, "task_id": task_id}
        attempt = uuid.uuid4()
        session.execute(
            insert(TaskInstance.__table__).values(
                id=attempt, **place, **{_INDEX: map_index}, state=state, operator=operator, pool="p", pool_slots=1
            )
        )
        owner: dict[str, Any] = {"task_instance_id": attempt} if IS_BY_ATTEMPT else {**place, "map_index": map_index}
        if rendered is not None:
            fields = renderedtifields.RenderedTaskInstanceFields.__table__
            session.execute(insert(fields).values(**owner, rendered_fields=rendered))
        if not IS_BY_ATTEMPT:
            owner["dag_run_id"] = number
        moment = START + timedelta(minutes=next(minutes))
        for key, value in (xcoms or {}).items():
            session.execute(insert(XCOMS).values(**owner, key=key, value=value, timestamp=moment))
        return attempt

    return put


@pytest.fixture
def client(session: Session) -> Iterator[TestClient]:
    """Give a client of the pages that may see all."""
    app = make_app()
    app.dependency_overrides[_get_session] = lambda: session
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_id=lambda: "1", get_name=lambda: "ann")
    for access in ACCESS:
        app.dependency_overrides[access.dependency] = lambda: None
    with TestClient(app) as client:
        yield client


def forget(session: Session, map_index: int) -> None:
    """Remove what the instances of a map index left in XCom."""
    attempts = select(TaskInstance.id).where(TaskInstance.map_index == map_index)
    is_theirs = XCOMS.c.task_instance_id.in_(attempts) if IS_BY_ATTEMPT else XCOMS.c.map_index == map_index
    session.execute(delete(XCOMS).where(is_theirs))
