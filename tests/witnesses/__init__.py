# SPDX-License-Identifier: Apache-2.0
"""The vendors' own SDKs, run against the simulator: if their client works with it, it speaks their language.

They need an environment of their own, as they can't all be installed beside Airflow: ``python scripts/test.py
--witnesses`` makes it and runs these tests in it, simulator included. Nothing here imports Airflow.
"""
