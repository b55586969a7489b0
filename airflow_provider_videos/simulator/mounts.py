# SPDX-License-Identifier: Apache-2.0
"""Which vendor, and which of its endpoints, a request is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from airflow_provider_videos.simulator.checks import check_choice
from airflow_provider_videos.simulator.faults import Fault
from airflow_provider_videos.simulator.path_template import path_template
from airflow_provider_videos.simulator.vendor import MEDIA_PATH, SimulatedVendor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Addressed:
    """What a request is for.

    :param vendor: the vendor; the first one where no vendor is named.
    :param role: role of the endpoint; None: there is no such endpoint.
    :param parts: what the parts in braces of the endpoint's path stand for.
    :param allowed: the methods that the path has, if it has not this one.
    :param needs_key: whether the vendor's key is asked for.
    """

    vendor: SimulatedVendor
    role: str | None = None
    parts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    needs_key: bool = True

    @property
    def video_id(self) -> str | None:
        """The id of the video that the request names."""
        return self.parts.get("id")


class Mounts:
    """The simulated vendors: each below ``/{conn_type}``, and those that ask for it at the root too.

    :param vendors: the vendors. At the root, the first one gets what is for no other.
    :raises ValueError: two have the same connection type.
    """

    def __init__(self, vendors: Iterable[SimulatedVendor]) -> None:
        self.vendors: dict[str, SimulatedVendor] = {}
        for vendor in vendors:
            if vendor.conn_type in self.vendors:
                raise ValueError(f"vendors must have different connection types, but two have {vendor.conn_type!r}")
            self.vendors[vendor.conn_type] = vendor
        self._at_root = [vendor for vendor in self.vendors.values() if vendor.at_root]

    def vendor(self, conn_type: object) -> SimulatedVendor:
        """The vendor of a connection type.

        :raises ValueError: there is none.
        """
        check_choice("vendor", conn_type, self.vendors)
        return self.vendors[str(conn_type)]

    def check_fault(self, fault: Fault) -> None:
        """Check that a fault can strike.

        :raises ValueError: there is no such vendor, or no endpoint of this role.
        """
        vendors = list(self.vendors.values()) if fault.vendor is None else [self.vendor(fault.vendor)]
        if fault.endpoint is not None:
            roles = dict.fromkeys(role for vendor in vendors for role in (*vendor.endpoints, "media"))
            check_choice("endpoint", fault.endpoint, roles)

    def address(self, method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Addressed:
        """Find out what a request is for.

        :param method: its HTTP method.
        :param raw_path: its path as it came, still quoted.
        :param query: its query's parameters.
        :param headers: its headers, which tell vendors apart at the root.
        """
        mount, slash, path = raw_path.removeprefix("/").partition("/")
        if slash and mount in self.vendors:
            return _endpoint(self.vendors[mount], method, "/" + path, query)
        vendor = next((one for one in self._at_root if one.auth.read(headers) is not None), self._at_root[0])
        if mount != "media":
            found = _endpoint(vendor, method, raw_path, query)
            is_nothing = found.role is None and not found.allowed
            return dataclasses.replace(found, needs_key=False) if is_nothing else found
        parts = path_template(MEDIA_PATH).match(raw_path, query)
        owner = self.vendors.get(parts["vendor"]) if parts else None
        if parts is None or owner is None or "media" in owner.endpoints:
            return Addressed(vendor=vendor, needs_key=False)
        if method not in {"GET", "HEAD"}:
            return Addressed(vendor=owner, allowed=("GET", "HEAD"), needs_key=False)
        return Addressed(vendor=owner, role="media", parts=parts, needs_key=False)


def _endpoint(vendor: SimulatedVendor, method: str, raw_path: str, query: Mapping[str, str]) -> Addressed:
    allowed = []
    for role, endpoint in vendor.endpoints.items():
        parts = path_template(endpoint.path).match(raw_path, query)
        if parts is None:
            continue
        if endpoint.method == method or (role == "media" and method == "HEAD"):
            return Addressed(vendor=vendor, role=role, parts=parts)
        allowed.append(endpoint.method)
    return Addressed(vendor=vendor, allowed=tuple(allowed))
