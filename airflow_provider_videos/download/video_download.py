# SPDX-License-Identifier: Apache-2.0
"""One video from its vendor into a storage."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.download import sidecar
from airflow_provider_videos.download.container import Kind, image_kind, video_kind
from airflow_provider_videos.download.http_get import DownloadRefusedError
from airflow_provider_videos.download.progress import Progress
from airflow_provider_videos.download.target import StoredFile
from airflow_provider_videos.download.transfer import Transfer, Transferred, retries_of
from airflow_provider_videos.exceptions import (
    VideoDownloadError,
    VideoError,
    VideoFailedError,
    VideoStorageError,
)
from airflow_provider_videos.http.session import DownloadSession
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.video_id import read_video_id

if TYPE_CHECKING:
    from airflow_provider_videos.download.atomic_files import NewFile
    from airflow_provider_videos.download.target import Target
    from airflow_provider_videos.hooks.video import VideoHook
    from airflow_provider_videos.video import Video

log = logging.getLogger(__name__)

MAX_THUMBNAIL_BYTES = 50_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """What a user said about how to keep a video.

    :param overwrite: whether to transfer it though it is there.
    :param max_bytes: the most bytes that it may have; ``None`` sets no limit.
    :param max_attempts: how many attempts there are, at the vendor and at the file's host together.
    :param with_thumbnail: whether to keep its thumbnail beside it.
    :param with_record: whether to keep its record beside it.
    """

    overwrite: bool
    max_bytes: int | None
    max_attempts: int
    with_thumbnail: bool
    with_record: bool


def open_session(hook: VideoHook) -> DownloadSession:
    """Open a session for the files of a hook's videos."""
    return DownloadSession(hook.client.connection, hook.client.file_headers, hook.client.secrets)


class VideoDownload:
    """Keeps one video.

    :param hook: its vendor's.
    :param video: its id, or the dict that a task of this package returned.
    :param target: where to keep it.
    :param options: how.
    :param stop: ends the transfer, which leaves nothing then, as soon as it is set.
    :param session_of: returns the session that gets the files of a hook's videos; by default, a new one.
    :raises VideoIdError: if there is no id in it.
    """

    def __init__(
        self,
        hook: VideoHook,
        video: str | Mapping[str, Any],
        target: Target,
        options: DownloadOptions,
        *,
        stop: threading.Event | None = None,
        session_of: Callable[[VideoHook], AbstractContextManager[DownloadSession]] = open_session,
    ) -> None:
        self._hook = hook
        self._session_of = session_of
        self._vendor = hook.conn_type
        self._video_id = read_video_id(video, vendor=self._vendor)
        self._video: Mapping[str, Any] = video if isinstance(video, Mapping) else {}
        self._target = target
        self._options = options
        self._stop = stop
        self._retries = retries_of(options.max_attempts)
        self._has_polled = False

    def keep(self) -> dict[str, Any]:
        """Transfer the video, unless it is there.

        :return: what the operator returns.
        """
        began = time.monotonic()
        if not self._options.overwrite and (kept := self._target.find(self._vendor, self._video_id)) is not None:
            log.info("Video %r is at %s, complete; nothing is transferred.", self._video_id, kept.path)
            return self._found(kept, began)
        connection = self._hook.client.connection()
        sink = _TargetSink(self._target, self._vendor, self._video_id)
        try:
            with self._session_of(self._hook) as session:
                transferred = self._transfer(session, sink, connection.timeout)
                # The video comes last: where it is, all is that was asked for.
                thumbnail = self._keep_thumbnail(session, sink.name, connection.timeout)
            beside = None
            if self._options.with_record or not self._target.is_folder:
                content = sidecar.record_content(
                    sink.name,
                    vendor=self._vendor,
                    video_id=self._video_id,
                    video=self._video,
                    transferred=transferred,
                )
                beside = self._target.write(sink.name + sidecar.SUFFIX, content, content_type="application/json")
            sink.commit()
        except DownloadRefusedError as error:
            raise self._error(str(error)) from None
        finally:
            sink.discard()
        path, size = self._target.full_path(sink.name), transferred.size
        log.info("Video %r is at %s: %d bytes in %.1f s.", self._video_id, path, size, time.monotonic() - began)
        kept = StoredFile(path=path, size=size, sha256=transferred.sha256, content_type=transferred.kind.content_type)
        return self._result(kept, began, is_new=True, thumbnail=thumbnail, beside=beside)

    def _found(self, kept: StoredFile, began: float) -> dict[str, Any]:
        name = kept.path.rpartition("/")[2]
        images = (_thumbnail_name(name, suffix) for suffix in (".jpg", ".png", ".gif", ".webp"))
        thumbnail = next((image for image in images if self._target.exists(image)), None)
        beside = name + sidecar.SUFFIX
        return self._result(
            kept,
            began,
            is_new=False,
            thumbnail=self._target.full_path(thumbnail) if thumbnail else None,
            beside=self._target.full_path(beside) if self._target.exists(beside) else None,
        )

    def _result(
        self, kept: StoredFile, began: float, *, is_new: bool, thumbnail: str | None, beside: str | None
    ) -> dict[str, Any]:
        return {
            "vendor": self._vendor,
            "video_id": self._video_id,
            "path": kept.path,
            "bytes": kept.size,
            "sha256": kept.sha256,
            "content_type": kept.content_type,
            "seconds": round(time.monotonic() - began, 3),
            "transferred": is_new,
            "thumbnail_path": thumbnail,
            "record_path": beside,
        }

    def _transfer(self, session: DownloadSession, sink: _TargetSink, timeout: float) -> Transferred:
        progress = Progress(lambda line: log.info("Video %r: %s", self._video_id, line))

        def tell(done: int, total: int | None) -> None:
            if self._stop is not None and self._stop.is_set():
                raise concurrent.futures.CancelledError
            progress.at(done, total)

        return Transfer(
            session=session,
            url=self._video.get("download_url") or self._url_from_vendor(),
            timeout=timeout,
            sink=sink,
            recognise=video_kind,
            wanted="an MP4, WebM or MOV video",
            retries=self._retries,
            renew_url=self._url_from_vendor,
            max_bytes=self._options.max_bytes,
            tell=tell,
        ).run()

    def _url_from_vendor(self) -> str:
        """Ask the vendor for the video's URL."""
        video = self._poll()
        if video.state.is_terminal and video.state is not VideoState.READY:
            raise VideoFailedError(video=video.to_dict())
        if video.state is not VideoState.READY:
            raise self._error(f"its status is {video.status!r}: wait for it first, with a VideoSensor")
        if not video.download_url:
            raise self._error(f"the vendor gives no download URL for it, though its status is {video.status!r}")
        self._video = video.to_dict()
        return video.download_url

    def _poll(self) -> Video:
        video = self._retries.run(lambda: self._hook.get_video(self._video_id))
        self._has_polled = True
        return video

    def _keep_thumbnail(self, session: DownloadSession, name: str, timeout: float) -> str | None:
        """Keep the thumbnail; a video without one is kept all the same."""
        if not self._options.with_thumbnail:
            return None
        sink = _TargetSink(self._target, self._vendor, self._video_id, beside=name)
        try:
            url = self._video.get("thumbnail_url")
            if not url and not self._has_polled:
                # The dict may be older than the thumbnail, or of a version that did not ask for it.
                url = self._poll().thumbnail_url
            if not url:
                log.warning("Video %r has no thumbnail.", self._video_id)
                return None
            Transfer(
                session=session,
                url=url,
                timeout=timeout,
                sink=sink,
                recognise=image_kind,
                wanted="an image",
                retries=self._retries,
                max_bytes=MAX_THUMBNAIL_BYTES,
            ).run()
            sink.commit()
        except (DownloadRefusedError, VideoError) as error:
            if isinstance(error, VideoStorageError):
                raise
            log.warning("The thumbnail of video %r is left out: %s", self._video_id, error)
            return None
        finally:
            sink.discard()
        return self._target.full_path(sink.name)

    def _error(self, problem: str) -> VideoDownloadError:
        return VideoDownloadError(
            vendor=self._hook.hook_name, conn_id=self._hook.conn_id, video_id=self._video_id, problem=problem
        )


class _TargetSink:
    """Takes a transfer's bytes into a file of a target.

    :param beside: name of the video, if the file is its thumbnail.
    """

    def __init__(self, target: Target, vendor: str, video_id: str, *, beside: str | None = None) -> None:
        self._target = target
        self._vendor = vendor
        self._video_id = video_id
        self._beside = beside
        self._file: NewFile | None = None
        self.name = ""

    def begin(self, kind: Kind, total: int | None) -> None:
        self.discard()
        if self._beside is None:
            self.name = self._target.file_name(self._vendor, self._video_id, kind)
        else:
            self.name = _thumbnail_name(self._beside, kind.suffix)
        if total is not None:
            self._target.check_room(total)
        with self._target.storing():
            self._file = self._target.new_file(self.name, size=total, content_type=kind.content_type)

    def write(self, chunk: bytes) -> None:
        if self._file is not None:
            with self._target.storing():
                self._file.write(chunk)

    def commit(self) -> None:
        if self._file is not None:
            with self._target.storing():
                self._file.commit()

    def discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.discard()


def _thumbnail_name(name: str, suffix: str) -> str:
    """Name a video's thumbnail like it, with a suffix of its own."""
    thumbnail = (name.rpartition(".")[0] or name) + suffix
    # A user may give a video any name.
    return name + suffix if thumbnail == name else thumbnail
