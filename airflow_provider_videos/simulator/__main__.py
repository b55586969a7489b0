# SPDX-License-Identifier: Apache-2.0
"""Serve the vendors' video APIs on this machine, without a key or a bill.

While it runs, these paths control it. They ask for NO key: whoever can connect can use them, so keep the
default --host unless the network is yours.

  GET    /simulator         what was asked and answered so far
  PATCH  /simulator         {"key", "queued", "generating", "outcome"}: change settings
  DELETE /simulator         forget the videos, the faults and the record
  POST   /simulator/videos  {"vendor", "video_id", "queued", "generating", "outcome", "form", "fields",
                            "without", "media_bytes"}: put a video there; all but vendor may be left
                            out
  POST   /simulator/faults  {"kind", "times", "after", "video_id", "method", "seconds", "status",
                            "retry_after", "body", "location", "target", "endpoint", "vendor"}: let
                            something go wrong; all but kind may be left out
  DELETE /simulator/faults  let nothing go wrong any more

Outcomes: ready, ready_without_urls, failed, stuck; for a single video also those of its vendor: OUTCOMES.
Faults: KINDS. Their "endpoint" is a role, such as create, get or list; their "vendor" a connection's type.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import textwrap
import threading
from collections.abc import Sequence
from typing import TextIO

from airflow_provider_videos.simulator.built_in import built_in_vendors
from airflow_provider_videos.simulator.faults import FAULT_KINDS
from airflow_provider_videos.simulator.server import Simulator
from airflow_provider_videos.simulator.vendor import SimulatedVendor
from airflow_provider_videos.simulator.videos import FORMS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program until it is interrupted.

    :param arguments: the command line; None (default): the process's own.
    :return: the exit code: 0, or 1 if it could not start.
    """
    options = _parser().parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        simulator = Simulator(**vars(options))
        simulator.start()
    except OSError as error:
        reason = error.strerror or error
        _say(f"The simulator can't listen on {options.host}:{options.port}: {reason}", sys.stderr)
        return 1
    except (RuntimeError, ValueError) as error:
        _say(f"The simulator can't start: {error}", sys.stderr)
        return 1
    try:
        _say(_welcome(simulator))
        stopping.wait()
    finally:
        simulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    own = (f"{', '.join(one.outcomes)} ({one.name})" for one in built_in_vendors() if one.outcomes)
    description = (__doc__ or "").replace("KINDS", textwrap.fill(", ".join(FAULT_KINDS), 100))
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_videos.simulator",
        description=description.replace("OUTCOMES", "; ".join(own)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="name or address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8787, help="port; 0: a free one (%(default)s)")
    parser.add_argument("--key", default="simulator-key", help="the key to ask for (%(default)s)")
    parser.add_argument("--queued", type=float, default=5.0, help="seconds that a video waits (%(default)s)")
    parser.add_argument("--generating", type=float, default=10.0, help="seconds that generating takes (%(default)s)")
    parser.add_argument(
        "--form",
        choices=FORMS,
        default="documented",
        help="whether answers look as documented or as observed (%(default)s)",
    )
    parser.add_argument("--tls", action="store_true", help="speak TLS, with a self-signed certificate")
    parser.add_argument(
        "--page-base", type=int, choices=(0, 1), default=0, help="first page where a list counts pages (%(default)s)"
    )
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _welcome(simulator: Simulator) -> str:
    vendors = simulator.vendors
    names = [vendor.name for vendor in vendors]
    lines = [
        f"Serving {', '.join(names[:-1])} and {names[-1]} at {simulator.url}",
        "",
        "The Airflow connections, kept by Airflow:",
        *(_add_connection(simulator, vendor) for vendor in vendors),
        "",
        "or for the processes of one terminal:",
        *(
            f"export AIRFLOW_CONN_{vendor.conn_type.upper()}_DEFAULT='{simulator.connection_uri(vendor.conn_type)}'"
            for vendor in vendors
        ),
        "",
        "To order a video:",
        _order(simulator, next((vendor for vendor in vendors if vendor.conn_type == "tavus"), vendors[0])),
        "",
        "A restart forgets all videos: a Dag that still waits for one then fails.",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _order(simulator: Simulator, vendor: SimulatedVendor) -> str:
    headers = {**vendor.auth.headers(simulator.key), "Content-Type": "application/json"}
    curl = ["curl", *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}"))]
    curl += ["-d", json.dumps(vendor.example_order)]
    if simulator.url.startswith("https:"):
        curl += ["--cacert", str(simulator.certificate)]
    path = vendor.example_path or vendor.endpoints["create"].path
    return shlex.join([*curl, simulator.vendor_url(vendor.conn_type) + path])


def _add_connection(simulator: Simulator, vendor: SimulatedVendor) -> str:
    url = simulator.vendor_url(vendor.conn_type)
    fields = {"conn-type": vendor.conn_type, "conn-host": url, "conn-password": simulator.key}
    if vendor.login:
        fields["conn-login"] = vendor.login
    if simulator.url.startswith("https:"):
        fields["conn-extra"] = json.dumps({"verify": str(simulator.certificate)})
    options = [part for name, value in fields.items() for part in (f"--{name}", value)]
    return shlex.join(["airflow", "connections", "add", f"{vendor.conn_type}_default", *options])


def _say(text: str, stream: TextIO | None = None) -> None:
    # Whoever waits for the address reads a pipe, which is not flushed at a line's end.
    stream = stream or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
