# SPDX-License-Identifier: Apache-2.0
"""Addresses of what a page shows and is no page: a kept copy, and the vendor's page of a video."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Header, HTTPException, Query
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import SessionDep, create_session
from airflow_provider_videos.ui.addresses import vendor_page
from airflow_provider_videos.ui.kept_files import first_playable, send_copy
from airflow_provider_videos.ui.run_rows import Region
from airflow_provider_videos.ui.task_videos import TaskVideo, read_task_video
from airflow_provider_videos.web_urls import web_url

MapIndex = Annotated[int, Query(ge=-1, le=2**31 - 1)]
Member = Annotated[int | None, Query(ge=0, le=2**31 - 1)]
RegionIndex = Annotated[int | None, Query(ge=-1, le=2**31 - 1)]


def show_copy(
    dag_id: str,
    run_id: str,
    task_id: str,
    session: SessionDep,
    map_index: MapIndex = -1,
    region_id: UUID | None = None,
    region_index: RegionIndex = None,
    member: Member = None,
    range: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Send the kept copy of a task's video, if the configuration lets it be played from here."""
    task = _task(session, dag_id, run_id, task_id, map_index, read_region(region_id, region_index), member)
    # A video is watched for longer than a connection to the database may be kept.
    session.close()
    return send_copy(first_playable(task.copies), range, if_range)


def go_to_vendor(
    dag_id: str, run_id: str, task_id: str, session: SessionDep, map_index: MapIndex = -1
) -> RedirectResponse:
    """Lead to the vendor's own page of a task's video: its URL opens to whoever has it."""
    url = web_url(_task(session, dag_id, run_id, task_id, map_index).video.get("hosted_url"))
    if url is None:
        raise HTTPException(404, "The vendor has no page of this video.")
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(url, status_code=303, headers=headers)


def vendor_link(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path that leads to the vendor's own page of a task's video; nothing where there is none."""
    with create_session() as session:
        task = read_task_video(session, dag_id, run_id, task_id, map_index)
    has_page = task is not None and web_url(task.video.get("hosted_url"))
    return vendor_page(dag_id, run_id, task_id, map_index) if has_page else ""


def read_region(region_id: UUID | None, region_index: int | None) -> Region | None:
    """Return the region that a page's address names."""
    return None if region_id is None or region_index is None else Region(region_id, region_index)


def _task(
    session: Session,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
    region: Region | None = None,
    member: int | None = None,
) -> TaskVideo:
    task = read_task_video(session, dag_id, run_id, task_id, map_index, region, member)
    if task is None:
        raise HTTPException(404, f"Run {run_id!r} of Dag {dag_id!r} has no task {task_id!r} with that map index.")
    return task
