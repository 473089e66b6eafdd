"""A live session on the sample interview, without a browser: what it stores is what a replay computes."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.command import workbench
from workbench import contracts, sample
from workbench.capture.media_file import MediaFile
from workbench.capture.sample import Player
from workbench.errors import SettingsError, WorkbenchError
from workbench.events import EventKind
from workbench.language.interview import load_plan
from workbench.live import opening
from workbench.live.session import LiveSession
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session
from workbench.settings import Settings, from_dict
from workbench.speech.words import tokens
from workbench.streams import AudioBlock

pytestmark = pytest.mark.media
CONSENT = contracts.Consent(given=True, by="test", when="2026-01-01T00:00:00+00:00", text="synthetic voice, stock footage")


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def changed(settings: Settings, **parts: dict[str, object]) -> Settings:
    tree = settings.echo()
    for section, values in parts.items():
        tree[section] |= values
    return from_dict(tree, environment=False)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return from_dict({"session": {"purpose": "demonstration"}}, environment=False)


@pytest.fixture(scope="module")
def recorded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> LiveSession:
    """Twenty-two seconds of the sample with a slider moved, a question marked, a pause, and the process of measures killed."""
    paths = sample.build()
    session = opening.open_live(settings, load_plan(paths.interview), CONSENT, folder=tmp_path_factory.mktemp("live") / "session")
    player = Player(paths.video, session.intake, settings.capture)
    session.begin()
    player.start()
    until(lambda: session.clock > 2.5)
    session.mark("queue", "How did you make background jobs reliable?")
    until(lambda: session.clock > 8)
    session.change(changed(settings, fusion={"weights": {"visual": 0.0, "audio": 1.0}}, smoothing={"alpha": 0.3}))
    session.pause(True)
    player.pause(True)
    os.kill(session.parts.measures.pid or 0, signal.SIGKILL)
    session.pause(False)
    player.pause(False)
    until(lambda: session.clock > 14)
    session.change(changed(settings, smoothing={"uncertain": 0.99}))
    until(lambda: session.clock > 22)  # in the middle of an answer
    player.stop()
    session.stop("test")
    until(session.ended.is_set)
    assert session.error is None
    return session


@pytest.fixture(scope="module")
def stored(recorded: LiveSession) -> Session:
    return Session.open(recorded.writer.folder)


def test_refusing_the_stored_session_gives_its_stored_bytes(stored: Session) -> None:
    assert stored.warnings == []
    assert stored.raw("windows").count(b"\n") > 30
    assert matches(stored, replay_session(stored))


def test_the_arrays_that_the_page_saw_are_those_that_a_replay_reads(recorded: LiveSession, stored: Session) -> None:
    live_seen, seen = recorded.seen.observations(stored.duration), stored.observations
    for name in ("visual", "affect", "acoustics"):
        mine, theirs = getattr(live_seen, name), getattr(seen, name)
        for part in ("times", "values", "confidence", "valid"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part), err_msg=f"{name}.{part}")
    assert live_seen.words.text == seen.words.text
    np.testing.assert_array_equal(live_seen.segments.start, seen.segments.start)


def test_the_page_ends_with_what_was_measured_last(recorded: LiveSession, stored: Session) -> None:
    replay = recorded.view().replay
    assert replay is not None
    for name in ("acoustics", "affect"):
        np.testing.assert_array_equal(getattr(replay.observations, name).times, getattr(stored.observations, name).times)
    assert replay.observations.words.text == stored.observations.words.text
    np.testing.assert_array_equal(replay.observations.segments.end, stored.observations.segments.end)


def test_a_slider_acts_from_its_moment_on(stored: Session) -> None:
    first, second = [e for e in stored.events if e.kind == EventKind.SETTINGS_CHANGED]
    for window in stored.fused_windows:
        if window.end <= first.timestamp:
            assert window.weights.get("visual", 1.0) > 0
        elif window.end <= second.timestamp and window.weights:
            assert window.weights.get("visual", 0.0) == 0.0 or "audio" in window.missing
        elif window.end > second.timestamp and window.fused_emotion:
            assert window.fused_emotion.uncertain == (window.fused_emotion.score < 0.99)


def test_known_words_are_in_the_transcript_with_aligned_times(stored: Session) -> None:
    said = tokens(" ".join(t.transcript for t in stored.transcripts))
    for word in ("message", "queue", "payment", "service", "exponential", "attempts"):
        assert word in said
    assert any(w.filler for t in stored.transcripts for w in t.words)
    assert any(w.aligner == "pocketsphinx" for t in stored.transcripts for w in t.words)
    assert len({t.segment_id for t in stored.transcripts}) == len(stored.transcripts)


def test_no_sample_of_audio_is_lost_and_the_stored_sound_is_what_was_played(recorded: LiveSession, stored: Session) -> None:
    import soundfile

    kept, rate = soundfile.read(stored.audio_path, dtype="float32")
    assert (rate, len(kept)) == (16000, recorded.intake.samples)
    played = np.concatenate([b.samples for b in MediaFile(sample.build().video) if isinstance(b, AudioBlock)])[: len(kept)]
    assert np.abs(kept - played).max() < 3 / 32768
    counts = next(e.data for e in stored.events if e.kind == "latency")
    assert counts["lost_samples"] == 0
    assert counts["video_frames_left_out"] == 0


def test_the_picture_is_stored_with_the_sound(stored: Session) -> None:
    assert stored.video_path is not None
    info = MediaFile(stored.video_path).info
    assert info.has_video
    assert info.has_audio
    assert info.duration == pytest.approx(stored.duration, abs=0.3)
    assert not list(stored.folder.glob("*.part"))


def test_a_killed_process_is_an_event_and_the_session_went_on(stored: Session) -> None:
    errors = [e for e in stored.events if e.kind == "stage_error"]
    assert [e.data["modality"] for e in errors] == ["audio"]
    assert any(t.end > errors[0].timestamp for t in stored.transcripts)


def test_the_marked_question_is_the_answer_and_scores_add_up(stored: Session) -> None:
    assert [a.question_id for a in stored.answers] == ["queue"]
    assert stored.answers[0].start == pytest.approx(2.5, abs=0.3)
    scores = {s.name: s for s in stored.score_messages if s.scope == "session"}
    assert sum(c.contribution for c in scores["technical"].contributions) == scores["technical"].value


def test_whose_face_counts_is_said_and_a_correction_honours_the_settings_of_each_moment(stored: Session, tmp_path: Path) -> None:
    folder = shutil.copytree(stored.folder, tmp_path / "session")
    listed = workbench("sessions", "candidate", folder, "--json").json
    assert (listed["candidate"], listed["faces"][0]["moving"]) == (["f-1"], "moving")
    done = workbench("sessions", "candidate", folder, "--face", "f-1", "--by", "tester", "--reason", "it is her")
    assert done.code == 0, done.err
    assert (folder / "windows.jsonl").read_bytes() == stored.raw("windows")
    assert workbench("replay", folder, "--json").json["same_bytes"]


def test_without_consent_there_is_no_session(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="no consent"):
        opening.open_live(settings, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_impossible_settings_are_refused_and_the_old_ones_stay(settings: Settings, tmp_path: Path) -> None:
    session = opening.open_live(settings, consent=CONSENT, folder=tmp_path / "s")
    with pytest.raises(SettingsError):
        session.change(changed(settings, fusion={"strategy": "unknown"}))
    assert session.settings == settings
    session.stop()
    assert session.ended.is_set()


def test_hiring_in_the_eu_has_no_emotion_channels(tmp_path: Path) -> None:
    hiring = from_dict({"session": {"purpose": "hiring", "jurisdiction": "DE"}}, environment=False)
    session = opening.open_live(hiring, consent=CONSENT, folder=tmp_path / "s")
    assert list(session.parts.vision) == []
    assert "prosodic affect" not in [s.name for s in session.parts.measures.specs]
    assert set(session.writer.header.disabled) == {"visual_emotion", "prosodic_affect"}
    session.stop()
