# SPDX-License-Identifier: Apache-2.0
"""The operator that keeps a video's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.exceptions import VideoBatchDownloadError, VideoBatchError, VideoPathError
from airflow_provider_videos.lineage import lineage_of_files
from airflow_provider_videos.parameters import check_may_be_mapped, check_parameters, check_rendered
from airflow_provider_videos.video_list import VideoList
from airflow_provider_videos.xcom import (
    VIDEO_IDS_KEY,
    VIDEOS_KEY,
    emit_asset_events,
    emit_batch_event,
    push,
    push_progress,
)

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from airflow_provider_videos.download.video_download import DownloadOptions
    from airflow_provider_videos.exceptions import VideoError

__all__ = ["DownloadVideoBatchOperator", "DownloadVideoOperator"]

#: With pauses that double from 1 s to 60 s, ten attempts take four minutes or more.
DEFAULT_MAX_ATTEMPTS = 10
DEFAULT_MAX_ACTIVE_DOWNLOADS = 4
EVENT_FIELDS = ("path", "bytes", "sha256")


class DownloadVideoOperator(BaseOperator):
    """Keeps a video's file where :class:`airflow.sdk.ObjectStoragePath` reaches, complete or not at all.

    It returns a dict of JSON values:

    - ``vendor``, ``video_id``: which video it is, so that the dict stands for it in other tasks of this package;
    - ``path``: the file's full name, the parameter ``path`` with a file name if that is a folder;
    - ``bytes``, ``sha256``, ``content_type``: of the file; the media type is what its first bytes say. Of a file that
      was there already the SHA-256 is what the record beside it says, else ``None``: it is not read again;
    - ``seconds``: how long the task took for it;
    - ``transferred``: ``False`` if the file was there already;
    - ``thumbnail_path``, ``record_path``: what is beside it, else ``None``.

    The event of each asset in ``outlets`` carries ``path``, ``bytes`` and ``sha256`` as its ``extra``.

    :param video_id: id of the video, or the dict that an earlier task of this package returned. The URL in a dict is
        used first; by an id the vendor is asked for it. (templated)
    :param path: a folder, which ends with a slash or is there already, or a full name. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type. (templated)
    :param storage_conn_id: id of the storage's Airflow connection, if it needs one. (templated)
    :param overwrite: transfer the video though it is there, and replace what is there.
    :param max_bytes: refuse a video that is larger.
    :param max_attempts: transient errors after which the task fails, however much of the file has arrived.
    :param with_thumbnail: keep the vendor's thumbnail beside it.
    :param with_record: keep the video's record beside it, as JSON. Beside a full name it is always kept.
    :param kwargs: what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoError: if it can't be kept; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_id", "path", "conn_id", "storage_conn_id")
    ui_color = "#e0e7ff"

    def __init__(
        self,
        *,
        video_id: str | Mapping[str, Any],
        path: str,
        conn_id: str,
        storage_conn_id: str | None = None,
        overwrite: bool = False,
        max_bytes: int | None = None,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        with_thumbnail: bool = False,
        with_record: bool = False,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.video_id = video_id
        self.path = path
        self.conn_id = conn_id
        self.storage_conn_id = storage_conn_id
        self.overwrite = overwrite
        self.max_bytes = max_bytes
        self.max_attempts = max_attempts
        self.with_thumbnail = with_thumbnail
        self.with_record = with_record
        self._kept: list[dict[str, Any]] = []

    def execute(self, context: Context) -> dict[str, Any]:
        """Keep the video."""
        # A Dag file should not pay for these.
        from airflow_provider_videos.download.target import Target
        from airflow_provider_videos.download.video_download import VideoDownload
        from airflow_provider_videos.hooks.video import VideoHook

        check_rendered(self)
        hook = VideoHook.get_hook(self.conn_id)
        target = Target(self.path, storage_conn_id=self.storage_conn_id)
        kept = VideoDownload(hook, self.video_id, target, _options(self)).keep()
        self._kept = [kept]
        emit_asset_events(self, context, kept, EVENT_FIELDS)
        return kept

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the lineage of the file: see :mod:`airflow_provider_videos.lineage`."""
        return lineage_of_files(self._kept)


class DownloadVideoBatchOperator(BaseOperator):
    """Keeps the files of many videos in one folder, several at once, each complete or not at all.

    It returns a list in the order of ``video_ids``, of the dicts that :class:`DownloadVideoOperator` returns, each with
    ``error_message``: ``None``, or why the video could not be kept; its ``path`` is ``None`` then. The XCom ``videos``
    holds the list however the task ends. What is there already is not transferred again, so a retry continues with what
    is missing.

    The event of each asset in ``outlets`` carries how many ``videos`` there are, and how many are ``ready`` and
    ``failed``, and the place of the XCom.

    :param video_ids: ids of the videos, or the dicts that earlier tasks of this package returned: a list, another
        task's ``.output``, or the outputs of a mapped task. (templated)
    :param path: a folder, which ends with a slash or is there already. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type, for all of them. (templated)
    :param storage_conn_id: id of the storage's Airflow connection, if it needs one. (templated)
    :param on_failure: what a video that can't be kept means for the task, after all others were kept. ``fail`` fails it
        and names each; Airflow retries it if that can help any of them. ``return`` returns the list.
    :param max_active_downloads: how many are transferred at once. Each takes a few MB of memory, whatever its size.
    :param overwrite: transfer the videos though they are there, and replace what is there.
    :param max_bytes: refuse a video that is larger.
    :param max_attempts: transient errors of one video after which it counts as failed.
    :param with_thumbnail: keep the vendor's thumbnail beside each.
    :param with_record: keep the video's record beside each, as JSON.
    :param kwargs: what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used.
    :raises VideoBatchDownloadError: if videos could not be kept, and a retry may help.
    :raises VideoBatchError: if videos could not be kept, and no retry can help any of them. Airflow doesn't retry.
    :raises VideoError: before any transfer; see :mod:`airflow_provider_videos.exceptions`.
    """

    template_fields: Sequence[str] = ("video_ids", "path", "conn_id", "storage_conn_id")
    ui_color = "#e0e7ff"

    def __init__(
        self,
        *,
        video_ids: Any,
        path: str,
        conn_id: str,
        storage_conn_id: str | None = None,
        on_failure: str = "fail",
        max_active_downloads: int = DEFAULT_MAX_ACTIVE_DOWNLOADS,
        overwrite: bool = False,
        max_bytes: int | None = None,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        with_thumbnail: bool = False,
        with_record: bool = False,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, locals())
        super().__init__(**kwargs)
        self.video_ids = video_ids
        self.path = path
        self.conn_id = conn_id
        self.storage_conn_id = storage_conn_id
        self.on_failure = on_failure
        self.max_active_downloads = max_active_downloads
        self.overwrite = overwrite
        self.max_bytes = max_bytes
        self.max_attempts = max_attempts
        self.with_thumbnail = with_thumbnail
        self.with_record = with_record
        self._kept: list[dict[str, Any]] = []

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Keep the videos."""
        from airflow_provider_videos.download.batch_download import BatchDownload, not_kept
        from airflow_provider_videos.download.target import Target
        from airflow_provider_videos.hooks.video import VideoHook

        check_rendered(self)
        hooks = [VideoHook.get_hook(self.conn_id)]
        videos = VideoList(self.video_ids, vendor=hooks[0].conn_type)
        check_may_be_mapped(self, len(videos.ids), "video_ids")
        target = Target(self.path, storage_conn_id=self.storage_conn_id)
        if not target.is_folder:
            raise VideoPathError(path=self.path, problem="must be a folder, for many videos: let it end with a slash")
        push_progress(self, context, {VIDEO_IDS_KEY: videos.ids, "vendor": hooks[0].conn_type})
        by_id = videos.by_id()
        # The connection is looked up in this thread, for all of them.
        while len(hooks) < min(self.max_active_downloads, len(by_id)):
            hooks.append(VideoHook.get_hook(self.conn_id))
        download = BatchDownload(hooks, target, _options(self))
        kept = download.keep(by_id, never_ordered=videos.ids.count(None))
        records = [
            kept[record] if isinstance(record, str) else not_kept(hooks[0].conn_type, None, record["error_message"])
            for record in videos.records(lambda video_id: video_id)
        ]
        return self._end(context, records, download.errors)

    def _end(
        self, context: Context, records: list[dict[str, Any]], errors: Mapping[str, VideoError]
    ) -> list[dict[str, Any]]:
        self._kept = records
        push(self, context, {VIDEOS_KEY: records})
        reasons = [(place, record) for place, record in enumerate(records) if record["error_message"] is not None]
        failed = [[record["video_id"] or f"video_ids[{place}]", record["error_message"]] for place, record in reasons]
        if failed and self.on_failure == "fail":
            if any(not isinstance(error, AirflowFailException) for error in errors.values()):
                raise VideoBatchDownloadError(failed=failed, videos=len(records))
            kinds = Counter(type(error).__name__ for error in errors.values())
            raise VideoBatchError(failed=failed, videos=len(records), kinds=dict(kinds))
        counts = {"videos": len(records), "ready": len(records) - len(failed), "failed": len(failed)}
        emit_batch_event(self, context, counts)
        return records

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the lineage of the files that are kept, also if the task fails because of others."""
        return lineage_of_files(self._kept)


def _options(task: DownloadVideoOperator | DownloadVideoBatchOperator) -> DownloadOptions:
    from airflow_provider_videos.download.video_download import DownloadOptions

    return DownloadOptions(
        overwrite=task.overwrite,
        max_bytes=task.max_bytes,
        max_attempts=task.max_attempts,
        with_thumbnail=task.with_thumbnail,
        with_record=task.with_record,
    )
