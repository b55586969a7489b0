# SPDX-License-Identifier: Apache-2.0
"""That the package declares what it imports."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PACKAGE = CHECKOUT / "airflow_provider_videos"
FILES = sorted(PACKAGE.rglob("*.py"))
#: Airflow's distributions share one package, by module.
OF_AIRFLOW = {
    "airflow.providers.common.compat": "apache-airflow-providers-common-compat",
    "airflow.providers.standard": "apache-airflow-providers-standard",
    "airflow": "apache-airflow",
}
#: Only a pytest that is there loads the simulator's plugin, and only an openlineage provider asks for lineage.
PLUGIN_FOR = {"simulator/pytest_plugin.py": {"pytest"}, "lineage.py": {"openlineage"}}


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """Return the distributions that hold each package."""
    return packages_distributions()


def imports(path: Path) -> Iterator[str]:
    """Give the modules that a file names in imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported may be a module.
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def declared() -> set[str]:
    """Give the names of the distributions that the package depends on."""
    requirements = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_whatever_a_file_imports_is_declared(path: Path) -> None:
    undeclared = set()
    for module in imports(path):
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top == PACKAGE.name:
            continue
        if top in PLUGIN_FOR.get(str(path.relative_to(PACKAGE)), ()):
            continue
        airflows = [name for start, name in OF_AIRFLOW.items() if f"{module}.".startswith(f"{start}.")]
        names = airflows[:1] or [name.lower() for name in distributions().get(top, [top])]
        if not declared() & set(names):
            undeclared.add(top)
    assert undeclared == set()


def test_requirements_have_lower_bounds_only() -> None:
    requirements = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [one for one in requirements if not re.fullmatch(r"[\w.-]+>=[\d.]+", one)] == []
