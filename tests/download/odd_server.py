# SPDX-License-Identifier: Apache-2.0
"""A file server that answers in whatever way a test wants, as the simulator serves files rightly or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer: what is in ``headers`` is sent as it is, and nothing is added but a framing if ``length`` says so."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: What Content-Length says; ``None`` sends none.
    length: int | None = None
    chunked: bool = False


@dataclasses.dataclass
class OddServer:
    """Gives its answers in order, the last one for ever, and keeps the headers of what it was asked."""

    url: str = ""
    answers: list[Answer] = dataclasses.field(default_factory=list)
    asked: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def serving() -> Generator[OddServer]:
    """Serve from a thread."""
    odd = OddServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            odd.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            answer = odd.next()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            body = answer.body
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            elif answer.length is not None:
                self.send_header("Content-Length", str(answer.length))
            self.close_connection = True
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        odd.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield odd
        finally:
            server.shutdown()
            thread.join()
