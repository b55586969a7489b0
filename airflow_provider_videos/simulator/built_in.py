# SPDX-License-Identifier: Apache-2.0
"""Finds the vendors that come with the simulator."""

from __future__ import annotations

import importlib
import pkgutil

from airflow_provider_videos.simulator import vendors
from airflow_provider_videos.simulator.vendor import SimulatedVendor


def built_in_vendors() -> tuple[SimulatedVendor, ...]:
    """The ``VENDOR`` of every file in the folder ``vendors``, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(vendors.__path__))
    return tuple(importlib.import_module(f"{vendors.__name__}.{name}").VENDOR for name in names)
