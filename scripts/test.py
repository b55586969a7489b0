# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in an environment of their own: ``python scripts/test.py``.

``--airflow 3.2`` runs them on the newest patch release of that version. What else is given goes to pytest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from environment import CHECKOUT, make_environment


def main() -> int:
    """Run the tests and give pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--airflow", metavar="VERSION", help="version of Airflow (default: the newest)")
    options, for_pytest = parser.parse_known_args()
    requirements = ["--editable", ".[test]"]
    if options.airflow:
        # Airflow 3.2 sets no upper limit on FastAPI, and doesn't run with the newest.
        requirements += [f"apache-airflow~={options.airflow}.0", "fastapi<0.137"]
    python = make_environment(f"test-airflow-{options.airflow or 'newest'}", *requirements)
    return subprocess.run([str(python), "-m", "pytest", *for_pytest], cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
