# SPDX-License-Identifier: Apache-2.0
"""An order whose answer was lost: how long to search for it, and when to say that it is not there."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.clock import in_words, to_iso
from airflow_provider_videos.exceptions import VideoOrderLostError
from airflow_provider_videos.ordering.record import Order
from airflow_provider_videos.ordering.search import Patiently, SearchResult
from airflow_provider_videos.ordering.store import ORDER_AGAIN_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_videos.ordering.finders import OrderFinder

log = logging.getLogger(__name__)

#: How often a request is sent of which each order was lost.
MAX_LOST_ORDERS = 3
#: Seconds between the first two searches; then the pauses double.
FIRST_PAUSE = 15.0
#: How many searches must have read the whole list, the last of them at the end, before an order counts as absent.
MIN_COMPLETE_SEARCHES = 2


@dataclasses.dataclass(frozen=True)
class Finding:
    """How a search ended: with videos, with the certainty that there is none, or with a problem.

    :param found: numbers of orders and the ids of their videos.
    :param problem: why nothing can be said.
    """

    found: tuple[tuple[int, str], ...] = ()
    problem: str | None = None


class LostOrder:
    """Searches for the video of an order until the vendor must have listed it.

    :param order: the order; with number 0 any order of the task instance for this request.
    :param reason: how it was lost, for the log.
    :param finder: how its vendor finds orders.
    :param request: the order's fields.
    :param context: the task's context.
    :param listing_delay: how long the vendor may take to list a video that it has accepted, in seconds.
    :param pause: called with seconds between two searches; it may end the process's part by raising.
    :param patiently: makes a call that is safe to repeat.
    :param write: keeps the order, as far as the search has come.
    :param recorded: returns the ids of videos that are known to be others' orders, beside those of other tasks.
    """

    def __init__(
        self,
        order: Order,
        *,
        reason: str,
        finder: OrderFinder,
        request: Mapping[str, Any],
        context: Context,
        listing_delay: float,
        pause: Callable[[float], None],
        patiently: Patiently,
        write: Callable[[Order], None],
        recorded: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.order = order
        self._reason = reason
        self._finder = finder
        self._request = request
        self._context = context
        self._timeout = finder.hook.client.connection().order_timeout
        self._settling_time = self._timeout + listing_delay
        self._pause = pause
        self._patiently = patiently
        self._write = write
        self._recorded = recorded

    def find(self) -> Finding:
        """Search at once, again after pauses that double, and last when the vendor must have listed the video.

        :raises VideoError: if a search fails, also after the errors that pass; nothing is known then.
        """
        lost_at = self._note_loss()
        # Another process's clock may be wrong; this one's may be set.
        left = min(max(lost_at + self._settling_time - time.time(), 0.0), 2 * self._timeout + self._settling_time)
        ends_at = time.monotonic() + left
        pause = max(time.time() - lost_at, FIRST_PAUSE)
        is_announced = False
        while True:
            # A search that begins before the end may have read the page too early that would show the video.
            is_last = time.monotonic() >= ends_at
            result = self._search()
            if result.found and (is_last or not self._finder.waits_for_others):
                return Finding(found=tuple(result.found))
            if result.problem is None:
                self._note(complete_searches=self.order.complete_searches + 1)
            left = ends_at - time.monotonic()
            if is_last and (problem := self._problem(result)):
                return Finding(problem=problem)
            if is_last and self.order.complete_searches >= MIN_COMPLETE_SEARCHES:
                return Finding()
            next_in = min(left, pause) if left > 0 else FIRST_PAUSE
            if not is_announced:
                self._announce(ends_in=max(left, next_in), next_in=next_in)
                is_announced = True
            self._pause(next_in)
            pause *= 2

    def find_now(self) -> Finding:
        """Search once, where the vendor must have listed the video long ago; raises what :meth:`find` does."""
        result = self._search()
        return Finding(found=tuple(result.found), problem=None if result.found else self._problem(result))

    def _announce(self, *, ends_in: float, next_in: float) -> None:
        log.info(
            "%s may have accepted the order of a video: %s. The task searches for it there until %s, next in %s. If it "
            "finds the video, it continues with it; if the order is certainly not there, it sends it again, unless %d "
            "answers to it were lost. If it can't tell, it orders nothing unless %s allows it.",
            self._finder.hook.hook_name,
            self._reason.rstrip("."),
            to_iso(time.time() + ends_in),
            in_words(next_in),
            MAX_LOST_ORDERS,
            ORDER_AGAIN_KEY,
        )

    def _note_loss(self) -> float:
        now = time.time()
        lost_at = self.order.lost_at
        if lost_at is None:
            # The process was killed while it was sent.
            lost_at = self.order.answer_due_at or now
        lost_at = min(lost_at, now + 2 * self._timeout)
        started = self._context["dag_run"].start_date
        if started is not None and lost_at < started.timestamp():
            lost_at = now
        if lost_at != self.order.lost_at:
            is_new = self.order.lost_at is None
            self._note(lost_at=lost_at, losses=self.order.losses + is_new)
        return lost_at

    def _note(self, **changes: Any) -> None:
        self.order = dataclasses.replace(self.order, **changes)
        self._write(self.order)

    def _problem(self, result: SearchResult) -> str | None:
        if result.unsure:
            videos = ", ".join(map(repr, result.unsure))
            return f"videos that may be it are there, and what they show does not decide it: {videos}"
        return f"the list of videos is incomplete: {result.problem}" if result.problem else None

    def _search(self) -> SearchResult:
        return self._finder.search(
            self.order, self._request, since=self._since(), is_others=self._is_others(), patiently=self._patiently
        )

    def _since(self) -> float:
        order = self.order
        return (order.first_sent_at or order.sent_at or 0.0) if order.number else self._run_began_at()

    def _is_others(self) -> Callable[[str], bool]:
        """Return what says of a video whether another order is known to have made it."""
        recorded = functools.cache(self._recorded_by_tasks)
        return lambda video_id: video_id in self.order.earlier_video_ids or video_id in recorded()

    def _recorded_by_tasks(self) -> set[str]:
        return {*self._recorded(), *(video_id for video_id in self._pushed_by_tasks() if isinstance(video_id, str))}

    def _pushed_by_tasks(self) -> Iterator[Any]:
        dag = self._context.get("dag")
        tasks_by_key: dict[str, list[str]] = {}
        for task_id, task in dag.task_dict.items() if dag is not None else ():
            # Sensors and others push the ids of videos that they did not order.
            if key := getattr(getattr(task, "operator_class", type(task)), "ordered_ids_key", None):
                tasks_by_key.setdefault(key, []).append(task_id)
        for key, task_ids in tasks_by_key.items():
            # This attempt's own XComs are wiped.
            for pushed in self._context["ti"].xcom_pull(task_ids=task_ids, key=key) or ():
                yield from pushed if isinstance(pushed, list) else [pushed]

    def _run_began_at(self) -> float:
        run = self._context["dag_run"]
        # A clear of a finished run sets its start anew.
        moments = [moment for moment in (run.start_date, run.run_after) if moment is not None]
        return min((moment.timestamp() for moment in moments), default=0.0)


def lost_order_error(finder: OrderFinder, order: Order | None, reason: str, *, has_store: bool) -> VideoOrderLostError:
    """Make the error for an order that may have been accepted and can't be found, with the ways to go on.

    :param finder: how its vendor finds orders.
    :param order: the order, ``None`` if nothing of it is known.
    :param reason: how it was lost.
    :param has_store: whether Airflow has a task state store.
    """
    ways = [
        f'trigger the run with the configuration {{"{ORDER_AGAIN_KEY}": true}}',
        f"set {ORDER_AGAIN_KEY}=True in the Dag and clear the task",
    ]
    if has_store:
        ways.insert(0, f"set the key {ORDER_AGAIN_KEY} to true in the task's Task State Store tab and clear the task")
    return VideoOrderLostError(
        vendor=finder.hook.hook_name,
        conn_id=finder.hook.conn_id,
        reason=reason,
        advice=(
            f"Look {finder.where_to_look(order)}. To use it, pass its id to a VideoSensor. If there is none, order "
            f"again: {', or '.join(ways)}."
        ),
    )
