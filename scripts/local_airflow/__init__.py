# SPDX-License-Identifier: Apache-2.0
"""A real Airflow on this machine, for the demo, the tests and the benchmarks."""
