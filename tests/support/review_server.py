"""`panel serve apps/review.py` as a person would start it, for browser tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def serve(sessions: Path, working: Path) -> Iterator[str]:
    """Serve a folder of sessions on a free port; `working` is where experiments and runs are written. Gives the page's address."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log, environment = working / "server.log", os.environ | {"WORKBENCH_SESSIONS": str(sessions), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "panel", "serve", str(ROOT / "apps" / "review.py"), "--port", str(port)],
            cwd=working, env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while b"running at" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the server did not start: {log.read_text()}"
            time.sleep(0.2)
        yield f"http://localhost:{port}/review"
    finally:
        process.terminate()
        process.wait(20)
