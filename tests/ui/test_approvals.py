# SPDX-License-Identifier: Apache-2.0
"""The requests for approval that a page shows, and to whom it shows buttons."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from fastapi import HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from airflow_provider_videos.ui import app as app_module
from tests.ui.conftest import START, Leave

RUN = "/dags/dag/runs/run"
APPROVAL = "Waits for approval"
TITLES = {"comment": {"type": ["string", "null"], "format": "multiline", "title": "Comment"}}

Ask = Callable[..., uuid.UUID]


@pytest.fixture
def ask(session: Session, leave: Leave) -> Ask:
    """Give a function that puts a task there which asks for the approval of a video."""

    def put(video_id: str = "v1", task_id: str = "approve", state: str = "awaiting_input", **fields: Any) -> uuid.UUID:
        map_index = fields.pop("map_index", -1)
        waiting = fields.pop("waiting", {"vendor": "tavus", "video_id": video_id, "state": "ready", "status": "ready"})
        xcoms = {} if waiting is None else {"waiting": waiting}
        attempt = leave(task_id, state, map_index=map_index, operator="ApproveVideoOperator", xcoms=xcoms)
        params = {"video_id": param(video_id, {"type": "string", "const": video_id}), "comment": param("", **TITLES)}
        detail = {"options": ["Approve", "Reject"], "subject": "?", "params": params, "created_at": START, **fields}
        session.execute(insert(HITLDetail.__table__).values(ti_id=attempt, params_input={}, **detail))
        return attempt

    return put


def param(value: Any, schema: dict[str, Any] | None = None, **of_comment: Any) -> dict[str, Any]:
    return {"value": value, "description": None, "schema": schema or of_comment.get("comment", {"type": "string"})}


@pytest.fixture(autouse=True)
def rights(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Give what the viewer may do in Airflow, to be changed."""
    held = {("PUT", "HITL_DETAIL")}

    def requires(method: str, entity: Any, dag_id: str) -> Callable[..., None]:
        def check(request: Any, user: Any) -> None:
            assert dag_id == "dag"
            if (method, entity.value) not in held:
                raise HTTPException(403)

        return check

    monkeypatch.setattr(app_module, "requires_access_dag", requires)
    manager = SimpleNamespace(is_authorized_hitl_task=lambda assigned_users, user: user.get_id() in assigned_users)
    monkeypatch.setattr(app_module, "get_auth_manager", lambda: manager)
    return held


def record(video_id: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"vendor": "tavus", "video_id": video_id, "state": "ready", "name": f"Clip {video_id}", **fields}


def leave_wait(leave: Leave, *video_ids: str) -> None:
    for index, video_id in enumerate(video_ids):
        map_index = index if len(video_ids) > 1 else -1
        leave("wait", map_index=map_index, xcoms={"return_value": record(video_id)})


def buttons(text: str) -> list[tuple[str, str]]:
    """Return for each video with buttons where its answer goes, and its id."""
    found = re.findall(r'data-url="([^"]*)" data-video="([^"]*)"', text)
    for options in re.findall(r'<p class="choices">(.*?)</p>', text):
        assert re.findall(r'data-option="(\w+)"', options) == ["Approve", "Reject"]
    assert text.count('class="choices"') == len(found)
    return [(html.unescape(url), html.unescape(video_id)) for url, video_id in found]


def answer_path(task_id: str = "approve", map_index: int = -1) -> str:
    return f"/api/v2/dags/dag/dagRuns/run/taskInstances/{task_id}/{map_index}/hitlDetails"


@pytest.mark.parametrize("state", ["awaiting_input", "deferred"])
@pytest.mark.parametrize("path", [f"{RUN}/tasks/wait?map_index=-1", f"{RUN}/tasks/approve?map_index=-1", RUN])
def test_a_video_that_waits_for_approval_has_buttons_wherever_it_is_shown(
    client: TestClient, leave: Leave, ask: Ask, path: str, state: str
) -> None:
    leave_wait(leave, "v1")
    ask(state=state)
    page = client.get(path).text
    assert buttons(page) == [(answer_path(), "v1")]
    assert '<textarea name="comment" rows="2"></textarea>' in page
    assert 'name="video_id"' not in page


def test_each_video_of_a_grid_has_the_buttons_of_its_own_request(client: TestClient, leave: Leave, ask: Ask) -> None:
    leave_wait(leave, "v0", "v1", "v2")
    # Not each was asked about, and the indexes are others.
    ask("v2", map_index=0)
    ask("v0", map_index=1)
    for path in (RUN, f"{RUN}/tasks/wait", f"{RUN}/tasks/approve"):
        page = client.get(path).text
        cards = page.split('<li class="card">')[1:]
        found = {re.search(r"<span>(?:Clip )?(v\d)</span>", card)[1]: buttons(card) for card in cards}  # type: ignore[index]
        assert found["v2"] == [(answer_path(map_index=0), "v2")]
        assert found["v0"] == [(answer_path(map_index=1), "v0")]
        assert found.get("v1", []) == []
        assert "2 wait for approval" in page


@pytest.mark.parametrize(
    "change",
    [
        {"responded_at": START},
        {"state": "success"},
        {"state": "running"},
        {"state": None},
        {"options": ["Approve", "Reject", "Perhaps"]},
        {"options": ["Yes", "No"]},
        {"waiting": {"vendor": "tavus", "video_id": "v2", "state": "ready"}},
        {"waiting": {"video_id": "v1"}},
        {"waiting": None},
        {"waiting": "v1"},
        {"params": {}},
        {"params": {"comment": param("")}},
        {"params": {"video_id": param("v2")}},
        {"params": {"video_id": param(None)}},
    ],
    ids=lambda change: str(change)[:40],
)
def test_there_are_no_buttons_unless_a_request_waits_for_that_very_video(
    client: TestClient, leave: Leave, ask: Ask, change: dict[str, Any]
) -> None:
    leave_wait(leave, "v1")
    ask(**change)
    for path in (RUN, f"{RUN}/tasks/wait?map_index=-1"):
        page = client.get(path).text
        assert buttons(page) == []
        assert APPROVAL not in page


def test_a_request_of_another_vendors_video_of_that_id_is_not_shown(client: TestClient, leave: Leave, ask: Ask) -> None:
    leave_wait(leave, "v1")
    ask(waiting={"vendor": "heygen", "video_id": "v1", "state": "ready"})
    assert buttons(client.get(f"{RUN}/tasks/wait?map_index=-1").text) == []


def test_a_request_of_another_run_is_not_shown(client: TestClient, leave: Leave, ask: Ask, session: Session) -> None:
    leave_wait(leave, "v1")
    leave("wait", run_id="other", xcoms={"return_value": record("v1")})
    ask()
    assert buttons(client.get("/dags/dag/runs/other/tasks/wait?map_index=-1").text) == []


def test_who_may_not_answer_sees_that_it_waits_and_no_buttons(
    client: TestClient, leave: Leave, ask: Ask, rights: set[tuple[str, str]]
) -> None:
    leave_wait(leave, "v1")
    ask()
    rights.clear()
    for path in (RUN, f"{RUN}/tasks/wait?map_index=-1"):
        page = client.get(path).text
        assert buttons(page) == []
        assert APPROVAL in page
        assert "hitlDetails" not in page
    assert "You may not answer this request." in client.get(f"{RUN}/tasks/wait?map_index=-1").text


@pytest.mark.parametrize(("assigned", "may"), [([], True), (["1"], True), (["2", "1"], True), (["2"], False)])
def test_buttons_are_for_whom_a_request_is_assigned_to(
    client: TestClient, leave: Leave, ask: Ask, assigned: list[str], may: bool
) -> None:
    leave_wait(leave, "v1")
    ask(assignees=[{"id": one, "name": one} for one in assigned])
    assert len(buttons(client.get(RUN).text)) == may


@pytest.mark.parametrize(
    ("schema", "value", "is_field"),
    [
        ({"type": "string", "title": "Prompt"}, "A cat.", True),
        ({"type": ["null", "string"]}, None, True),
        ({"type": "string", "minLength": 3}, "", False),
        ({"type": "string", "enum": ["a", "b"]}, "a", False),
        ({"type": "integer"}, 3, False),
        ({"type": "boolean"}, True, False),
        ({}, "x", False),
    ],
)
def test_what_a_page_has_no_field_for_is_left_to_airflows_own_form(
    client: TestClient, leave: Leave, ask: Ask, schema: dict[str, Any], value: Any, is_field: bool
) -> None:
    leave_wait(leave, "v1")
    ask(params={"video_id": param("v1"), "other": param(value, schema)} | ({} if schema else {"other": value}))
    page = client.get(RUN).text
    assert len(buttons(page)) == is_field
    assert (f'<textarea name="other" rows="2">{value or ""}</textarea>' in page) == is_field
    form = f'<a class="button" href="{RUN}/tasks/approve/required_actions" target="_top">Answer in Airflow</a>'
    assert (form in page) != is_field


def test_what_an_earlier_standard_provider_keeps_is_read(client: TestClient, leave: Leave, ask: Ask) -> None:
    leave_wait(leave, "v1")
    ask(params={"video_id": "v1", "comment": ""})
    page = client.get(RUN).text
    assert APPROVAL in page
    assert "Answer in Airflow" in page


def test_a_hostile_request_is_text_and_no_markup(client: TestClient, leave: Leave, ask: Ask) -> None:
    hostile = "\"'><script>alert(1)</script>"
    leave_wait(leave, hostile)
    ask(
        hostile,
        params={
            "video_id": param(hostile),
            hostile: param(hostile, {"type": "string", "title": hostile}),
        },
    )
    page = client.get(RUN).text
    assert "<script>alert" not in page
    assert buttons(page) == [(answer_path(), hostile)]


def test_a_request_makes_the_grid_another_page_and_so_does_its_answer(
    client: TestClient, leave: Leave, ask: Ask, session: Session, rights: set[tuple[str, str]]
) -> None:
    leave_wait(leave, "v1")
    etags = [client.get(RUN).headers["ETag"]]
    attempt = ask()
    etags.append(client.get(RUN).headers["ETag"])
    assert client.get(RUN, headers={"If-None-Match": etags[-1]}).status_code == 304
    rights.clear()
    etags.append(client.get(RUN).headers["ETag"])
    # On Airflow 3.2 the task's state stays as it is until its trigger looks again.
    answered = update(HITLDetail.__table__).where(HITLDetail.__table__.c.ti_id == attempt)
    session.execute(answered.values(responded_at=START))
    etags.append(client.get(RUN).headers["ETag"])
    assert len({*etags}) == 4


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_pages_take_no_answer_themselves(client: TestClient, leave: Leave, ask: Ask, method: str) -> None:
    leave_wait(leave, "v1")
    ask()
    for path in (RUN, f"{RUN}/tasks/approve", f"{RUN}/tasks/approve/copy", "/"):
        assert client.request(method, path, json={"chosen_options": ["Approve"]}).status_code == 405


def test_to_look_at_a_page_answers_nothing(client: TestClient, leave: Leave, ask: Ask, session: Session) -> None:
    leave_wait(leave, "v1")
    attempt = ask()
    for query in ("", "?chosen_options=Approve", "?_options=%5B%22Approve%22%5D&option=Approve"):
        client.get(f"{RUN}/tasks/approve{query}")
    [detail] = session.execute(HITLDetail.__table__.select().where(HITLDetail.__table__.c.ti_id == attempt)).mappings()
    assert detail["responded_at"] is None
    assert session.get(TaskInstance, attempt).state == "awaiting_input"  # type: ignore[union-attr]
