# SPDX-License-Identifier: Apache-2.0
"""Runs a command beside a database server of its own: ``python scripts/backend.py postgres -m benchmarks.ends``.

``postgres`` brings PostgreSQL, Redis, CeleryExecutor, two workers and two triggerers, ``mysql`` MariaDB and
LocalExecutor. The servers are Debian's; they run as an ordinary user, in a temporary folder, on free ports of the
loopback, and end with the command. What follows the name goes to the Python of an environment with Airflow in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from environment import CHECKOUT, make_environment

REQUIREMENTS = {
    # The provider sets no upper limit on Celery, and can't be imported with 5.7 (version 3.26).
    "postgres": ("apache-airflow-providers-celery", "celery<5.7", "apache-airflow-providers-postgres"),
    "mysql": ("apache-airflow-providers-mysql",),
}
PACKAGES = {
    "postgres": "postgresql redis-server",
    "mysql": "mariadb-server-core mariadb-client-core libmariadb-dev pkg-config",
}
#: What tests and benchmarks read to find the server: the settings of Airflow as a JSON object.
VARIABLE = "REAL_AIRFLOW_SETTINGS"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


def check_installed(name: str) -> None:
    """End with what to install, if one of the servers is missing.

    :param name: of a backend, a key of :data:`REQUIREMENTS`.
    :raises SystemExit: if a server is missing.
    """
    programs = {"postgres": ("initdb", "postgres", "redis-server"), "mysql": ("mariadb-install-db", "mariadbd")}
    missing = [program for program in (*programs[name], "setpriv") if _find(program) is None]
    if missing:
        sys.exit(f"There is no {', '.join(missing)}. On Debian: apt-get install {PACKAGES[name]}")


@contextlib.contextmanager
def backend(name: str) -> Generator[dict[str, str]]:
    """Run the servers of a backend, and give the settings of an Airflow on them.

    :param name: a key of :data:`REQUIREMENTS`.
    :return: ``AIRFLOW__SECTION__OPTION`` and value. The database is there and empty.
    :raises RuntimeError: if a server doesn't start, with what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix=f"airflow-{name}-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        if os.geteuid() == 0:
            shutil.chown(home, "nobody", "nogroup")
        yield _start_postgres(home, stack) if name == "postgres" else _start_mysql(home, stack)


def run_beside(name: str, commands: list[list[str]]) -> int:
    """Run commands, one after the other, beside a backend of their own each.

    :return: the first exit code that is not 0, if there is one.
    """
    # Else Python would end without having ended the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    codes = []
    for command in commands:
        with backend(name) as settings:
            environment = os.environ | {VARIABLE: json.dumps(settings)}
            codes.append(subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode)
    return next(filter(None, codes), 0)


def _start_postgres(home: Path, stack: contextlib.ExitStack) -> dict[str, str]:
    password, port = secrets.token_hex(16), _free_port()
    (home / "password").touch(mode=0o644)
    (home / "password").write_text(password)
    data = ["-D", str(home / "data")]
    _run("initdb", *data, "-U", "airflow", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256",
         f"--pwfile={home / 'password'}")  # fmt: skip
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": home, "max_connections": 200}
    stack.enter_context(
        _server(home, "postgres", *data, *(f"--{option}={value}" for option, value in options.items()), port=port)
    )
    environment = {"PGPASSWORD": password}
    _until(home / "postgres.log", "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "airflow", "airflow",
           environment=environment)  # fmt: skip
    database = f"airflow:{password}@127.0.0.1:{port}/airflow"
    redis_port = _free_port()
    (home / "redis.conf").write_text(
        f"bind 127.0.0.1\nport {redis_port}\nrequirepass {password}\ndir {home}\nsave ''\nappendonly no\n"
    )
    stack.enter_context(_server(home, "redis-server", str(home / "redis.conf"), port=redis_port))
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://:{password}@127.0.0.1:{redis_port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql://{database}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
    }


def _start_mysql(home: Path, stack: contextlib.ExitStack) -> dict[str, str]:
    password, port = secrets.token_hex(16), _free_port()
    start = home / "start.sql"
    start.write_text(
        "CREATE DATABASE airflow CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\n"
        f"CREATE USER airflow@'%' IDENTIFIED BY '{password}';\n"
        "GRANT ALL PRIVILEGES ON airflow.* TO airflow@'%';\n"
    )
    data = ["--no-defaults", f"--datadir={home / 'data'}"]
    _run("mariadb-install-db", *data, "--skip-test-db")
    options = {"bind-address": "127.0.0.1", "port": port, "socket": home / "socket", "init-file": start}
    options |= {"pid-file": home / "pid", "explicit-defaults-for-timestamp": 1}
    stack.enter_context(
        _server(home, "mariadbd", *data, *(f"--{option}={value}" for option, value in options.items()), port=port)
    )
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"mysql+mysqldb://airflow:{password}@127.0.0.1:{port}/airflow",
        # The scheduler of Airflow 3.3.2 looks for orphaned assets each minute, by a DELETE behind a WITH, and ends:
        # MySQL has that, MariaDB hasn't.
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "86400",
    }


@contextlib.contextmanager
def _server(home: Path, program: str, *arguments: str, port: int) -> Generator[None]:
    """Run a server, from when it accepts connections, and let it end in good order."""
    log = home / f"{program}.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl+C is for the command, which needs its server until its end.
        process = subprocess.Popen(
            _command(program, *arguments), cwd=home, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{program} does not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.1)
        yield
    finally:
        # PostgreSQL would wait for its clients after a SIGTERM.
        process.send_signal(signal.SIGINT if program == "postgres" else signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(program: str, *arguments: str) -> None:
    result = subprocess.run(_command(program, *arguments), cwd="/", capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{program} failed:\n{result.stdout}{result.stderr}")


def _until(log: Path, program: str, *arguments: str, environment: dict[str, str]) -> None:
    """Repeat a command until it succeeds: a server can listen before it is ready."""
    command = [_find(program) or program, *arguments]
    deadline = time.monotonic() + _START_SECONDS
    while True:
        result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        if not result.returncode:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{program} failed:\n{result.stderr}{log.read_text(errors='replace')}")
        time.sleep(0.2)


def _command(program: str, *arguments: str) -> list[str]:
    # Both servers refuse to run as root. If this process is killed, they are asked to end.
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=INT" if program == "postgres" else "--pdeathsig=TERM",
            _find(program) or program, *arguments]  # fmt: skip


def _find(program: str) -> str | None:
    # Debian puts PostgreSQL's servers, by version, on nobody's PATH.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    folders = [os.environ.get("PATH", os.defpath), *map(str, reversed(versions)), "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(folders))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in REQUIREMENTS:
        sys.exit(__doc__)
    check_installed(sys.argv[1])
    python = make_environment(f"test-airflow-newest-{sys.argv[1]}", "--editable", ".[test]", *REQUIREMENTS[sys.argv[1]])
    sys.exit(run_beside(sys.argv[1], [[str(python), *sys.argv[2:]]]))
