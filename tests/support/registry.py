"""A package registry on this machine: serves a simple index and files, can break off and lie; counts what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Registry:
    """What is served, and how."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range header
    break_after: int | None = None  # bytes of the next file answer, then the connection closes
    ranges: bool = True
    html: bool = False
    address: str = ""

    def index(self, project: str) -> bytes:
        names = [n for n in self.files if n.replace("_", "-").startswith(project)]
        if self.html:
            links = "".join(f'<a href="/files/{n}#sha256=0">{n}</a>' for n in names)
            return f"<html><body>{links}</body></html>".encode()
        return json.dumps({"files": [{"filename": n, "url": f"/files/{n}"} for n in names]}).encode()


@contextmanager
def serve() -> Iterator[Registry]:
    """Run a registry on the loopback address until the block ends."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            registry.requests.append((self.path, asked))
            if self.path.startswith("/files/"):
                self._file(registry.files[self.path.removeprefix("/files/")], asked)
                return
            body = registry.index(self.path.strip("/").split("/")[-1])
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if registry.html else "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _file(self, body: bytes, asked: str | None) -> None:
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and registry.ranges else 0
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(body) - first))
            self.end_headers()
            stop, registry.break_after = registry.break_after, None
            self.wfile.write(body[first:] if stop is None else body[first : first + stop])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
