# SPDX-License-Identifier: Apache-2.0
"""What a user does through Airflow's REST API, as plain calls."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import requests

_PAGE = 100
_REQUEST_SECONDS = 30.0
POLL_SECONDS = 0.25
#: From Airflow 3.4 on, a clear of a task empties its task state store unless it is told to keep it.
_KEEPING = {"keep_task_state": True} if tuple(map(int, version("apache-airflow").split(".")[:2])) >= (3, 4) else {}
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


class AirflowApi:
    """A client of one Airflow's REST API.

    Every call raises requests.HTTPError, with the response's text in its message, for a status of 400 and
    above, and requests.ConnectionError or requests.Timeout (30 seconds) if there is no answer.
    """

    def __init__(self, url: str, passwords: Mapping[str, str]) -> None:
        """Take the server's address, and the password of each user; the first is who calls by default."""
        self.url = url
        self._passwords = dict(passwords)
        self._tokens: dict[str, str] = {}
        self._session = requests.Session()
        # A proxy or a .netrc of the machine must neither see nor change what goes to the local server.
        self._session.trust_env = False

    @property
    def credentials(self) -> tuple[str, str]:
        """Name and password of the user who calls by default."""
        return next(iter(self._passwords.items()))

    def token(self, user: str | None = None) -> str:
        """Return a bearer token of a user, the first by default."""
        user = user or next(iter(self._passwords))
        if user not in self._tokens:
            credentials = {"username": user, "password": self._passwords[user]}
            answer = self._session.post(f"{self.url}/auth/token", json=credentials, timeout=_REQUEST_SECONDS)
            self._tokens[user] = str(_checked(answer).json()["access_token"])
        return self._tokens[user]

    def api(self, method: str, path: str, *, user: str | None = None, **kwargs: Any) -> requests.Response:
        """Send a request to ``/api/v2<path>`` as a user; keyword arguments are those of requests.request."""
        return self._send(method, f"/api/v2{path}", user, **kwargs)

    def ui(self, path: str) -> Any:
        """Return the JSON that the web UI gets from ``/ui<path>``."""
        return self._send("GET", f"/ui{path}", None).json()

    def page(self, path: str, user: str | None) -> requests.Response:
        """Ask for a page of the site as a user, or anonymously; the answer's status may be any."""
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        return self._session.get(f"{self.url}{path}", headers=headers, timeout=_REQUEST_SECONDS, allow_redirects=False)

    def extra_links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """Return a task instance's extra links by name."""
        answer = self.api("GET", f"{_task(dag_id, run_id, task_id)}/links", params={"map_index": map_index})
        return dict(answer.json()["extra_links"])

    def _send(self, method: str, path: str, user: str | None, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(user)}", **kwargs.pop("headers", {})}
        kwargs.setdefault("timeout", _REQUEST_SECONDS)
        return _checked(self._session.request(method, f"{self.url}{path}", headers=headers, **kwargs))

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Unpause a Dag, start a run of it without a logical date, and return the run's id."""
        dag = f"/dags/{_quoted(dag_id)}"
        run_id = f"manual__{uuid.uuid4()}"
        run = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self._patiently("PATCH", dag, {"is_paused": False})
        self._patiently("POST", f"{dag}/dagRuns", run)
        return run_id

    def _patiently(
        self, method: str, path: str, body: Mapping[str, Any], *, user: str | None = None, may_conflict: bool = True
    ) -> None:
        """Make a change that may be made twice: on SQLite, Airflow answers 500 while others write."""
        for left in reversed(range(10)):
            try:
                self.api(method, path, user=user, json=body)
            except requests.HTTPError as error:
                if error.response.status_code == HTTPStatus.CONFLICT and may_conflict:
                    return
                if error.response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR or not left:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state: ``queued``, ``running``, ``success`` or ``failed``."""
        return str(self.api("GET", _run(dag_id, run_id)).json()["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return a run's task instances as the API gives them, mapped ones each on their own."""
        return list(self._pages(f"{_run(dag_id, run_id)}/taskInstances", "task_instances"))

    def wait_for_task(
        self, dag_id: str, run_id: str, task_id: str, state: str, timeout: float = 60.0, map_index: int = -1
    ) -> dict[str, Any]:
        """Return a task instance once it is in a state, e.g. ``deferred``.

        Raises TimeoutError after ``timeout`` seconds, RuntimeError if it has ended in another state.
        """
        deadline = time.monotonic() + timeout
        seen = None
        while True:
            for instance in self.task_instances(dag_id, run_id):
                if (instance["task_id"], instance["map_index"]) == (task_id, map_index):
                    if instance["state"] == state:
                        return instance
                    seen = instance["state"]
            if seen in _ENDED:
                raise RuntimeError(f"{task_id} has ended as {seen}, without having been {state} when looked at")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{task_id} is {seen!r}, not {state!r}, after {timeout} s")
            time.sleep(2 * POLL_SECONDS)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return the value of an XCom; a missing one is a requests.HTTPError of status 404."""
        path = f"{_task(dag_id, run_id, task_id)}/xcomEntries/{_quoted(key)}"
        return self.api("GET", path, params={"map_index": map_index}).json()["value"]

    def xcom_keys(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> list[str]:
        """Return the sorted keys of a task instance's XComs."""
        entries = self._pages(f"{_task(dag_id, run_id, task_id)}/xcomEntries", "xcom_entries", map_index=map_index)
        return sorted(entry["key"] for entry in entries)

    def human_request(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return what a task asks a person; if it asks nothing, a requests.HTTPError of status 404."""
        answer = self.api("GET", f"{_task(dag_id, run_id, task_id)}/{map_index}/hitlDetails")
        request: dict[str, Any] = answer.json()
        return request

    def respond(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        option: str,
        map_index: int = -1,
        *,
        user: str | None = None,
        **fields: Any,
    ) -> None:
        """Answer what a task asks a person, with the given fields of its form, and the others as they are."""
        params = self.human_request(dag_id, run_id, task_id, map_index)["params"]
        sent = {name: field["value"] for name, field in params.items()} | fields
        body = {"chosen_options": [option], "params_input": sent}
        path = f"{_task(dag_id, run_id, task_id)}/{map_index}/hitlDetails"
        self._patiently("PATCH", path, body, user=user, may_conflict=False)

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return one try's log: a line per message, its fields (an exception's frames too) at the end."""
        answer = self.api(
            "GET",
            f"{_task(dag_id, run_id, task_id)}/logs/{try_number}",
            params={"map_index": map_index, "full_content": "true"},
            headers={"Accept": "application/x-ndjson"},
        )
        return "\n".join(_log_line(json.loads(line)) for line in answer.text.splitlines() if line)

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int | None = None,
        *,
        downstream: bool = False,
    ) -> None:
        """Clear a task's instances of a run, whatever their state, so that they run again. What they stored is kept.

        Without a ``map_index``, all instances of the task are meant.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task_id if map_index is None else [task_id, map_index]],
            "only_failed": False,
            "include_downstream": downstream,
            **_KEEPING,
        }
        self._patiently("POST", f"/dags/{_quoted(dag_id)}/clearTaskInstances", body)

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Clear all task instances of a run, so that they run again."""
        self._patiently("POST", f"{_run(dag_id, run_id)}/clear", {"dry_run": False, "only_failed": False})

    def empty_task_state_store(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Delete all that a task instance has stored, as a clear does from Airflow 3.4 on."""
        self.api("DELETE", f"{_task(dag_id, run_id, task_id)}/state-store")

    def set_state(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int | None = None) -> None:
        """Mark a task's instances of a run as ``success``, ``failed`` or ``skipped``.

        Without a ``map_index``, all instances of the task are meant.
        """
        path = _task(dag_id, run_id, task_id) + ("" if map_index is None else f"/{map_index}")
        self._patiently("PATCH", path, {"new_state": state})

    def parsed_files(self) -> set[str]:
        """Return the files, relative to the Dags folder, that brought a Dag or an import error."""
        return {dag["relative_fileloc"] for dag in self._pages("/dags", "dags")} | set(self.import_errors())

    def import_errors(self) -> dict[str, str]:
        """Return the stack trace of every file, relative to the Dags folder, that couldn't be parsed."""
        return {entry["filename"]: entry["stack_trace"] for entry in self._pages("/importErrors", "import_errors")}

    def _pages(self, path: str, name: str, **params: Any) -> Iterator[dict[str, Any]]:
        offset, total = 0, 1
        while offset < total:
            page = self.api("GET", path, params={"limit": _PAGE, "offset": offset, **params}).json()
            yield from page[name]
            offset, total = offset + _PAGE, page["total_entries"]


def _checked(response: requests.Response) -> requests.Response:
    if response.status_code >= 400:
        request = response.request
        raise requests.HTTPError(
            f"{response.status_code} for {request.method} {request.url}: {response.text}", response=response
        )
    return response


def _quoted(part: str) -> str:
    # A run id holds "+" and ":", which a server may read otherwise.
    return quote(part, safe="")


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}"


def _task(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run(dag_id, run_id)}/taskInstances/{_quoted(task_id)}"


def _log_line(message: dict[str, Any]) -> str:
    words = [word for key in ("timestamp", "level", "event") if (word := message.pop(key, None))]
    fields = json.dumps(message, ensure_ascii=False) if message else ""
    return " ".join([*words, fields]).rstrip()
