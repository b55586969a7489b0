# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, task_group
from airflow.sdk.bases.sensor import BaseSensorOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.exceptions import VideoParameterError
from airflow_provider_videos.operators.download import DownloadVideoBatchOperator, DownloadVideoOperator
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.operators.video import DeleteVideoOperator, GetVideoOperator
from airflow_provider_videos.parameters import CONN_IDS, COUNTS, MAX_SECONDS, OPTIONAL, SWITCHES, TIME_SPANS
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.sensors.video_batch import VideoBatchSensor
from airflow_provider_videos.simulator import Simulator
from tests.attempts import Attempts
from tests.vendor_kit import REQUESTS, Connect

NEEDED: dict[Any, dict[str, Any]] = {
    DeleteVideoOperator: {"video_id": "v1", "conn_id": "c"},
    DownloadVideoBatchOperator: {"video_ids": ["v1"], "path": "/videos/", "conn_id": "c"},
    DownloadVideoOperator: {"video_id": "v1", "path": "/videos/", "conn_id": "c"},
    GenerateVideoOperator: {"request": REQUESTS["tavus"], "conn_id": "c"},
    GenerateVideoBatchOperator: {"requests": [REQUESTS["tavus"]], "conn_id": "c"},
    GetVideoOperator: {"video_id": "v1", "conn_id": "c"},
    VideoBatchSensor: {"video_ids": ["v1"], "conn_id": "c"},
    VideoSensor: {"video_id": "v1", "conn_id": "c"},
}
#: Parameters that have a rule of their own.
NAMED = {"min_ready", "on_failure", "path", "request", "requests", "video_id", "video_ids"}
BAD_TIME_SPANS = [
    "30",
    "",
    -1,
    0,
    math.nan,
    math.inf,
    -math.inf,
    True,
    [],
    timedelta(0),
    timedelta(-1),
    MAX_SECONDS * 2,
]
BAD_COUNTS = ["3", -1, 0, 1.5, math.nan, math.inf, True, []]
BAD_SWITCHES = ["false", "True", 0, 1, None]
BAD_CONN_IDS = ["", " ", 5, ["c"]]


def parameters(task: type[BaseOperator]) -> set[str]:
    """Give the names of what a task of a class can be defined with, as far as this package says what it means."""
    names = set(inspect.signature(task.__init__).parameters)
    if issubclass(task, BaseSensorOperator):
        names |= set(inspect.signature(BaseSensorOperator.__init__).parameters)
    return names


def bad_values() -> list[Any]:
    values: dict[str, list[Any]] = {
        **dict.fromkeys(TIME_SPANS, BAD_TIME_SPANS),
        **dict.fromkeys(COUNTS, BAD_COUNTS),
        **dict.fromkeys(SWITCHES, BAD_SWITCHES),
        **dict.fromkeys(CONN_IDS, BAD_CONN_IDS),
        "video_id": ["", None, 1.5, {}, "None"],
        "video_ids": [None, 5, "v1", [None], [""], {"video_id": "v1"}],
        "min_ready": [0, -1, 0.0, 1.5, True, "3", math.nan, []],
        "on_failure": ["", None, "raise", True, []],
        "path": ["", None, 5, "s3://"],
        "requests": [None, 5, "text", [None], [{5: "x"}], {}],
        "request": [None, [], "text", 5, {5: "x"}, {"properties": {True: 1}}],
    }
    return [
        pytest.param(task, name, value, id=f"{task.__name__}-{name}-{value!r}")
        for task in NEEDED
        for name in sorted(parameters(task) & set(values))
        for value in (*values[name], *([] if name in OPTIONAL or name == "timeout" else [None]))
    ]


@pytest.mark.parametrize(("task", "name", "value"), bad_values())
def test_a_bad_value_is_refused_by_name_when_the_task_is_defined(task: Any, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name) as refused:
        task(task_id="task", **{**NEEDED[task], name: value})
    # An index of a mapped task is defined on a worker, where no retry would help.
    assert isinstance(refused.value, AirflowFailException)


@pytest.mark.parametrize("task", NEEDED)
def test_every_parameter_is_checked(task: Any) -> None:
    own = set(inspect.signature(task.__init__).parameters) - {"self", "kwargs"}
    assert own <= TIME_SPANS | COUNTS | SWITCHES | CONN_IDS | NAMED


@pytest.mark.parametrize("task", NEEDED)
def test_good_values_are_taken(task: Any) -> None:
    good: dict[str, Any] = {
        **dict.fromkeys(TIME_SPANS, timedelta(minutes=1)),
        **dict.fromkeys(COUNTS, 3),
        **dict.fromkeys(SWITCHES, False),
        **dict.fromkeys(CONN_IDS, "c"),
    }
    task(task_id="task", **NEEDED[task], **{n: good[n] for n in parameters(task) & set(good) if n not in NEEDED[task]})


@pytest.mark.parametrize("task", NEEDED)
def test_templates_are_left_to_the_execution(task: Any) -> None:
    with DAG("dag", schedule=None):
        earlier = BaseOperator(task_id="earlier")
        for number, value in enumerate(("{{ params.x }}", "{% if 1 %}x{% endif %}", earlier.output)):
            task(task_id=f"task{number}", **dict.fromkeys(NEEDED[task], value))

        @task_group
        def each(value: Any) -> None:
            task(task_id="in_group", **dict.fromkeys(NEEDED[task], value))

        each.expand(value=["x"])
    if task is GenerateVideoOperator:
        task(task_id="file", conn_id="c", request="request.json")
        task(task_id="nested", conn_id="c", request={"script": earlier.output, "properties": {"x": ["{{ y }}"]}})
    elif "video_id" in NEEDED[task]:
        task(task_id="record", **NEEDED[task] | {"video_id": {"video_id": "{{ ti.xcom_pull('x')['video_id'] }}"}})


@pytest.mark.parametrize("task", [GenerateVideoOperator, VideoSensor])
def test_no_timeout_means_airflows_default_for_sensors(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert task(task_id="task", timeout=None, **NEEDED[task]).timeout == conf.getfloat("sensors", "default_timeout")
    monkeypatch.setenv("AIRFLOW__SENSORS__DEFAULT_TIMEOUT", "0")
    with pytest.raises(ValueError, match="timeout"):
        task(task_id="task", timeout=None, **NEEDED[task])


class Templated(GenerateVideoOperator):
    """What users make of the operator to have numbers from templates."""

    template_fields = (*GenerateVideoOperator.template_fields, "timeout", "max_consecutive_failures", "deferrable")


def rendered(**values: Any) -> Attempts:
    def make() -> GenerateVideoOperator:
        templates: dict[str, Any] = dict.fromkeys(values, "{{ it }}")
        usual: dict[str, Any] = {"conn_id": "tavus_default", "request": REQUESTS["tavus"], "poke_interval": 0.1}
        operator = Templated(task_id="order", **usual | templates)
        # As rendering does.
        for name, value in values.items():
            setattr(operator, name, value)
        return operator

    return Attempts(make)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("timeout", value) for value in ("soon", "", "-1", "0", "nan", "inf", "1e999", "True", math.inf)),
        *(("max_consecutive_failures", value) for value in ("0", "1.5", "many", True)),
        *(("deferrable", value) for value in ("yes", "1", "")),
        *(("conn_id", value) for value in ("", " ", None)),
        *(("request", value) for value in ("", "[]", "{", None, {5: "x"})),
    ],
)
def test_a_bad_value_from_a_template_orders_nothing(
    name: str, value: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    with pytest.raises(ValueError, match=name) as refused:
        rendered(**{name: value}).run()
    assert isinstance(refused.value, AirflowFailException)
    assert simulator.record.requests == {}


def test_a_good_number_from_a_template_is_used(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    task = rendered(timeout="60", max_consecutive_failures="3", deferrable="False")
    assert task.run()["state"] == "ready"


@pytest.mark.parametrize(
    ("task", "arguments", "name"),
    [
        (GetVideoOperator, {"conn_id": ""}, "conn_id"),
        (GetVideoOperator, {"video_id": ""}, "video_id"),
        (DeleteVideoOperator, {"conn_id": ""}, "conn_id"),
        (DeleteVideoOperator, {"video_id": "None"}, "video_id"),
        (DownloadVideoOperator, {"storage_conn_id": ""}, "storage_conn_id"),
        (DownloadVideoOperator, {"path": ""}, "path"),
        (VideoSensor, {"conn_id": ""}, "conn_id"),
        (VideoSensor, {"video_id": ""}, "video_id"),
    ],
)
def test_what_a_template_left_empty_is_refused_before_any_request(
    task: Any, arguments: dict[str, Any], name: str, simulator: Simulator, connect: Connect
) -> None:
    operator = task(
        task_id="task", **{**NEEDED[task], "conn_id": connect("tavus"), **dict.fromkeys(arguments, "{{ x }}")}
    )
    operator.render_template_fields({"x": next(iter(arguments.values()))})
    with pytest.raises(ValueError, match=name):
        operator.execute({})
    assert simulator.record.requests == {}


def test_a_mapped_task_is_checked_where_its_index_is_defined() -> None:
    with DAG("dag", schedule=None):
        mapped = GenerateVideoOperator.partial(task_id="order", conn_id="c", timeout=-1).expand(
            request=[REQUESTS["tavus"]]
        )
    define: Callable[..., Any] = mapped.unmap
    with pytest.raises(VideoParameterError, match="timeout must be seconds above 0"):
        define({"request": json.loads(json.dumps(REQUESTS["tavus"]))})
