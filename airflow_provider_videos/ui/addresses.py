# SPDX-License-Identifier: Apache-2.0
"""Where the pages of this package and Airflow's own are, as paths on Airflow's site."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from airflow.sdk import conf

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from airflow_provider_videos.ui.run_rows import Region

#: Where Airflow's API server mounts the pages, below its own path.
MOUNT_PATH = "/videos"


def video_page_url(ti: RuntimeTaskInstanceProtocol, task_id: str | None = None, map_index: int | None = None) -> str:
    """Return the URL of the page that plays a task's video, for a message. Templates have it as a macro.

    :param ti: the task instance whose template is rendered.
    :param task_id: a task of the same run; None (default): this one.
    :param map_index: an instance of that task; None (default): all of them, or the only one.
    :return: a whole URL below ``[api] base_url``, or below http://localhost:8080 where that is not set.
    """
    if task_id is None:
        task_id, map_index = ti.task_id, ti.map_index
    return _site_url() + task_page(ti.dag_id, ti.run_id, task_id, map_index)


def run_page_url(ti: RuntimeTaskInstanceProtocol) -> str:
    """Return the URL of the page with all videos of a task instance's run, as :func:`video_page_url` does."""
    return _site_url() + run_page(ti.dag_id, ti.run_id)


def all_runs_page() -> str:
    """Return the path of the page with all runs that have videos."""
    return f"{_site_path()}{MOUNT_PATH}/"


def dag_page(dag_id: str) -> str:
    """Return the path of the page with the runs of a Dag that have videos."""
    return f"{_site_path()}{MOUNT_PATH}/dags/{_encoded(dag_id)}"


def run_page(dag_id: str, run_id: str) -> str:
    """Return the path of the page with all videos of a run."""
    return f"{_site_path()}{MOUNT_PATH}{_run_path(dag_id, run_id)}"


def task_page(
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int | str | None = None,
    region: Region | None = None,
    member: int | None = None,
) -> str:
    """Return the path of a task instance's page; without an index, of all instances of a mapped task.

    :param map_index: the instance; -1 for a task that is not mapped.
    :param region: which of several instances of that index.
    :param member: which of the videos of a batch, ``None`` for all of them.
    """
    page = f"{run_page(dag_id, run_id)}/tasks/{_encoded(task_id)}"
    return page if map_index is None else page + _instance(map_index, region, member)


def copy_file(
    dag_id: str, run_id: str, task_id: str, map_index: int, region: Region | None = None, member: int | None = None
) -> str:
    """Return the path of the kept copy of a task instance's video."""
    return f"{task_page(dag_id, run_id, task_id)}/copy{_instance(map_index, region, member)}"


def vendor_page(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path that leads to the vendor's own page of a task instance's video."""
    return f"{task_page(dag_id, run_id, task_id)}/vendor?map_index={map_index}"


def airflow_dag_page(dag_id: str) -> str:
    """Return the path of Airflow's own page of a Dag."""
    return f"{_site_path()}/dags/{_encoded(dag_id)}"


def airflow_run_page(dag_id: str, run_id: str) -> str:
    """Return the path of Airflow's own page of a run."""
    return f"{_site_path()}{_run_path(dag_id, run_id)}"


def airflow_task_page(dag_id: str, run_id: str, task_id: str, map_index: int | None = None) -> str:
    """Return the path of Airflow's own page of a task instance; without an index, of a mapped task."""
    page = f"{airflow_run_page(dag_id, run_id)}/tasks/{_encoded(task_id)}"
    if map_index is None:
        return f"{page}/mapped"
    return page if map_index < 0 else f"{page}/mapped/{map_index}"


def answer_path(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path in Airflow's REST API at which a person answers what a task instance asks."""
    task = f"{_encoded(dag_id)}/dagRuns/{_encoded(run_id)}/taskInstances/{_encoded(task_id)}/{map_index}"
    return f"{_site_path()}/api/v2/dags/{task}/hitlDetails"


def airflow_answer_page(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path of Airflow's own form for that answer."""
    return f"{airflow_task_page(dag_id, run_id, task_id, map_index)}/required_actions"


def login_page(afterwards: str) -> str:
    """Return the path where somebody logs in to Airflow, and is then led to another path of the site."""
    return f"{_site_path()}/api/v2/auth/login?{urlencode({'next': afterwards})}"


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{_encoded(dag_id)}/runs/{_encoded(run_id)}"


def _instance(map_index: int | str, region: Region | None, member: int | None) -> str:
    of_region = "" if region is None else f"&region_id={region.id}&region_index={region.index}"
    of_batch = "" if member is None else f"&member={member}"
    return f"?map_index={map_index}{of_region}{of_batch}"


def _encoded(name: str) -> str:
    # Airflow fills its own placeholders into the path of a tab.
    return quote(name, safe="{}")


def _site_path() -> str:
    # Airflow can be served below a path of its host.
    return urlsplit(base_url()).path.rstrip("/")


def _site_url() -> str:
    parts = urlsplit(base_url())
    return f"{parts.scheme}://{parts.netloc}"


@functools.cache
def base_url() -> str:
    """Return Airflow's own URL, read once: that takes 0.2 ms, and the page of a run has 125 addresses."""
    return str(conf.get("api", "base_url", fallback="") or "http://localhost:8080")
