# SPDX-License-Identifier: Apache-2.0
"""What a person sees and does: real Chromium in front of a real Airflow."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import quote

import pytest
from airflow.triggers.base import BaseTrigger
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Frame,
    Page,
    Request,
    expect,
    sync_playwright,
)

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.shown import CLIP, EXPIRED, GONE, HOSTILE, HOSTILE_CLIP, HOSTILE_URL, path_of

pytestmark = [pytest.mark.system, pytest.mark.long]

Theme = Literal["light", "dark"]
Open = Callable[..., Page]

#: Every kind of page, by the task and the map index.
PAGES: dict[str, tuple[str | None, int | None]] = {
    "ready": ("deferrable", -1),
    "failed": ("failed", -1),
    "waits": ("waits", -1),
    "no video": ("nothing", -1),
    "hostile": ("mapped", HOSTILE_CLIP),
    "hostile URLs": ("hostile", -1),
    "gone": ("mapped", GONE),
    "expired": ("mapped", EXPIRED),
    "grid of a task": ("mapped", None),
    "grid of a run": (None, None),
    "not found": ("no_such_task", None),
}
LISTS = {"runs with videos": "/videos/", "runs of a Dag": "/videos/dags/shown"}
NAMES = [*PAGES, *LISTS, "not logged in"]

#: What a page's own Content-Security-Policy forbids is told in the console, as are errors of its script.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`violates the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
PLAY = """async (video) => {
  video.muted = true;
  await video.play();
  const before = video.currentTime;
  await new Promise((resolve) => setTimeout(resolve, 400));
  return [video.readyState, video.currentTime - before];
}"""
#: Texts whose contrast to what is behind them is too low, with the contrast.
PALE_TEXTS = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = rgba(getComputedStyle(element).backgroundColor);
      if (color[3] === 255) return color;
    }
    throw new Error("nothing is behind the text");
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent.trim();
    if (!text || !element.checkVisibility()) continue;
    const [one, other] = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
    found.push([text.slice(0, 40), (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)]);
  }
  if (!found.length) throw new Error("there is no text");
  return found.filter(([, contrast]) => contrast < 4.5);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Its own sandbox can't be had as root, and what it opens here is the tests' own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_as(browser: Browser, airflow: RealAirflow) -> Iterator[Open]:
    """Give a function that opens a window; at the end, no page may have done what its policy or a script forbids."""
    contexts: list[BrowserContext] = []
    wrongs: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "violates the" in message.text or "Content Security Policy" in message.text:
            wrongs.append(message.text)

    def refuse(dialog: Dialog) -> None:
        wrongs.append(dialog.message)
        dialog.dismiss()

    def open_(
        user: str | None = "admin", *, width: int = 1400, system: Theme = "light", chosen: Theme | None = None
    ) -> Page:
        context = browser.new_context(
            base_url=airflow.url, viewport={"width": width, "height": 900}, color_scheme=system
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        if user:
            context.add_cookies([{"name": "_token", "value": airflow.token(user), "url": airflow.url}])
        if chosen:
            context.add_init_script(
                f"try {{ localStorage.setItem('theme', '{chosen}') }} catch {{ /* An empty page. */ }}"
            )
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", hear)
        context.on("weberror", lambda error: wrongs.append(str(error.error)))
        context.on("dialog", refuse)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
    assert wrongs == []


@pytest.fixture
def page(open_as: Open) -> Page:
    """Give a window of somebody who is logged in."""
    return open_as()


def show(page: Page, shown_run: str, name: str) -> None:
    page.goto(LISTS[name] if name in LISTS else path_of(shown_run, *PAGES[name]))


def visit(page: Page, shown_run: str, name: str) -> None:
    """Open a kind of page; "not logged in" is that of a task with a video, without the cookie."""
    if name == "not logged in":
        page.context.clear_cookies()
        name = "ready"
    show(page, shown_run, name)


def tab_path(run_id: str, task_id: str, page: str = "plugin/video") -> str:
    return f"/dags/shown/runs/{quote(run_id, safe='')}/tasks/{task_id}/{page}"


def open_tab(page: Page, run_id: str, task_id: str) -> Frame:
    """Open Airflow's tab "Video" of a task, and give what is in its frame."""
    page.goto(tab_path(run_id, task_id))
    handle = page.wait_for_selector("iframe")
    frame = handle.content_frame() if handle else None
    assert frame is not None
    frame.wait_for_selector("main")
    return frame


def assert_plays(where: Page | Frame) -> None:
    ready_state, moved = where.locator("video").evaluate(PLAY)
    assert ready_state >= 2
    assert moved > 0.1


def test_a_video_plays_on_the_page_of_its_task(page: Page, shown_run: str) -> None:
    show(page, shown_run, "ready")
    assert_plays(page)


def test_a_video_plays_in_the_tab_of_its_task(page: Page, shown_run: str) -> None:
    assert_plays(open_tab(page, shown_run, "deferrable"))


def test_a_video_fills_the_screen_from_the_tab(page: Page, shown_run: str) -> None:
    video = open_tab(page, shown_run, "deferrable").locator("video")
    video.evaluate("video => video.requestFullscreen()")
    assert video.evaluate("video => document.fullscreenElement === video")
    assert page.evaluate("document.fullscreenElement.tagName") == "IFRAME"


def test_a_download_is_asked_for_from_the_tab(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    frame = open_tab(page, shown_run, "deferrable")
    with page.expect_popup() as popup:
        frame.get_by_role("link", name="Download", exact=True).click()
    assert popup.value.url == airflow.xcom("shown", shown_run, "deferrable")["download_url"]


def test_a_log_is_opened_outside_of_the_tab(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    open_tab(page, shown_run, "retries").get_by_role("link", name="log").click()
    expect(page).to_have_url(f"{airflow.url}{tab_path(shown_run, 'retries', '').rstrip('/')}")


def test_a_click_on_a_count_shows_the_videos_of_that_state(page: Page, shown_run: str) -> None:
    show(page, shown_run, "grid of a run")
    expect(page.locator(".card")).to_have_count(8)
    page.get_by_role("link", name="1 failed").click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="All").click()
    expect(page.locator(".card")).to_have_count(8)


def test_the_lists_lead_to_the_run_and_its_trail_back(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    page.goto("/videos/")
    page.get_by_role("link", name="shown", exact=True).first.click()
    page.get_by_role("link", name=shown_run).click()
    expect(page).to_have_url(f"{airflow.url}{path_of(shown_run)}")
    page.get_by_role("link", name="Videos", exact=True).click()
    expect(page).to_have_url(f"{airflow.url}/videos/")


def test_times_name_their_zone(open_as: Open, shown_run: str) -> None:
    page = open_as()
    show(page, shown_run, "ready")
    zone = page.evaluate("new Date().toLocaleString(undefined, { timeZoneName: 'short' }).split(' ').at(-1)")
    for moment in page.locator("time").all():
        expect(moment).to_have_text(re.compile(rf" {re.escape(zone)}$"))
        expect(moment).to_have_attribute("title", re.compile(r" UTC$"))


@pytest.mark.parametrize("attention", ["pointer", "focus"])
def test_a_video_of_a_grid_plays_mutely_while_it_has_attention(page: Page, shown_run: str, attention: str) -> None:
    show(page, shown_run, "grid of a task")
    card = page.locator(".card").nth(CLIP)
    video = card.locator("video")
    if attention == "pointer":
        card.hover()
    else:
        card.locator("a").focus()
    page.wait_for_function("video => video.currentTime > 0.1", arg=video.element_handle())
    assert video.evaluate("video => [video.muted, video.paused]") == [True, False]
    if attention == "pointer":
        page.locator("h1").hover()
    else:
        card.locator("a").blur()
    assert video.evaluate("video => video.paused")


def test_the_links_of_a_task_lead_to_the_page_and_to_the_vendor(
    page: Page, airflow: RealAirflow, shown_run: str
) -> None:
    page.goto(tab_path(shown_run, "deferrable", "details"))
    at_vendor = page.get_by_role("link", name="Open at vendor")
    expect(at_vendor).to_have_attribute("href", f"{path_of(shown_run, 'deferrable')}/vendor?map_index=-1")
    page.get_by_role("link", name="Watch video").click()
    expect(page).to_have_url(f"{airflow.url}{path_of(shown_run, 'deferrable', -1)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")


@pytest.mark.parametrize(("task_id", "map_index"), [("mapped", CLIP), (None, None)])
def test_who_is_not_logged_in_sees_nothing_until_then_and_comes_back(
    open_as: Open, airflow: RealAirflow, shown_run: str, task_id: str | None, map_index: int | None
) -> None:
    page = open_as(None)
    path = path_of(shown_run, task_id, map_index)
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 401
    for word in ("Welcome", "Clip", "/media/"):
        assert word not in page.content()
    page.get_by_role("link", name="Log in").click()
    for field, value in zip(("username", "password"), airflow.credentials, strict=True):
        page.locator(f"input[name={field}]").fill(value)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{airflow.url}{path}")
    expect(page.locator("video").first).to_be_attached()


def test_what_a_vendor_sends_does_nothing(page: Page, shown_run: str) -> None:
    for name in ("hostile", "hostile URLs", "grid of a task", "grid of a run"):
        show(page, shown_run, name)
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        assert not page.title().startswith("taken over")
        # The only script is the page's own.
        assert page.locator("script").count() == 1
        assert page.locator("img, [onerror], iframe, object, embed").count() == 0
        targets = page.eval_on_selector_all("a[href], [src], [poster]", "all => all.map((one) => one.src || one.href)")
        assert targets
        assert all(target.startswith("http://127.0.0.1:") for target in targets)


def test_a_url_that_is_not_of_the_web_is_only_a_text(page: Page, shown_run: str) -> None:
    show(page, shown_run, "hostile URLs")
    texts = page.get_by_text(HOSTILE_URL)
    expect(texts).to_have_count(5)
    before = page.url
    for text in texts.all():
        text.click()
    expect(page).to_have_url(before)
    expect(page.get_by_text("only the vendor")).to_be_visible()


def test_a_page_does_nothing_that_its_policy_forbids(page: Page, shown_run: str) -> None:
    # The fixture listens.
    for name in NAMES:
        visit(page, shown_run, name)
        page.wait_for_load_state("networkidle")


def test_a_video_that_is_gone_is_a_notice_and_no_black_box(page: Page, shown_run: str) -> None:
    show(page, shown_run, "gone")
    expect(page.get_by_text("be loaded.")).to_be_visible()
    expect(page.get_by_text("asks the vendor for a new one, and orders nothing")).to_be_visible()
    expect(page.locator("video")).to_be_hidden()


def test_a_url_that_expired_is_not_even_asked_for(page: Page, shown_run: str) -> None:
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    page.on("request", note)
    for name in ("expired", "grid of a task"):
        show(page, shown_run, name)
        expect(page.get_by_text("This URL expired")).to_be_visible()
        page.wait_for_load_state("networkidle")
    assert requests
    assert not [request.url for request in requests if "Expires=" in request.url]


@pytest.mark.parametrize("is_in_tab", [False, True])
def test_an_address_is_copied(page: Page, airflow: RealAirflow, shown_run: str, is_in_tab: bool) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=airflow.url)
    where: Page | Frame = page
    if is_in_tab:
        where = open_tab(page, shown_run, "deferrable")
    else:
        show(page, shown_run, "ready")
    button = where.get_by_role("button", name="Copy: Download")
    button.click()
    expect(button).to_have_text("Copied")
    expect(where.get_by_role("status")).to_have_text("Copied")
    url = airflow.xcom("shown", shown_run, "deferrable")["download_url"]
    assert page.evaluate("navigator.clipboard.readText()") == url


def test_an_address_is_copied_without_the_permission_too(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    show(page, shown_run, "ready")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("document.addEventListener('copy', () => { window.copied = String(document.getSelection()); })")
    button = page.get_by_role("button", name="Copy: Download")
    button.click()
    expect(button).to_have_text("Copied")
    expect(button).to_be_focused()
    assert page.evaluate("window.copied") == airflow.xcom("shown", shown_run, "deferrable")["download_url"]


def test_a_link_in_the_tab_opens_a_window(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    frame = open_tab(page, shown_run, "deferrable")
    sandbox = page.locator("iframe").get_attribute("sandbox")
    assert sandbox
    assert "allow-popups" not in sandbox
    url = airflow.xcom("shown", shown_run, "deferrable")["hosted_url"]
    with page.expect_popup() as popup:
        frame.get_by_role("link", name=url).click()
    expect(popup.value).to_have_url(url)
    assert popup.value.evaluate("window.opener") is None
    assert "/plugin/video" in page.url


@pytest.mark.parametrize(
    ("system", "chosen", "seen"),
    [("light", None, "light"), ("dark", None, "dark"), ("light", "dark", "dark"), ("dark", "light", "light")],
)
def test_the_colours_are_those_of_airflow_or_else_the_systems(
    open_as: Open, shown_run: str, system: Theme, chosen: Theme | None, seen: Theme
) -> None:
    page = open_as(system=system, chosen=chosen)
    show(page, shown_run, "ready")
    luminance = page.evaluate(
        """() => {
          const context = document.createElement("canvas").getContext("2d");
          context.fillStyle = getComputedStyle(document.body).backgroundColor;
          context.fillRect(0, 0, 1, 1);
          return context.getImageData(0, 0, 1, 1).data[1];
        }"""
    )
    assert (luminance > 200) if seen == "light" else (luminance < 60)


def test_the_tab_has_the_colours_around_it(open_as: Open, shown_run: str) -> None:
    page = open_as(chosen="dark")
    frame = open_tab(page, shown_run, "deferrable")
    expect(page.locator("html")).to_have_class(re.compile(r"dark"))
    assert frame.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read(open_as: Open, shown_run: str, theme: Theme) -> None:
    page = open_as(system=theme)
    for name in NAMES:
        visit(page, shown_run, name)
        assert page.evaluate(PALE_TEXTS) == [], name


@pytest.mark.parametrize("width", [400, 2000])
def test_nothing_is_wider_than_the_window(open_as: Open, shown_run: str, width: int) -> None:
    page = open_as(width=width)
    for name in NAMES:
        visit(page, shown_run, name)
        assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, name


def test_every_page_has_an_outline(page: Page, shown_run: str) -> None:
    for name in NAMES:
        visit(page, shown_run, name)
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("main").count() == 1
        levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map((one) => Number(one.tagName[1]))")
        assert levels[:1] == [1], name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name


def test_whatever_takes_the_focus_has_a_name(page: Page, shown_run: str) -> None:
    session = page.context.new_cdp_session(page)
    for name in NAMES:
        visit(page, shown_run, name)
        nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
        focusable = [
            (node["role"]["value"], node.get("name", {}).get("value", "").strip())
            for node in nodes
            if not node["ignored"]
            and any(part["name"] == "focusable" and part["value"]["value"] for part in node.get("properties", []))
        ]
        # The page as a whole, and what the skip link leads to.
        named = [(role, text) for role, text in focusable if role not in {"RootWebArea", "main"}]
        assert named, name
        assert [role for role, text in named if not text] == [], name


def stops(page: Page, most: int = 60) -> list[str]:
    """Press Tab through a page, and give the names of what has the focus, once each."""
    names: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
              const one = document.activeElement;
              return one === document.body ? null : one.getAttribute("aria-label") || one.textContent.trim();
            }"""
        )
        if name is None:
            return names
        # A player has its own stops within.
        if names[-1:] != [name]:
            names.append(name)
    raise AssertionError(f"there is no end: {names}")


def test_the_keyboard_goes_through_a_page_as_one_reads_it(page: Page, airflow: RealAirflow, shown_run: str) -> None:
    show(page, shown_run, "ready")
    video = airflow.xcom("shown", shown_run, "deferrable")
    urls = [
        ("Download", "download_url"),
        ("Stream", "stream_url"),
        ("Vendor's page", "hosted_url"),
        ("Thumbnail", "thumbnail_url"),
        ("Preview", "gif_url"),
    ]
    assert stops(page) == [
        "To the content",
        "Videos",
        "shown",
        shown_run,
        "This task in Airflow",
        "Welcome",
        "Download",
        "Copy: id",
        "Copy: Script",
        *[text for name, field in urls for text in (video[field], f"Copy: {name}")],
    ]


def test_the_skip_link_leads_past_the_trail(page: Page, shown_run: str) -> None:
    show(page, shown_run, "grid of a task")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="All")).to_be_focused()


def test_arrows_lead_from_card_to_card(page: Page, shown_run: str) -> None:
    show(page, shown_run, "grid of a task")
    cards = page.locator(".card a")
    cards.first.focus()
    for key, index in (("ArrowLeft", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        expect(cards.nth(index)).to_be_focused()


def test_the_page_of_a_task_that_waits_shows_the_video_once_it_is_there(
    page: Page, airflow: RealAirflow, vendors: Simulator
) -> None:
    video_id = vendors.add_video("tavus", video_name="Late", queued=0, outcome="stuck")
    run_id = airflow.trigger("shown_later", conf={"video_id": video_id})
    airflow.wait_for_task("shown_later", run_id, "wait", "deferred")
    page.goto(path_of(run_id, "wait", dag_id="shown_later"))
    expect(page.locator("video")).to_have_count(0)
    vendors.set_video("tavus", video_id, outcome="ready")
    expect(page.locator("video")).to_be_visible(timeout=40_000)
    assert_plays(page)


@pytest.mark.skipif(not hasattr(BaseTrigger, "on_kill"), reason="Airflow has a task state store from 3.3 on")
def test_a_person_orders_a_clip_by_airflows_own_form(page: Page, airflow: RealAirflow) -> None:
    dag_id, prompt = "example_order_form", 'A "lighthouse" in a storm.\nWaves break.'
    page.goto(f"/dags/{dag_id}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    for text in (
        "An Airflow connection of type runway.",
        "What the clip shows, in up to 1,000 characters.",
        "Width and height in pixels.",
        "In seconds, from 2 to 10.",
        "landscape, 1280 x 720",
    ):
        expect(form).to_contain_text(text)
    form.locator("textarea").first.fill(prompt)
    form.get_by_role("spinbutton", name="Length").fill("3")
    form.get_by_role("button", name="Trigger").click()
    expect(form).to_be_hidden()
    airflow.api("PATCH", f"/dags/{dag_id}", json={"is_paused": False})
    [run] = airflow.api("GET", f"/dags/{dag_id}/dagRuns").json()["dag_runs"]
    assert run["conf"] == {"conn_id": "runway_default", "prompt": prompt, "ratio": "1280:720", "duration": 3}
    run_id = run["dag_run_id"]
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    assert airflow.xcom(dag_id, run_id, "order")["state"] == "ready"
    page.goto(f"/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/order/rendered_templates")
    # The colours of JSON are those of its tokens.
    request = page.locator("tr", has_text="promptText")
    expect(request.locator("span.token, span[style*=color]").first).to_be_visible()
