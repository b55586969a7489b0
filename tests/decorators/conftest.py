# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

# An order that is searched for, in both modes, with connections whose requests time out soon.
from tests.operators.conftest import connect, mode, searches_and_attempts_follow_each_other_soon

__all__ = ["connect", "mode", "searches_and_attempts_follow_each_other_soon"]
