# SPDX-License-Identifier: Apache-2.0
"""Addresses of what a page shows and is no page: a kept copy, and the vendor's page of a video."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import Header, HTTPException, Query
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from airflow_provider_videos.ui.kept_files import first_playable, send_copy
from airflow_provider_videos.ui.task_videos import TaskVideo, read_task_video
from airflow_provider_videos.web_urls import web_url

MapIndex = Annotated[int, Query(ge=-1, le=2**31 - 1)]


def show_copy(
    dag_id: str,
    run_id: str,
    task_id: str,
    session: SessionDep,
    map_index: MapIndex = -1,
    range: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Send the kept copy of a task's video, if the configuration lets it be played from here."""
    task = _task(session, dag_id, run_id, task_id, map_index)
    # A video is watched for longer than a connection to the database may be kept.
    session.close()
    path = first_playable([dict(copy) for copy in task.copies])
    if path is None:
        raise HTTPException(404, "There is no copy of this video that can be played from here.")
    return send_copy(path, range, if_range)


def go_to_vendor(
    dag_id: str, run_id: str, task_id: str, session: SessionDep, map_index: MapIndex = -1
) -> RedirectResponse:
    """Lead to the vendor's own page of a task's video: its URL opens to whoever has it."""
    url = web_url(_task(session, dag_id, run_id, task_id, map_index).video.get("hosted_url"))
    if url is None:
        raise HTTPException(404, "The vendor has no page of this video.")
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=303, headers=headers)


def _task(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int) -> TaskVideo:
    task = read_task_video(session, dag_id, run_id, task_id, map_index)
    if task is None:
        raise HTTPException(404, f"Run {run_id!r} of Dag {dag_id!r} has no task {task_id!r} with that map index.")
    return task
