# SPDX-License-Identifier: Apache-2.0
"""From what was measured to tables in Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchmarks.setting import Setting
from benchmarks.variants import FLOOR, TITLES

LATE_API = 0.02
"""From this mean lateness of the API's answers on, in seconds, the table says that the delays are partly the API's."""
STARVED = 1.0
"""From this many seconds on in which its core was taken, the table says so of the waiting process."""
MAX_MEMORY = 6 * 1024
MAX_GAP = 0.1
COLUMNS = (
    "",
    "CPU (s)",
    "CPU per poll (μs)",
    "memory per wait (KB)",
    "TCP connections",
    "look-ups",
    "mean delay (s)",
    "in intervals",
    "events",
    "largest gap (ms)",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run gave. Times are in seconds, memory in bytes.

    :param cpu: of the waiting process, from before the first wait to the last event.
    :param memory: for each wait.
    :param polls: looks that the API was asked for.
    :param connections: TCP connections that were opened for them.
    :param lookups: of the Airflow connection.
    :param delay: mean time from when a video was ready to its event, of the events that came.
    :param events: events that say that the video is ready.
    :param gap: longest time between two ticks of a 50 ms ticker.
    :param api_late: mean lateness of the API's answers.
    :param starved: how long the event loop had to wait for its core.
    :param failures: what the first events that say something else said.
    """

    cpu: float
    memory: float
    polls: int
    connections: int
    lookups: int
    delay: float
    events: int
    gap: float
    api_late: float
    starved: float
    failures: tuple[str, ...]


def read_figures(setting: Setting, figures: Mapping[str, Any], record: Mapping[str, Any]) -> Figures:
    """Put together what the processes said.

    :param setting: the run.
    :param figures: of the waiting process and its supervisor.
    :param record: of the API.
    """
    ready_after = setting.ready_after()
    delays = [moment - figures["started_at"] - ready_after[index] for index, moment in figures["fired"]]
    return Figures(
        cpu=figures["cpu"],
        memory=figures["memory"] / setting.waits,
        polls=int(record["polls"]),
        connections=int(record["connections"]),
        lookups=figures["lookups"],
        delay=sum(delays) / max(len(delays), 1),
        events=figures["successes"],
        gap=figures["gap"],
        api_late=record["late_mean"],
        starved=figures["starved"],
        failures=tuple(figures["failures"]),
    )


def table(setting: Setting, rows: Mapping[str, Figures]) -> str:
    """Write one number of waits as a table, with notes on what casts doubt on it."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---{'|--:' * (len(COLUMNS) - 1)}|"]
    notes = []
    for name, row in rows.items():
        cells = (
            TITLES[name],
            f"{row.cpu:.2f}",
            f"{row.cpu / row.polls * 1e6:.0f}" if row.polls else "",
            f"{row.memory / 1024:.1f}",
            f"{row.connections:,}",
            f"{row.lookups:,}",
            f"{row.delay:.2f}",
            f"{row.delay / setting.poll_interval:.2f}",
            f"{row.events:,}",
            f"{row.gap * 1000:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
        if row.events < setting.waits:
            notes.append(
                f"{TITLES[name]}: {setting.waits - row.events:,} events are missing after {setting.limit:.0f} s; its "
                "other figures are of what happened until then."
            )
        notes += [f"{TITLES[name]}, instead of ready: {failure}" for failure in row.failures[:1]]
        if row.api_late > LATE_API:
            notes.append(f"{TITLES[name]}: the API's answers were {row.api_late * 1000:.0f} ms late on average.")
        if row.starved > STARVED:
            notes.append(f"{TITLES[name]}: something else had its core for {row.starved:.1f} s. Measure again.")
    return "\n".join([*lines, *(f"\n{note}" for note in notes), ""])


def targets(setting: Setting, rows: Mapping[str, Figures]) -> str:
    """Compare the package's trigger with what it has to reach, if all that this needs was measured."""
    if not {"ours", FLOOR, "idle"} <= rows.keys():
        return ""
    ours, floor, idle = rows["ours"], rows[FLOOR], rows["idle"]
    most_delay = 0.6 if setting.waits < 10_000 else 0.75
    allowed = idle.cpu + 1.2 * floor.cpu
    over_idle = ours.memory - idle.memory
    gap = ours.gap - idle.gap
    delay = ours.delay / setting.poll_interval
    checks = (
        ("CPU, idle runner + 1.2 times the bare loop", f"{allowed:.2f} s", f"{ours.cpu:.2f} s", ours.cpu <= allowed),
        ("memory per wait over the idle runner's", "6 KB", f"{over_idle / 1024:.1f} KB", over_idle <= MAX_MEMORY),
        ("connection look-ups", "1", f"{ours.lookups:,}", ours.lookups <= 1),
        ("mean delay, in intervals", f"{most_delay:.2f}", f"{delay:.2f}", delay <= most_delay),
        ("largest gap over the idle runner's", "100 ms", f"{gap * 1000:.0f} ms", gap <= MAX_GAP),
        ("events", f"{setting.waits:,}", f"{ours.events:,}", True),
    )
    lines = ["| to reach | at most | measured | |", "|---|--:|--:|---|"]
    # Waits that never end are cheap: without all events nothing is reached.
    is_complete = ours.events == setting.waits
    lines += [
        f"| {what} | {most} | {got} | {'yes' if met and is_complete else '**no**'} |" for what, most, got, met in checks
    ]
    return "\n".join([*lines, ""])
