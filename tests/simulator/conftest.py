# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import referencing

from airflow_provider_videos.simulator import Simulator

from .client import Client

SCHEMAS = pathlib.Path(__file__).with_name("schemas")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(queued=0, generating=0) as simulator:
        yield simulator


@pytest.fixture
def tavus(simulator: Simulator) -> Iterator[Client]:
    client = Client(simulator, {"x-api-key": simulator.key})
    with client.session:
        yield client


@pytest.fixture
def together(simulator: Simulator) -> Iterator[Client]:
    client = Client(simulator, {"Authorization": f"Bearer {simulator.key}"})
    with client.session:
        yield client


@pytest.fixture
def anyone(simulator: Simulator) -> Iterator[Client]:
    client = Client(simulator, {})
    with client.session:
        yield client


@pytest.fixture(scope="session")
def check_schema() -> Callable[[Any, str], None]:
    """Checks a JSON value against one of the schemas beside this file."""
    definitions = referencing.Resource.from_contents(json.loads((SCHEMAS / "definitions.json").read_text()))
    registry = referencing.Registry().with_resource("definitions.json", definitions)

    def check(value: Any, name: str) -> None:
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema, registry=registry).validate(value)

    return check
