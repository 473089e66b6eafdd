"""The live server is stopped, or killed, while a visitor's session runs."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.support.browser import chromium
from tests.support.command import workbench
from tests.support.fake_devices import devices, flags
from tests.support.live_server import Server, serve
from workbench import sample
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session

pytestmark = [pytest.mark.ui, pytest.mark.media]
WAIT = 120_000  # ms; a busy machine


def record_until_words(page: Page, server: Server) -> Path:
    """Start a session, and wait until words of it are stored."""
    page.goto(server.url)
    page.get_by_role("checkbox", name="I have read this").check(timeout=WAIT)
    page.get_by_role("button", name="Start with camera").click(timeout=WAIT)
    deadline = time.monotonic() + WAIT / 1000
    while not any((f / "transcripts.jsonl").stat().st_size for f in server.folders()):
        assert time.monotonic() < deadline, "no words were stored"
        page.wait_for_timeout(300)
    return server.folders()[0]


def test_sigterm_ends_the_session_and_the_page_says_so(driver: Playwright, tmp_path: Path) -> None:
    media = flags(*devices(sample.build().video, tmp_path))
    with serve(tmp_path, "--plugins", "workbench.live") as server, chromium(driver, *media) as browser:
        page = browser.new_page()
        folder = record_until_words(page, server)
        os.kill(server.pid, signal.SIGTERM)
        expect(page.get_by_text("The server was stopped.").first).to_be_visible(timeout=WAIT)
        psutil.Process(server.pid).wait(60)
    session = Session.open(folder)
    assert session.warnings == []
    assert session.video_path is not None
    assert session.fused_windows
    assert matches(session, replay_session(session))
    assert next(e.message for e in session.events if e.kind == "stopped") == "the server was stopped"
    assert not list(folder.glob("*.part"))


def test_a_killed_live_session_is_completed(driver: Playwright, tmp_path: Path) -> None:
    media = flags(*devices(sample.build().video, tmp_path))
    with serve(tmp_path, "--plugins", "workbench.live") as server, chromium(driver, *media) as browser:
        folder = record_until_words(browser.new_page(), server)
        os.kill(server.pid, signal.SIGKILL)
        psutil.Process(server.pid).wait(60)
    cut = Session.open(folder)
    assert not cut.fused_windows
    words = [w.word for t in cut.transcripts for w in t.words]
    done = workbench("sessions", "finish", folder, "--report", "--json")
    assert done.code == 0, done.err
    session = Session.open(folder)
    assert [w.word for t in session.transcripts for w in t.words][: len(words)] == words
    assert session.fused_windows
    assert matches(session, replay_session(session))
    assert session.video_path is not None
    assert session.video_path.name == "video.mp4"
    assert (folder / "report.html").exists()
