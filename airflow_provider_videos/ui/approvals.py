# SPDX-License-Identifier: Apache-2.0
"""Reads which requests for approval of a run's videos nobody has answered yet. It answers none.

An answer goes from the browser to Airflow's own REST API, which decides who may give it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_provider_videos.airflow_compat.api_server import HITLDetail, TaskInstance
from airflow_provider_videos.approval import OPTIONS, VIDEO_ID_FIELD
from airflow_provider_videos.ui.run_rows import Instance, Run, instance_columns, instance_of, read_left
from airflow_provider_videos.xcom import WAITING_KEY

#: States of a task that waits for a person's answer: the first before Airflow 3.3.
WAITING_STATES = ("deferred", "awaiting_input")
#: What a field's schema may say for a page to show it as a text field.
_OF_A_TEXT = frozenset({"type", "title", "format", "description_md", "section"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """A text field of a request's form.

    :param name: its name.
    :param title: what it is called.
    :param value: what it holds at first.
    """

    name: str
    title: str
    value: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approval:
    """A request for the approval of a video that nobody has answered.

    :param instance: the task instance that asks.
    :param video_id: id of the video that it is about.
    :param may_answer: whether Airflow lets the viewer answer.
    :param fields: what else the form asks for; ``None`` if a page can't, so that only Airflow's own form can.
    """

    instance: Instance
    video_id: str
    may_answer: bool
    fields: tuple[Field, ...] | None


#: Open requests for the approval of videos, by a video's vendor and id.
Approvals = Mapping[tuple[str, str], list[Approval]]


def read_approvals(session: Session, run: Run, may_answer: Callable[[set[str]], bool]) -> Approvals:
    """Return the open requests of a run for the approval of videos, by the video's vendor and id.

    Only what both the request and its task name as the video counts.

    :param run: the whole run, as any of its tasks may ask.
    :param may_answer: whether the viewer may answer a request that is assigned to some users, given by their ids; an
        empty set: to nobody in particular.
    """
    columns = (HITLDetail.options, HITLDetail.params, HITLDetail.assignees)
    query = select(*instance_columns(), *columns).where(
        *run.conditions(),
        TaskInstance.id == HITLDetail.ti_id,
        TaskInstance.state.in_(WAITING_STATES),
        HITLDetail.responded_at.is_(None),
    )
    query = query.order_by(TaskInstance.task_id, TaskInstance.map_index)
    requests = [(instance_of(row), *row[-3:]) for row in session.execute(query)]
    requests = [request for request in requests if request[1] == list(OPTIONS)]
    if not requests:
        return {}
    asking = run.only(instance for instance, *_ in requests)
    left = read_left(session, asking, lambda xcom: xcom.key == WAITING_KEY)
    found: dict[tuple[str, str], list[Approval]] = defaultdict(list)
    for instance, _, params, assignees in requests:
        video_id = _value(params.get(VIDEO_ID_FIELD))
        waiting = left.get(instance, {}).get(WAITING_KEY, (None,))[0]
        vendor = waiting.get("vendor") if isinstance(waiting, dict) and waiting.get("video_id") == video_id else None
        if not isinstance(video_id, str) or not isinstance(vendor, str):
            continue
        approval = Approval(
            instance=instance,
            video_id=video_id,
            may_answer=may_answer({str(user["id"]) for user in assignees or ()}),
            # The REST API knows no region.
            fields=_fields(params) if instance.region is None else None,
        )
        found[vendor, video_id].append(approval)
    return dict(found)


def _fields(params: Mapping[str, Any]) -> tuple[Field, ...] | None:
    fields = []
    for name, param in params.items():
        if name == VIDEO_ID_FIELD:
            continue
        value = _value(param)
        schema = param.get("schema") if isinstance(param, dict) else None
        if not isinstance(schema, dict) or not _is_of_a_text(schema) or not isinstance(value, str | None):
            return None
        fields.append(Field(name=name, title=str(schema.get("title") or name), value=value or ""))
    return tuple(fields)


def _is_of_a_text(schema: Mapping[str, Any]) -> bool:
    types = schema.get("type")
    return {*schema} <= _OF_A_TEXT and "string" in ([types] if isinstance(types, str) else types or ())


def _value(param: Any) -> Any:
    # Earlier versions of the standard provider keep a field's value only.
    return param.get("value") if isinstance(param, dict) else param
