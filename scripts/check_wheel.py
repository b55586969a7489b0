# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel, installs it into a clean environment, and looks at it as Airflow does there.

``python scripts/check_wheel.py`` prints what is wrong and exits with 1, if anything is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from environment import CHECKOUT, keep_bytecode, make_environment, run_uv

WHEELS = CHECKOUT / ".environments" / "wheels"
COMMANDS = {
    ("providers", "list"): ["airflow-provider-videos"],
    ("providers", "get", "airflow-provider-videos"): ["airflow-provider-videos"],
    ("providers", "get", "airflow-provider-videos", "--full", "--output", "json"): [
        "/docs/vendors/tavus.md",
        "generate_video_batch_task",
    ],
    ("providers", "hooks"): ["TavusHook", "TogetherHook"],
    ("providers", "triggers"): ["triggers.video", "triggers.video_batch", "triggers.account_videos"],
    ("providers", "configs"): ["show_tabs", "playable_paths"],
    ("providers", "behaviours"): ["tavus", "together"],
    ("providers", "widgets"): ["extra__tavus__timeout", "extra__together__proxy"],
    ("providers", "links"): ["WatchVideoLink", "OpenAtVendorLink"],
    ("plugins",): ["airflow_provider_videos"],
    ("config", "list", "--section", "videos", "--include-descriptions"): ["show_tabs"],
}
# Importing Airflow takes most of a command's time, so each is a fork of one process that has done that.
RUN_EACH = """
import json, os, sys, tempfile
from airflow.__main__ import main
for arguments in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        if not (child := os.fork()):
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.argv = ["airflow", *arguments]
            main()
            sys.exit()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        print(json.dumps([arguments, code, output.read().decode()]))
"""
LOAD_EVERYTHING = """
import importlib, pkgutil, sys, warnings
warnings.filterwarnings("error", module="airflow_provider_videos|example_")
import airflow_provider_videos
for module in pkgutil.walk_packages(airflow_provider_videos.__path__, "airflow_provider_videos."):
    # What only tests load needs pytest.
    if not module.name.endswith(("__main__", "pytest_plugin")):
        importlib.import_module(module.name)
from airflow_provider_videos.ui.app import show_error
from starlette.exceptions import HTTPException
page = show_error(None, HTTPException(403)).body.decode()
if not all(part in page for part in ("Not allowed", "--back:", "applyTheme")):
    sys.exit("a page lacks its template, style or script")
sys.path.insert(0, sys.argv[1])
for module in pkgutil.iter_modules([sys.argv[1]]):
    importlib.import_module(module.name)
"""


def main() -> None:
    """Check the wheel."""
    keep_bytecode()
    for old in WHEELS.glob("*"):
        old.unlink()
    run_uv("build", "--quiet", "--wheel", "--out-dir", str(WHEELS))
    [wheel] = WHEELS.glob("*.whl")
    python = make_environment("wheel", "apache-airflow")
    run_uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--reinstall-package",
        "airflow-provider-videos",
        str(wheel),
    )
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment["AIRFLOW_HOME"] = home
        # The others don't go through the script that the wheel of Airflow installs.
        check([str(python.with_name("airflow")), "version"], environment, [])
        each = check([str(python), "-c", RUN_EACH, json.dumps(list(COMMANDS))], environment, [])
        results = [json.loads(line) for line in each.splitlines() if line.startswith("[[")]
        for arguments, code, output in results:
            judge(f"airflow {' '.join(arguments)}", code, output, COMMANDS[tuple(arguments)])
            print("ok: airflow", *arguments)
        if len(results) < len(COMMANDS):
            sys.exit(f"Only {len(results)} of {len(COMMANDS)} commands ended:\n{each}")
        check([str(python), "-c", LOAD_EVERYTHING, str(CHECKOUT / "example_dags")], environment, [])
        print("ok: every module and example Dag imports without a warning")
    print(f"{wheel.name} is in order.")


def check(command: list[str], environment: dict[str, str], expected: list[str]) -> str:
    """Run a command away from the checkout, judge it as :func:`judge` does, and return its standard output."""
    result = subprocess.run(
        command, env=environment, cwd=environment["AIRFLOW_HOME"], capture_output=True, text=True, check=False
    )
    judge(" ".join(command), result.returncode, result.stdout + result.stderr, expected)
    return result.stdout


def judge(command: str, code: int, output: str, expected: list[str]) -> None:
    """End with an error if a command failed, warned, or lacks something expected."""
    warned = [line for line in output.splitlines() if "warning" in line.lower() and "video" in line.lower()]
    missing = [text for text in expected if text not in output]
    if code or warned or missing:
        sys.exit(f"{command} exited with {code}, warned {warned}, lacks {missing}:\n{output}")


if __name__ == "__main__":
    main()
