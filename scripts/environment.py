# SPDX-License-Identifier: Apache-2.0
"""Virtual environments for this checkout, made with nothing but Python and its pip."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = CHECKOUT / ".environments"


def make_environment(name: str, *requirements: str, interpreter: str = sys.executable) -> Path:
    """Make a virtual environment below ``.environments``, unless it is there already.

    :param name: name of its folder.
    :param requirements: what is installed into it, as pip takes it.
    :param interpreter: path of the Python that it is made of. Default: the one that runs this.
    :return: path of its Python.
    :raises subprocess.CalledProcessError: if something can't be installed; the reason was printed.
    """
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    made_of = "\n".join([interpreter, sys.version, *requirements, (CHECKOUT / "pyproject.toml").read_text()])
    stamp = folder / "made-of.txt"
    if not stamp.is_file() or stamp.read_text() != made_of:
        print(f"Installing into {folder.relative_to(CHECKOUT)}; the first time this takes a minute or two.", flush=True)
        run_uv("venv", "--quiet", "--clear", "--python", interpreter, str(folder))
        run_uv("pip", "install", "--quiet", "--python", str(python), *requirements)
        stamp.write_text(made_of)
    return python


def enter_environment(name: str, *requirements: str) -> None:
    """Make a virtual environment as :func:`make_environment` does, and go on in it with the script that runs."""
    python = make_environment(name, *requirements)
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])


def keep_bytecode() -> None:
    """Let the processes that this one starts keep bytecode, on a machine that forbids it too.

    Compiling Airflow takes more than half of each process's start (4 of 7 s on a slow machine).
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(ENVIRONMENTS / "bytecode")


def find_interpreter(version: str) -> str:
    """Return the path of a Python of that version: the machine's, pyenv's, or one that uv downloads.

    :param version: such as ``3.13``.
    :raises SystemExit: if there is none, with what to do.
    """
    # pyenv puts only those on the PATH that it was told to.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    folders = [os.environ.get("PATH", os.defpath), *(str(folder) for folder in sorted(pyenv.glob("*/bin")))]
    environment = {"PATH": os.pathsep.join(folders)}
    with contextlib.suppress(subprocess.CalledProcessError):
        return _ask_uv("python", "find", version, environment=environment)
    try:
        run_uv("python", "install", "--quiet", version)
        return _ask_uv("python", "find", version, environment=environment)
    except subprocess.CalledProcessError:
        sys.exit(f"There is no Python {version} on the PATH or in {pyenv}, and uv can't download it. Install it first.")


def is_on_index(requirement: str, *, interpreter: str = sys.executable) -> bool:
    """Return whether the package index has a release that a Python can install; a pre-release only if it is named.

    :param requirement: as pip takes it, such as ``apache-airflow~=3.4.0``.
    :raises subprocess.CalledProcessError: if that can't be found out, with what uv said.
    """
    command = [_uv(), "pip", "install", "--dry-run", "--no-deps", "--target", str(ENVIRONMENTS / "nothing")]
    command += ["--python", interpreter, requirement]
    result = subprocess.run(command, cwd=CHECKOUT, env=_environment(), capture_output=True, text=True, check=False)
    if result.returncode and "No solution found" not in result.stderr:
        raise subprocess.CalledProcessError(result.returncode, command, result.stdout, result.stderr)
    return not result.returncode


def run_uv(*arguments: str) -> None:
    """Run uv, which is installed into a folder of its own: it makes an Airflow in seconds where pip takes minutes.

    :raises subprocess.CalledProcessError: if it fails.
    """
    subprocess.run([_uv(), *arguments], check=True, cwd=CHECKOUT, env=_environment())


def _ask_uv(*arguments: str, environment: Mapping[str, str]) -> str:
    command = [_uv(), *arguments]
    environment = _environment() | dict(environment)
    return subprocess.run(
        command, check=True, cwd=CHECKOUT, env=environment, capture_output=True, text=True
    ).stdout.strip()


def _uv() -> str:
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
    return str(uv)


def _environment() -> dict[str, str]:
    # Another environment's settings are not for these.
    return {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
