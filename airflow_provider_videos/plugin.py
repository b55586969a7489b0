# SPDX-License-Identifier: Apache-2.0
"""What Airflow's plugin manager loads, in every component: the pages themselves are imported at the first request."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import conf

from airflow_provider_videos.airflow_compat.tasks import airflow_version, tab_scope
from airflow_provider_videos.links.video import OpenAtVendorLink, WatchVideoLink
from airflow_provider_videos.ui.addresses import MOUNT_PATH, run_page, run_page_url, task_page, video_page_url
from airflow_provider_videos.xcom import VIDEO_OPERATORS

Message = MutableMapping[str, Any]

log = logging.getLogger(__name__)


class Pages:
    """The pages as an ASGI application, which is built when somebody asks for one."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer a request; with 503 where this Airflow lacks something that the pages need."""
        if self._app is None:
            self._app = self._make_app()
        await self._app(scope, receive, send)

    @staticmethod
    def _make_app() -> Any:
        try:
            from airflow_provider_videos.ui.app import make_app

            return make_app()
        except (ImportError, AttributeError):
            from starlette.responses import PlainTextResponse

            version = airflow_version()
            log.exception("Airflow %s does not have what the pages of videos need", version)
            text = f"This version of airflow-provider-videos does not support the pages on Airflow {version}."
            return PlainTextResponse(text, status_code=503, headers={"Cache-Control": "no-store"})


def tabs() -> list[dict[str, Any]]:
    """Return the tabs "Video" of a task instance and "Videos" of a run, if ``[videos] show_tabs`` asks for them."""
    if not conf.getboolean("videos", "show_tabs", fallback=False):
        return []
    task_instance = task_page("{DAG_ID}", "{RUN_ID}", "{TASK_ID}", "{MAP_INDEX}")
    of_task = {"name": "Video", "destination": "task_instance", "url_route": "video", "href": task_instance}
    return [
        {**of_task, **tab_scope(VIDEO_OPERATORS)},
        {"name": "Videos", "destination": "dag_run", "url_route": "videos", "href": run_page("{DAG_ID}", "{RUN_ID}")},
    ]


class VideosPlugin(AirflowPlugin):
    """Pages that show videos inside Airflow's site, and the links, tabs and template macros that lead there."""

    name = "airflow_provider_videos"
    fastapi_apps = [{"name": "Videos", "app": Pages(), "url_prefix": MOUNT_PATH}]
    external_views = tabs()
    operator_extra_links = [WatchVideoLink(), OpenAtVendorLink()]
    macros = [video_page_url, run_page_url]
