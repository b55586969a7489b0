# SPDX-License-Identifier: Apache-2.0
"""Where the pages of this package and Airflow's own are, as paths on Airflow's site."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from airflow.configuration import conf

#: Where Airflow's API server mounts the pages, below its own path.
MOUNT_PATH = "/videos"


def run_page(dag_id: str, run_id: str) -> str:
    """Give the path of the page with all videos of a run."""
    return f"{_site_path()}{MOUNT_PATH}{_run_path(dag_id, run_id)}"


def task_page(dag_id: str, run_id: str, task_id: str, map_index: int | str | None = None) -> str:
    """Give the path of a task instance's page; without an index, of all instances of a mapped task.

    :param map_index: the instance; -1 for a task that is not mapped.
    """
    page = f"{run_page(dag_id, run_id)}/tasks/{_encoded(task_id)}"
    return page if map_index is None else f"{page}?map_index={map_index}"


def copy_file(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path of the kept copy of a task instance's video."""
    return f"{task_page(dag_id, run_id, task_id)}/copy?map_index={map_index}"


def vendor_page(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the path that leads to the vendor's own page of a task instance's video."""
    return f"{task_page(dag_id, run_id, task_id)}/vendor?map_index={map_index}"


def airflow_run_page(dag_id: str, run_id: str) -> str:
    """Give the path of Airflow's own page of a run."""
    return f"{_site_path()}{_run_path(dag_id, run_id)}"


def airflow_task_page(dag_id: str, run_id: str, task_id: str, map_index: int | None = None) -> str:
    """Give the path of Airflow's own page of a task instance; without an index, of a mapped task."""
    page = f"{airflow_run_page(dag_id, run_id)}/tasks/{_encoded(task_id)}"
    if map_index is None:
        return f"{page}/mapped"
    return page if map_index < 0 else f"{page}/mapped/{map_index}"


def login_page(afterwards: str) -> str:
    """Give the path where somebody logs in to Airflow, whichever way that is, to be led to another path of the site."""
    return f"{_site_path()}/api/v2/auth/login?{urlencode({'next': afterwards})}"


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{_encoded(dag_id)}/runs/{_encoded(run_id)}"


def _encoded(name: str) -> str:
    # Airflow fills its own placeholders into the path of a tab.
    return quote(name, safe="{}")


def _site_path() -> str:
    # Airflow can be served below a path of its host.
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
