"""``python -m tests.support.visit``: ``workbench serve`` in this folder; opens every page of it, and records a few seconds live."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from workbench.benchmarks.serving import chromium

PAGES = ("", "review", "tune", "audit")


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "workbench", "serve", "--port", str(port)])
    try:
        wait_for(f"http://localhost:{port}/", server)
        with chromium("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream") as browser:
            for name in PAGES:
                page = browser.new_page()
                page.goto(f"http://localhost:{port}/{name}", timeout=120_000, wait_until="networkidle")
                page.wait_for_timeout(1500)
                print(f"visited /{name}", flush=True)
            record(browser.new_page(), f"http://localhost:{port}/live")
    finally:
        server.terminate()
        server.wait(60)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urlopen(address, timeout=60).close()
            return
        except URLError:
            if server.poll() is not None:
                break
            time.sleep(0.5)
    sys.exit("the server did not start")


def record(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("checkbox", name="I have read this").check(timeout=120_000)
    page.get_by_role("button", name="Start with camera").click(timeout=120_000)
    page.wait_for_timeout(8000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Open the report").wait_for(timeout=120_000)
    print(f"recorded {next(Path('sessions').glob('*/header.json')).parent.name}", flush=True)


if __name__ == "__main__":
    main()
