# SPDX-License-Identifier: Apache-2.0
"""Orders, waits, keeps and watches in a real Airflow, against the built-in simulator: ``python scripts/demo.py``.

It installs Airflow into an environment of its own and runs it in a temporary folder; both are of no concern to an
Airflow that you have. Nothing is ordered at a real vendor, and no key is needed. ``--stay`` keeps it running, with more
videos to look at in a browser.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from environment import CHECKOUT, enter_environment

if TYPE_CHECKING:
    from airflow_provider_videos.simulator import Simulator
    from local_airflow.real_airflow import RealAirflow

# Seconds that each video of Tavus is queued and generated.
TAVUS_VIDEOS = ((10, 15), (15, 20), (10, 35))
ENDED = {"success", "failed", "skipped", "upstream_failed"}
SCRIPTS = """replica_id,script
r1,The boots keep the rain out.
r1,The coat keeps the wind out.
r1,The hat comes off.
"""
WATCHER = "example_watch_account"
MEANINGS = {
    "": "waits for the tasks before it",
    "deferred": "deferred (waits in the triggerer, without a worker)",
    "up_for_reschedule": "up_for_reschedule (no worker until the next poll)",
}


def main(stays: bool) -> None:
    """Show the example Dags at work."""
    from airflow_provider_videos.simulator import Simulator
    from local_airflow.real_airflow import RealAirflow

    # Whatever ends this, the components of Airflow end with it.
    with tempfile.TemporaryDirectory(prefix="airflow-videos-demo-") as home, Simulator() as simulator:
        connections = {
            "AIRFLOW_CONN_TAVUS_DEFAULT": simulator.connection_uri("tavus"),
            "AIRFLOW_CONN_TOGETHER_DEFAULT": simulator.connection_uri("together"),
        }
        say(f"The simulator plays both vendors at {simulator.url}.")
        say("Airflow is starting: API server, scheduler, Dag processor and triggerer, on SQLite.")
        # The watching Dag keeps its files where temporary ones are.
        settings = {**connections, "AIRFLOW__VIDEOS__SHOW_TABS": "True", "TMPDIR": home}
        with RealAirflow(Path(home), CHECKOUT / "example_dags", settings) as airflow:
            say(f"Airflow is up at {airflow.url}.")
            wait_for_videos(airflow, simulator, Path(home))
            if stays:
                stay(airflow, simulator, Path(home))
    print(f"""
To do the same with a vendor's real videos, in your own Airflow: {CHECKOUT / "docs" / "get-started.md"}""")


def stay(airflow: RealAirflow, simulator: Simulator, home: Path) -> None:
    """Order, keep and wait for more videos, say where they are to be seen, and go on until somebody has seen enough."""
    names = ("Autumn collection", "Winter collection", "How to fold it", "A word from the workshop", "Spring, at last")
    tavus = [simulator.add_video("tavus", video_name=name, script=f"{name}.", generating=5) for name in names]
    tavus.append(simulator.add_video("tavus", video_name="Too loud", outcome="failed", generating=5))
    tavus.append(simulator.add_video("tavus", video_name="Still being made", outcome="stuck"))
    prompts = ["A cat that looks out of a rainy window.", "A tram at night, seen from above.", "Bread, rising."]
    runs = {
        "example_many_videos": airflow.trigger("example_many_videos", {"video_ids": tavus}),
        "example_order_many_videos": airflow.trigger(
            "example_order_many_videos", {"model": "a-model", "prompts": prompts}
        ),
        "example_keep_video": airflow.trigger(
            "example_keep_video", {"replica_id": "r1", "script": "Welcome on board.", "path": f"{home}/videos/"}
        ),
    }
    print(f"""
Airflow goes on. Log in as {airflow.credentials[0]!r} with the password {airflow.credentials[1]!r}, and look at
""")
    for dag_id, run_id in runs.items():
        print(f"  {airflow.url}/videos/dags/{dag_id}/runs/{quote(run_id)}")
    print("""
or at any task of these runs: its tab "Video", and the link "Watch video" under "Details". Ctrl+C ends it all.""")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        print()


def wait_for_videos(airflow: RealAirflow, simulator: Simulator, home: Path) -> None:
    """Trigger the example Dags, follow them, and show which videos they have."""
    start_watching(airflow, simulator)
    scripts = home / "scripts.csv"
    scripts.write_text(SCRIPTS)
    tavus = [simulator.add_video("tavus", queued=queued, generating=generating) for queued, generating in TAVUS_VIDEOS]
    together = simulator.add_video("together", generating=25)
    catalogue = {"scripts": str(scripts), "folder": f"{home}/videos/", "first_rows": 0}
    runs = {
        "example_order_video": airflow.trigger("example_order_video", {"replica_id": "r1", "script": "Hello there."}),
        "example_many_videos": airflow.trigger("example_many_videos", {"video_ids": tavus}),
        "example_together_video": airflow.trigger("example_together_video", {"video_id": together}),
        "example_video_catalogue": airflow.trigger("example_video_catalogue", catalogue),
    }
    say("One Dag orders a video, one a video for each row of a CSV file and keeps the files. Two wait for videos that")
    say("others ordered. One starts when videos of the account are ready, whoever ordered them.")
    followed = follow(airflow, runs)
    rows: list[tuple[str, ...]] = [("Dag", "vendor", "video", "state", "URL")]
    for (dag_id, _), run_id in followed.items():
        for task in airflow.task_instances(dag_id, run_id):
            if task["task_id"] in {"order", "wait", "list_videos"} and task["state"] == "success":
                found = airflow.xcom(dag_id, run_id, task["task_id"], map_index=task["map_index"])
                for video in found if isinstance(found, list) else [found]:
                    rows.append((dag_id, video["vendor"], video["video_id"], video["state"], video["download_url"]))
    print("\nWhat the next task got, by XCom:")
    show_table(rows)
    if any(airflow.run_state(dag_id, run_id) != "success" for (dag_id, _), run_id in followed.items()):
        sys.exit("A Dag has not succeeded; what its tasks logged:\n" + airflow.all_logs())
    print(f"\nOrders that the simulator got: {simulator.record.created}.")


def start_watching(airflow: RealAirflow, simulator: Simulator) -> None:
    """Let a Dag watch the account of Tavus, and return when the watcher knows what was there before."""
    airflow.api("PATCH", f"/dags/{WATCHER}", json={"is_paused": False})
    deadline = time.monotonic() + 60
    while not simulator.record.requests.get("tavus list"):
        if time.monotonic() > deadline:
            sys.exit("The account is not watched; what Airflow logged:\n" + airflow.all_logs())
        time.sleep(0.5)


def follow(airflow: RealAirflow, triggered: dict[str, str]) -> dict[tuple[str, int], str]:
    """Print what each task does, as it changes, until all have ended, and a run that the watcher started too.

    :return: the id of each run, by its Dag and its number among the runs of this Dag.
    """
    states: dict[str, str] = {}
    deadline = time.monotonic() + 180
    runs = {(dag_id, 0): run_id for dag_id, run_id in triggered.items()}
    while (WATCHER, 0) not in runs or not set(states.values()) <= ENDED:
        if time.monotonic() > deadline:
            sys.exit("The Dags did not end; what Airflow logged:\n" + airflow.all_logs())
        time.sleep(0.5)
        watched = airflow.api("GET", f"/dags/{WATCHER}/dagRuns?order_by=id").json()["dag_runs"]
        runs |= {(WATCHER, number): run["dag_run_id"] for number, run in enumerate(watched)}
        for (dag_id, number), run_id in runs.items():
            for task in airflow.task_instances(dag_id, run_id):
                name = name_of(task, number)
                state = task["state"] or ""
                if states.get(name) != state:
                    states[name] = state
                    say(f"{name}: {MEANINGS.get(state, state)}")
        # A mapped task stands for itself until it is known how many there are.
        for mapped in [name for name in states if name.endswith("]")]:
            states.pop(mapped.rpartition("[")[0], None)
    return runs


def name_of(task: dict[str, Any], run: int) -> str:
    """Name a task instance as people do, with the number of the run from the second one on."""
    index = "" if task["map_index"] < 0 else f"[{task['map_index']}]"
    again = f" of run {run + 1}" if run else ""
    return f"{task['dag_id']}{again}.{task['task_id']}{index}"


def show_table(rows: list[tuple[str, ...]]) -> None:
    """Print rows with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def say(line: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"{time.monotonic() - STARTED_AT:5.0f} s  {line}", flush=True)


STARTED_AT = time.monotonic()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stay", action="store_true", help="keep Airflow running until Ctrl+C, for a look at it")
    options = parser.parse_args()
    enter_environment("demo", "--editable", ".")
    main(stays=options.stay)
