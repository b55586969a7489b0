# SPDX-License-Identifier: Apache-2.0
"""What the pages show of the entries of a batch that were never ordered, so that there is no video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import TaskInstance
from airflow_provider_videos.ui.run_rows import Run, read_instances
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.video_list import was_never_ordered

if TYPE_CHECKING:
    from airflow_provider_videos.ui.task_videos import TaskVideo

#: The tasks whose lists say first what was never ordered; others repeat it.
ORDERING_OPERATORS = ("_GenerateVideoBatchDecoratedOperator", "GenerateVideoBatchOperator")


def failed_record(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that stand for an entry that was never ordered, none for another one."""
    return {**entry, "state": VideoState.FAILED.value, "status": None} if was_never_ordered(entry) else {}


def each_once(session: Session, run: Run, entries: Iterable[TaskVideo]) -> list[TaskVideo]:
    """Leave out what tasks only repeat from the list of the task that was to order it.

    An entry has no id, but tasks pass its reason on as it is.
    """
    if not (entries := list(entries)):
        return []
    ordering = set(read_instances(session, run, TaskInstance.operator.in_(ORDERING_OPERATORS)))

    def rank(entry: TaskVideo) -> tuple[bool, bool]:
        # A download repeats what a sensor may have repeated.
        return entry.sources[0] not in ordering, "sha256" in entry.video

    shown: list[TaskVideo] = []
    for _, group in groupby(sorted(entries, key=rank), key=rank):
        reasons = {entry.video["error_message"] for entry in shown}
        shown += [entry for entry in group if entry.video["error_message"] not in reasons]
    return shown
