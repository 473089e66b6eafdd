"""``workbench bench tune``: from a slider of the tuning page to all its figures, in headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.errors import WorkbenchError

_WATCH = """() => {
  const find = root => { for (const e of root.querySelectorAll('*')) {
    if (e.matches('.tune-figures')) return root;
    if (e.shadowRoot) { const r = find(e.shadowRoot); if (r) return r; } } };
  const root = find(document), now = () => root.querySelector('.tune-figures')?.dataset.point;
  window.waited = [];
  addEventListener('keydown', () => { const begun = performance.now(), before = now();
    const look = () => { if (now() && now() !== before)
        requestAnimationFrame(() => requestAnimationFrame(() => window.waited.push(performance.now() - begun)));
      else requestAnimationFrame(look); };
    look(); }, true);
}"""
SLIDERS = ("visual", "audio", "t_visual", "t_fused", "min_audio", "uncertain")


def tune(
    moves: Annotated[int, typer.Option(min=6, help="Moves of a slider, over weights, temperatures and thresholds.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Move sliders of the tuning page in a real browser: how long until every figure is drawn."""
    found = measure(moves)
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(f"{k:14} {v}" for k, v in found.items()))


def measure(moves: int = 60) -> dict[str, Any]:
    """Milliseconds from a key on a slider to the second frame after the figures, charts included, have changed.

    Raises
    ------
    WorkbenchError
        If Chromium or Playwright is missing, the server does not start, or there is no corpus.
    """
    import numpy as np

    from workbench.training import catalogue

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise WorkbenchError("bench tune: playwright is not installed; install the development requirements") from None
    if chromium is None:
        raise WorkbenchError("bench tune: Chromium is not installed; install the Debian package `chromium`")
    catalogue.load("crema-d")  # says what is wrong with the corpus before a server is started
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    app = Path(__file__).parents[2] / "apps" / "tune.py"
    command = [sys.executable, "-m", "panel", "serve", str(app), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        _wait(port, server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"http://localhost:{port}/tune")
            page.locator(".tune-figures").wait_for(timeout=120_000)
            page.wait_for_timeout(2000)
            page.evaluate(_WATCH)
            for i in range(moves):
                page.locator(f".tune-{SLIDERS[i % len(SLIDERS)]} input[type=range]").press("ArrowRight" if i < moves // 2 else "ArrowLeft")
                page.wait_for_function("n => window.waited.length > n", arg=i, timeout=30_000)
            waited = page.evaluate("window.waited")
            browser.close()
    finally:
        server.terminate()
        server.wait()
    p50, p95 = np.percentile(waited, [50, 95])
    return {"moves": moves, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "max_ms": round(max(waited), 1), "corpus": "crema-d"}


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("localhost", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise WorkbenchError("bench tune: the page's server did not start; run `panel serve apps/tune.py` to see why")
