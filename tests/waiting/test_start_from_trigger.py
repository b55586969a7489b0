# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator, task, task_group
from airflow.triggers.base import BaseTrigger
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.sensors.video_batch import VideoBatchSensor
from airflow_provider_videos.triggers.video_batch import VideoBatchTrigger
from airflow_provider_videos.video_list import VideoList
from airflow_provider_videos.waiting.worker import TRIGGER_TIMEOUT_SLACK

pytestmark = pytest.mark.skipif(
    not hasattr(BaseTrigger, "render_template_fields"), reason="Airflow starts no trigger like that before 3.3"
)


@pytest.fixture
def dag() -> Iterator[DAG]:
    with DAG("waits", schedule=None) as dag:
        yield dag


def sensor(**arguments: Any) -> VideoSensor:
    usual: dict[str, Any] = {"video_id": "v1", "conn_id": "tavus_default", "start_from_trigger": True}
    return VideoSensor(task_id="wait", **usual | arguments)


def trigger_kwargs(operator: VideoSensor | VideoBatchSensor) -> dict[str, Any]:
    assert operator.start_from_trigger is True
    assert operator.start_trigger_args is not None
    return operator.start_trigger_args.trigger_kwargs or {}


def test_the_scheduler_gets_all_that_the_trigger_needs() -> None:
    operator = sensor(poke_interval=7, timeout=100, max_wait=60, soft_fail=True, end_from_trigger=True)
    args = operator.start_trigger_args
    assert args is not None
    assert args.trigger_cls == "airflow_provider_videos.triggers.video.VideoTrigger"
    assert args.next_method == "execute_complete"
    assert args.timeout == timedelta(seconds=100 + TRIGGER_TIMEOUT_SLACK)
    assert trigger_kwargs(operator) == {
        "video_id": "v1",
        "conn_id": "tavus_default",
        "timeout": 100,
        "timeout_slack": TRIGGER_TIMEOUT_SLACK,
        "poke_interval": 7,
        "exponential_backoff": False,
        "max_wait": 60,
        "max_consecutive_failures": 12,
        "silent_fail": False,
        "end_from_trigger": True,
        "do_xcom_push": True,
        "soft_fail": True,
        "never_fail": False,
    }


@pytest.mark.parametrize("switch", ["start_from_trigger", "end_from_trigger"])
@pytest.mark.parametrize("deferrable", [True, False])
def test_either_switch_means_deferrable(switch: str, deferrable: bool) -> None:
    assert VideoSensor(task_id="wait", video_id="v1", conn_id="c", deferrable=deferrable, **{switch: True}).deferrable


def test_the_class_itself_starts_nothing_so_that_mapped_waits_begin_on_a_worker(dag: DAG) -> None:
    assert VideoSensor.start_trigger_args is None
    mapped = VideoSensor.partial(task_id="wait", conn_id="c", start_from_trigger=True).expand(video_id=["v1", "v2"])
    assert mapped.start_trigger_args is None


def rendered(template: str, pulled: Any) -> str:
    calls = []

    class TaskInstance:
        def xcom_pull(self, **arguments: Any) -> Any:
            calls.append(arguments)
            return pulled

    text = SandboxedEnvironment().from_string(template).render(ti=TaskInstance())
    # Without map_indexes, a triggerer waits for ever for what it pulls.
    assert [call["map_indexes"] for call in calls] == [-1]
    return text


@pytest.mark.parametrize("pulled", ["v1", {"video_id": "v1", "state": "queued"}])
def test_another_tasks_output_becomes_a_template_that_the_triggerer_can_render(dag: DAG, pulled: Any) -> None:
    upstream = BaseOperator(task_id="order")
    operator = sensor(video_id=upstream.output)
    assert rendered(trigger_kwargs(operator)["video_id"], pulled) == "v1"
    assert operator.upstream_task_ids == {"order"}


def test_an_entry_of_another_tasks_output_is_pulled_by_its_key(dag: DAG) -> None:
    upstream = BaseOperator(task_id="order.it")
    operator = sensor(video_id=upstream.output["it's"])  # type: ignore[index]
    template = trigger_kwargs(operator)["video_id"]
    assert rendered(template, "v1") == "v1"
    assert "order.it" in template
    assert "it's" in template
    assert operator.upstream_task_ids == {"order.it"}


@pytest.mark.parametrize(
    "template",
    ["{{ params.video_id }}", "{{ dag_run.conf['video_id'] }}", "clip-{{ ds_nodash }}", "{{ run_id | lower }}", "v1"],
)
def test_what_the_triggerer_has_at_hand_is_rendered_there(template: str) -> None:
    assert trigger_kwargs(sensor(video_id=template))["video_id"] == template


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"video_id": "{{ ti.xcom_pull('order') }}"}, "names ti, which"),
        ({"video_id": "{{ task_instance.xcom_pull('order') }}"}, "names task_instance, which"),
        ({"video_id": "{{ macros.datetime.now() }}"}, "names macros, which"),
        ({"video_id": "{{ my_macro() }}"}, "names my_macro, which"),
        ({"video_id": "{{ var.value.video_id }}"}, "names var, which"),
        ({"conn_id": "{{ var.value.conn_id }}"}, "the template of conn_id names var"),
        ({"video_id": "{{ params.video_id | ds }}"}, "uses the filter ds"),
        ({"video_id": "{{ params"}, "can't be read"),
        ({"video_id": 831}, "neither a text"),
    ],
)
def test_what_the_triggerer_may_not_be_able_to_render_begins_on_a_worker(
    arguments: dict[str, Any], reason: str
) -> None:
    with pytest.warns(UserWarning, match="a worker begins the wait") as warned:
        operator = sensor(**arguments)
    assert reason in str(warned[0].message)
    assert warned[0].filename == __file__
    assert not operator.start_from_trigger
    assert operator.start_trigger_args is None
    assert operator.deferrable


def test_a_mapped_upstream_begins_on_a_worker(dag: DAG) -> None:
    @task
    def order(number: int) -> str:
        return str(number)

    ordered = order.expand(number=[1, 2])
    with pytest.warns(UserWarning, match="comes from the mapped task 'order'"):
        assert not sensor(video_id=ordered).start_from_trigger


def test_a_wait_in_a_mapped_task_group_begins_on_a_worker(dag: DAG) -> None:
    @task_group
    def group(number: int) -> None:
        with pytest.warns(UserWarning, match="mapped task group"):
            assert not sensor().start_from_trigger

    group.expand(number=[1, 2])


def test_a_dag_of_native_objects_begins_templates_on_a_worker() -> None:
    with (
        DAG("native", schedule=None, render_template_as_native_obj=True),
        pytest.warns(UserWarning, match="native objects"),
    ):
        assert not sensor(video_id="{{ params.video_id }}").start_from_trigger


@pytest.mark.parametrize(
    "lost",
    [
        {"on_success_callback": print},
        {"on_skipped_callback": print},
        {"on_execute_callback": print},
        {"outlets": [Asset("s3://videos/clip.mp4")]},
    ],
)
def test_what_airflow_drops_is_warned_of_when_the_dag_is_parsed(lost: dict[str, Any]) -> None:
    [name] = lost
    with pytest.warns(UserWarning, match=f"Airflow drops {name}") as warned:
        sensor(end_from_trigger=True, **lost)
    assert warned[0].filename == __file__


def test_nothing_is_warned_of_without_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sensor(end_from_trigger=True, on_failure_callback=print)
        VideoSensor(task_id="wait2", video_id="v1", conn_id="c", on_success_callback=print)


def batch(**arguments: Any) -> VideoBatchSensor:
    usual: dict[str, Any] = {"video_ids": ["v1"], "conn_id": "tavus_default", "start_from_trigger": True}
    return VideoBatchSensor(**{"task_id": "wait"} | usual | arguments)


def ids_of(operator: VideoBatchSensor, pulled: Any = None) -> list[str | None]:
    """Give the ids that a trigger has which the scheduler has started."""
    assert operator.start_from_trigger is True
    assert operator.start_trigger_args is not None
    kwargs = operator.start_trigger_args.trigger_kwargs or {}
    video_ids = kwargs["video_ids"]
    if isinstance(video_ids, str) and "{" in video_ids:
        video_ids = rendered(video_ids, pulled)
    return VideoList(VideoBatchTrigger(**{**kwargs, "video_ids": video_ids}).video_ids).ids


def test_the_scheduler_starts_a_wait_for_a_list_and_for_the_list_that_a_task_returns(dag: DAG) -> None:
    assert ids_of(batch(video_ids=["v1", {"video_id": "v2"}, "it's"])) == ["v1", "v2", "it's"]
    upstream = BaseOperator(task_id="upstream")
    records = [{"video_id": "v1", "name": '<b>"it\'s"</b> {{ x }}', "cost": None}, {"video_id": "v2", "ready": True}]
    operator = batch(video_ids=upstream.output, task_id="wait_for_output")
    for pulled in (["v1", "v2"], records):
        assert ids_of(operator, pulled) == ["v1", "v2"]


def test_each_text_of_a_list_may_be_a_template(dag: DAG) -> None:
    operator = batch(video_ids=["{{ params.first }}", "v2"])
    assert trigger_kwargs(operator)["video_ids"] == ["{{ params.first }}", "v2"]


def test_a_worker_begins_a_wait_for_what_can_not_be_read_on_an_event_loop(
    dag: DAG, monkeypatch: pytest.MonkeyPatch
) -> None:
    @task
    def double(value: int) -> int:
        return value

    upstream = BaseOperator(task_id="upstream")
    mapped = double.expand(value=[1, 2])
    with pytest.warns(UserWarning, match="comes from the mapped task 'double'"):
        assert batch(video_ids=mapped).start_from_trigger is False
    with pytest.warns(UserWarning, match="names ti, which the triggerer may not be able to render"):
        assert (
            VideoBatchSensor(
                task_id="template", conn_id="c", video_ids=["{{ ti.xcom_pull('x') }}"], start_from_trigger=True
            ).start_from_trigger
            is False
        )
    monkeypatch.setenv("AIRFLOW__CORE__XCOM_BACKEND", "my.backend.Elsewhere")
    with pytest.warns(UserWarning, match="XCom backend of its own"):
        assert (
            VideoBatchSensor(
                task_id="elsewhere", conn_id="c", video_ids=upstream.output, start_from_trigger=True
            ).start_from_trigger
            is False
        )


def test_a_list_that_fits_into_no_trigger_is_begun_by_a_worker_which_refuses_it(dag: DAG) -> None:
    video_ids = [f"{number * 2654435761 % 2**64:x}-{number * 40503 % 2**64:x}" for number in range(9000)]
    with pytest.warns(UserWarning, match="too long for a trigger's arguments"):
        assert batch(video_ids=video_ids).start_from_trigger is False
