# SPDX-License-Identifier: Apache-2.0
"""One poller per Airflow connection, for all the waits that a triggerer has on it.

All triggers of a triggerer share one event loop, so they can share one connection look-up, one connection pool and
the vendor's patience. A trigger hands its :class:`~airflow_provider_videos.polling.Wait` over and is woken only for
steps that end it or that belong into its log.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_videos.exceptions import VideoApiError, VideoError, VideoUnexpectedError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.polling import Step, Wait
from airflow_provider_videos.triggers import garbage
from airflow_provider_videos.triggers.repeated_look import RepeatedLook

if TYPE_CHECKING:
    from airflow_provider_videos.video import Video

log = logging.getLogger(__name__)

#: How much faster than the poke intervals ask for looks may start, so that many that are due at once are spread.
SPREAD = 1.25
#: Seconds of looks that are caught up with at once when the loop was busy.
CATCH_UP = 0.05
#: Looks that may start in a second however few waits there are.
MIN_LOOKS_PER_SECOND = 20.0
#: Looks that are started together, as to wake up for each of them alone would cost more than the looks themselves.
BATCH = 8
#: The shortest and the longest time between two batches, in seconds.
MIN_BATCH_PAUSE, MAX_BATCH_PAUSE = 0.005, 0.1
#: Waits on a connection from which on the garbage collector's pauses are felt.
MANY_WAITS = 200
#: Seconds after which the Airflow connection is looked up again.
CONNECTION_LIFETIME = 600.0
#: Seconds for which a look-up that failed is not repeated.
FAILED_LOOK_UP_LIFETIME = 5.0


class Follower:
    """One wait, as its trigger sees it."""

    __slots__ = ("_steps", "_woken", "due", "wait")

    def __init__(self, wait: Wait, due: float) -> None:
        self.wait = wait
        self.due = due
        self._steps: tuple[Step, ...] = ()
        self._woken: asyncio.Future[None] | None = None

    def take(self, step: Step, now: float) -> None:
        """Take what a look has led to."""
        self.due = now + step.pause
        if step.ends or step.log:
            self._steps += (step,)
            if self._woken is not None and not self._woken.done():
                self._woken.set_result(None)

    async def next_step(self) -> Step:
        """Wait for the next step that ends the wait or that is to be logged."""
        while not self._steps:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        step, *rest = self._steps
        self._steps = tuple(rest)
        return step


class _Watch:
    """A video and those who follow it: two waits for one video cost one request."""

    __slots__ = ("due", "followers", "is_under_way", "repeated_look", "turn")

    def __init__(self, video_id: str) -> None:
        self.repeated_look = RepeatedLook(video_id)
        self.followers: list[Follower] = []
        self.due = 0.0
        # Only the newest turn in the queue counts.
        self.turn = 0
        self.is_under_way = False


class VideoPoller:
    """Looks at all videos that are followed on one Airflow connection.

    :param conn_id: id of the connection.
    """

    def __init__(self, conn_id: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._conn_id = conn_id
        self._watches: dict[str, _Watch] = {}
        self._queue: list[tuple[float, int, _Watch]] = []
        self._turns = itertools.count(1)
        self._looks_per_second = 0.0
        self._allowance = 1.0
        self._allowed_at = time.time()
        self._paused_until = 0.0
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_full = False
        self._woken = asyncio.Event()
        self._hook: VideoHook | None = None
        self._hook_lock = asyncio.Lock()
        self._look_up_failed: tuple[float, VideoError] | None = None
        self._runner: asyncio.Task[None] | None = None
        # In the context of the trigger that happens to be first, all that follows would land in its task's log.
        self._context = contextvars.Context()

    def follow(self, wait: Wait, first_look_at: float) -> Follower:
        """Begin to look at a video for a wait, from a Unix time on."""
        follower = Follower(wait, float(first_look_at))
        self._looks_per_second += 1 / wait.rules.poke_interval
        watch = self._watches.setdefault(wait.video_id, _Watch(wait.video_id))
        watch.followers.append(follower)
        if len(self._watches) == MANY_WAITS:
            garbage.set_aside()
        if not watch.is_under_way:
            self._queue_up(watch)
        if self._runner is None:
            self._runner = self.loop.create_task(self._run(), context=self._context)
        return follower

    async def leave(self, follower: Follower) -> None:
        """Stop to look for a wait; with the last one everything is closed."""
        watch = self._watches[follower.wait.video_id]
        watch.followers.remove(follower)
        self._looks_per_second -= 1 / follower.wait.rules.poke_interval
        if not watch.followers:
            del self._watches[follower.wait.video_id]
            watch.turn = 0
        if not self._watches:
            if _pollers.get(self._conn_id) is self:
                del _pollers[self._conn_id]
            if not _pollers:
                garbage.take_back()
            await self._close()

    async def _close(self) -> None:
        for task in (self._runner, *self._under_way):
            if task is not None:
                task.cancel()
        if self._hook is not None:
            await self._hook.__aexit__(None, None, None)

    def _queue_up(self, watch: _Watch) -> None:
        watch.due = min(follower.due for follower in watch.followers)
        watch.turn = next(self._turns)
        heapq.heappush(self._queue, (watch.due, watch.turn, watch))
        if self._queue[0][2] is watch:
            self._woken.set()

    async def _run(self) -> None:
        try:
            await self._start_looks_when_due()
        except Exception as error:
            log.exception("Polling on connection %r failed", self._conn_id)
            step = Step(error=VideoUnexpectedError.of(error))
            for watch in self._watches.values():
                for follower in watch.followers:
                    follower.take(step, time.time())

    async def _start_looks_when_due(self) -> None:
        while True:
            pause = self._start_looks(time.time())
            self._woken.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue
            # What wakes comes in crowds.
            await asyncio.sleep(MIN_BATCH_PAUSE)

    def _start_looks(self, now: float) -> float | None:
        """Start what is due, and say in how many seconds more can be started; ``None`` if that isn't known."""
        if now < self._paused_until:
            return self._paused_until - now
        rate = max(self._looks_per_second * SPREAD, MIN_LOOKS_PER_SECOND)
        pause = min(max(BATCH / rate, MIN_BATCH_PAUSE), MAX_BATCH_PAUSE)
        self._allowance = min(
            self._allowance + (now - self._allowed_at) * rate, max(rate * max(pause * 2, CATCH_UP), 1.0)
        )
        self._allowed_at = now
        limit = self._max_concurrent_requests()
        while self._queue:
            due, turn, watch = self._queue[0]
            if turn != watch.turn:
                heapq.heappop(self._queue)
            elif due > now:
                return max(due - now, pause)
            elif len(self._under_way) >= limit:
                self._is_full = True
                return None
            elif self._allowance < 1:
                return max((1 - self._allowance) / rate, pause)
            else:
                heapq.heappop(self._queue)
                self._allowance -= 1
                watch.is_under_way = True
                task = self.loop.create_task(self._look(watch), context=self._context)
                self._under_way.add(task)
                task.add_done_callback(self._looked)
        return None

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._is_full:
            self._is_full = False
            self._woken.set()

    def _max_concurrent_requests(self) -> int:
        return 1 if self._hook is None else self._hook.client.connection().max_concurrent_requests

    async def _look(self, watch: _Watch) -> None:
        sent_at = time.time()
        result: Video | VideoError
        try:
            hook = self._hook
            if hook is None or sent_at - hook.client.looked_up_at > CONNECTION_LIFETIME:
                hook = await self._get_hook()
            result = await watch.repeated_look.look(hook)
        except VideoError as error:
            result = error
        except Exception as error:
            log.exception("Looking at video %r failed", watch.repeated_look.video_id)
            result = VideoUnexpectedError.of(error)
        watch.is_under_way = False
        if watch.followers:
            self._tell_followers(watch, result, sent_at)

    def _tell_followers(self, watch: _Watch, result: Video | VideoError, sent_at: float) -> None:
        now = time.time()
        is_too_fast = isinstance(result, VideoApiError) and result.status_code == HTTPStatus.TOO_MANY_REQUESTS
        if is_too_fast and sent_at <= self._paused_until:
            # It was sent before the pause that the vendor asks for, which another look's answer has begun.
            for follower in watch.followers:
                follower.due = self._paused_until
        else:
            for follower in watch.followers:
                follower.take(_decide(follower.wait, result, now), now)
            if is_too_fast:
                self._paused_until = max(follower.due for follower in watch.followers)
        self._queue_up(watch)

    async def _get_hook(self) -> VideoHook:
        async with self._hook_lock:
            now = time.time()
            if self._hook is not None and now - self._hook.client.looked_up_at <= CONNECTION_LIFETIME:
                return self._hook
            if self._look_up_failed is not None and now - self._look_up_failed[0] < FAILED_LOOK_UP_LIFETIME:
                raise self._look_up_failed[1]
            try:
                if self._hook is None:
                    hook = await VideoHook.aget_hook(self._conn_id)
                    self._hook = await hook.__aenter__()
                else:
                    await self._hook.client.arenew()
            except VideoError as error:
                self._look_up_failed = (now, error)
                raise
            return self._hook


def _decide(wait: Wait, result: Video | VideoError, now: float) -> Step:
    try:
        return wait.missed(result, now=now) if isinstance(result, VideoError) else wait.saw(result, now=now)
    except Exception as error:
        # The other waits of this poller have nothing to do with it.
        log.exception("Deciding on video %r failed", wait.video_id)
        return Step(error=VideoUnexpectedError.of(error))


_pollers: dict[str, VideoPoller] = {}


def get_poller(conn_id: str) -> VideoPoller:
    """Give the poller of a connection on the running event loop."""
    poller = _pollers.get(conn_id)
    if poller is None or poller.loop is not asyncio.get_running_loop():
        poller = _pollers[conn_id] = VideoPoller(conn_id)
    return poller
