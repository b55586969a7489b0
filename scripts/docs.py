# SPDX-License-Identifier: Apache-2.0
"""Builds the documentation into ``build/docs``, in an environment of its own: ``python scripts/docs.py``.

It exits with 1 after any warning, such as a link that leads nowhere or a page that is in no list of ``docs/README.md``.
Once the environment is there, it needs no network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from environment import CHECKOUT, make_environment

PAGES = CHECKOUT / "build" / "docs"


def main() -> int:
    """Build all pages anew and give Sphinx's exit code."""
    python = make_environment("docs", "--editable", ".[docs]")
    shutil.rmtree(PAGES, ignore_errors=True)
    sphinx = [str(python), "-m", "sphinx", "--quiet", "--fail-on-warning", "--fresh-env", "--conf-dir", "docs"]
    with tempfile.TemporaryDirectory() as folder:
        # The reference imports Airflow, which writes its settings and logs.
        command = [*sphinx, "--doctree-dir", f"{folder}/doctrees", ".", str(PAGES)]
        environment = {**os.environ, "AIRFLOW_HOME": f"{folder}/airflow"}
        exit_code = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode
    if exit_code == 0:
        print(f"The documentation is at {PAGES.relative_to(CHECKOUT) / 'index.html'}.")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
