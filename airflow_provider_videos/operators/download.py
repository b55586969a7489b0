# SPDX-License-Identifier: Apache-2.0
"""The operator that keeps a video's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_videos.parameters import check_parameters, check_rendered
from airflow_provider_videos.xcom import tell_assets

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["DownloadVideoOperator"]

#: With pauses that double from 1 s to 60 s, ten attempts take four minutes or more.
DEFAULT_MAX_ATTEMPTS = 10
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
    :param max_attempts: passing faults after which the task fails, whatever of the file has arrived.
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

    def execute(self, context: Context) -> dict[str, Any]:
        """Keep the video."""
        # A Dag file should not pay for these.
        from airflow_provider_videos.download.target import Target
        from airflow_provider_videos.download.video_download import DownloadOptions, VideoDownload
        from airflow_provider_videos.hooks.video import VideoHook

        check_rendered(self)
        wishes = DownloadOptions(
            overwrite=self.overwrite,
            max_bytes=self.max_bytes,
            max_attempts=self.max_attempts,
            with_thumbnail=self.with_thumbnail,
            with_record=self.with_record,
        )
        hook = VideoHook.get_hook(self.conn_id)
        target = Target(self.path, storage_conn_id=self.storage_conn_id)
        kept = VideoDownload(hook, self.video_id, target, wishes).keep()
        tell_assets(self, context, kept, EVENT_FIELDS)
        return kept
