# SPDX-License-Identifier: Apache-2.0
"""Checks of the parameters of all tasks of this package, by name.

A parameter of one name means the same in every operator and in the sensor, and is checked by the same rule: when the
task is defined, or, where it is a template, when the task is executed, before anything is sent.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, XComArg, conf

from airflow_provider_videos.airflow_compat.tasks import has_mapped_dependants
from airflow_provider_videos.exceptions import VideoParameterError, VideoPathError
from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.request import check_names, read_request, read_requests
from airflow_provider_videos.video_id import read_video_id
from airflow_provider_videos.video_list import VideoList

#: The longest time span that is taken, in seconds: a year. MySQL holds no time after January 2038.
MAX_SECONDS = 366 * 86_400.0
TIME_SPANS = frozenset({"listing_delay", "max_wait", "poke_interval", "timeout"})
COUNTS = frozenset({"max_active", "max_active_downloads", "max_attempts", "max_bytes", "max_consecutive_failures"})
SWITCHES = frozenset({
    "check_request",
    "deferrable",
    "delete_on_kill",
    "end_from_trigger",
    "exponential_backoff",
    "hard",
    "never_fail",
    "order_again_if_cleared",
    "order_again_if_lost",
    "overwrite",
    "silent_fail",
    "soft_fail",
    "start_from_trigger",
    "wait_for_completion",
    "with_record",
    "with_thumbnail",
})
#: What a video that fails means for a task that has many.
ON_FAILURE = ("fail", "return")
CONN_IDS = frozenset({"conn_id", "storage_conn_id"})
#: Those that may be None.
OPTIONAL = frozenset({"max_active", "max_bytes", "max_wait", "min_ready", "storage_conn_id"})


def check_parameters(operator: BaseOperator, given: Mapping[str, Any]) -> None:
    """Check what a task is defined with; a template is left to :func:`check_rendered`.

    :param operator: the task, of which nothing but its ``template_fields`` and ``template_ext`` has to be there yet.
    :param given: what it is defined with, by name, such as ``locals()`` at the beginning of its ``__init__``. A name
        that is not known here is somebody else's.
    :raises VideoParameterError: naming the parameter; a ``ValueError``.
    :raises VideoIdError: for ``video_id`` and ``video_ids``; a ``ValueError``.
    :raises VideoPathError: for ``path``; a ``ValueError``.
    :raises VideoRequestError: for ``request``; a ``ValueError``.
    """
    for name, value in given.items():
        # Airflow renders the values of a dict, and not its keys.
        has_names = name == "request" and isinstance(value, Mapping)
        if has_names or name not in operator.template_fields or not _is_template(value, tuple(operator.template_ext)):
            _check(name, value)


def check_rendered(operator: BaseOperator) -> None:
    """Check a task's templated parameters once they are rendered; raises what :func:`check_parameters` does.

    A number or a switch that a subclass has made a template has become a text, and is read back from it.
    """
    for name in operator.template_fields:
        value = getattr(operator, name)
        if isinstance(value, str) and name in TIME_SPANS | COUNTS | SWITCHES:
            value = _literal(value)
            setattr(operator, name, value)
        _check(name, value)


def check_may_be_mapped(operator: BaseOperator, length: int, parameter: str) -> None:
    """Refuse a list that is too long for Airflow to map another task over what this one returns.

    :raises VideoParameterError: naming the parameter.
    """
    longest = conf.getint("core", "max_map_length", fallback=1024)
    if length > longest and has_mapped_dependants(operator):
        raise VideoParameterError(
            parameter=parameter,
            problem=f"has {length:,} entries, and another task is mapped over what this one returns: Airflow's "
            f"[core] max_map_length is {longest:,}. Nothing was sent. Pass the whole list on to a batch task, or map "
            "parts of it",
        )


def check_path(path: object) -> str:
    """Return a path as it is given, if it can be one.

    :raises VideoPathError: if it can't.
    """
    if not isinstance(path, str):
        raise VideoPathError(path=None, problem=f"must be a string, not {type(path).__name__}")
    if not path.strip():
        raise VideoPathError(path=path, problem="is empty")
    if path == "None":
        raise VideoPathError(path=path, problem="the template rendered to 'None'")
    if not path.isprintable():
        raise VideoPathError(path=path, problem="holds a character that can't be printed")
    scheme, has_scheme, rest = path.partition("://")
    if has_scheme and not rest.strip("/"):
        raise VideoPathError(path=path, problem=f"names nothing after {scheme}://")
    return path


def in_seconds(time_span: timedelta | float) -> float:
    """Return a time span in seconds."""
    return time_span.total_seconds() if isinstance(time_span, timedelta) else time_span


def default_timeout() -> float:
    """Return what ``timeout=None`` means, to an operator as to Airflow's own sensors, in seconds."""
    seconds: float = conf.getfloat("sensors", "default_timeout")
    return seconds


def _check(name: str, value: Any) -> None:
    if value is None and name == "timeout":
        value = default_timeout()
    if value is None and name in OPTIONAL:
        return
    if name in TIME_SPANS:
        seconds = in_seconds(value)
        if not is_number(seconds) or not 0 < seconds <= MAX_SECONDS:
            raise _error(name, f"must be seconds above 0 and up to {MAX_SECONDS:.0f}, or a timedelta", value)
    elif name in COUNTS:
        if not is_number(value, whole=True) or value < 1:
            raise _error(name, "must be a whole number, 1 or more", value)
    elif name in SWITCHES:
        if not isinstance(value, bool):
            raise _error(name, "must be True or False", value)
    elif name in CONN_IDS:
        if not isinstance(value, str) or not value.strip():
            raise _error(name, "must be the id of an Airflow connection, a string", value)
    elif name == "on_failure":
        if value not in ON_FAILURE:
            raise _error(name, "must be 'fail' or 'return'", value)
    elif name == "min_ready":
        is_part = is_number(value) and not is_number(value, whole=True) and 0 < value <= 1
        if not is_part and not (is_number(value, whole=True) and value >= 1):
            raise _error(name, "must be a whole number, 1 or more, or a part above 0 and up to 1.0", value)
    elif name == "video_ids":
        VideoList(value)
    elif name == "video_id":
        read_video_id(value)
    elif name == "path":
        check_path(value)
    elif name == "request":
        check_names(read_request(value))
    elif name == "requests":
        read_requests(value)


def _error(name: str, rule: str, value: object) -> VideoParameterError:
    return VideoParameterError(parameter=name, problem=f"{rule}, not {value!r:.100}")


def _is_template(value: Any, extensions: tuple[str, ...]) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value or "{#" in value or (bool(extensions) and value.endswith(extensions))
    if isinstance(value, Mapping):
        return any(_is_template(inner, extensions) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_is_template(inner, extensions) for inner in value)
    # What a mapped task group hands to its tasks is of another class, which is not public.
    return isinstance(value, XComArg) or hasattr(value, "iter_references")


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
