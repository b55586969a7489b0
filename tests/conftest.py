# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from urllib.parse import quote

# Airflow reads both when it is first imported; nothing of the user's own Airflow may take part in the tests.
for _name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-provider-videos-tests-")

import certifi
import pytest

from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.simulator.certificate import make_certificate
from airflow_provider_videos.simulator.videos import VendorName
from object_store import ObjectStore, object_store
from tests import wire as wires

# They run where the vendors' SDKs are installed, and no Airflow is: ``python scripts/test.py --witnesses``.
collect_ignore = ["witnesses"]
VENDORS: tuple[VendorName, ...] = ("tavus", "together")
API_KEY = "key-that-nobody-may-see"


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> VendorName:
    """Run the test for each vendor."""
    vendor: VendorName = request.param
    return vendor


@pytest.fixture(scope="session")
def _ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a file of one CA certificate: each session would read certifi's for 40 ms, and nothing needs them."""
    certificate, _ = make_certificate(tmp_path_factory.mktemp("ca"), "ca.test")
    return str(certificate)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, _ca_file: str) -> None:
    """Let neither proxies nor CA files of the machine take part."""
    monkeypatch.setattr(certifi, "where", lambda: _ca_file)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Give a port that nothing listens on, held so that no other process of the machine gets it meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield int(probe.getsockname()[1])


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run both vendors, with videos that take no time unless a test says otherwise."""
    with Simulator(key=API_KEY, queued=0, generating=0) as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> Callable[..., str]:
    """Give a function that defines the connection of a vendor to the simulator and returns its id."""

    def define(vendor: str, *, key: str = API_KEY, query: str = "", address: str | None = None) -> str:
        conn_id = f"{vendor}_default"
        address = address or f"127.0.0.1:{simulator.port}/http"
        uri = f"{vendor}://:{quote(key, safe='')}@{address}{query and '?'}{query}"
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", uri)
        return conn_id

    return define


@pytest.fixture(scope="session")
def _object_store() -> Iterator[ObjectStore]:
    """Run an S3 on a socket, for all tests that need one."""
    with object_store() as store:
        yield store


@pytest.fixture
def s3(_object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """Give an S3 with an empty bucket, and define the Airflow connection to it."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{_object_store.conn_id.upper()}", _object_store.uri)
    _object_store.empty()
    return _object_store


@pytest.fixture(params=wires.LIBRARIES)
def exchange(request: pytest.FixtureRequest) -> wires.Exchange:
    """Run the test with each HTTP library."""
    return wires.LIBRARIES[request.param]


@pytest.fixture
def wire() -> Iterator[wires.Wire]:
    """Give a function that answers on a socket of its own and returns the URL."""
    with contextlib.ExitStack() as resources:
        yield wires.Wire(resources)
