# SPDX-License-Identifier: Apache-2.0
"""Shorter pauses by Python's garbage collector while many wait.

A full collection goes through every object of the triggerer, half a million of them Airflow's own, and stops the loop
that all triggers share for as long. Each look brings the next one nearer, as what is under way counts as growth. So the
objects that are there when many begin to wait are set aside: they stay in use, and are only not gone through.
"""

from __future__ import annotations

import gc

_has_set_aside = False


def set_aside() -> None:
    """Leave the objects that there are now out of collections, until :func:`take_back`.

    What becomes garbage among them meanwhile is freed after that. If something else in this process has set objects
    aside, this does nothing.
    """
    global _has_set_aside
    if not _has_set_aside and not gc.get_freeze_count():
        gc.freeze()
        _has_set_aside = True


def take_back() -> None:
    """Let collections go through everything again, if :func:`set_aside` has ended that."""
    global _has_set_aside
    if _has_set_aside:
        gc.unfreeze()
        _has_set_aside = False
