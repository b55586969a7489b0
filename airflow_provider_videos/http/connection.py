# SPDX-License-Identifier: Apache-2.0
"""What an Airflow connection says about how to reach a vendor."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import logging
import os
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import certifi
from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_videos.exceptions import VideoConnectionError
from airflow_provider_videos.masking import MIN_SECRET_CHARACTERS, can_mask
from airflow_provider_videos.numeric import is_number, read_number
from airflow_provider_videos.web_urls import WEB_SCHEMES, host_of, split_web_url, web_url

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_videos.vendors.base import Vendor

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 60.0
MAX_TIMEOUT = 3600.0
_NAME = re.compile(r"[A-Za-z_]{1,30}")
EXTRAS = ("timeout", "verify", "proxy", "max_concurrent_requests", "public_addresses_only")


@dataclasses.dataclass(frozen=True)
class VendorConnection:
    """A checked Airflow connection.

    :param conn_id: id of the connection.
    :param api_key: the vendor's key; kept out of the ``repr``.
    :param login: the first part of a key that has two, ``None`` if there is none.
    :param base_url: scheme, host, port and path prefix, without a slash at the end.
    :param timeout: for one request, in seconds.
    :param order_timeout: for one that orders a video, in seconds.
    :param ca_file: file or folder of the CA certificates to trust; ``None`` trusts any certificate.
    :param proxy: URL of the proxy, ``None`` for none; kept out of the ``repr``, as it may hold a password.
    :param max_concurrent_requests: how many requests of a triggerer may be under way at once.
    :param public_addresses_only: whether a download may be led to public addresses only.
    :param unknown_extras: names of extra fields that have no meaning here; ``…`` for what looks like no name.
    """

    conn_id: str
    api_key: str = dataclasses.field(repr=False)
    base_url: str
    timeout: float
    ca_file: str | None
    proxy: str | None = dataclasses.field(repr=False)
    order_timeout: float = DEFAULT_TIMEOUT
    login: str | None = dataclasses.field(default=None, repr=False)
    max_concurrent_requests: int = 200
    public_addresses_only: bool = False
    unknown_extras: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what works, and is most likely not what was meant."""
        found = []
        if not can_mask(self.api_key):
            found.append(
                f"The API key has fewer than {MIN_SECRET_CHARACTERS} characters, so it can't be masked where the "
                "vendor echoes it."
            )
        if self.unknown_extras:
            found.append(
                f"Extra {', '.join(map(repr, self.unknown_extras))} is not known here and ignored; known are "
                f"{', '.join(EXTRAS)}."
            )
        return tuple(found)

    @property
    def host(self) -> str:
        """Host with its port, for messages."""
        return host_of(self.base_url)


def read_connection(connection: Connection, vendor: Vendor) -> VendorConnection:
    """Check an Airflow connection and read what is needed from it.

    Extra fields that have no meaning here are passed on to nothing; a warning names them.

    :param connection: the connection.
    :param vendor: the vendor, whose type it must be of.
    :raises VideoConnectionError: naming the connection and the field that is missing or invalid.
    """
    reader = _Reader(connection)
    if connection.conn_type != vendor.conn_type:
        raise reader.error(
            "conn_type", f"is {connection.conn_type!r}, but must be {vendor.conn_type!r}{type_hint(connection)}"
        )
    base_url = reader.base_url(vendor.base_url)
    timeout = reader.timeout()
    checked = VendorConnection(
        conn_id=connection.conn_id,
        api_key=reader.api_key(),
        login=reader.login(),
        base_url=base_url,
        timeout=timeout or DEFAULT_TIMEOUT,
        order_timeout=timeout or vendor.order_timeout or DEFAULT_TIMEOUT,
        ca_file=reader.ca_file(),
        proxy=reader.proxy(base_url),
        max_concurrent_requests=reader.max_concurrent_requests(),
        public_addresses_only=reader.public_addresses_only(),
        unknown_extras=reader.unknown_extras(),
    )
    for warning in checked.warnings:
        log.warning("Connection %r: %s", connection.conn_id, warning)
    return checked


def type_hint(connection: Connection) -> str:
    """Return what else to say of a connection of a wrong type: ``airflow connections add`` makes some of them."""
    if connection.conn_type != "generic":
        return ""
    return (
        "; Airflow's command line makes this of a type that it doesn't know, so airflow-provider-videos may not be "
        "installed where the connection was made: install it there, and make the connection again"
    )


def environment_proxy(url: str) -> str | None:
    """Return the URL of the proxy that the environment names for a URL, ``None`` if it names none."""
    proxy: str | None = select_proxy(url, get_environ_proxies(url))
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


class _Reader:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._extra = self._read_extra()

    def error(self, field: str, problem: str) -> VideoConnectionError:
        return VideoConnectionError(conn_id=self._connection.conn_id, field=field, problem=problem)

    def _read_extra(self) -> dict[str, Any]:
        # Connection.extra_dejson swallows a syntax error, and blocks when it runs in the triggerer.
        try:
            extra = json.loads(self._connection.extra or "{}")
        except (ValueError, RecursionError):
            raise self.error("extra", "is no JSON") from None
        if not isinstance(extra, dict):
            raise self.error("extra", "must be a JSON object")
        return extra

    def api_key(self) -> str:
        api_key = self._connection.password
        if not api_key:
            raise self.error("password", "is empty; put the vendor's API key there")
        self._check_key("password", api_key)
        return api_key

    def login(self) -> str | None:
        login = self._connection.login or None
        if login is not None:
            self._check_key("login", login)
        return login

    def _check_key(self, field: str, key: str) -> None:
        if not (key.isascii() and key.isprintable()) or key != key.strip():
            # Stripping it would send a key that Airflow's log masking doesn't know.
            raise self.error(
                field,
                "holds a line break, white space at an end or a character outside ASCII, which no API key has; "
                "paste the key again",
            )

    def base_url(self, default_url: str) -> str:
        host = (self._connection.host or "").strip()
        if not host:
            return default_url
        scheme, has_scheme, rest = host.partition("://")
        if not has_scheme:
            scheme, rest = self._connection.schema or "https", f"[{host}]" if _is_ipv6_address(host) else host
        # What is wrong is not shown: it may be a key that was put into the wrong place.
        scheme = scheme.lower()
        if scheme not in WEB_SCHEMES:
            raise self.error("host" if has_scheme else "schema", "asks for a scheme other than http or https")
        if "@" in rest:
            raise self.error("host", "holds credentials; the key belongs into the password")
        if "?" in rest or "#" in rest:
            raise self.error("host", "holds a query or fragment; only scheme, host, port and a path have a meaning")
        parts = split_web_url(f"{scheme}://{rest}")
        try:
            hostname = "" if parts is None else (parts.hostname or "").encode("idna").decode()
        except ValueError:
            hostname = ""
        if parts is None or not hostname:
            raise self.error("host", "can't be read; it should be such as https://gateway.example.com:8443")
        port = self._connection.port or None if parts.port is None else parts.port
        if port is not None and not 0 < port < 65536:
            raise self.error("port", "must be from 1 to 65535")
        if self._connection.port and port != self._connection.port:
            raise self.error("port", f"is {self._connection.port}, but the host says {port}")
        hostname = f"[{hostname}]" if _is_ipv6_address(hostname) else hostname
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        return f"{scheme}://{hostname}{f':{port}' if port else ''}{path}"

    def unknown_extras(self) -> tuple[str, ...]:
        # What doesn't look like a name isn't shown: it may be a key that was put into the wrong place.
        unknown = sorted(name for name in self._extra if name not in EXTRAS)
        return tuple(name if _NAME.fullmatch(name) else "…" for name in unknown)

    def timeout(self) -> float | None:
        value = self._extra.get("timeout")
        if value is None or value == "":
            return None
        timeout = read_number(value)
        if timeout is None or not 0 < timeout <= MAX_TIMEOUT:
            raise self.error("extra.timeout", f"must be seconds above 0 and up to {MAX_TIMEOUT:g}, not {value!r:.50}")
        return timeout

    def max_concurrent_requests(self) -> int:
        value = self._extra.get("max_concurrent_requests")
        if value is None or value == "":
            return VendorConnection.max_concurrent_requests
        limit = read_number(value)
        if not is_number(limit, whole=True) or not 1 <= limit <= 1000:
            raise self.error(
                "extra.max_concurrent_requests", f"must be a whole number from 1 to 1000, not {value!r:.50}"
            )
        return int(limit)

    def public_addresses_only(self) -> bool:
        value = self._extra.get("public_addresses_only")
        text = "false" if value is None or value == "" else str(value).strip().lower()
        if text not in {"true", "false"}:
            raise self.error("extra.public_addresses_only", f"must be true or false, not {value!r:.50}")
        return text == "true"

    def ca_file(self) -> str | None:
        value = self._extra.get("verify")
        if isinstance(value, str) and value.strip().lower() in {"true", "false", ""}:
            value = value.strip().lower() != "false"
        if value is False:
            return None
        if value is None or value is True:
            for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                if os.environ.get(name):
                    return self._readable_ca_file(os.environ[name], f"is not set, and {name} in the environment")
            return certifi.where()
        if not isinstance(value, str):
            raise self.error("extra.verify", f"must be true, false or the path of a CA file, not {value!r}")
        return self._readable_ca_file(value, "is set, and")

    def _readable_ca_file(self, path: str, source: str) -> str:
        if os.path.isdir(path):
            return path
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except (OSError, ValueError):
            raise self.error(
                "extra.verify", f"{source} names {path!r}, which holds no CA certificates on this machine"
            ) from None
        return path

    def proxy(self, base_url: str) -> str | None:
        proxy = self._extra.get("proxy")
        if proxy is None or proxy == "":
            proxy = environment_proxy(base_url)
            if proxy is None:
                return None
        if web_url(proxy) is None:
            # It is not shown: it may hold a password.
            raise self.error(
                "extra.proxy", "must be a URL such as http://proxy.example.com:3128, also when the environment says it"
            )
        return str(proxy)


def _is_ipv6_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
