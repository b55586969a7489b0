# SPDX-License-Identifier: Apache-2.0
"""An AIRFLOW_HOME: environment, configuration and a migrated database."""

from __future__ import annotations

import base64
import configparser
import fcntl
import hashlib
import os
import secrets
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from .components import AIRFLOW_COMMAND

_MIGRATION_SECONDS = 300.0


def clean_environment(home: Path) -> dict[str, str]:
    """Return this process's environment for an Airflow with that home, without what steers another."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.lstrip("_").startswith("AIRFLOW_") and not name.startswith("PYTEST_")
    }
    environment["AIRFLOW_HOME"] = str(home)
    # A Dag's "python" or "airflow" has to be this one.
    environment["PATH"] = os.pathsep.join([
        sysconfig.get_path("scripts"),
        environment.get("PATH", os.defpath),
    ])
    # Airflow's components talk to each other through HTTP clients that heed a proxy.
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), "127.0.0.1", "localhost"]))
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        # Without byte code, half of each command's start is compiling (5 of 9 s on a slow machine).
        environment["PYTHONPYCACHEPREFIX"] = str(_cache_folder() / "bytecode")
    return environment


def write_configuration(
    home: Path, dags_folder: Path, port: int, log_ports: tuple[int, int], users: Mapping[str, str]
) -> None:
    """Write ``airflow.cfg``. An environment variable ``AIRFLOW__SECTION__OPTION`` beats what it says.

    ``port`` is the API server's, ``log_ports`` the workers' and the triggerer's log server's; ``users`` gives
    each user's role.
    """
    url = f"http://127.0.0.1:{port}"
    settings: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": dags_folder,
            "executor": "LocalExecutor",
            "execution_api_server_url": f"{url}/execution/",
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "load_examples": False,
            "min_serialized_dag_fetch_interval": 1,
            "min_serialized_dag_update_interval": 1,
            "parallelism": 8,
            "simple_auth_manager_users": ",".join(f"{name}:{role}" for name, role in users.items()),
        },
        "database": {
            "load_default_connections": False,
            "sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}",
        },
        "logging": {
            "base_log_folder": home / "logs",
            "worker_log_server_port": log_ports[0],
            "trigger_log_server_port": log_ports[1],
        },
        "api": {
            "base_url": url,
            "host": "127.0.0.1",
            "port": port,
            "secret_key": secrets.token_hex(16),
            "workers": 1,
        },
        "api_auth": {"jwt_secret": secrets.token_hex(32)},
        "usage_data_collection": {"enabled": False},
        "scheduler": {
            "job_heartbeat_sec": 1,
            "scheduler_heartbeat_sec": 1,
            "scheduler_idle_sleep_time": 0.3,
            "trigger_timeout_check_interval": 2,
        },
        "triggerer": {
            "job_heartbeat_sec": 1,
            # A killed triggerer keeps its triggers for so long; a living one must not be taken for dead.
            "triggerer_health_check_threshold": 8,
        },
        "dag_processor": {"bundle_refresh_check_interval": 1, "refresh_interval": 5},
        # A supervisor may notice this late that its task has ended. Airflow fails a task that defers and is resumed
        # before that, and the tests' waits are shorter than the default of 5 s.
        "workers": {"min_heartbeat_interval": 1},
    }
    parser = configparser.RawConfigParser()
    parser.read_dict({
        section: {option: str(value).replace("%", "%%") for option, value in options.items()}
        for section, options in settings.items()
    })
    file = home / "airflow.cfg"
    file.touch(mode=0o600)
    with file.open("w") as stream:
        parser.write(stream)


def migrate_database(home: Path, environment: Mapping[str, str]) -> None:
    """Migrate the database that an environment for Airflow's commands names.

    Raises RuntimeError with Airflow's output if that fails, and subprocess.TimeoutExpired after 300 seconds.
    """
    result = subprocess.run(
        [*AIRFLOW_COMMAND, "db", "migrate"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_MIGRATION_SECONDS,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"airflow db migrate failed:\n{result.stdout}\n{result.stderr}")


def create_database(target: Path) -> None:
    """Copy a freshly migrated, empty database to ``target``, migrating one only if there is none to copy.

    It is kept, for each version of Airflow, in the machine's temporary folder. Raises RuntimeError with
    Airflow's output if the migration fails, and subprocess.TimeoutExpired after 300 seconds.
    """
    template = _cache_folder() / "airflow.db"
    with template.with_name("lock").open("w") as lock:
        # Workers of one test run need it at the same moment; one migrates, the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.is_file():
            with tempfile.TemporaryDirectory(dir=template.parent) as folder:
                _migrate(Path(folder)).replace(template)
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _migrate(home: Path) -> Path:
    write_configuration(home, home / "dags", 0, (0, 0), {})
    migrate_database(home, clean_environment(home))
    with (
        closing(sqlite3.connect(home / "airflow.db")) as source,
        closing(sqlite3.connect(home / "whole.db")) as copy,
    ):
        # The newest pages may still be in the write-ahead log beside the file; a backup holds all of them.
        source.backup(copy)
    return home / "whole.db"


def _cache_folder() -> Path:
    """Return a folder for what can be made once per interpreter and version of Airflow.

    Raises PermissionError if it belongs to another user: byte code is run as it is found.
    """
    owner = os.getuid()
    key = hashlib.sha256(f"{sys.prefix} {sys.version} {version('apache-airflow-core')}".encode()).hexdigest()
    folder = Path(tempfile.gettempdir(), f"real-airflow-{owner}-{key[:12]}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != owner:
        raise PermissionError(f"{folder} belongs to another user")
    return folder
