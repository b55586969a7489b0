# SPDX-License-Identifier: Apache-2.0
"""The pages that show videos. Only Airflow's API server imports this, when somebody asks for the first page."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_videos import __version__
from airflow_provider_videos.airflow_compat.api_server import (
    DagAccessEntity,
    DagRun,
    GetUserDep,
    SessionDep,
    TaskInstance,
    get_auth_manager,
    has_regions,
    requires_access_dag,
)
from airflow_provider_videos.ui import addresses
from airflow_provider_videos.ui.approvals import Approvals, read_approvals
from airflow_provider_videos.ui.page import make_page
from airflow_provider_videos.ui.playback import Member, RegionIndex, go_to_vendor, read_region, show_copy
from airflow_provider_videos.ui.presentation import Shown, total_cost
from airflow_provider_videos.ui.run_rows import Run, read_state
from airflow_provider_videos.ui.task_videos import read_details, read_run_videos, read_task_video
from airflow_provider_videos.ui.video_runs import VideoRun, read_all_runs, read_runs
from airflow_provider_videos.xcom import BATCH_OPERATORS

#: Videos, or runs, on one page.
PAGE_SIZE = 60
#: For how many seconds a grid of whose run nothing has changed counts as the same: URLs expire, and files come and go.
SAME_SECONDS = 300
#: Who may see a task's state and XComs in Airflow may see these pages.
ENTITIES = (DagAccessEntity.XCOM, DagAccessEntity.TASK_INSTANCE)
ACCESS = [Depends(requires_access_dag("GET", entity)) for entity in ENTITIES]
DAG_PATH = "/dags/{dag_id}"
RUN_PATH = f"{DAG_PATH}/runs/{{run_id}}"
#: States that a grid can be limited to, as its pages and their colours name them.
Tone = Literal["ready", "waiting", "failed"]
PageNumber = Annotated[int, Query(ge=1)]
#: The largest map index that a database takes.
_MAX_INDEX = 2**31 - 1
SIGN_IN = "Log in to Airflow to see this page."
REASONS = {
    401: ("Not logged in", SIGN_IN),
    403: ("Not allowed", "Your role in Airflow doesn't let you see the XComs of this Dag."),
}


def make_app() -> FastAPI:
    """Build the application."""
    app = FastAPI(title="Videos", docs_url=None, redoc_url=None, openapi_url=None)
    app.get("/")(show_all_runs)
    app.get(DAG_PATH, dependencies=ACCESS)(show_dag)
    app.get(RUN_PATH, dependencies=ACCESS)(show_run)
    app.get(f"{RUN_PATH}/tasks/{{task_id}}", dependencies=ACCESS)(show_task)
    app.get(f"{RUN_PATH}/tasks/{{task_id}}/copy", dependencies=ACCESS)(show_copy)
    app.get(f"{RUN_PATH}/tasks/{{task_id}}/vendor", dependencies=ACCESS)(go_to_vendor)
    app.exception_handler(StarletteHTTPException)(show_error)
    app.exception_handler(RequestValidationError)(show_nonsense)
    return app


def show_all_runs(request: Request, user: GetUserDep, session: SessionDep, page: PageNumber = 1) -> HTMLResponse:
    """Show the runs with videos of all Dags whose XComs the user may see."""

    def may_see(dag_id: str) -> bool:
        return _may(dag_id, request, user, "GET", ENTITIES)

    skip, limit = _slice(page)
    return _list(read_all_runs(session, may_see, skip=skip, limit=limit), None, page)


def show_dag(dag_id: str, session: SessionDep, page: PageNumber = 1) -> HTMLResponse:
    """Show the runs with videos of a Dag."""
    if session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id).limit(1)) is None:
        raise HTTPException(404, f"There is no run of a Dag {dag_id!r}.")
    skip, limit = _slice(page)
    return _list(read_runs(session, dag_id, skip=skip, limit=limit), dag_id, page)


def show_run(
    request: Request,
    user: GetUserDep,
    dag_id: str,
    run_id: str,
    session: SessionDep,
    page: PageNumber = 1,
    state: Tone | None = None,
) -> Response:
    """Show all videos of a run, or those in one state."""
    exists = session.scalar(select(func.count()).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if not exists:
        raise HTTPException(404, f"Dag {dag_id!r} has no run {run_id!r}.")
    run = Run(dag_id=dag_id, run_id=run_id)
    return _grid(request, session, run, page, state, _approvals(request, user, session, run))


def show_task(
    request: Request,
    user: GetUserDep,
    dag_id: str,
    run_id: str,
    task_id: str,
    session: SessionDep,
    map_index: str | None = None,
    region_id: UUID | None = None,
    region_index: RegionIndex = None,
    member: Member = None,
    page: PageNumber = 1,
    state: Tone | None = None,
) -> Response:
    """Show the video of a task instance, or all videos of a mapped task, of a loop or of a batch."""
    run = Run(dag_id=dag_id, run_id=run_id, task_ids={task_id})
    index = _read_index(map_index)
    place = _find(session, run, -1 if index is None else index)
    if not place["count"]:
        raise HTTPException(404, f"Run {run_id!r} of Dag {dag_id!r} has no task {task_id!r}.")
    # Airflow's tabs and tasks give a task in a loop the index -1, and its database the iteration.
    approvals = _approvals(request, user, session, run)
    is_whole = index is None or (index == -1 and not place["matching"] and has_regions())
    if is_whole and not place["count"] == place["matching"] == 1:
        return _grid(request, session, run, page, state, approvals)
    index = -1 if index is None else index
    region = read_region(region_id, region_index)
    if place["matching"] > 1 and region is None:
        return _grid(request, session, dataclasses.replace(run, map_indexes={index}), page, state, approvals)
    if place["is_batch"] and member is None:
        return _grid(request, session, dataclasses.replace(run, map_indexes={index}), page, state, approvals)
    task = read_task_video(session, dag_id, run_id, task_id, index, region, member) if place["matching"] else None
    if task is None:
        raise HTTPException(404, f"Task {task_id!r} of run {run_id!r} has no map index {index}.")
    return make_page(
        "video.html",
        shown=Shown(task, now=datetime.now(UTC)),
        approvals=approvals,
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=task.map_index,
        position=place["before"] + 1,
        count=place["count"],
        previous=place["previous"],
        following=place["following"],
    )


def show_error(request: Request, error: StarletteHTTPException) -> HTMLResponse:
    """Say in a page why there is nothing to see."""
    title, text = REASONS.get(error.status_code, ("Not found", error.detail))
    login = addresses.login_page(_path(request)) if error.status_code == 401 else None
    page = make_page("message.html", status=error.status_code, title=title, text=text, login=login)
    page.headers.update(error.headers or {})
    return page


def show_nonsense(request: Request, error: RequestValidationError) -> HTMLResponse:
    """Say in a page that an address means nothing."""
    return show_error(request, StarletteHTTPException(404, "There is no such page."))


def _path(request: Request) -> str:
    # Made anew from its parts, it can lead nowhere else.
    place = request.path_params
    if "task_id" in place:
        path = addresses.task_page(place["dag_id"], place["run_id"], place["task_id"])
    elif "run_id" in place:
        path = addresses.run_page(place["dag_id"], place["run_id"])
    else:
        path = addresses.dag_page(place["dag_id"]) if "dag_id" in place else addresses.all_runs_page()
    return path + (f"?{request.url.query}" if request.url.query else "")


def _may(
    dag_id: str, request: Request, user: Any, method: Literal["GET", "PUT"], entities: Iterable[DagAccessEntity]
) -> bool:
    try:
        for entity in entities:
            requires_access_dag(method, entity, dag_id)(request, user)
    except HTTPException:
        return False
    return True


def _approvals(request: Request, user: Any, session: Session, run: Run) -> Approvals:
    """Return the open requests for approval of a run's videos, and for each whether Airflow lets the user answer."""

    @functools.cache
    def may_answer_any() -> bool:
        return _may(run.dag_id, request, user, "PUT", (DagAccessEntity.HITL_DETAIL,))

    def may_answer(assigned: set[str]) -> bool:
        if not may_answer_any():
            return False
        return not assigned or bool(get_auth_manager().is_authorized_hitl_task(assigned_users=assigned, user=user))

    return read_approvals(session, Run(dag_id=run.dag_id, run_id=run.run_id), may_answer)


def _slice(page: int) -> tuple[int, int]:
    # A database takes no number that is too large for it. One more run tells whether there is another page.
    return (min(page, 1_000_000) - 1) * PAGE_SIZE, PAGE_SIZE + 1


def _list(runs: list[VideoRun], dag_id: str | None, page: int) -> HTMLResponse:
    return make_page(
        "runs.html", runs=runs[:PAGE_SIZE], dag_id=dag_id, page=min(page, 1_000_000), has_more=len(runs) > PAGE_SIZE
    )


def _grid(
    request: Request, session: Session, run: Run, page: int, state: Tone | None, approvals: Approvals
) -> Response:
    now = datetime.now(UTC)
    etag = _etag(request, [*read_state(session, run), approvals, now.timestamp() // SAME_SECONDS])
    if request.headers.get("If-None-Match") == etag:
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "no-store"})
    summaries = [Shown(task, now=now) for task in read_run_videos(session, run)]
    videos = [one for one in summaries if one.video]
    of_state = [video for video in videos if state in {None, video.tone}]
    others = [one for one in summaries if not one.video and state in {None, one.tone}]
    pages = max(1, -(-len(of_state) // PAGE_SIZE))
    page = min(page, pages)
    first = (page - 1) * PAGE_SIZE
    shown = read_details(session, run, [video.task for video in of_state[first : first + PAGE_SIZE]])
    counts = {tone: sum(video.tone == tone for video in videos) for tone in get_args(Tone)}
    return make_page(
        "grid.html",
        etag=etag,
        videos=[Shown(task, now=now) for task in shown],
        others=others if page == 1 else [],
        counts={tone: count for tone, count in counts.items() if count or tone == state},
        count=len(videos),
        approvals=approvals,
        cost=total_cost(videos),
        dag_id=run.dag_id,
        run_id=run.run_id,
        task_id=next(iter(run.task_ids)) if run.task_ids else None,
        state=state,
        page=page,
        pages=pages,
        is_waiting=any(one.is_waiting for one in summaries),
    )


def _etag(request: Request, state: list[Any]) -> str:
    content = repr((__version__, request.url.path, sorted(request.query_params.multi_items()), state))
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def _find(session: Session, run: Run, map_index: int) -> dict[str, Any]:
    """Return how many instances a task has, how many of them have an index, and which indexes are beside it."""
    if abs(map_index) > _MAX_INDEX:
        map_index = -_MAX_INDEX
    column = TaskInstance.map_index
    query = select(
        func.count().label("count"),
        func.coalesce(func.sum(case((column == map_index, 1), else_=0)), 0).label("matching"),
        func.coalesce(func.sum(case((column < map_index, 1), else_=0)), 0).label("before"),
        func.max(case((TaskInstance.operator.in_(BATCH_OPERATORS), 1), else_=0)).label("is_batch"),
        func.max(case((column < map_index, column))).label("previous"),
        func.min(case((column > map_index, column))).label("following"),
    ).where(*run.conditions())
    return dict(session.execute(query).one()._mapping)


def _read_index(map_index: str | None) -> int | None:
    try:
        return int(map_index or "")
    except ValueError:
        # Airflow leaves the placeholder as it is for a task that is not mapped.
        return None
