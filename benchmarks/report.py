# SPDX-License-Identifier: Apache-2.0
"""From what was measured to tables in Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchmarks.setting import Setting
from benchmarks.variants import TITLES

LATE_API = 0.02
"""From this mean lateness of the API's answers on, in seconds, the table says that the delays are partly the API's."""
STARVED = 1.0
"""From this many seconds on in which its core was taken, the table says so of the waiting process."""
MAX_MEMORY = 12 * 1024
MISSED = 60.0
"""From this many seconds on after it was ready, a video counts as not noticed."""
COLUMNS = (
    "",
    "CPU (s)",
    "CPU per poll (μs)",
    "memory per wait (KB)",
    "TCP connections",
    "look-ups",
    "mean delay (s)",
    "in intervals",
    "99th percentile",
    "missed",
    "reported after (s)",
    "XComs",
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
    :param percentile: 99th percentile of that.
    :param missed: videos without an event a minute after they were ready.
    :param reported: mean time from when a video was ready to when the supervisor knows of its event.
    :param xcoms: XComs that the supervisor was asked to set.
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
    percentile: float
    missed: int
    reported: float
    xcoms: int
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
    reported = [moment - figures["started_at"] - ready_after[index] for index, moment in figures.get("reported", [])]
    return Figures(
        cpu=figures["cpu"],
        memory=figures["memory"] / setting.waits,
        polls=int(record["polls"]),
        connections=int(record["connections"]),
        lookups=figures["lookups"],
        delay=sum(delays) / max(len(delays), 1),
        percentile=sorted(delays)[int(len(delays) * 0.99)] if delays else 0.0,
        missed=setting.waits - sum(delay <= MISSED for delay in delays),
        reported=sum(reported) / max(len(reported), 1),
        xcoms=figures.get("xcoms", 0),
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
            f"{row.percentile / setting.poll_interval:.2f}",
            f"{row.missed:,}",
            f"{row.reported:.2f}" if row.reported else "",
            f"{row.xcoms:,}",
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
    if not {"ours", "idle"} <= rows.keys():
        return ""
    ours, idle = rows["ours"], rows["idle"]
    is_busiest = setting.waits >= 10_000 and setting.poll_interval <= 5
    most_delay, most_percentile = (0.6, 1.3) if is_busiest else (0.55, 1.1)
    over_idle = ours.memory - idle.memory
    delay, percentile = ours.delay / setting.poll_interval, ours.percentile / setting.poll_interval
    checks = (
        ("mean delay, in intervals", f"{most_delay:.2f}", f"{delay:.2f}", delay <= most_delay),
        ("99th percentile, in intervals", f"{most_percentile:.2f}", f"{percentile:.2f}", percentile <= most_percentile),
        ("videos missed", "0", f"{ours.missed:,}", not ours.missed),
        ("connection look-ups", "1", f"{ours.lookups:,}", ours.lookups <= 1),
        ("memory per wait over the idle runner's", "12 KB", f"{over_idle / 1024:.1f} KB", over_idle <= MAX_MEMORY),
    )
    lines = ["| to reach | at most | measured | |", "|---|--:|--:|---|"]
    lines += [f"| {what} | {most} | {got} | {'yes' if met else '**no**'} |" for what, most, got, met in checks]
    return "\n".join([*lines, ""])
