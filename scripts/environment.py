# SPDX-License-Identifier: Apache-2.0
"""Virtual environments for this checkout, made with nothing but Python and its pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = CHECKOUT / ".environments"


def make_environment(name: str, *requirements: str) -> Path:
    """Make a virtual environment below ``.environments``, unless it is there already.

    :param name: name of its folder.
    :param requirements: what is installed into it, as pip takes it.
    :return: path of its Python.
    :raises subprocess.CalledProcessError: if something can't be installed; the reason was printed.
    """
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    made_of = "\n".join([sys.version, *requirements, (CHECKOUT / "pyproject.toml").read_text()])
    stamp = folder / "made-of.txt"
    if not stamp.is_file() or stamp.read_text() != made_of:
        print(f"Installing into {folder.relative_to(CHECKOUT)}; the first time this takes a minute or two.", flush=True)
        run_uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        run_uv("pip", "install", "--quiet", "--python", str(python), *requirements)
        stamp.write_text(made_of)
    return python


def enter_environment(name: str, *requirements: str) -> None:
    """Make a virtual environment as :func:`make_environment` does, and go on in it with the script that runs."""
    python = make_environment(name, *requirements)
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])


def run_uv(*arguments: str) -> None:
    """Run uv, which is installed into a folder of its own: it makes an Airflow in seconds where pip takes minutes.

    :raises subprocess.CalledProcessError: if it fails.
    """
    tools = ENVIRONMENTS / "tools"
    uv = tools / "bin" / "uv"
    if not uv.is_file():
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--root-user-action=ignore",
        ]
        subprocess.run([*pip, "--target", str(tools), "uv"], check=True)
    # Airflow's own settings, and another environment's, are not for these.
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    subprocess.run([str(uv), *arguments], check=True, cwd=CHECKOUT, env=environment)
