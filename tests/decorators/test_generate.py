# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, task
from airflow.sdk.bases.decorator import DecoratedOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from airflow_provider_videos.decorators.generate import generate_video_batch_task, generate_video_task
from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoBatchError,
    VideoFailedError,
    VideoParameterError,
    VideoRecordError,
    VideoRequestError,
)
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.ordering import function_result
from airflow_provider_videos.simulator import Fault, Simulator
from tests.attempts import Attempts, Killed
from tests.generating import created, kill_at, revive
from tests.vendor_kit import REQUESTS, Connect

OPTIONS: dict[str, Any] = {"conn_id": "tavus_default", "poke_interval": 0.1, "timeout": 20, "listing_delay": 0.2}


class Calls:
    """A function whose result is another one each time, as with a random seed or the time of day in it."""

    def __init__(self) -> None:
        self.number = 0

    def request(self) -> dict[str, Any]:
        self.number += 1
        return REQUESTS["tavus"] | {"script": f"Number {self.number}."}

    def requests(self) -> list[dict[str, Any]]:
        return [self.request() | {"script": f"Number {self.number}, {letter}."} for letter in "abc"]


def attempts(
    function: Callable[..., Any],
    mode: str = "sync",
    *arguments: Any,
    is_batch: bool = False,
    has_store: bool = True,
    **options: Any,
) -> Attempts:
    """Prepare the attempts of a task that is made of a function."""
    decorator = generate_video_batch_task if is_batch else generate_video_task

    def make() -> BaseOperator:
        # The decorator refuses methods, and takes the function's own name for the task's.
        decorated = decorator(task_id="order", retries=2, deferrable=mode == "deferrable", **OPTIONS | options)
        made: Any = decorated(function)(*arguments)
        operator: BaseOperator = made.operator
        return operator

    return Attempts(make, has_store=has_store)


def single(calls: Calls, mode: str = "sync", **options: Any) -> Attempts:
    def write_script() -> dict[str, Any]:
        return calls.request()

    return attempts(write_script, mode, **options)


def many(calls: Calls, mode: str = "sync", **options: Any) -> Attempts:
    def write_scripts() -> list[dict[str, Any]]:
        return calls.requests()

    return attempts(write_scripts, mode, is_batch=True, **options)


def test_a_video_is_ordered_as_the_function_says(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.generating = 0.3
    calls = Calls()
    order = single(calls, mode)
    video = order.run()
    assert (video["script"], video["state"]) == ("Number 1.", "ready")
    assert order.ti.xcoms["video_id"] == video["video_id"]
    assert (calls.number, created(simulator)) == (1, 1)


def test_videos_are_ordered_as_the_function_says(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.generating = 0.3
    calls = Calls()
    order = many(calls, mode, max_active=1)
    videos = order.run()
    assert [video["script"] for video in videos] == [f"Number {n}, {x}." for n, x in zip((1, 2, 3), "abc", strict=True)]
    assert (calls.number, created(simulator)) == (3, 3)
    assert (order.deferrals > 1) == (mode == "deferrable")


@pytest.mark.parametrize("access", range(1, 11))
def test_wherever_the_process_dies_at_the_store_a_function_of_many_results_orders_one_video(
    access: int, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    calls = Calls()
    order = single(calls, mode)
    kill_at(order, access)
    with contextlib.suppress(Killed):
        order.run()
    revive(order)
    assert order.run()["state"] == "ready"
    assert order.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("access", range(1, 22))
def test_wherever_the_process_dies_at_the_store_a_function_of_many_results_orders_its_batch_once(
    access: int, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    calls = Calls()
    order = many(calls, mode)
    kill_at(order, access)
    with contextlib.suppress(Killed):
        order.run()
    revive(order)
    assert len(order.run()) == 3
    assert created(simulator) == 3


def test_a_lost_order_is_searched_for_by_the_request_that_was_sent(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    calls = Calls()
    order = single(calls, mode)
    assert order.run()["script"] == "Number 1."
    assert (calls.number, created(simulator)) == (1, 1)


def test_a_refusal_that_passes_is_retried_with_the_same_request(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.add_fault(Fault("status", status=403, times=1))
    calls = Calls()
    order = single(calls)
    with pytest.raises(VideoApiError):
        order.run()
    assert order.run()["script"] == "Number 1."
    assert calls.number == 1


def test_a_clear_orders_nothing_while_a_video_may_be_alive(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    calls = Calls()
    order, batch = single(calls, mode), many(Calls(), mode)
    first, firsts = order.run(), batch.run()
    for cleared in (order, batch):
        cleared.clear()
    assert (order.run(), batch.run()) == (first, firsts)
    assert (calls.number, created(simulator)) == (1, 4)


def test_a_clear_calls_the_function_again_once_its_video_has_failed(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.outcome = "failed"
    calls = Calls()
    order = single(calls, mode)
    with pytest.raises(VideoFailedError):
        order.run()
    simulator.outcome = "ready"
    order.clear()
    assert order.run()["script"] == "Number 2."
    assert order.run()["script"] == "Number 2."
    assert created(simulator) == 2


def test_a_clear_calls_the_function_again_if_nothing_was_ordered(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    results: list[Any] = [{"scrpt": "Hello."}, REQUESTS["tavus"], [{"scrpt": "Hello."}], [REQUESTS["tavus"]]]

    def write() -> Any:
        return results.pop(0)

    for is_batch in (False, True):
        order = attempts(write, is_batch=is_batch)
        with pytest.raises(VideoRequestError, match="scrpt"):
            order.run()
        order.clear()
        assert order.run()


@pytest.mark.parametrize("is_batch", [False, True])
def test_a_clear_orders_anew_where_the_task_says_so_and_a_retry_after_it_does_not(
    is_batch: bool, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    calls = Calls()
    order = (many if is_batch else single)(calls, order_again_if_cleared=True)
    before = order.run()
    order.clear()
    after = order.run()
    assert after != before
    assert order.run() == after
    assert created(simulator) == (6 if is_batch else 2)


def test_a_clear_calls_the_function_again_if_its_arguments_or_its_text_have_changed(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")

    def say(text: str) -> dict[str, Any]:
        return REQUESTS["tavus"] | {"script": text}

    def shout(text: str) -> dict[str, Any]:
        return REQUESTS["tavus"] | {"script": text.upper()}

    order = attempts(say, "sync", "a")
    assert order.run()["script"] == "a"
    # A retry goes on with what is under way, whatever the arguments are now.
    order.make = attempts(say, "sync", "b").make
    assert order.run()["script"] == "a"
    order.clear()
    assert order.run()["script"] == "a"
    order.make = attempts(say, "sync", "c").make
    order.clear()
    assert order.run()["script"] == "c"
    order.make = attempts(shout, "sync", "c").make
    order.clear()
    assert order.run()["script"] == "C"
    assert created(simulator) == 3


class Guest:
    """An argument whose text holds its place in memory, as that of an object or a function does."""


@pytest.mark.parametrize(
    ("before", "after"), [({0, 8}, {8, 0}), (Guest(), Guest()), ([{"who": Guest()}], [{"who": Guest()}])]
)
def test_equal_arguments_that_another_process_writes_otherwise_call_no_function(
    before: Any, after: Any, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    calls = Calls()

    def write(guests: Any) -> dict[str, Any]:
        return calls.request()

    order = attempts(write, "sync", before)
    first = order.run()
    order.make = attempts(write, "sync", after).make
    order.clear()
    assert order.run() == first
    assert (calls.number, created(simulator)) == (1, 1)


def test_a_process_that_airflow_gave_up_takes_the_result_of_the_one_after_it(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    calls = Calls()
    order = single(calls)

    def call_slowly() -> dict[str, Any]:
        if calls.number == 0:
            calls.number = 1
            # Meanwhile the next attempt orders.
            assert order.run()["script"] == "Number 2."
            return REQUESTS["tavus"] | {"script": "Number 1."}
        return calls.request()

    order.make = attempts(call_slowly).make
    assert order.run()["script"] == "Number 2."
    assert created(simulator) == 1


def test_a_function_that_raises_or_skips_orders_nothing_and_is_called_again(
    simulator: Simulator, connect: Connect
) -> None:
    # No list can be searched there: what is not known to be new is not ordered after a clear.
    connect("together")
    results: list[Any] = [RuntimeError("no"), AirflowSkipException("not today"), REQUESTS["together"]]

    def write() -> Any:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    order = attempts(write, conn_id="together_default")
    with pytest.raises(RuntimeError):
        order.run()
    order.clear()
    with pytest.raises(AirflowSkipException):
        order.run()
    order.clear()
    assert order.run()["state"] == "ready"


@pytest.mark.parametrize(
    ("result", "is_batch"),
    [
        (None, False),
        ([REQUESTS["tavus"]], False),
        ({"script": datetime.date(2026, 1, 1)}, False),
        ({"script": {1: "a"}}, False),
        (None, True),
        (REQUESTS["tavus"], True),
        ([{"script": object()}], True),
    ],
)
def test_what_is_no_request_fails_without_retry(
    result: Any, is_batch: bool, simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")

    def write() -> Any:
        return result

    with pytest.raises(VideoRequestError) as error:
        attempts(write, is_batch=is_batch).run()
    assert isinstance(error.value, AirflowFailException)
    assert created(simulator) == 0


def test_a_request_is_sent_as_the_function_returns_it(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")

    def write() -> dict[str, Any]:
        return REQUESTS["tavus"] | {"script": "{{ ds }} is no template, and this is no file.json"}

    assert attempts(write).run()["script"] == "{{ ds }} is no template, and this is no file.json"


def test_the_function_may_return_the_text_of_json(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")

    def write() -> str:
        return json.dumps([REQUESTS["tavus"]] * 2)

    assert len(attempts(write, is_batch=True).run()) == 2


def test_the_function_takes_arguments_and_what_the_context_has(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")

    def write(text: str, ti: Any = None, **context: Any) -> dict[str, Any]:
        return REQUESTS["tavus"] | {"script": f"{text} {ti.task_id} {context['dag_run'].clear_number}"}

    assert attempts(write, "sync", "a").run()["script"] == "a order 0"


def test_a_result_larger_than_a_value_of_the_store_is_kept_in_parts(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("tavus")
    calls = itertools.count()

    def write() -> list[dict[str, Any]]:
        # Random texts can't be packed.
        return [REQUESTS["tavus"] | {"script": f"{next(calls)} {os.urandom(30_000).hex()}"} for _ in range(3)]

    order = attempts(write, is_batch=True, check_request=False)
    first = order.run()
    assert order.store is not None
    sizes = {key: len(json.dumps(value)) for key, value in order.store.items() if key.startswith("video_request")}
    assert len(sizes) > 2
    assert max(sizes.values()) <= 65_535
    assert order.run() == first
    order.make = attempts(write, is_batch=True, check_request=False, order_again_if_cleared=True).make
    order.clear()
    order.run()
    left = [key for key in order.store if key.startswith(f"{function_result.KEY}_")]
    assert left == order.store[function_result.KEY]["parts"]


@pytest.mark.parametrize("stored", ["what", {"version": 99}, {"version": 1, "parts": ["gone"]}])
def test_a_result_that_cant_be_read_orders_nothing(stored: Any, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    order = single(Calls())
    assert order.store is not None
    order.store[function_result.KEY] = stored
    with pytest.raises(VideoRecordError, match="Nothing was ordered"):
        order.run()
    assert created(simulator) == 0


def test_a_video_that_is_ready_is_returned_though_the_request_is_gone(simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    simulator.generating = 0.3
    order = single(Calls(), "deferrable")
    make, made = order.make, itertools.count()

    def make_without_request() -> BaseOperator:
        # The third is the one that comes back from the triggerer.
        if order.store is not None and next(made) == 2:
            order.store.pop(function_result.KEY)
        return make()

    order.make = make_without_request
    assert order.run()["state"] == "ready"


@pytest.mark.parametrize("is_batch", [False, True])
def test_without_a_task_state_store_nothing_is_ordered(is_batch: bool, simulator: Simulator, connect: Connect) -> None:
    connect("tavus")
    calls = Calls()
    order = (many if is_batch else single)(calls, has_store=False)
    with pytest.raises(VideoParameterError, match=r"3\.3"):
        order.run()
    assert (calls.number, created(simulator)) == (0, 0)


def test_a_failed_video_of_a_batch_is_ordered_anew_after_a_clear_with_its_request(
    simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    simulator.outcome = "failed"
    calls = Calls()
    order = many(calls)
    with pytest.raises(VideoBatchError):
        order.run()
    simulator.outcome = "ready"
    order.clear()
    assert [video["script"] for video in order.run()] == ["Number 1, a.", "Number 2, b.", "Number 3, c."]
    assert (calls.number, created(simulator)) == (3, 6)


def test_airflow_finds_both_decorators() -> None:
    decorators = ProvidersManagerTaskRuntime().taskflow_decorators
    assert decorators["generate_video"] is generate_video_task
    assert decorators["generate_video_batch"] is generate_video_batch_task


def test_it_can_be_expanded_given_in_parts_and_overridden() -> None:
    with DAG("dag", schedule=None) as dag:

        @task.generate_video(conn_id="tavus_default", retries=3, deferrable=True)
        def order(replica_id: str, script: str) -> dict[str, Any]:
            """Write what the avatar says."""
            return {"replica_id": replica_id, "script": script}

        @task.generate_video_batch(conn_id="tavus_default", max_active=2)
        def order_many(scripts: list[str]) -> list[dict[str, Any]]:
            return [{"replica_id": "r1", "script": script} for script in scripts]

        order("r1", "a")
        order.override(task_id="hurried", conn_id="other", poke_interval=1)("r1", "a")
        order.partial(replica_id="r1").expand(script=["a", "b"])
        order_many(["a"])

    plain: Any = dag.get_task("order")
    assert isinstance(plain, GenerateVideoOperator)
    assert isinstance(plain, DecoratedOperator)
    assert (plain.retries, plain.deferrable, plain.doc_md) == (3, True, "Write what the avatar says.")
    # The record of a video is one XCom: what the function is said to return is no part of it.
    assert plain.multiple_outputs is False
    hurried: Any = dag.get_task("hurried")
    assert (hurried.conn_id, hurried.poke_interval) == ("other", 1)
    mapped: Any = dag.get_task("order__1")
    unmapped = mapped.unmap({"op_kwargs": {"script": "b"}})
    assert (unmapped.conn_id, unmapped.op_kwargs) == ("tavus_default", {"replica_id": "r1", "script": "b"})
    batch: Any = dag.get_task("order_many")
    assert isinstance(batch, GenerateVideoBatchOperator)
    assert batch.max_active == 2


def test_a_parameter_that_cant_be_used_is_refused_where_the_dag_is_defined() -> None:
    @task.generate_video(conn_id="tavus_default", poke_interval=-1)
    def order() -> dict[str, Any]:
        return {}

    with pytest.raises(VideoParameterError, match="poke_interval"):
        order()


def test_arguments_are_templates_and_no_names_of_files(tmp_path: Path) -> None:
    with DAG("dag", schedule=None):

        @task.generate_video(conn_id="{{ params.conn_id }}")
        def order(text: str, place: str) -> dict[str, Any]:
            return {}

        made: Any = order("{{ ds }}", "s3://bucket/scripts.json")
    operator = made.operator
    operator.render_template_fields({"ds": "2026-01-01", "params": {"conn_id": "a"}}, operator.get_template_env())
    assert operator.op_args == ("2026-01-01", "s3://bucket/scripts.json")
    assert operator.conn_id == "a"
