# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import html
import re

import pytest
import requests

from local_airflow.real_airflow import RealAirflow
from tests.system.shown import CLIP, HOSTILE, HOSTILE_CLIP, path_of

pytestmark = pytest.mark.system


def text_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    body = re.sub(r"<(style|script) nonce.*?</\1>", "", answer.text, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize("task_id", ["poke", "deferrable", "no_worker"])
def test_a_page_plays_the_video_of_a_task_in_every_mode(airflow: RealAirflow, shown_run: str, task_id: str) -> None:
    # Airflow leaves its placeholder as it is for a task that is not mapped.
    answer = airflow.page(path_of(shown_run, task_id, "{MAP_INDEX}"), "admin")
    url = airflow.xcom("shown", shown_run, task_id)["download_url"]
    assert f'<video src="{url}"' in answer.text
    assert "Welcome" in text_of(answer)
    assert "Ready" in text_of(answer)


def test_a_page_tells_how_long_each_status_took(airflow: RealAirflow, shown_run: str) -> None:
    assert set(airflow.xcom("shown", shown_run, "deferrable", "status_seconds")) == {"generating"}
    assert re.search(r"generating\s+\d", text_of(airflow.page(path_of(shown_run, "deferrable"), "admin")))


def test_a_page_tells_why_a_video_failed(airflow: RealAirflow, shown_run: str) -> None:
    assert "Tavus says: The script is empty." in text_of(airflow.page(path_of(shown_run, "failed"), "admin"))


def test_a_page_tells_what_a_waiting_task_last_saw_and_looks_again(airflow: RealAirflow, shown_run: str) -> None:
    answer = airflow.page(path_of(shown_run, "waits"), "admin")
    assert re.search(r"Generating.*Last seen\s+20\d\d-", text_of(answer), re.DOTALL)
    assert '<body data-reload="10">' in answer.text


def test_a_page_says_calmly_that_there_is_no_video(airflow: RealAirflow, shown_run: str) -> None:
    assert "This task has no video." in text_of(airflow.page(path_of(shown_run, "nothing"), "admin"))


def test_a_mapped_tasks_and_a_runs_videos_are_shown_together(airflow: RealAirflow, shown_run: str) -> None:
    mapped = text_of(airflow.page(path_of(shown_run, "mapped"), "admin"))
    assert "4 videos" in mapped
    assert "Clip 1" in mapped
    assert "mapped [1]" in mapped
    run = text_of(airflow.page(path_of(shown_run), "admin"))
    # Three tasks share one video; the one that is to be retried has left nothing yet, and is no video.
    assert "8 videos" in run
    for words in ("6 ready", "1 waiting", "1 failed", "Clip 1"):
        assert words in run
    assert re.search(r"Tasks without a video so far.*retries", run, re.DOTALL)


def test_the_runs_with_videos_are_listed(airflow: RealAirflow, shown_run: str) -> None:
    for path in ("/videos/", "/videos/dags/shown"):
        answer = airflow.page(path, "admin")
        assert f'href="{path_of(shown_run)}">{html.escape(shown_run)}</a>' in answer.text
        # One task left what it made up itself.
        assert re.search(rf"{re.escape(shown_run)}\s+7\s+running", text_of(answer))


def test_a_template_has_the_address_of_a_page(airflow: RealAirflow, shown_run: str) -> None:
    url = airflow.xcom("shown", shown_run, "tell")
    assert url == f"{airflow.url}{path_of(shown_run, 'poke')}"


def test_what_a_vendor_sends_is_text_and_no_markup(airflow: RealAirflow, shown_run: str) -> None:
    for map_index in (HOSTILE_CLIP, None):
        answer = airflow.page(path_of(shown_run, "mapped", map_index), "admin")
        assert HOSTILE not in answer.text
        assert HOSTILE[:60] in text_of(answer)
        assert not re.search(r"""(href|src)=["']javascript:""", answer.text)
        assert "<img" not in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'self'" in policy


def test_only_who_may_see_the_xcoms_sees_the_pages(airflow: RealAirflow, shown_run: str) -> None:
    paths = [
        path_of(shown_run),
        path_of(shown_run, "poke"),
        path_of(shown_run, "mapped", CLIP),
        path_of("a_guessed_run", "poke"),
        path_of("a_guessed_run"),
        "/videos/dags/shown",
        "/videos/dags/a_guessed_dag",
    ]
    for path in paths:
        for user, status in ((None, 401), ("viewer", 403)):
            answer = airflow.page(path, user)
            assert answer.status_code == status
            assert "Welcome" not in answer.text
            assert "/media/" not in answer.text
    assert airflow.page("/videos/", None).status_code == 401
    assert shown_run not in text_of(airflow.page("/videos/", "viewer"))
    assert airflow.page(path_of(shown_run), "admin").status_code == 200
    assert airflow.api("GET", "/dags/shown", user="viewer").status_code == 200


@pytest.mark.parametrize(
    "path", [path_of("no_run"), path_of("no_run", "poke"), "/videos/dags/no_dag", "/videos/dags/no_dag/runs/x"]
)
def test_what_is_not_there_is_said_in_a_page(airflow: RealAirflow, path: str) -> None:
    answer = airflow.page(path, "admin")
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_a_map_index_that_is_not_there_is_not_found(airflow: RealAirflow, shown_run: str) -> None:
    assert airflow.page(path_of(shown_run, "mapped", 7), "admin").status_code == 404
    # From Airflow 3.4 on, -1 stands for all instances.
    assert airflow.page(path_of(shown_run, "mapped", -2), "admin").status_code == 404


@pytest.mark.parametrize(
    ("task_id", "map_index"),
    [
        ("poke", -1),
        ("deferrable", -1),
        ("no_worker", -1),
        ("waits", -1),
        ("failed", -1),
        ("retries", -1),
        ("mapped", CLIP),
    ],
)
def test_a_link_leads_to_the_page_whatever_the_task_does(
    airflow: RealAirflow, shown_run: str, task_id: str, map_index: int
) -> None:
    links = airflow.extra_links("shown", shown_run, task_id, map_index)
    assert links["Watch video"] == path_of(shown_run, task_id, map_index)
    assert airflow.page(str(links["Watch video"]), "admin").status_code == 200


@pytest.mark.parametrize("task_id", ["poke", "deferrable", "no_worker", "waits"])
def test_a_link_leads_to_the_vendors_own_page(airflow: RealAirflow, shown_run: str, task_id: str) -> None:
    path = str(airflow.extra_links("shown", shown_run, task_id)["Open at vendor"])
    answer = airflow.page(path, "admin")
    assert answer.status_code == 303
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/media/tavus/\w+\.html", answer.headers["Location"])


def test_a_link_tells_the_vendors_url_only_to_who_may_see_the_xcoms(airflow: RealAirflow, shown_run: str) -> None:
    links = airflow.api("GET", f"/dags/shown/dagRuns/{shown_run}/taskInstances/poke/links", user="viewer")
    path = links.json()["extra_links"]["Open at vendor"]
    assert "/media/" not in links.text
    for user, status in ((None, 401), ("viewer", 403)):
        answer = airflow.page(path, user)
        assert answer.status_code == status
        assert "/media/" not in f"{answer.text}{answer.headers}"


def test_a_link_leads_nowhere_but_into_the_web(airflow: RealAirflow, shown_run: str) -> None:
    assert airflow.extra_links("shown", shown_run, "mapped", HOSTILE_CLIP)["Open at vendor"] is None


def test_the_tabs_are_there_if_the_configuration_asks_for_them(airflow: RealAirflow) -> None:
    plugins = airflow.api("GET", "/plugins").json()["plugins"]
    [views] = [plugin["external_views"] for plugin in plugins if plugin["name"] == "airflow_provider_videos"]
    assert {(view["destination"], view["url_route"]) for view in views} == {
        ("task_instance", "video"),
        ("dag_run", "videos"),
    }
