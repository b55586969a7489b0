# SPDX-License-Identifier: Apache-2.0
"""What the waits of one Airflow connection share in a triggerer: a look-up, a connection pool, the vendor's patience.

Each trigger runs a loop of its own: poll, decide, sleep. All triggers of a triggerer share one event loop, so all that
has to be shared is one :class:`VideoPoller` for each Airflow connection. Times are seconds of the event loop's clock,
which is monotonic.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_videos.exceptions import VideoApiError, VideoError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.retries import pause_after_failure

if TYPE_CHECKING:
    from airflow_provider_videos.video import Video

log = logging.getLogger(__name__)

#: First polls per second on one connection, so that waits which begin together don't poll together ever after.
STARTS_PER_SECOND = 20.0
#: The first pause after a 429 that names none, and the longest that it doubles to.
MIN_PAUSE, MAX_PAUSE = 1.0, 60.0
#: Seconds after which the Airflow connection is looked up again.
CONNECTION_LIFETIME = 600.0
#: Seconds after which a look-up that failed is repeated while an earlier one's connection is in use.
RENEWAL_INTERVAL = 60.0
#: Seconds for which all waits take the first look-up's failure for theirs.
FAILED_LOOK_UP_LIFETIME = 5.0


class PolledVideo:
    """One video, and the last answers about it, which all its waits share.

    :param video_id: id of the video.
    """

    __slots__ = ("asked_at", "error", "failed_at", "lock", "video", "video_id", "waits")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.waits = 0
        self.lock = asyncio.Lock()
        self.video: Video | None = None
        self.asked_at = 0.0
        self.error: VideoError | None = None
        self.failed_at = 0.0


class VideoPoller:
    """Polls the videos of one Airflow connection.

    :param conn_id: id of the connection.
    """

    def __init__(self, conn_id: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._conn_id = conn_id
        self._videos: dict[str, PolledVideo] = {}
        #: First polls per second.
        self.starts_per_second = STARTS_PER_SECOND
        self._next_start = 0.0
        self._hook: VideoHook | None = None
        self._hook_lock = asyncio.Lock()
        self._failed_look_up: tuple[float, VideoError] | None = None
        self._renew_at = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._has_warned = False
        self._limit = 0
        self._semaphore = asyncio.Semaphore(1)
        self._opens_at = 0.0
        self._pause = 0.0
        self._refusals = 0
        #: Why no poll starts just now, if the vendor has asked for a pause.
        self.refusal: VideoApiError | None = None

    @contextlib.asynccontextmanager
    async def following(self, video_id: str) -> AsyncGenerator[PolledVideo]:
        """Take part while a wait for a video goes on; when the last one ends, everything is closed."""
        polled = self._videos.get(video_id)
        if polled is None:
            polled = self._videos[video_id] = PolledVideo(video_id)
        polled.waits += 1
        try:
            yield polled
        finally:
            polled.waits -= 1
            if not polled.waits:
                del self._videos[video_id]
            if not self._videos:
                if _pollers.get(self._conn_id) is self:
                    del _pollers[self._conn_id]
                await self._close()

    def start_delay(self, interval: float) -> float:
        """Return after how many seconds a wait that is due now may poll first, so that bursts are spread.

        :param interval: seconds between two polls; the most that is returned.
        """
        now = self.loop.time()
        start = max(self._next_start, now)
        if start - now > interval:
            return random.random() * interval
        self._next_start = start + 1 / self.starts_per_second
        return start - now

    async def poll(
        self, polled: PolledVideo, *, interval: float, max_age: float, newer_than: float
    ) -> tuple[Video, float]:
        """Return a video, and its age if it was asked for another wait: how many seconds ago, 0 for this wait's own.

        Takes as long as the vendor does, and the pause that it has asked for: the caller sets the limit.

        :param polled: the video, as :meth:`following` gave it.
        :param interval: seconds between two polls of this wait; polls that a pause held up are spread over up to it.
        :param max_age: the highest age, in seconds.
        :param newer_than: when the vendor was asked for the answer that this wait had last.
        :raises VideoError: as :meth:`VideoHook.aget_video` does.
        """
        began_at = self.loop.time()
        async with polled.lock:
            if polled.error is not None and polled.failed_at >= began_at:
                raise polled.error
            if polled.video is not None and polled.asked_at > max(newer_than, began_at - max_age):
                return polled.video, self.loop.time() - polled.asked_at
            try:
                video, polled.asked_at = await self._ask(polled.video_id, interval)
                # A provisional id need not be known for as long as the video's own.
                polled.video_id = video.video_id
            except VideoError as error:
                polled.error, polled.failed_at = error, self.loop.time()
                raise
            if video != polled.video:
                # An object for each poll that lives until the next one would keep the garbage collector busy.
                polled.video = video
            return video, 0.0

    async def _ask(self, video_id: str, interval: float) -> tuple[Video, float]:
        while True:
            hook = self._hook if self._hook is not None else await self._first_hook()
            await self._until_open(interval)
            async with self._semaphore_of(hook):
                sent_at = self.loop.time()
                if sent_at < self._opens_at:
                    continue
                if sent_at >= self._renew_at:
                    self._renew(hook, sent_at)
                try:
                    video = await hook.aget_video(video_id)
                except VideoApiError as error:
                    if not self._asks_for_pause(error):
                        raise
                    if sent_at < self._opens_at:
                        # Another poll's answer began the pause while this one was under way: no failure of this wait.
                        continue
                    self._close_for(error)
                    raise
                # One that was under way when the pause began says nothing of what the vendor takes after it.
                if sent_at >= self._opens_at:
                    self._refusals = 0
                return video, sent_at

    @staticmethod
    def _asks_for_pause(error: VideoApiError) -> bool:
        return error.status_code == HTTPStatus.TOO_MANY_REQUESTS or error.retry_after is not None

    def _close_for(self, error: VideoApiError) -> None:
        self._refusals += 1
        self._pause = pause_after_failure(
            first=MIN_PAUSE, failures=self._refusals, retry_after=error.retry_after, longest=MAX_PAUSE
        )
        self._opens_at = self.loop.time() + self._pause
        self.refusal = error

    async def _until_open(self, interval: float) -> None:
        now = self.loop.time()
        if now >= self._opens_at:
            self.refusal = None
            return
        # What a pause has held up must not come all at once.
        await asyncio.sleep(self._opens_at - now + random.random() * min(self._pause, interval))

    def _semaphore_of(self, hook: VideoHook) -> asyncio.Semaphore:
        limit = hook.client.connection().max_concurrent_requests
        if limit != self._limit:
            self._limit, self._semaphore = limit, asyncio.Semaphore(limit)
        return self._semaphore

    async def _first_hook(self) -> VideoHook:
        async with self._hook_lock:
            if self._hook is not None:
                return self._hook
            now = self.loop.time()
            if self._failed_look_up is not None and now - self._failed_look_up[0] < FAILED_LOOK_UP_LIFETIME:
                raise self._failed_look_up[1]
            try:
                hook = await VideoHook.aget_hook(self._conn_id)
            except VideoError as error:
                self._failed_look_up = (self.loop.time(), error)
                raise
            self._hook = await hook.__aenter__()
            self._renew_at = self.loop.time() + CONNECTION_LIFETIME
            return self._hook

    def _renew(self, hook: VideoHook, now: float) -> None:
        self._renew_at = now + CONNECTION_LIFETIME
        # In the context of the trigger that happens to be first, its lines would land in its task's log.
        self._renewal = self.loop.create_task(self._look_up_again(hook), context=contextvars.Context())

    async def _look_up_again(self, hook: VideoHook) -> None:
        try:
            await hook.client.arenew()
            self._has_warned = False
        except Exception as error:
            self._renew_at = self.loop.time() + RENEWAL_INTERVAL
            if not self._has_warned:
                self._has_warned = True
                log.warning("Connection %r stays in use as it was last read: %s", self._conn_id, error)

    async def _close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
        if self._hook is not None:
            await self._hook.__aexit__(None, None, None)


_pollers: dict[str, VideoPoller] = {}


def get_poller(conn_id: str) -> VideoPoller:
    """Return the poller of a connection on the running event loop."""
    poller = _pollers.get(conn_id)
    if poller is None or poller.loop is not asyncio.get_running_loop():
        poller = _pollers[conn_id] = VideoPoller(conn_id)
    return poller
