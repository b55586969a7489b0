# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from airflow.sdk.execution_time.xcom import XCom

from tests.triggers.firing import Pushed


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> Pushed:
    pushed = Pushed()
    monkeypatch.setattr(XCom, "aset", pushed.aset, raising=False)
    return pushed
