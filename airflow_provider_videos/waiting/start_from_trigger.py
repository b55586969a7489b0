# SPDX-License-Identifier: Apache-2.0
"""What the scheduler needs to start a trigger by itself, and what the triggerer can render of a task's fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jinja2
import jinja2.meta
import jinja2.nodes
from airflow.sdk import BaseOperator
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider_videos.airflow_compat.tasks import can_start_from_trigger, has_airflows_xcom_backend
from airflow_provider_videos.packing import MAX_CHARACTERS, pack

if TYPE_CHECKING:
    from airflow.triggers.base import StartTriggerArgs

#: What a template may name, since the triggerer has it at hand. Asking Airflow for anything else there can hang for
#: ever, as ``ti.xcom_pull`` does without ``map_indexes``.
RENDERABLE_NAMES = frozenset({
    "dag_run",
    "data_interval_end",
    "data_interval_start",
    "ds",
    "ds_nodash",
    "logical_date",
    "params",
    "run_id",
    "task_instance_key_str",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
})


class CannotStartFromTriggerError(Exception):
    """The scheduler can't start this wait; the text says why, and fits behind "since"."""


def start_trigger_args(
    operator: BaseOperator, *, trigger_cls: str, trigger_kwargs: dict[str, Any], timeout: timedelta
) -> StartTriggerArgs:
    """Make what the scheduler starts a trigger with.

    :param operator: the task.
    :param trigger_cls: class path of the trigger.
    :param trigger_kwargs: the trigger's arguments; what is templated is rendered in the triggerer.
    :param timeout: after which Airflow ends the trigger.
    :raises CannotStartFromTriggerError: if this Airflow, or a mapped task group around the task, doesn't allow it.
    """
    # Only who asks for it pays for these imports when a Dag is parsed.
    from airflow.triggers.base import StartTriggerArgs

    if not can_start_from_trigger():
        raise CannotStartFromTriggerError("it takes Airflow 3.3 or newer")
    if operator.get_closest_mapped_task_group() is not None:
        raise CannotStartFromTriggerError("the task is in a mapped task group")
    return StartTriggerArgs(
        trigger_cls=trigger_cls,
        trigger_kwargs=trigger_kwargs,
        next_method="execute_complete",
        timeout=timeout,
    )


def renderable(operator: BaseOperator, field: str) -> str:
    """Return a field of a task in a form that the triggerer can render.

    :param operator: the task.
    :param field: name of the field: a text, the record of a video, or another task's ``.output``.
    :raises CannotStartFromTriggerError: if there is no such form.
    """
    value = getattr(operator, field)
    # What a task's .output is; what .map() and .zip() make of it is another XComArg.
    if isinstance(value, type(operator.output)):
        return _pull(value, field)
    if isinstance(value, Mapping):
        value = value.get("video_id")
    if not isinstance(value, str):
        raise CannotStartFromTriggerError(f"{field} is neither a text nor another task's .output")
    _check_template(operator, value, field)
    return value


def renderable_list(operator: BaseOperator, field: str) -> Any:
    """Return a field that holds a list of videos in a form that the triggerer can render.

    :param operator: the task.
    :param field: name of the field: a list, or another task's ``.output``.
    :raises CannotStartFromTriggerError: if there is no such form.
    """
    value = getattr(operator, field)
    if isinstance(value, type(operator.output)):
        # It would be read on the triggerer's event loop.
        if not has_airflows_xcom_backend():
            raise CannotStartFromTriggerError("this Airflow has an XCom backend of its own")
        return f"{{{{ {_pull_call(value, field)} | tojson }}}}"
    if not isinstance(value, list | tuple):
        raise CannotStartFromTriggerError(f"{field} is neither a list nor another task's .output")
    video_ids: list[str] = []
    for one in value:
        video_id = one.get("video_id") if isinstance(one, Mapping) else one
        if not isinstance(video_id, str):
            raise CannotStartFromTriggerError(f"{field} holds what is neither a text nor a video's record")
        video_ids.append(video_id)
    if templates := [video_id for video_id in video_ids if "{" in video_id]:
        for template in templates:
            _check_template(operator, template, field)
        return video_ids
    packed = pack(video_ids)
    if len(packed) > MAX_CHARACTERS:
        raise CannotStartFromTriggerError(f"{field} is too long for a trigger's arguments")
    return packed


def _pull(output: Any, field: str) -> str:
    pull = _pull_call(output, field)
    return f"{{% set video = {pull} %}}{{{{ video['video_id'] if video is mapping else video }}}}"


def _pull_call(output: Any, field: str) -> str:
    upstream = output.operator
    if upstream.is_mapped or upstream.get_closest_mapped_task_group() is not None:
        raise CannotStartFromTriggerError(f"{field} comes from the mapped task {upstream.task_id!r}")
    # Without map_indexes the triggerer asks for something that it can't be answered. A record would be rendered as
    # Python's own text for a dict.
    task_id, key = json.dumps(upstream.task_id), json.dumps(output.key)
    return f"ti.xcom_pull(task_ids={task_id}, key={key}, map_indexes=-1)"


def _check_template(operator: BaseOperator, template: str, field: str) -> None:
    environment = SandboxedEnvironment()
    try:
        parsed = environment.parse(template)
    except jinja2.TemplateSyntaxError as error:
        raise CannotStartFromTriggerError(f"the template of {field} can't be read: {error}") from None
    if filters := sorted({node.name for node in parsed.find_all(jinja2.nodes.Filter)} - set(environment.filters)):
        raise CannotStartFromTriggerError(f"the template of {field} uses the filter {', '.join(filters)}")
    names = jinja2.meta.find_undeclared_variables(parsed)
    if unknown := sorted(names - RENDERABLE_NAMES):
        raise CannotStartFromTriggerError(
            f"the template of {field} names {', '.join(unknown)}, which the triggerer may not be able to render; "
            "pass the other task's .output"
        )
    dag = operator.get_dag() if operator.has_dag() else None
    if names and dag is not None and dag.render_template_as_native_obj:
        raise CannotStartFromTriggerError("the triggerer renders no native objects, as the Dag asks for")
