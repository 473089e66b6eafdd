"""The sessions page in a real browser: a deep link opens a session's report; a damaged session is named."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from workbench.sessions.store import Session

pytestmark = [pytest.mark.ui, pytest.mark.media]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served(evaluated: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sessions")
    shutil.copytree(evaluated.folder, folder / evaluated.id)
    shutil.copytree(evaluated.folder, folder / "damaged")
    (folder / "damaged" / "header.json").write_text("{")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "panel", "serve", "apps/review.py", "--port", str(port)],
        cwd=ROOT, env=os.environ | {"WORKBENCH_SESSIONS": str(folder)},
    )  # fmt: skip
    address, deadline = f"http://localhost:{port}/review", time.monotonic() + 120
    try:
        while True:
            try:
                urlopen(address).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def test_a_deep_link_opens_the_report_and_the_table_names_what_is_damaged(served: str, evaluated: Session, new_page) -> None:
    seen = new_page(1440, 900)
    page = seen.open(f"{served}?session={evaluated.id}")
    report = page.frame_locator("iframe[title^='report of']")
    expect(report.get_by_text("Assistive, never a verdict.")).to_be_visible(timeout=60_000)
    expect(page.locator(".tabulator-cell", has_text="not a session header")).to_be_visible()
    assert seen.errors == []


def test_choosing_a_session_shows_its_report_and_puts_it_into_the_address(served: str, evaluated: Session, new_page) -> None:
    page = new_page(390, 844).open(served)
    page.locator(".tabulator-cell", has_text=evaluated.id).first.click(timeout=60_000)
    expect(page.frame_locator("iframe[title^='report of']").get_by_text("Assistive, never a verdict.")).to_be_visible(timeout=60_000)
    page.wait_for_url(f"**session={evaluated.id}*")
