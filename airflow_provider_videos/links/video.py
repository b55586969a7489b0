# SPDX-License-Identifier: Apache-2.0
"""Buttons on a task instance's page.

Airflow's API server makes them when somebody looks, by way of this package's plugin. A link that a task leaves in XCom
would be missing while the task waits in the triggerer, and be wiped by a retry.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from airflow_provider_videos.airflow_compat.tasks import airflow_version

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["OpenAtVendorLink", "WatchVideoLink"]

log = logging.getLogger(__name__)


class _VideoLink(BaseOperatorLink):
    """A link on every task of this package that has a video to show."""

    @property
    def operators(self) -> list[type[BaseOperator]]:  # type: ignore[override]
        """Classes of the tasks that have it. Only an API server asks for them, and then pays for their import."""
        from airflow_provider_videos.decorators.generate import (
            _GenerateVideoBatchDecoratedOperator,
            _GenerateVideoDecoratedOperator,
        )
        from airflow_provider_videos.operators.approve import ApproveVideoOperator
        from airflow_provider_videos.operators.download import DownloadVideoBatchOperator, DownloadVideoOperator
        from airflow_provider_videos.operators.generate import GenerateVideoOperator
        from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator
        from airflow_provider_videos.operators.video import GetVideoOperator
        from airflow_provider_videos.sensors.video import VideoSensor
        from airflow_provider_videos.sensors.video_batch import VideoBatchSensor

        return [
            ApproveVideoOperator,
            *(DownloadVideoBatchOperator, DownloadVideoOperator, GenerateVideoBatchOperator, GenerateVideoOperator),
            *(_GenerateVideoBatchDecoratedOperator, _GenerateVideoDecoratedOperator),
            *(GetVideoOperator, VideoBatchSensor, VideoSensor),
        ]


class WatchVideoLink(_VideoLink):
    """Leads to the page that plays the task's video."""

    name = "Watch video"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the path of the page of a task instance."""
        from airflow_provider_videos.ui.addresses import task_page

        return task_page(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)


class OpenAtVendorLink(_VideoLink):
    """Leads to the vendor's own page of the video, where it has one (Tavus).

    It does so by way of a page of this package: Airflow shows links to whoever may see the task, and the vendor's page
    opens to whoever has its URL, which only who may see the XComs is told.
    """

    name = "Open at vendor"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the path that leads there; nothing, as long as no URL of a web page is in XCom."""
        try:
            from airflow_provider_videos.ui.playback import vendor_link

            return vendor_link(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)
        except (ImportError, AttributeError):
            log.exception("Airflow %s does not have what the link to a vendor's page needs", airflow_version())
            return ""
