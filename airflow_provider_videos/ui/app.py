# SPDX-License-Identifier: Apache-2.0
"""The pages that show videos. Only Airflow's API server imports this, when somebody asks for the first page."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from importlib import resources
from typing import Annotated, Any, Literal, get_args

import jinja2
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_videos.ui import addresses
from airflow_provider_videos.ui.playback import go_to_vendor, show_copy
from airflow_provider_videos.ui.presentation import Shown, total_cost
from airflow_provider_videos.ui.task_videos import read_run_videos, read_task_video
from airflow_provider_videos.ui.video_runs import read_dag_ids, read_runs

#: Videos, or runs, on one page.
PAGE_SIZE = 60
#: Who may see a task's state and XComs in Airflow may see these pages.
ENTITIES = (DagAccessEntity.XCOM, DagAccessEntity.TASK_INSTANCE)
ACCESS = [Depends(requires_access_dag("GET", entity)) for entity in ENTITIES]
DAG_PATH = "/dags/{dag_id}"
RUN_PATH = f"{DAG_PATH}/runs/{{run_id}}"
#: States that a grid can be limited to, as its pages and their colours name them.
Tone = Literal["ready", "waiting", "failed"]
PageNumber = Annotated[int, Query(ge=1)]
SIGN_IN = "Log in to Airflow to see this page."
REASONS = {
    401: ("Not logged in", SIGN_IN),
    403: ("Not allowed", "Your role in Airflow doesn't let you see the XComs of this Dag."),
}

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("airflow_provider_videos.ui", "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


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
    dag_ids = [dag_id for dag_id in read_dag_ids(session) if _may_see(dag_id, request, user)]
    return _list(session, dag_ids, None, page)


def show_dag(dag_id: str, session: SessionDep, page: PageNumber = 1) -> HTMLResponse:
    """Show the runs with videos of a Dag."""
    if session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id).limit(1)) is None:
        raise HTTPException(404, f"There is no run of a Dag {dag_id!r}.")
    return _list(session, [dag_id], dag_id, page)


def show_run(
    dag_id: str, run_id: str, session: SessionDep, page: PageNumber = 1, state: Tone | None = None
) -> HTMLResponse:
    """Show all videos of a run, or those in one state."""
    exists = session.scalar(select(func.count()).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if not exists:
        raise HTTPException(404, f"Dag {dag_id!r} has no run {run_id!r}.")
    return _grid(session, dag_id, run_id, None, page, state)


def show_task(
    dag_id: str,
    run_id: str,
    task_id: str,
    session: SessionDep,
    map_index: str | None = None,
    page: PageNumber = 1,
    state: Tone | None = None,
) -> HTMLResponse:
    """Show the video of a task instance, or all videos of a mapped task."""
    indexes = _map_indexes(session, dag_id, run_id, task_id)
    if not indexes:
        raise HTTPException(404, f"Run {run_id!r} of Dag {dag_id!r} has no task {task_id!r}.")
    index = _read_index(map_index)
    if index is None and indexes != [-1]:
        return _grid(session, dag_id, run_id, task_id, page, state)
    index = -1 if index is None else index
    # A database takes no number that is too large for it.
    task = read_task_video(session, dag_id, run_id, task_id, index) if index in indexes else None
    if task is None:
        raise HTTPException(404, f"Task {task_id!r} of run {run_id!r} has no map index {index}.")
    position = indexes.index(task.map_index)
    return _page(
        "video.html",
        shown=Shown(task, now=datetime.now(UTC)),
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=task.map_index,
        position=position + 1,
        count=len(indexes),
        previous=indexes[position - 1] if position > 0 else None,
        following=indexes[position + 1] if position + 1 < len(indexes) else None,
    )


def show_error(request: Request, error: StarletteHTTPException) -> HTMLResponse:
    """Say in a page why there is nothing to see."""
    title, text = REASONS.get(error.status_code, ("Not found", error.detail))
    login = addresses.login_page(_path(request)) if error.status_code == 401 else None
    page = _page("message.html", status=error.status_code, title=title, text=text, login=login)
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


def _may_see(dag_id: str, request: Request, user: Any) -> bool:
    try:
        for entity in ENTITIES:
            requires_access_dag("GET", entity, dag_id)(request, user)
    except HTTPException:
        return False
    return True


def _list(session: Session, dag_ids: list[str], dag_id: str | None, page: int) -> HTMLResponse:
    # A database takes no number that is too large for it.
    page = min(page, 1_000_000)
    # One more tells whether there is another page.
    runs = read_runs(session, dag_ids, skip=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE + 1)
    return _page("runs.html", runs=runs[:PAGE_SIZE], dag_id=dag_id, page=page, has_more=len(runs) > PAGE_SIZE)


def _grid(
    session: Session, dag_id: str, run_id: str, task_id: str | None, page: int, state: Tone | None
) -> HTMLResponse:
    now = datetime.now(UTC)
    shown = [Shown(task, now=now) for task in read_run_videos(session, dag_id, run_id, task_id)]
    videos = [one for one in shown if one.video]
    of_state = [video for video in videos if state in {None, video.tone}]
    others = [one for one in shown if not one.video and state in {None, one.tone}]
    pages = max(1, -(-len(of_state) // PAGE_SIZE))
    page = min(page, pages)
    first = (page - 1) * PAGE_SIZE
    counts = {tone: sum(video.tone == tone for video in videos) for tone in get_args(Tone)}
    return _page(
        "grid.html",
        videos=of_state[first : first + PAGE_SIZE],
        others=others if page == 1 else [],
        counts={tone: count for tone, count in counts.items() if count or tone == state},
        count=len(videos),
        cost=total_cost(videos),
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        state=state,
        page=page,
        pages=pages,
        is_waiting=any(one.is_waiting for one in shown),
    )


def _map_indexes(session: Session, dag_id: str, run_id: str, task_id: str) -> list[int]:
    query = select(TaskInstance.map_index).where(
        TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, TaskInstance.task_id == task_id
    )
    return sorted(session.scalars(query))


def _read_index(map_index: str | None) -> int | None:
    try:
        return int(map_index or "")
    except ValueError:
        # Airflow leaves the placeholder as it is for a task that is not mapped.
        return None


def _page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    folder = resources.files("airflow_provider_videos.ui") / "pages"
    html = _templates.get_template(template).render(
        nonce=nonce,
        style=(folder / "page.css").read_text(),
        script=(folder / "page.js").read_text(),
        addresses=addresses,
        **values,
    )
    policy = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "connect-src": "'self'",
        "img-src": "http: https:",
        "media-src": "http: https:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # The URLs in it open to whoever has them, and say nothing of the vendor's account to whom they lead.
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    # JSON can hold halves of signs, which no page can.
    return HTMLResponse(html.encode("utf-8", "replace"), status_code=status, headers=headers)
