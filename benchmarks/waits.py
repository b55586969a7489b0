# SPDX-License-Identifier: Apache-2.0
"""Measures waiting, and prints tables: ``python -m benchmarks.waits [--waits 1000] [--intervals 5] [--only ours]``."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from benchmarks.api import ask
from benchmarks.report import Figures, read_figures, table, targets
from benchmarks.setting import Setting, child_environment
from benchmarks.variants import MODULES, ORDER, TITLES

CHECKOUT = Path(__file__).resolve().parent.parent
EXTRA_SECONDS = 180.0
"""How much longer than a run's limit its process may take, to start, to warm up and to end."""


def main() -> None:
    """Measure each variant at each number of waits, one after the other."""
    arguments = _parser().parse_args()
    for waits, interval in itertools.product(arguments.waits, arguments.intervals):
        setting = Setting.of(waits, interval, limit=arguments.limit, lookup=arguments.lookup)
        rows: dict[str, Figures] = {}
        for name in ORDER:
            if name in arguments.only:
                print(f"{waits} waits: {TITLES[name]} ...", file=sys.stderr, flush=True)
                rows[name] = measure(name, setting, profile=arguments.profile)
        print(f"\n### {waits:,} waits, {interval:g} s\n\n{table(setting, rows)}\n{targets(setting, rows)}", flush=True)


def measure(name: str, setting: Setting, *, profile: str | None = None) -> Figures:
    """Run one variant once, in fresh processes.

    :param name: of the variant.
    :param setting: the world around it.
    :param profile: file for a profile of the runner, by cProfile, which makes it slower.
    :raises RuntimeError: if it did not come to an end; what the processes said is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="video-benchmark-") as home:
        environment = child_environment(home) | ({"BENCHMARK_PROFILE": profile} if profile else {})
        report = Path(home, "report.json")
        with _api(setting, environment) as port, Path(home, "output.txt").open("w+") as output:
            if name in MODULES:
                command = [MODULES[name], setting.to_json(), str(port), str(report)]
            else:
                command = ["benchmarks.triggerer", setting.to_json(), str(port), name, str(report)]
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    [sys.executable, "-m", *command],
                    env=environment,
                    cwd=CHECKOUT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=setting.limit + EXTRA_SECONDS,
                    check=False,
                )
            record = ask(port, "record")
            output.seek(0)
            said = output.read()[-5000:]
        figures: dict[str, Any] = json.loads(report.read_text()) if report.is_file() else {}
        if figures.get("started_at") is None:
            raise RuntimeError(f"{name}: no figures. {figures.get('failures')}\n{said}")
        return read_figures(setting, figures, record)


@contextlib.contextmanager
def _api(setting: Setting, environment: dict[str, str]) -> Generator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.api", setting.to_json()],
        env=environment,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else 0)
        finally:
            process.kill()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waits", description="Measures waiting for videos.")
    parser.add_argument("--waits", nargs="+", type=int, default=[100, 1000, 5000, 10000], help="how many wait at once")
    parser.add_argument("--intervals", nargs="+", type=float, default=[5, 30], help="seconds between two polls")
    parser.add_argument("--only", nargs="+", choices=ORDER, default=list(ORDER), help="which variants; default: all")
    parser.add_argument("--limit", type=float, default=90, help="seconds after the last video is ready")
    parser.add_argument("--lookup", type=float, default=Setting.lookup, help="seconds that a look-up or an XCom takes")
    parser.add_argument("--profile", help="write a cProfile of the runner to this file; falsifies its CPU")
    return parser


if __name__ == "__main__":
    main()
