"""Sessions of version 0.1 still open, and replay to the bytes that were stored then.

``tests/data/sessions_of_0_1.tar.xz`` was written by that version: the sample interview (stock footage, synthetic voice; its
sound and picture left out) and a generated session whose settings were changed twice while it ran.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.command import workbench
from workbench.contracts import InterviewPlan
from workbench.events import Severity
from workbench.report import build
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session

ARCHIVE = Path(__file__).parents[1] / "data" / "sessions_of_0_1.tar.xz"
SAMPLES = {"recorded": 960_000, "live": 0}
"""Samples of the sound that was left out: a session's length is that of its sound."""


@pytest.fixture(params=SAMPLES)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / request.param
    if count := SAMPLES[request.param]:
        soundfile.write(folder / "audio.wav", np.zeros(count, np.int16), 16000)
    return folder


def test_it_opens_without_a_remark(older: Path) -> None:
    before = {p.name: p.read_bytes() for p in older.iterdir()}
    session = Session.open(older)
    assert session.warnings == []
    assert isinstance(session.header.interview, InterviewPlan)
    assert session.settings.session.stages == ()
    assert {p.name: p.read_bytes() for p in older.iterdir()} == before, "reading changes nothing"


def test_it_replays_to_the_stored_bytes(older: Path) -> None:
    session = Session.open(older)
    replay = replay_session(session)
    assert len(replay.windows) > 100
    assert "".join(w.line() + "\n" for w in replay.windows).encode() == (older / "windows.jsonl").read_bytes()
    assert "".join(s.line() + "\n" for s in replay.scores).encode() == (older / "scores.jsonl").read_bytes()
    assert matches(session, replay)


def test_its_events_are_told_in_today_s_words(older: Path) -> None:
    for event in Session.open(older).events:
        assert event.title
        if event.kind in ("settings_changed", "paused", "latency"):
            assert event.severity is Severity.ROUTINE, "a moved slider and a pause are no trouble"


def test_its_report_and_tables_are_made(older: Path, tmp_path: Path) -> None:
    assert "<html" in build(Session.open(older)).read_text(encoding="utf-8")
    assert len(Session.open(older).export(tmp_path / "tables")) >= 14
    done = workbench("sessions", "show", older, "--json")
    assert done.code == 0, done.err
