# SPDX-License-Identifier: Apache-2.0
"""Watching an account in the triggerer: what it lists, and which of its videos were reported before."""
