# SPDX-License-Identifier: Apache-2.0
"""Ends whole sessions of processes; as a script, it does so when the process that started it dies.

Airflow moves its children (trigger runner, tasks, file processors) into process groups of their own, so a
process group is not enough to find them. Nothing of Airflow leaves the session of the command that started
it, so the session is.

As a script it reads its standard input: ``+<id>`` adds a session to its watch, ``-<id>`` ends the watch. At
the end of the input, which comes however the writer died (SIGKILL included), it kills what it still watches.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

import psutil

_KILL_SECONDS = 10.0


def session_members(session: int) -> list[psutil.Process]:
    """Return the living processes of a session, lowest id first; zombies don't count."""
    members = []
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getsid(pid) == session:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    members.append(process)
    return members


def kill_session(session: int) -> None:
    """Send SIGKILL to a session's processes until none lives.

    Raises TimeoutError when some are left after 10 seconds.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while members := session_members(session):
        if time.monotonic() > deadline:
            raise TimeoutError(f"session {session} has survived SIGKILL: {members}")
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        time.sleep(0.02)


def _watch() -> None:
    # A SIGINT from the terminal or a SIGTERM to everything must not end the guard before its charges.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: set[int] = set()
    for line in sys.stdin:
        session = int(line[1:])
        if line.startswith("+"):
            watched.add(session)
        else:
            watched.discard(session)
    for session in watched:
        with suppress(TimeoutError):
            kill_session(session)


if __name__ == "__main__":
    _watch()
