# SPDX-License-Identifier: Apache-2.0
"""Puts together what the tasks of a run left in XCom about their videos."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, and_, cast, or_
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import TaskInstance
from airflow_provider_videos.clock import read_iso
from airflow_provider_videos.request import texts_of
from airflow_provider_videos.ui.never_ordered import each_once, failed_record
from airflow_provider_videos.ui.run_rows import (
    RECORD_KEYS,
    Instance,
    Left,
    Region,
    Run,
    is_record,
    read_instances,
    read_left,
    read_lists,
    read_requests,
    read_summaries,
)
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.xcom import (
    PUSHED_FIELDS,
    STATUS_SECONDS_KEY,
    VIDEO_IDS_KEY,
    VIDEO_OPERATORS,
    VIDEOS_KEY,
    WAITING_KEY,
)

#: Tasks that are about to have a video, though they may not have left anything yet.
WAITING_OPERATORS = tuple(name for name in VIDEO_OPERATORS if not name.startswith(("Approve", "Download")))
#: What of a wait's report stands in for the fields of the record.
WAITING_FIELDS = ("vendor", "video_id", "state", "status")
#: What a task of a run that has none of this package's XComs may be, and yet be no video.
WITHOUT_VIDEO = ("removed", "skipped", "upstream_failed")

_IDENTITY = ("vendor", "video_id")
_DECIDED = frozenset(state for state in VideoState if state.is_terminal)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskVideo:
    """A task instance and what is known of its video.

    :param task_id: id of the task.
    :param map_index: index of the instance, -1 if the task is not mapped.
    :param task_state: Airflow's state of it, ``None`` before it is scheduled.
    :param region: where in a loop or an expansion it is, ``None`` if in none.
    :param video: fields of the video's record, as :class:`~airflow_provider_videos.video.Video` has them; not all while
        the task waits, and none if there is no video.
    :param seen_at: when the vendor was last asked, as far as that is known; else when that was left.
    :param status_seconds: how long the video was in each of its vendor's statuses.
    :param waiting: how the wait stood at its last report, as :func:`~airflow_provider_videos.xcom.waiting_status` says.
    :param request: what a task that has no record yet was asked to order.
    :param copies: what :class:`~airflow_provider_videos.operators.download.DownloadVideoOperator` returned.
    :param sources: the task instances that left something about the video.
    :param member: which of the task's videos it is, from 0; ``None`` if the task has but one.
    """

    task_id: str
    map_index: int
    task_state: str | None
    region: Region | None = None
    video: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seen_at: datetime | None = None
    status_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    waiting: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    request: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    copies: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[Instance, ...] = ()
    member: int | None = None

    @property
    def address(self) -> tuple[str, int, Region | None, int | None]:
        """What tells the video from others of its run, in the addresses of pages."""
        return *self.place, self.member

    @property
    def place(self) -> tuple[str, int, Region | None]:
        """What tells the task instance from others of its run."""
        return self.task_id, self.map_index, self.region

    @property
    def key(self) -> tuple[str, str] | None:
        """The video's vendor and id; ``None`` if there is no video, or none was ever ordered."""
        return None if self.video.get("video_id") is None else (self.video["vendor"], self.video["video_id"])

    @property
    def is_decided(self) -> bool:
        """Whether the vendor will not change the video any more."""
        state = self.video.get("state")
        return isinstance(state, str) and state in _DECIDED


def read_task_video(
    session: Session,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
    region: Region | None = None,
    member: int | None = None,
) -> TaskVideo | None:
    """Read what is known of a task instance's video, also from other tasks of the run.

    :param region: which of several instances of that index.
    :param member: which of the videos of a batch.
    :return: ``None`` if there is no such task instance, or more than one, or no such member of it.
    """
    run = Run(dag_id=dag_id, run_id=run_id)
    of_task = dataclasses.replace(run, task_ids={task_id}, map_indexes={map_index})
    instances = read_instances(session, of_task)
    if region is not None:
        instances = [instance for instance in instances if instance.region == region]
    if len(instances) != 1:
        return None
    [instance] = instances
    fields = (*PUSHED_FIELDS, STATUS_SECONDS_KEY, WAITING_KEY)
    left = read_left(session, of_task, lambda xcom: or_(xcom.key.in_(fields), is_record(xcom)))
    if member is None:
        [shown] = _with_requests(session, run, [_task_video(instance, left.get(instance, {}))])
    else:
        members = _members(instance, read_lists(session, of_task).get(instance, {}))
        found = next((one for one in members if one.member == member), None)
        if found is None:
            return None
        shown = found
    if shown.key is None:
        return shown
    # Databases and versions of Airflow write other signs differently within JSON.
    part = max(re.findall(r"[A-Za-z0-9-]*", shown.key[1]), key=len)
    others = read_left(
        session, run, lambda xcom: and_(xcom.key.in_(RECORD_KEYS), cast(xcom.value, Text).contains(part))
    )
    alone = [_task_video(*item) for item in others.items()]
    listed = [other for item in read_lists(session, run).items() for other in _members(*item)]
    same = [other for other in (*alone, *listed) if other.key == shown.key]
    return dataclasses.replace(
        _merge([shown, *same]),
        task_id=task_id,
        map_index=map_index,
        region=shown.region,
        member=member,
        task_state=shown.task_state,
        waiting=shown.waiting,
    )


def read_run_videos(session: Session, run: Run) -> list[TaskVideo]:
    """Read which videos a run has, each once, though several tasks may have left something about it.

    Of each there is only what it takes to count them and say how they stand; :func:`read_details` reads the rest.

    :param run: the run, or what of it is to be shown.
    """
    may_have_one = and_(TaskInstance.operator.in_(WAITING_OPERATORS), TaskInstance.state.not_in(WITHOUT_VIDEO))
    left: dict[Instance, Left] = {instance: {} for instance in read_instances(session, run, may_have_one)}
    left |= read_summaries(session, run)
    lists = read_lists(session, run)
    tasks = [_task_video(*item) for item in left.items() if item[0] not in lists]
    tasks += [member for item in lists.items() for member in _members(*item)]
    by_video: dict[tuple[str, str], list[TaskVideo]] = defaultdict(list)
    never_ordered, without_video = [], []
    for task in tasks:
        if task.key is not None:
            by_video[task.key].append(task)
        elif task.video:
            never_ordered.append(task)
        elif task.task_state not in {None, "success"}:
            without_video.append(task)
    shown = [*map(_merge, by_video.values()), *each_once(session, run, never_ordered), *without_video]
    return sorted(shown, key=_position)


def read_details(session: Session, run: Run, tasks: list[TaskVideo]) -> list[TaskVideo]:
    """Read all that is known of some of a run's videos.

    :param tasks: what :func:`read_run_videos` gave.
    """
    sources = {source.place for task in tasks for source in task.sources}
    if not sources:
        return tasks
    shown = run.only(source for task in tasks for source in task.sources)
    left = read_left(session, shown, lambda xcom: or_(xcom.key.in_((*PUSHED_FIELDS, WAITING_KEY)), is_record(xcom)))
    shown_keys = {task.key for task in tasks} - {None}
    lists = read_lists(session, shown)
    found = [_task_video(*item) for item in left.items() if item[0].place in sources and item[0] not in lists]
    found += [one for item in lists.items() for one in _members(*item) if one.key in shown_keys]
    found += [task for task in tasks if task.key is None]
    by_video: dict[Any, list[TaskVideo]] = defaultdict(list)
    for task in _with_requests(session, shown, found):
        by_video[task.key or task.address].append(task)
    # What has changed in between is shown as it was.
    return [_merge(by_video[one]) if (one := task.key or task.address) in by_video else task for task in tasks]


def _members(instance: Instance, left: Left) -> list[TaskVideo]:
    """Return the videos of a task that has many, in the order of its list."""
    videos, left_at = left.get(VIDEOS_KEY) or left.get(VIDEO_IDS_KEY) or ([], None)
    vendor = left["vendor"][0] if "vendor" in left else None
    task = dataclasses.replace(_task_video(instance, left), video={}, copies=())
    # As long as there are no records, the task is one that waits, too.
    members = [] if VIDEOS_KEY in left else [task]
    for number, video in enumerate(videos if isinstance(videos, list) else []):
        if video is None:
            continue
        record = video if isinstance(video, dict) else {"vendor": vendor, "video_id": video}
        seen = {name: record.get(name) for name in _IDENTITY} if "sha256" in record else record
        seen = seen if _has_identity(seen) else failed_record(record)
        copies = (record,) if "sha256" in record and isinstance(record.get("path"), str) else ()
        members.append(dataclasses.replace(task, video=seen, seen_at=left_at, copies=copies, waiting={}, member=number))
    return members


def _position(task: TaskVideo) -> tuple[str, int, int, int]:
    region = task.region.index if task.region is not None else -1
    return task.task_id, task.map_index, region, -1 if task.member is None else task.member


def _with_requests(session: Session, run: Run, tasks: list[TaskVideo]) -> list[TaskVideo]:
    """Add what the tasks that order a video, and have no record of it yet, were asked for."""
    without = [task for task in tasks if "prompt" not in task.video]
    if not without:
        return tasks
    requests = read_requests(session, run.only(source for task in without for source in task.sources))
    requests = {place: {**request, **texts_of(request)} for place, request in requests.items()}
    return [
        dataclasses.replace(task, request=requests.get(task.place, {})) if "prompt" not in task.video else task
        for task in tasks
    ]


def _task_video(instance: Instance, left: Left) -> TaskVideo:
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
    for key in RECORD_KEYS:
        value, timestamp = left.get(key) or (None, None)
        if not isinstance(value, dict) or not _has_identity(value):
            continue
        if "sha256" in value:
            copies = (value,)
        seen = {**seen, **value} if "state" in value else {**seen, **{name: value[name] for name in _IDENTITY}}
        times = [timestamp] if timestamp else times
    status_seconds = left[STATUS_SECONDS_KEY][0] if STATUS_SECONDS_KEY in left else None
    return TaskVideo(
        task_id=instance.task_id,
        map_index=instance.map_index,
        task_state=instance.state,
        region=instance.region,
        video=seen if _has_identity(seen) else {},
        seen_at=max(times, default=None),
        status_seconds=status_seconds if isinstance(status_seconds, dict) else {},
        waiting=waiting,
        copies=copies,
        sources=(instance,),
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
            sources=(*merged.sources, *task.sources),
        )
    return merged


def _has_identity(value: Mapping[str, Any]) -> bool:
    # What a custom XCom backend keeps elsewhere is a reference here.
    return all(isinstance(value.get(name), str) for name in _IDENTITY) and "://" not in value["vendor"]
