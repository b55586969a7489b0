# SPDX-License-Identifier: Apache-2.0
"""Apache Airflow provider for generative video.

Airflow loads this package while it is itself half imported, so nothing of Airflow may be imported here.
"""

__version__ = "0.1.0"
