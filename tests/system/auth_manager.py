# SPDX-License-Identifier: Apache-2.0
"""An auth manager that lets somebody see a Dag without its XComs, as the managers of real sites can."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class HidesXComsFromViewers(SimpleAuthManager):
    """Airflow's own simple one, except that the user "viewer" sees no XComs; "reader" does, and may answer nothing."""

    def is_authorized_dag(self, *, user: Any, access_entity: DagAccessEntity | None = None, **kwargs: Any) -> bool:
        """Say whether a user may do something with a Dag."""
        if access_entity is DagAccessEntity.XCOM and user.get_name() == "viewer":
            return False
        return bool(super().is_authorized_dag(user=user, access_entity=access_entity, **kwargs))
