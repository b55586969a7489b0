# SPDX-License-Identifier: Apache-2.0
"""What Airflow's plugin manager loads, in every component: the pages themselves are imported at the first request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from airflow_provider_videos.links.video import OpenAtVendorLink, WatchVideoLink
from airflow_provider_videos.ui.addresses import MOUNT_PATH, run_page, run_page_url, task_page, video_page_url

Message = MutableMapping[str, Any]


class Pages:
    """The pages as an ASGI application, which is built when somebody asks for one."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        if self._app is None:
            from airflow_provider_videos.ui.app import make_app

            self._app = make_app()
        await self._app(scope, receive, send)


def tabs() -> list[dict[str, Any]]:
    """Give the tabs "Video" of a task instance and "Videos" of a run, if ``[videos] show_tabs`` asks for them."""
    if not conf.getboolean("videos", "show_tabs", fallback=False):
        return []
    task_instance = task_page("{DAG_ID}", "{RUN_ID}", "{TASK_ID}", "{MAP_INDEX}")
    return [
        {"name": "Video", "destination": "task_instance", "url_route": "video", "href": task_instance},
        {"name": "Videos", "destination": "dag_run", "url_route": "videos", "href": run_page("{DAG_ID}", "{RUN_ID}")},
    ]


class VideosPlugin(AirflowPlugin):
    """Pages that show videos inside Airflow's site, and the links, tabs and template macros that lead there."""

    name = "airflow_provider_videos"
    fastapi_apps = [{"name": "Videos", "app": Pages(), "url_prefix": MOUNT_PATH}]
    external_views = tabs()
    operator_extra_links = [WatchVideoLink(), OpenAtVendorLink()]
    macros = [video_page_url, run_page_url]
