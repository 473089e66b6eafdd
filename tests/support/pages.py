"""Every page in one server, with generated content: for tests of how pages look, and for the pictures in the documentation."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page

from tests.support import stored
from workbench.audit import config
from workbench.audit.present import bundle
from workbench.benchmarks.serving import PATIENCE
from workbench.corpora import generated
from workbench.report import build
from workbench.sessions import synthetic

WAIT = 120_000
"""Milliseconds that a page may take; the live page loads models."""
AUDIT: dict[str, Any] = {
    "name": "generated votes", "groupings": ["sex", "race"], "metrics": ["accuracy", "recall_sad"], "audit": {"draws": 200},
    "compare": ["face", "average"], "costs": {"strategies": ["average", "product"]}, "ll144": {"predictions": "face", "ethnicity": None},
}  # fmt: skip


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """``workbench serve`` with one session, one audit run and generated votes; gives the address of the list of pages.

    Beside it lies the report of an invented session, ``folder / "invented" / "report.html"``.
    """
    synthetic.write(folder / "sessions" / "talk", 2, seed=3)
    source = {"corpus": "crema-d", "root": str(generated.folder()), "predictions": ["face", "average"]}
    bundle.run(config.Config(**AUDIT, source=source)).save(folder / "artifacts" / "audits" / "votes")
    build(stored.write(folder / "invented", video=stored.clip(folder / "clip.mp4")))
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    own = {"WORKBENCH_SESSIONS": str(folder / "sessions"), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    environment = {k: v for k, v in os.environ.items() if k != "WORKBENCH_DATA"} | own
    log = folder / "server.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "workbench", "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        address = f"http://localhost:{port}"
        _answers(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import time

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urlopen(address).close()
            return
        except URLError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()[-500:]) from None
            time.sleep(0.3)


def home(page: Page, address: str) -> None:
    """The list of pages."""
    page.goto(address)
    page.get_by_role("link").first.wait_for()


def live(page: Page, address: str) -> None:
    """The live page before consent, models loaded."""
    page.goto(f"{address}/live")
    page.get_by_text("Before anything is captured").wait_for(timeout=WAIT)
    page.get_by_text("Loading models").wait_for(state="hidden", timeout=WAIT)
    page.get_by_text("Words appear here").wait_for(timeout=WAIT)
    page.get_by_text("taller: more probable").wait_for(timeout=WAIT)


def idle(page: Page, address: str) -> None:
    """The live page without consent."""
    live(page, address)
    page.get_by_role("button", name="No, thanks").click()
    page.get_by_text("Before anything is captured").wait_for(state="hidden", timeout=WAIT)


def tune(page: Page, address: str) -> None:
    """The tuning page over generated votes."""
    page.goto(f"{address}/tune")
    page.locator(".tune-figures").wait_for(timeout=WAIT)
    _drawn(page, "confusion")


def review(page: Page, address: str) -> None:
    """A generated session at half a minute."""
    page.goto(f"{address}/review?session=talk&time=31.5")
    page.locator(".words span").first.wait_for(timeout=WAIT)
    _drawn(page, "review-plot")


def sessions(page: Page, address: str) -> None:
    """The list of sessions."""
    page.goto(f"{address}/review")
    page.locator(".tabulator-row").first.wait_for(timeout=WAIT)


def audit(page: Page, address: str) -> None:
    """The audit of generated votes: groups with their intervals."""
    page.goto(f"{address}/audit")
    page.get_by_role("tab", name="Groups").click(timeout=WAIT)
    page.get_by_text("Accuracy by sex").first.wait_for(timeout=WAIT)


STATES: dict[str, Callable[[Page, str], None]] = {f.__name__: f for f in (home, live, idle, tune, review, sessions, audit)}
"""Name of a page's state → opens it."""


def _drawn(page: Page, figure: str) -> None:
    """Wait until a Bokeh figure is drawn."""
    page.wait_for_function(f"() => Bokeh.documents.some(d => d.get_model_by_name('{figure}')?.inner_width)", timeout=WAIT)


def settle(page: Page) -> None:
    """Wait until nothing is fetched and nothing moves any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
