# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)


def test_an_airflow_that_is_not_on_the_index_is_no_failure_of_a_test() -> None:
    command = [sys.executable, str(SCRIPTS / "test.py"), "--airflow", "99.9"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (os.EX_UNAVAILABLE, "")
    assert result.stdout == "The package index has no Airflow 99.9 for this Python: nothing was tested.\n"


def test_an_index_that_does_not_answer_is_not_taken_for_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from environment import is_on_index

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(subprocess.CalledProcessError) as error:
        is_on_index("apache-airflow~=99.9.0")
    assert "Failed to fetch" in error.value.stderr
