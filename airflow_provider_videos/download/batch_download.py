# SPDX-License-Identifier: Apache-2.0
"""Many videos of one vendor into one folder, several at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.download.video_download import DownloadOptions, VideoDownload, open_session
from airflow_provider_videos.exceptions import VideoError, VideoUnexpectedError

if TYPE_CHECKING:
    from airflow_provider_videos.download.target import Target
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.http.session import DownloadSession

log = logging.getLogger(__name__)

#: Seconds between two lines that say how far all are.
LOG_INTERVAL = 30.0
#: What a kept video has under each key that one which could not be kept has no value for.
_NOTHING = dict.fromkeys((*("path", "bytes", "sha256", "content_type", "seconds", "thumbnail_path", "record_path"),))


class BatchDownload:
    """Keeps videos, each by a :class:`~airflow_provider_videos.download.video_download.VideoDownload`.

    :param hooks: hooks of the vendor, one for each download that may be under way at once: a hook is for one thread.
    :param target: the folder.
    :param options: how to keep each.
    """

    def __init__(self, hooks: Sequence[VideoHook], target: Target, options: DownloadOptions) -> None:
        self._vendor = hooks[0].conn_type
        self._hooks: queue.SimpleQueue[VideoHook] = queue.SimpleQueue()
        for hook in hooks:
            self._hooks.put(hook)
        self._threads = len(hooks)
        #: Kept open from file to file, for each hook that has begun a transfer.
        self._sessions: dict[VideoHook, DownloadSession] = {}
        self._target = target
        self._options = options
        self._stop = threading.Event()
        #: What could not be kept, by the video's id.
        self.errors: dict[str, VideoError] = {}

    def keep(
        self, videos: Mapping[str, str | Mapping[str, Any]], *, never_ordered: int = 0
    ) -> dict[str, dict[str, Any]]:
        """Keep videos, and return of each what a single download returns, and why it could not be kept.

        :param videos: ids, or the dicts that tasks of this package returned, by id.
        :param never_ordered: how many more there are that have no id: they have failed.
        """
        kept: dict[str, dict[str, Any]] = {}
        logged_at = time.monotonic()
        executor = concurrent.futures.ThreadPoolExecutor(self._threads, thread_name_prefix="video-download")
        try:
            futures = {executor.submit(self._keep_one, video): video_id for video_id, video in videos.items()}
            for future in concurrent.futures.as_completed(futures):
                video_id = futures[future]
                kept[video_id] = self._result(video_id, future)
                if time.monotonic() > logged_at + LOG_INTERVAL:
                    logged_at = time.monotonic()
                    self._log_counts(len(kept), len(videos), never_ordered)
        finally:
            # Where the task's time is over, what is under way ends with its next bytes, and leaves nothing.
            self._stop.set()
            executor.shutdown(cancel_futures=True)
            for session in self._sessions.values():
                session.close()
        self._log_counts(len(kept), len(videos), never_ordered)
        return kept

    def _keep_one(self, video: str | Mapping[str, Any]) -> dict[str, Any]:
        hook = self._hooks.get()
        try:
            return VideoDownload(
                hook, video, self._target, self._options, stop=self._stop, session_of=self._session_of
            ).keep()
        finally:
            self._hooks.put(hook)

    def _session_of(self, hook: VideoHook) -> contextlib.AbstractContextManager[DownloadSession]:
        if hook not in self._sessions:
            self._sessions[hook] = open_session(hook)
        return contextlib.nullcontext(self._sessions[hook])

    def _result(self, video_id: str, future: concurrent.futures.Future[dict[str, Any]]) -> dict[str, Any]:
        try:
            return {**future.result(), "error_message": None}
        except VideoError as error:
            failure = error
        except Exception as unexpected:
            log.exception("Keeping video %r failed", video_id)
            failure = VideoUnexpectedError.of(unexpected)
        log.error("%s", failure)
        self.errors[video_id] = failure
        return not_kept(self._vendor, video_id, str(failure))

    def _log_counts(self, done: int, videos: int, never_ordered: int) -> None:
        failed = len(self.errors) + never_ordered
        counts = f"{done - len(self.errors):,} of {videos + never_ordered:,} videos kept, {failed:,} failed"
        log.info("%s.", counts)


def not_kept(vendor: str, video_id: str | None, reason: str) -> dict[str, Any]:
    """Return what stands for a video that could not be kept, with all keys of one that was."""
    return {"vendor": vendor, "video_id": video_id, **_NOTHING, "transferred": False, "error_message": reason}
