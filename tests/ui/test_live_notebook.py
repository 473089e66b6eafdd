"""The notebook of live capture in JupyterLab, without a network: the media component over the kernel's own connection."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.support.browser import chromium
from tests.support.fake_devices import devices, flags
from workbench import sample
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session

pytestmark = [pytest.mark.ui, pytest.mark.media]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "live_capture.ipynb"
SHOTS = NOTEBOOK.parents[1] / "artifacts" / "live"
WAIT = 120_000  # ms; a busy machine


def scored(folder: Path, page: Page) -> None:
    """Wait until a session is stored whole."""
    deadline = time.monotonic() + WAIT / 1000
    while not (folder / "scores.jsonl").exists() or not (folder / "scores.jsonl").stat().st_size:
        assert time.monotonic() < deadline
        page.wait_for_timeout(200)


def test_a_session_and_a_clip_from_the_notebook_replay(driver: Playwright, tmp_path: Path) -> None:
    fake = flags(*devices(sample.build().video, tmp_path))
    shutil.copy(NOTEBOOK, tmp_path)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}", f"--ServerApp.root_dir={tmp_path}"]
    environment = os.environ | {"WORKBENCH_SESSIONS": str(tmp_path / "sessions"), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with (tmp_path / "lab.log").open("wb") as log:
        arguments = [*command, "--IdentityProvider.token="]
        lab = subprocess.Popen(arguments, env=environment, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + WAIT / 1000
        while b"is running at" not in (tmp_path / "lab.log").read_bytes():
            assert lab.poll() is None, (tmp_path / "lab.log").read_text()[-500:]
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with chromium(driver, *fake) as browser:
            page = browser.new_context(viewport={"width": 1440, "height": 1100}).new_page()
            page.goto(f"http://localhost:{port}/lab/tree/{NOTEBOOK.name}?reset")
            page.get_by_text("| Idle").wait_for(timeout=WAIT)
            page.get_by_role("menuitem", name="Run", exact=True).click(timeout=WAIT)
            page.locator("li[data-command='runmenu:run-all']").click()
            page.get_by_role("checkbox").first.check(timeout=WAIT)
            page.get_by_role("button", name="Start", exact=True).click()
            expect(page.locator(".face.candidate span")).to_contain_text("f-1", timeout=WAIT)
            page.wait_for_timeout(4_000)  # some words
            page.get_by_role("button", name="Stop", exact=True).click()
            [folder] = (tmp_path / "sessions").iterdir()
            scored(folder, page)

            record = page.locator("button:has(.fa-circle)")  # ipywebrtc's
            record.click()
            page.wait_for_timeout(5_000)  # of talking
            record.click()
            expect(page.locator(".jupyter-widgets video")).to_have_js_property("readyState", 4, timeout=WAIT)
            page.get_by_role("button", name="Evaluate the clip").click()
            expect(page.locator(".jp-OutputArea td", has_text="engagement")).to_be_visible(timeout=WAIT)
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / "notebook-clip.png")
            [clip] = [p for p in (tmp_path / "sessions").iterdir() if p != folder]
            scored(clip, page)
    finally:
        lab.terminate()
        lab.wait()
    for session in (Session.open(folder), Session.open(clip)):
        assert len(session.detections) > 10
        assert session.duration > 2
        assert session.header.consent.given
        assert matches(session, replay_session(session))
