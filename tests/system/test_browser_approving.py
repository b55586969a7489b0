# SPDX-License-Identifier: Apache-2.0
"""A person who approves and rejects videos: real Chromium in front of a real Airflow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Frame, Locator, Page, Request, Route, expect

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.shown import path_of
from tests.system.test_approving import SETTLE_SECONDS, WAITS, states
from tests.system.test_browser import PALE_TEXTS, Open, Theme, assert_plays, browser, open_as, page

__all__ = ["browser", "open_as", "page"]
pytestmark = [pytest.mark.system, pytest.mark.long]

MANY = "approve_many"
ONE = "approve_one"

Ask = Callable[..., str]


@pytest.fixture
def ask(airflow: RealAirflow, vendors: Simulator) -> Ask:
    """Give a function that runs a Dag until it asks about its videos, and returns the run's id."""

    def run(dag_id: str, *names: str) -> str:
        videos = [vendors.add_video("tavus", video_name=name, data={"script": f"{name}."}) for name in names]
        single = len(videos) == 1
        run_id = airflow.trigger(dag_id, conf={"video_id": videos[0]} if single else {"videos": videos})
        for index in range(len(videos)):
            airflow.wait_for_task(dag_id, run_id, "approve", WAITS, map_index=-1 if single else index)
        time.sleep(SETTLE_SECONDS)
        return run_id

    return run


def card(where: Page | Frame, name: str) -> Locator:
    return where.locator(".card").filter(has_text=name)


def answers(page: Page) -> list[Request]:
    """Note the answers that a page sends from now on."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method != "GET" else None)
    return sent


def request_of(airflow: RealAirflow, dag_id: str, run_id: str, map_index: int = -1) -> dict[str, Any]:
    return airflow.human_request(dag_id, run_id, "approve", map_index)


def answer_url(airflow: RealAirflow, dag_id: str, run_id: str, map_index: int = -1) -> str:
    run = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
    return f"{airflow.url}/api/v2{run}/taskInstances/approve/{map_index}/hitlDetails"


def test_one_is_approved_and_one_rejected_by_the_buttons(page: Page, airflow: RealAirflow, ask: Ask) -> None:
    run_id = ask(MANY, "Dawn", "Dusk")
    page.goto(path_of(run_id, dag_id=MANY))
    expect(page.get_by_text("2 wait for approval")).to_be_visible()
    for name, option, told in (("Dusk", "Approve", "Approved."), ("Dawn", "Reject", "Rejected.")):
        card(page, name).get_by_role("button", name=option, exact=True).click()
        expect(card(page, name).get_by_text(f"{option} “{name}”?")).to_be_visible()
        card(page, name).get_by_role("button", name=f"Yes, {option.lower()}").click()
        expect(card(page, name).get_by_text(told)).to_be_visible()
        expect(page.get_by_role("status")).to_have_text(told)
    assert airflow.wait_for_run(MANY, run_id) == "success"
    dusk = airflow.xcom(MANY, run_id, "wait", map_index=1)["video_id"]
    assert airflow.xcom(MANY, run_id, "publish", map_index=0) == dusk
    assert ("publish", 1) not in states(airflow, MANY, run_id)
    page.reload()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".answer")).to_have_count(0)


def test_one_is_approved_and_one_rejected_by_the_keyboard(page: Page, airflow: RealAirflow, ask: Ask) -> None:
    run_id = ask(MANY, "Dawn", "Dusk")
    page.goto(path_of(run_id, dag_id=MANY))
    sent = answers(page)
    dawn, dusk = (card(page, name).locator("a").first for name in ("Dawn", "Dusk"))
    dawn.focus()
    page.keyboard.press("a")
    yes = card(page, "Dawn").get_by_role("button", name="Yes, approve")
    expect(yes).to_be_focused()
    page.keyboard.press("Escape")
    expect(dawn).to_be_focused()
    assert sent == []
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    expect(card(page, "Dawn").get_by_text("Rejected.")).to_be_visible()
    expect(dawn).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(dusk).to_be_focused()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(card(page, "Dusk").get_by_text("Approved.")).to_be_visible()
    assert [request.method for request in sent] == ["PATCH", "PATCH"]
    assert airflow.wait_for_run(MANY, run_id) == "success"
    video = airflow.xcom(MANY, run_id, "wait", map_index=1)["video_id"]
    assert airflow.xcom(MANY, run_id, "publish", map_index=0) == video
    assert ("publish", 1) not in states(airflow, MANY, run_id)


def test_keys_do_nothing_in_a_field_or_with_another_key_or_anywhere_else(
    page: Page, airflow: RealAirflow, ask: Ask
) -> None:
    run_id = ask(MANY, "Dawn", "Dusk")
    page.goto(path_of(run_id, dag_id=MANY))
    sent = answers(page)
    again = page.get_by_role("button", name="Yes,")
    link = card(page, "Dawn").locator("a").first
    for keys in ("Control+a", "Alt+a", "Meta+r", "Shift+A", "Shift+R", "A", "x", "Space"):
        link.focus()
        page.keyboard.press(keys)
        expect(again).to_have_count(0)
    page.get_by_role("link", name="All").press("a")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    expect(again).to_have_count(0)
    card(page, "Dawn").locator("summary").click()
    field = card(page, "Dawn").get_by_label("Comment")
    field.press_sequentially("a rare area")
    expect(field).to_have_value("a rare area")
    expect(again).to_have_count(0)
    # A key that is held down asks, and says yes to nothing.
    button = card(page, "Dawn").get_by_role("button", name="Approve", exact=True)
    button.focus()
    page.keyboard.down("Enter")
    for _ in range(5):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(card(page, "Dawn").get_by_role("button", name="Yes, approve")).to_be_focused()
    assert sent == []
    assert not request_of(airflow, MANY, run_id, 0)["response_received"]


@pytest.mark.parametrize("is_in_tab", [False, True])
def test_a_video_is_approved_under_its_player_with_a_comment(
    page: Page, airflow: RealAirflow, ask: Ask, is_in_tab: bool
) -> None:
    run_id = ask(ONE, "Dawn")
    where: Page | Frame = page
    if is_in_tab:
        page.goto(f"/dags/{ONE}/runs/{quote(run_id, safe='')}/tasks/approve/plugin/video")
        handle = page.wait_for_selector("iframe")
        frame = handle.content_frame() if handle else None
        assert frame is not None
        where = frame
    else:
        page.goto(path_of(run_id, "wait", -1, dag_id=ONE))
    where.wait_for_selector(".answer")
    assert_plays(where)
    where.get_by_label("Comment").fill("Good.\nAs it is.")
    where.get_by_role("button", name="Approve", exact=True).click()
    where.get_by_role("button", name="Yes, approve").click()
    expect(where.locator(".told")).to_have_text("Approved.")
    expect(where.locator(".told")).to_be_focused()
    assert airflow.wait_for_run(ONE, run_id) == "success"
    answer = airflow.xcom(ONE, run_id, "approve", "answer")
    assert (answer["option"], answer["comment"], answer["user"]["name"]) == ("Approve", "Good.\nAs it is.", "admin")
    assert airflow.xcom(ONE, run_id, "publish") == airflow.xcom(ONE, run_id, "wait")["video_id"]


def test_airflows_own_form_names_the_video_too(page: Page, airflow: RealAirflow, ask: Ask) -> None:
    run_id = ask(ONE, "Dawn")
    page.goto(path_of(run_id, "wait", -1, dag_id=ONE))
    page.goto(f"/dags/{ONE}/runs/{quote(run_id, safe='')}/tasks/approve/required_actions")
    expect(page.get_by_text("Approve this video? Dawn").first).to_be_visible()
    link = page.get_by_role("link", name="Watch video")
    assert str(link.first.get_attribute("href")).startswith(f"{airflow.url}/videos/")
    expect(page.get_by_text("Dawn.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    assert airflow.wait_for_run(ONE, run_id) == "success"
    assert airflow.xcom(ONE, run_id, "publish") == airflow.xcom(ONE, run_id, "wait")["video_id"]


def test_who_has_not_the_right_has_no_buttons_and_is_refused(open_as: Open, airflow: RealAirflow, ask: Ask) -> None:
    run_id = ask(ONE, "Dawn")
    page = open_as("reader")
    for path in (path_of(run_id, "wait", -1, dag_id=ONE), path_of(run_id, dag_id=ONE)):
        page.goto(path)
        expect(page.locator(".asks")).to_have_text("Waits for approval approve")
        expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    status = page.evaluate(SEND, [answer_url(airflow, ONE, run_id), "PATCH", body_of(airflow, run_id)])
    assert status == 403
    assert not request_of(airflow, ONE, run_id)["response_received"]


SEND = """async ([url, method, body]) => {
  try {
    const headers = { "Content-Type": "application/json" };
    return (await fetch(url, { method, headers, body, credentials: "include" })).status;
  } catch { return "refused"; }
}"""


def body_of(airflow: RealAirflow, run_id: str) -> str:
    video_id = request_of(airflow, ONE, run_id)["params"]["video_id"]["value"]
    return json.dumps({"chosen_options": ["Approve"], "params_input": {"video_id": video_id, "comment": ""}})


def test_no_other_site_answers(page: Page, airflow: RealAirflow, vendors: Simulator, ask: Ask) -> None:
    """The other site is on the same host: there, not even the cookie's SameSite keeps it from being sent."""
    run_id = ask(ONE, "Dawn")
    url, body = answer_url(airflow, ONE, run_id), body_of(airflow, run_id)
    page.goto(f"{vendors.url}/media/nothing")
    assert page.evaluate("location.origin") != airflow.url
    assert page.evaluate(SEND, [url, "PATCH", body]) == "refused"
    assert page.evaluate(SEND, [url, "POST", body]) == "refused"
    for method in ("GET", "POST"):
        simple = """async ([url, method, body]) => {
          const init = method === "GET" ? {} : { body };
          await fetch(url, { method, mode: "no-cors", credentials: "include", ...init }).catch(() => {});
        }"""
        page.evaluate(simple, [f"{url}?chosen_options=Approve", method, body])
    form = """([url, body]) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", action: url, enctype: "text/plain" });
      form.append(Object.assign(document.createElement("input"), { name: body.slice(0, -1), value: "}" }));
      document.body.append(form);
      form.submit();
    }"""
    with page.expect_navigation():
        page.evaluate(form, [f"{url}?_method=PATCH", body])
    assert not request_of(airflow, ONE, run_id)["response_received"]
    airflow.respond(ONE, run_id, "approve", "Reject")


def test_what_was_answered_before_is_told_calmly(page: Page, airflow: RealAirflow, ask: Ask) -> None:
    run_id = ask(MANY, "Dawn", "Dusk")
    page.goto(path_of(run_id, dag_id=MANY))
    sent = answers(page)
    airflow.respond(MANY, run_id, "approve", "Reject", 0)
    press(card(page, "Dawn"), "Approve")
    text = "This was answered before by admin: Reject. Nothing was sent."
    expect(card(page, "Dawn").locator(".told")).to_have_text(text)
    assert sent == []

    # Somebody is faster in between.
    def answer_in_between(route: Route) -> None:
        airflow.respond(MANY, run_id, "approve", "Reject", 1)
        route.continue_()

    page.route("**/hitlDetails", lambda route: answer_in_between(route) if sent else route.continue_())
    press(card(page, "Dusk"), "Approve")
    expect(card(page, "Dusk").locator(".told")).to_have_text("Somebody else answered before.")
    assert airflow.wait_for_run(MANY, run_id) == "success"
    # Airflow skips what would be mapped over nothing.
    assert states(airflow, MANY, run_id)["publish", -1] == "skipped"


def press(where: Locator, option: str) -> None:
    where.get_by_role("button", name=option, exact=True).click()
    where.get_by_role("button", name=f"Yes, {option.lower()}").click()


@pytest.mark.parametrize(
    ("step", "status", "text"),
    [
        ("GET", 401, "You are logged out. Nothing was sent: log in, and reload this page."),
        ("GET", 403, "Airflow does not let you answer this request."),
        ("GET", 404, "This request is not there any more. Nothing was sent."),
        ("GET", 500, "Airflow does not answer. Nothing was sent: reload this page."),
        ("GET", None, "Airflow does not answer. Nothing was sent: reload this page."),
        ("PATCH", 200, "It is not known whether Airflow accepted the answer: reload this page."),
        ("PATCH", 400, "Airflow refused the answer."),
        ("PATCH", 401, "You are logged out. Nothing was sent: log in, and reload this page."),
        ("PATCH", 403, "Airflow does not let you answer this request."),
        ("PATCH", 404, "This request is not there any more. Nothing was sent."),
        ("PATCH", 409, "Somebody else answered before."),
        ("PATCH", 500, "It is not known whether Airflow accepted the answer: reload this page."),
        ("PATCH", None, "It is not known whether Airflow accepted the answer: reload this page."),
    ],
)
def test_every_refusal_is_told_calmly(
    page: Page, airflow: RealAirflow, asked_run: str, step: str, status: int | None, text: str
) -> None:
    def refuse(route: Route) -> None:
        if route.request.method != step:
            route.continue_()
        elif status is None:
            route.abort()
        else:
            route.fulfill(status=status, json={"detail": "no"})

    page.route("**/hitlDetails", refuse)
    page.goto(path_of(asked_run, "wait", -1, dag_id=ONE))
    press(page.locator(".answer"), "Approve")
    expect(page.locator(".told")).to_have_text(text)
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert not request_of(airflow, ONE, asked_run)["response_received"]


@pytest.fixture(scope="module")
def asked_run(airflow: RealAirflow, vendors: Simulator) -> str:
    """Give the id of a run whose request nobody answers."""
    run_id = airflow.trigger(ONE, conf={"video_id": vendors.add_video("tavus", video_name="Noon")})
    airflow.wait_for_task(ONE, run_id, "approve", WAITS)
    return run_id


def test_an_answer_about_another_video_than_the_one_shown_is_not_sent(
    page: Page, airflow: RealAirflow, asked_run: str
) -> None:
    page.goto(path_of(asked_run, "wait", -1, dag_id=ONE))
    page.locator(".answer").evaluate("box => { box.dataset.video = 'another'; }")
    sent = answers(page)
    press(page.locator(".answer"), "Approve")
    text = "This request is about another video by now. Nothing was sent: reload this page."
    expect(page.locator(".told")).to_have_text(text)
    assert sent == []
    assert not request_of(airflow, ONE, asked_run)["response_received"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_and_nothing_is_too_wide(open_as: Open, ask: Ask, theme: Theme) -> None:
    run_id = ask(MANY, "Dawn", "Dusk")
    page = open_as(system=theme, width=400)
    for path in (path_of(run_id, dag_id=MANY), path_of(run_id, "wait", 0, dag_id=MANY)):
        page.goto(path)
        for details in page.locator(".answer details").all():
            details.evaluate("details => { details.open = true; }")
        page.get_by_role("button", name="Approve", exact=True).first.click()
        expect(page.get_by_role("button", name="Yes, approve")).to_be_visible()
        assert page.evaluate(PALE_TEXTS) == []
        assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
