# SPDX-License-Identifier: Apache-2.0
"""``@task.generate_video`` and ``@task.generate_video_batch``: a function that returns what is ordered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.decorator import DecoratedOperator, determine_kwargs, task_decorator_factory

from airflow_provider_videos.exceptions import VideoParameterError, VideoRecordError
from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
from airflow_provider_videos.ordering.function_result import FunctionResultStore, has_order
from airflow_provider_videos.ordering.shard_format import has_batch_orders, note_that_nothing_was_ordered
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.request import read_request, read_requests

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.bases.decorator import TaskDecorator

__all__ = ["generate_video_batch_task", "generate_video_task"]

#: Where an object is in memory, as its text has it unless its class says otherwise.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class _FromFunction(DecoratedOperator):
    """A task that orders what its function returns, and calls the function once."""

    template_fields: Sequence[str] = ("op_args", "op_kwargs")
    template_fields_renderers = {"op_args": "py", "op_kwargs": "py", "request": "json", "requests": "json"}
    # An argument that ends in .json is a name, and no file to be read.
    template_ext: Sequence[str] = ()
    custom_operator_name: str
    order_again_if_cleared: bool

    def _call_once(
        self,
        context: Context,
        *,
        read: Callable[[Any], Any],
        has_orders: Callable[[Context], bool],
        note: Callable[[Context, int], None],
    ) -> Any:
        """Return what the function returned in an earlier process, or call it.

        :param read: checks what it returns.
        :param has_orders: whether a video of the task instance may be alive.
        :param note: remembers that nothing is ordered yet, whatever the function does.
        """
        results, retries = self._results(context), self.retries or 0

        def call() -> Any:
            note(context, retries)
            arguments: dict[str, Any] = {**context, **self.op_kwargs}
            known = determine_kwargs(self.python_callable, self.op_args, arguments)
            return read(self.python_callable(*self.op_args, **known))

        return results.read_or_call(
            call,
            made_from=self._made_from(),
            has_orders=lambda: has_orders(context),
            retries=retries,
            order_again_if_cleared=self.order_again_if_cleared,
        )

    def _results(self, context: Context) -> FunctionResultStore:
        if context.get("task_state_store") is None:
            raise VideoParameterError(
                parameter=self.custom_operator_name,
                problem="needs Airflow 3.3 or newer, whose task state store keeps what the function returns: nothing "
                "was ordered. Let a task of its own return the request, and pass it to a GenerateVideoOperator",
            )
        return FunctionResultStore(context)

    def _made_from(self) -> str:
        """Return a digest of the function's source and of its arguments."""
        try:
            source: str = self.get_python_source()  # type: ignore[no-untyped-call]
        except (OSError, TypeError):
            source = ""
        text = json.dumps([source, list(self.op_args), dict(self.op_kwargs)], sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: object) -> Any:
    """Return what is the same for equal arguments in each process."""
    if isinstance(value, Set):
        return sorted(map(str, value))
    # The outputs of a mapped task are a sequence of Airflow's own.
    return list(value) if isinstance(value, Sequence) else _ADDRESS.sub("", str(value))


class _GenerateVideoDecoratedOperator(_FromFunction, GenerateVideoOperator):
    """Orders the video that a function describes: see :func:`generate_video_task`."""

    template_fields: Sequence[str] = (*_FromFunction.template_fields, *GenerateVideoOperator.template_fields)
    template_fields_renderers = _FromFunction.template_fields_renderers
    custom_operator_name = "@task.generate_video"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(request={}, **kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        """Call the function, unless it was called before, order the video, and wait for it."""
        self.request = self._call_once(
            context,
            read=read_request,
            has_orders=has_order,
            note=lambda context, retries: OrderStore(context).note_that_nothing_was_ordered(retries),
        )
        return GenerateVideoOperator.execute(self, context)

    def execute_search(self, context: Context, event: Any) -> dict[str, Any]:
        """Continue the search for an order whose answer was lost."""
        self.request = self._results(context).read_again()
        return super().execute_search(context, event)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return the record in the trigger's event, or raise what the wait ended with."""
        try:
            self.request = self._results(context).read_again()
        except VideoRecordError:
            # The video is there: only the texts of its record may be missing.
            self.log.exception("The request can't be read again")
        return super().execute_complete(context, event)


class _GenerateVideoBatchDecoratedOperator(_FromFunction, GenerateVideoBatchOperator):
    """Orders the videos that a function describes: see :func:`generate_video_batch_task`."""

    template_fields: Sequence[str] = (*_FromFunction.template_fields, *GenerateVideoBatchOperator.template_fields)
    template_fields_renderers = _FromFunction.template_fields_renderers
    custom_operator_name = "@task.generate_video_batch"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(requests=[], **kwargs)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Call the function, unless it was called before, order the videos, and wait for them."""
        self.requests = self._call_once(
            context, read=read_requests, has_orders=has_batch_orders, note=note_that_nothing_was_ordered
        )
        return GenerateVideoBatchOperator.execute(self, context)

    def execute_search(self, context: Context, event: Any) -> list[dict[str, Any]]:
        """Continue the search for an order whose answer was lost, or after a limit."""
        self.requests = self._results(context).read_again()
        return super().execute_search(context, event)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Order more, or end, after videos have ended in the triggerer."""
        self.requests = self._results(context).read_again()
        return super().execute_complete(context, event)


def generate_video_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool = False, **kwargs: Any
) -> TaskDecorator:
    """Make a task of a function that returns the request of a video: ``@task.generate_video``.

    The task orders the video, waits for it and returns its record, as
    :class:`~airflow_provider_videos.operators.generate.GenerateVideoOperator` does. The function takes what that of any
    ``@task`` takes. It is called once: what it returns is kept in Airflow's task state store, so this needs Airflow
    3.3. A retry, and a deferred task that comes back, use it again. So does a clear, unless no video of the task can be
    alive, the function or its arguments have changed, or ``order_again_if_cleared`` is set.

    :param python_callable: the function.
    :param multiple_outputs: push each field of the record as an XCom of its own.
    :param kwargs: ``conn_id``, and all that the operator takes besides ``request``.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_GenerateVideoDecoratedOperator,
        **kwargs,
    )


def generate_video_batch_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a task of a function that returns the requests of many videos: ``@task.generate_video_batch``.

    The task orders the videos, waits for them and returns their records, as
    :class:`~airflow_provider_videos.operators.generate_batch.GenerateVideoBatchOperator` does. The function is called
    as that of :func:`generate_video_task` is; a clear calls it again if no video was ordered, or if the function or
    its arguments have changed.

    :param python_callable: the function.
    :param kwargs: ``conn_id``, and all that the operator takes besides ``requests``.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=False,
        decorated_operator_class=_GenerateVideoBatchDecoratedOperator,
        **kwargs,
    )
