"""A recording with several tracks and an odd name, through the command line: what was used is said everywhere."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.support import field
from tests.support.command import workbench
from workbench.sessions.store import Session

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The screen before the camera, a silent microphone before the one that was spoken into; a name with a colon and no UTF-8."""
    pictures, sound = field.pictures(12), field.speech(12)
    path = tmp_path_factory.mktemp("call") / "call.mkv"
    field.mux(path, [field.screen(pictures), pictures], [np.zeros_like(sound), sound])
    return path.rename(path.parent / os.fsdecode(b"2026-11-27T10:30 caf\xe9.mkv"))


def test_what_was_used_is_said_in_the_session_the_report_and_json(call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(tmp_path))
    monkeypatch.chdir(call.parent)
    done = workbench("evaluate", call.name, "--report", "--json")
    assert done.code == 0, done.err
    source = done.json["source"]
    assert source["name"] == "2026-11-27T10:30 caf\N{REPLACEMENT CHARACTER}.mkv"
    assert [(t["kind"], t["number"]) for t in source["tracks"] if t["used"]] == [("video", 2), ("audio", 2)]
    session = Session.open(done.json["folder"])
    assert len([w for t in session.transcripts for w in t.words]) > 15
    assert session.observations.visual.valid.mean() > 0.8
    assert any(e.kind == "tracks_unused" and "audio track 1" in e.message for e in session.events)
    assert "video track 1 (h264): not used, no face in it" in Path(done.json["report"]).read_text()
    shown = workbench("sessions", "show", done.json["folder"])
    assert "audio track 2 (aac): used, carries speech" in shown.out


def test_a_track_that_is_asked_for_is_used_and_an_impossible_one_is_one_line(call: Path, tmp_path: Path) -> None:
    done = workbench("evaluate", call, "--audio-track", 3, "--out", tmp_path / "s")
    assert done.code == 2
    assert done.err.strip().endswith("holds no audio track 3; it has 2, numbered from 1")
    assert not (tmp_path / "s").exists(), "no empty session is left"
