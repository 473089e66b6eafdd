"""What every page's bench needs: the page on a server of its own, and a headless Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from workbench import bundled
from workbench.errors import WorkbenchError

PATIENCE = 300.0
"""Seconds that a server may take to start: models are loaded before the first visitor."""

_VENDOR = (
    "update.googleapis.com", "clients2.google.com", "content-autofill.googleapis.com", "optimizationguide-pa.googleapis.com",
    "accounts.google.com", "safebrowsing.googleapis.com", "www.google.com", "android.clients.google.com", "mtalk.google.com",
    "redirector.gvt1.com", "edgedl.me.gvt1.com", "clientservices.googleapis.com",
)  # fmt: skip
SILENT = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
    "--host-resolver-rules=" + ",".join(f"MAP {host} ~NOTFOUND" for host in _VENDOR),
)  # fmt: skip
"""Flags with which Chromium itself asks no other host. What a page asks for still leaves, and is seen by the egress test."""


class Served(NamedTuple):
    """A page's address and its server's process id."""

    address: str
    pid: int

    def visit(self) -> str:
        """Fetch the page once, for the first visit loads what the page needs; gives its address."""
        with urlopen(self.address, timeout=PATIENCE):
            return self.address


@contextmanager
def served(app: str, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """``panel serve apps/APP.py`` on a free port, with `folder` as working folder and for its log, until the block ends.

    Raises
    ------
    WorkbenchError
        If the server does not start; with the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "panel", "serve", str(bundled.own(f"apps/{app}.py")), "--port", str(port), *arguments]
    with log.open("wb") as out:
        changed = os.environ | {"PYTHONUNBUFFERED": "1", **(environment or {})}
        process = subprocess.Popen(command, env=changed, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE
        while b"running at" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise WorkbenchError(f"the server of apps/{app}.py did not start: {log.read_text()[-300:]}")
            time.sleep(0.2)
        yield Served(f"http://localhost:{port}/{app}", process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """A headless Chromium, as Playwright's browser.

    Raises
    ------
    WorkbenchError
        If Chromium or Playwright is not installed.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise WorkbenchError("this bench drives a browser: playwright is not installed; install the development requirements") from None
    if path is None:
        raise WorkbenchError("this bench drives a browser: Chromium is not installed; install the Debian package `chromium`")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", *SILENT, *flags]
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
