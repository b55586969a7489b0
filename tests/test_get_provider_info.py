# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from airflow_provider_videos.get_provider_info import get_provider_info
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.http.connection import DEFAULT_TIMEOUT, EXTRAS
from airflow_provider_videos.masking import MIN_SECRET_CHARACTERS
from tests.vendor_kit import REQUESTS

CHECKOUT = Path(__file__).parent.parent
INFO = get_provider_info()
CONNECTION_TYPES: list[dict[str, Any]] = INFO["connection-types"]
by_type = pytest.mark.parametrize("declared", CONNECTION_TYPES, ids=lambda declared: declared["connection-type"])


def schema(name: str) -> Any:
    return json.loads(importlib.resources.files("airflow").joinpath(name).read_text())


def test_it_is_what_airflow_asks_for() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_each_integration_names_a_guide_and_a_logo_of_this_checkout() -> None:
    for integration in INFO["integrations"]:
        for path in (*integration["how-to-guide"], integration["logo"]):
            assert path.startswith("/docs/")
            assert (CHECKOUT / path.removeprefix("/")).is_file(), path


def test_its_connection_types_are_what_a_provider_yaml_may_say() -> None:
    jsonschema.validate(CONNECTION_TYPES, schema("provider.yaml.schema.json")["properties"]["connection-types"])


def test_it_is_made_anew_each_time() -> None:
    get_provider_info()["connection-types"].clear()
    assert get_provider_info() == INFO


def test_airflow_finds_every_vendor() -> None:
    hooks = ProvidersManagerTaskRuntime().hooks
    assert [declared["connection-type"] for declared in CONNECTION_TYPES] == [*REQUESTS]
    for declared in CONNECTION_TYPES:
        hook = hooks[declared["connection-type"]]
        assert hook is not None
        assert (hook.hook_name, hook.package_name) == (declared["hook-name"], "airflow-provider-videos")


@by_type
def test_what_is_declared_agrees_with_the_hook(declared: dict[str, Any]) -> None:
    hook_class = import_string(declared["hook-class-name"])
    assert issubclass(hook_class, VideoHook)
    assert hook_class.conn_type == declared["connection-type"]
    assert hook_class.hook_name == declared["hook-name"]
    assert hook_class.default_conn_name == f"{declared['connection-type']}_default"
    assert hook_class.vendor.base_url == declared["ui-field-behaviour"]["placeholders"]["host"]


@by_type
def test_the_form_shows_the_key_the_host_and_the_extras_that_are_read(declared: dict[str, Any]) -> None:
    behaviour = declared["ui-field-behaviour"]
    login = {"login"} if declared["connection-type"] == "kling" else set()
    assert set(behaviour["hidden-fields"]) == {"login", "port", "schema", "extra"} - login
    assert set(behaviour["relabeling"]) == {"password", "host"} | login
    assert set(declared["conn-fields"]) == set(EXTRAS)
    assert f"{DEFAULT_TIMEOUT:g} if empty" in declared["conn-fields"]["timeout"]["description"]


@by_type
def test_the_form_hides_a_proxys_password_and_says_what_key_can_be_masked(declared: dict[str, Any]) -> None:
    assert declared["conn-fields"]["proxy"]["schema"]["format"] == "password"
    assert f"{MIN_SECRET_CHARACTERS} characters or more" in declared["ui-field-behaviour"]["placeholders"]["password"]


@by_type
def test_the_form_says_where_a_key_is_made(declared: dict[str, Any]) -> None:
    assert " https://" in declared["ui-field-behaviour"]["placeholders"]["password"]


@by_type
@pytest.mark.parametrize(
    ("field", "values"), [("timeout", [5, 0.5, None]), ("verify", ["false", None]), ("proxy", [""])]
)
def test_each_extra_may_be_left_empty(declared: dict[str, Any], field: str, values: list[Any]) -> None:
    for value in values:
        jsonschema.validate(value, declared["conn-fields"][field]["schema"])


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_the_modules_that_are_named_exist(kind: str) -> None:
    for entry in INFO[kind]:
        for module in entry["python-modules"]:
            assert importlib.import_module(module)


def test_the_decorators_that_are_named_exist() -> None:
    for entry in INFO["task-decorators"]:
        assert callable(import_string(entry["class-name"]))


def test_each_integration_that_is_named_is_declared() -> None:
    declared = {integration["integration-name"] for integration in INFO["integrations"]}
    for kind in ("hooks", "operators", "sensors", "triggers"):
        assert {entry["integration-name"] for entry in INFO[kind]} == declared


def test_the_registry_names_every_operator_sensor_and_trigger() -> None:
    registry = yaml.safe_load((CHECKOUT / ".airflow-registry.yaml").read_text())
    for kind in ("operators", "sensors", "triggers"):
        modules = {module for entry in INFO[kind] for module in entry["python-modules"]}
        classes = {f"{module}.{name}" for module in modules for name in importlib.import_module(module).__all__}
        assert {entry["module"] for entry in registry[kind]} == classes
