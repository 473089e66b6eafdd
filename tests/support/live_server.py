"""`panel serve apps/live.py` as a person would start it, for browser tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Server:
    """A running server; its sessions lie in `sessions`."""

    port: int
    process: subprocess.Popen[bytes]
    sessions: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/live"

    def folders(self) -> list[Path]:
        return sorted(p.parent for p in self.sessions.glob("*/header.json"))


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Server]:
    """Start the page on a free port and wait until it listens; `options` such as ``--plugins workbench.live``."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    sessions, log = folder / "sessions", folder / "server.log"
    command = [sys.executable, "-m", "panel", "serve", str(ROOT / "apps" / "live.py"), "--port", str(port), *options]
    environment = os.environ | {"WORKBENCH_SESSIONS": str(sessions), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 300
        while b"running at" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the server did not start: {log.read_text()}"
            time.sleep(0.2)
        yield Server(port, process, sessions, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
