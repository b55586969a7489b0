# SPDX-License-Identifier: Apache-2.0
"""Orders that are disturbed in a real Airflow, for the crash table and the tests."""
