# SPDX-License-Identifier: Apache-2.0
"""Reads what the tasks of a run left in XCom about their videos, from Airflow's database. Asks no vendor."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from sqlalchemy import ColumnElement, Text, and_, cast, exists, not_, or_, select
from sqlalchemy.orm import Session, aliased

from airflow_provider_videos.clock import read_iso
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.xcom import FAILED_VIDEO_KEY, PUSHED_FIELDS, STATUS_SECONDS_KEY, WAITING_KEY

#: Tasks that are about to have a video, though they may not have left anything yet.
WAITING_OPERATORS = ("GenerateVideoOperator", "GetVideoOperator", "VideoSensor")
#: The task whose rendered fields say what it orders.
ORDERING_OPERATOR = "GenerateVideoOperator"
#: What of a wait's report stands in for the fields of the record.
WAITING_FIELDS = ("vendor", "video_id", "state", "status")
#: States of a task that may still have no record.
UNFINISHED = ("deferred", "queued", "restarting", "running", "scheduled", "up_for_reschedule", "up_for_retry")
#: What a task of a run that has none of this package's XComs may be, and yet be no video.
WITHOUT_VIDEO = ("removed", "skipped", "upstream_failed")

_IDENTITY = ("vendor", "video_id")
_DECIDED = frozenset(state for state in VideoState if state.is_terminal)
_RECORD_KEYS = (XCOM_RETURN_KEY, FAILED_VIDEO_KEY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskVideo:
    """A task instance and what is known of its video.

    :param task_id: id of the task.
    :param map_index: index of the instance, -1 if the task is not mapped.
    :param task_state: Airflow's state of it, ``None`` before it is scheduled.
    :param video: fields of the video's record, as :class:`~airflow_provider_videos.video.Video` has them; not all while
        the task waits, and none if there is no video.
    :param seen_at: when the vendor was last asked, as far as that is known; else when that was left.
    :param status_seconds: how long the video was in each of its vendor's statuses.
    :param waiting: how the wait stood at its last report, as :func:`~airflow_provider_videos.xcom.waiting_status` says.
    :param request: what a task that has no record yet was asked to order.
    :param copies: what :class:`~airflow_provider_videos.operators.download.DownloadVideoOperator` returned.
    """

    task_id: str
    map_index: int
    task_state: str | None
    video: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seen_at: datetime | None = None
    status_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    waiting: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    request: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    copies: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> tuple[str, str] | None:
        """The video's vendor and id."""
        return (self.video["vendor"], self.video["video_id"]) if self.video else None

    @property
    def is_decided(self) -> bool:
        """Whether the vendor will not change the video any more."""
        state = self.video.get("state")
        return isinstance(state, str) and state in _DECIDED


def read_task_video(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int) -> TaskVideo | None:
    """Read what is known of a task instance's video, also from other tasks of the run.

    :return: ``None`` if there is no such task instance.
    """
    is_it = (TaskInstance.task_id == task_id, TaskInstance.map_index == map_index)
    is_about_it = or_(XComModel.key.in_((*PUSHED_FIELDS, STATUS_SECONDS_KEY, WAITING_KEY)), _is_record(XComModel))
    own = _read(session, dag_id, run_id, *is_it, xcom_filter=is_about_it)
    if not own:
        return None
    [shown] = _with_requests(session, dag_id, run_id, own)
    if shown.key is None:
        return shown
    # Databases and versions of Airflow write other signs differently within JSON.
    part = max(re.findall(r"[A-Za-z0-9-]*", shown.key[1]), key=len)
    mentions_it = and_(XComModel.key.in_(_RECORD_KEYS), cast(XComModel.value, Text).contains(part))
    others = _read(session, dag_id, run_id, XComModel.task_id.is_not(None), xcom_filter=mentions_it)
    same = [other for other in others if other.key == shown.key]
    merged = _merge([shown, *same])
    return dataclasses.replace(
        merged, task_id=task_id, map_index=map_index, task_state=shown.task_state, waiting=shown.waiting
    )


def read_run_videos(session: Session, dag_id: str, run_id: str, task_id: str | None = None) -> list[TaskVideo]:
    """Read the videos of a run, each once, though several tasks may have left something about it.

    :param task_id: only those of a mapped task's instances.
    """
    record = aliased(XComModel)
    has_record = exists().where(_is_same_instance(record), _is_record(record))
    # What was pushed field by field is most of all that there is, and in the record too as soon as that is there.
    is_about_a_video = or_(
        _is_record(XComModel), and_(XComModel.key.in_((*PUSHED_FIELDS, WAITING_KEY)), not_(has_record))
    )
    may_have_one = or_(
        XComModel.task_id.is_not(None),
        and_(TaskInstance.operator.in_(WAITING_OPERATORS), TaskInstance.state.not_in(WITHOUT_VIDEO)),
    )
    conditions = [may_have_one] if task_id is None else [may_have_one, TaskInstance.task_id == task_id]
    found = _read(session, dag_id, run_id, *conditions, xcom_filter=is_about_a_video)
    found = _with_requests(session, dag_id, run_id, found)
    by_video: dict[tuple[str, str], list[TaskVideo]] = defaultdict(list)
    without_video = []
    for task in found:
        if task.key is not None:
            by_video[task.key].append(task)
        elif task.task_state not in {None, "success"}:
            without_video.append(task)
    return sorted([*map(_merge, by_video.values()), *without_video], key=lambda task: (task.task_id, task.map_index))


def _with_requests(session: Session, dag_id: str, run_id: str, tasks: list[TaskVideo]) -> list[TaskVideo]:
    """Add what the tasks that order a video, and have no record of it yet, were asked for."""
    without = {(task.task_id, task.map_index) for task in tasks if "prompt" not in task.video}
    if not without:
        return tasks
    fields = RenderedTaskInstanceFields
    query = (
        select(fields.task_id, fields.map_index, fields.rendered_fields)
        .join(TaskInstance, _is_same_instance(fields))
        .where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id == run_id,
            TaskInstance.operator == ORDERING_OPERATOR,
            TaskInstance.state.in_(UNFINISHED),
        )
    )
    requests = {
        (task_id, map_index): request
        for task_id, map_index, rendered in session.execute(query)
        if isinstance(rendered, dict) and isinstance(request := _decoded(rendered.get("request")), dict)
    }
    return [
        dataclasses.replace(task, request=requests.get((task.task_id, task.map_index), {})) if requests else task
        for task in tasks
    ]


def _is_record(xcom: type[XComModel]) -> ColumnElement[bool]:
    # What else a task returned may be large: it stays in the database.
    return and_(xcom.key.in_(_RECORD_KEYS), cast(xcom.value, Text).contains("video_id"))


def _is_same_instance(xcom: type[XComModel | RenderedTaskInstanceFields]) -> ColumnElement[bool]:
    return and_(
        xcom.dag_id == TaskInstance.dag_id,
        xcom.run_id == TaskInstance.run_id,
        xcom.task_id == TaskInstance.task_id,
        xcom.map_index == TaskInstance.map_index,
    )


def _read(
    session: Session, dag_id: str, run_id: str, *conditions: Any, xcom_filter: ColumnElement[bool]
) -> list[TaskVideo]:
    query = (
        select(
            TaskInstance.task_id,
            TaskInstance.map_index,
            TaskInstance.state,
            XComModel.key,
            XComModel.value,
            XComModel.timestamp,
        )
        .outerjoin(XComModel, and_(_is_same_instance(XComModel), xcom_filter))
        .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, *conditions)
    )
    states: dict[tuple[str, int], str | None] = {}
    left: dict[tuple[str, int], dict[str, tuple[Any, datetime]]] = defaultdict(dict)
    for task_id, map_index, state, key, value, timestamp in session.execute(query):
        states[task_id, map_index] = state
        if key is not None:
            left[task_id, map_index][key] = (_decoded(value), timestamp)
    return [
        _task_video(task_id, map_index, state, left[task_id, map_index])
        for (task_id, map_index), state in states.items()
    ]


def _task_video(task_id: str, map_index: int, state: str | None, left: dict[str, tuple[Any, datetime]]) -> TaskVideo:
    seen: dict[str, Any] = {name: left[name][0] for name in PUSHED_FIELDS if name in left}
    times = [left[name][1] for name in PUSHED_FIELDS if name in left]
    waiting, reported_at = left.get(WAITING_KEY, ({}, None))
    if isinstance(waiting, dict) and reported_at is not None:
        # A worker pushed the fields at its first poll; a triggerer reports on.
        if not times or reported_at >= max(times):
            seen |= {name: value for name in WAITING_FIELDS if isinstance(value := waiting.get(name), str)}
            times = [read_iso(waiting.get("last_poll")) or reported_at]
    else:
        waiting = {}
    copies: tuple[Mapping[str, Any], ...] = ()
    for key in _RECORD_KEYS:
        value, timestamp = left.get(key, (None, None))
        if not isinstance(value, dict) or not _has_identity(value):
            continue
        if "sha256" in value:
            copies = (value,)
        seen = {**seen, **value} if "state" in value else {**seen, **{name: value[name] for name in _IDENTITY}}
        times = [timestamp] if timestamp else times
    status_seconds = left[STATUS_SECONDS_KEY][0] if STATUS_SECONDS_KEY in left else None
    return TaskVideo(
        task_id=task_id,
        map_index=map_index,
        task_state=state,
        video=seen if _has_identity(seen) else {},
        seen_at=max(times, default=None),
        status_seconds=status_seconds if isinstance(status_seconds, dict) else {},
        waiting=waiting,
        copies=copies,
    )


def _merge(tasks: Iterable[TaskVideo]) -> TaskVideo:
    """Put together what several tasks know of one video. What the vendor decided isn't undone by an older record."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    merged, *later = sorted(tasks, key=lambda task: (task.is_decided, task.seen_at or long_ago))
    for task in later:
        known = {name: value for name, value in task.video.items() if value is not None}
        merged = dataclasses.replace(
            task if not merged.is_decided else merged,
            video={**merged.video, **known},
            seen_at=task.seen_at,
            status_seconds=task.status_seconds or merged.status_seconds,
            copies=(*merged.copies, *(copy for copy in task.copies if copy not in merged.copies)),
        )
    return merged


def _has_identity(value: Mapping[str, Any]) -> bool:
    # What a custom XCom backend keeps elsewhere is a reference here.
    return all(isinstance(value.get(name), str) for name in _IDENTITY) and "://" not in value["vendor"]


def _decoded(value: Any) -> Any:
    # Airflow's database has what a worker pushed as JSON, and some versions as a text of JSON.
    if isinstance(value, str):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        # An id may be all digits.
        return decoded if isinstance(decoded, dict | str) else value
    return value
