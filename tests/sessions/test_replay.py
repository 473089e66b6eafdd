"""Refusion: the same settings give the same bytes, other settings only what they may change."""

import json

import numpy as np
import pytest

from workbench import settings
from workbench.errors import SessionError, SettingsError
from workbench.labels import BASIC
from workbench.sessions import consent, differences, replay, synthetic
from workbench.sessions.store import Session


def test_the_same_settings_give_the_stored_bytes(generated, monkeypatch):
    monkeypatch.setenv("WORKBENCH__FUSION__WINDOW", "2.0")  # the environment of today is not that of the recording
    session = Session.open(generated)
    result = replay.replay_session(session)
    assert replay.lines(result.windows) == session.raw("windows")
    assert replay.lines(result.scores) == session.raw("scores")
    assert replay.matches(session, result)
    assert result.ignored == ()


def test_a_replay_is_pure(generated):
    session = Session.open(generated)
    before = {p.name: p.read_bytes() for p in generated.iterdir()}
    assert replay.lines(replay.replay_session(session).windows) == replay.lines(replay.replay_session(session).windows)
    assert {p.name: p.read_bytes() for p in generated.iterdir()} == before


def test_other_weights_change_windows_and_leave_scores(generated):
    session = Session.open(generated)
    chosen = settings.from_dict({"fusion": {"weights": {"visual": 0.0, "audio": 1.0}}, "vision": {"batch": 4}}, environment=False)
    result = replay.replay_session(session, chosen)
    assert not replay.matches(session, result)
    assert result.ignored == ("vision", "session")
    assert result.settings.vision == settings.from_dict(session.header.settings, environment=False).vision
    found = differences.of_session(session, result)
    assert found["same_windows"]
    assert found["moved_scores"] == []
    stored = [w.fused_emotion.label if w.fused_emotion else None for w in session.fused_windows]
    now = [w.fused_emotion.label if w.fused_emotion else None for w in result.windows]
    assert [(c["before"], c["after"]) for c in found["changed_labels"]] == [(a, b) for a, b in zip(stored, now, strict=True) if a != b]
    assert found["changed_labels"]


def test_other_score_weights_move_only_their_score_and_say_why(generated):
    session = Session.open(generated)
    chosen = settings.from_dict({"scoring": {"clarity": {"filler_rate": 1.0}}}, environment=False)
    found = differences.of_session(session, replay.replay_session(session, chosen))
    assert {s["name"] for s in found["moved_scores"]} == {"clarity", "composite"}
    moved = next(s for s in found["moved_scores"] if (s["scope"], s["name"]) == ("session", "clarity"))
    assert set(moved["features"]) == {"filler_rate", "lexical_diversity"}
    assert sum(moved["features"].values()) == pytest.approx(moved["after"] - moved["before"])
    assert found["changed_labels"] == []


def test_other_windows_are_said_to_lie_elsewhere(generated):
    session = Session.open(generated)
    found = differences.of_session(session, replay.replay_session(session, settings.from_dict({"fusion": {"hop": 1.0}}, environment=False)))
    assert not found["same_windows"]


def test_what_is_written_can_be_read_and_the_session_is_never_overwritten(generated, tmp_path):
    session = Session.open(generated)
    result = replay.replay_session(session)
    replay.write(result, tmp_path / "out")
    assert (tmp_path / "out" / "windows.jsonl").read_bytes() == session.raw("windows")
    assert (tmp_path / "out" / "scores.jsonl").read_bytes() == session.raw("scores")
    assert settings.load(tmp_path / "out" / "settings.yaml").fingerprint() == result.settings.fingerprint()
    with pytest.raises(SessionError, match="never overwritten"):
        replay.write(result, generated)
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be written"):
        replay.write(result, tmp_path / "file" / "out")


def test_a_settings_file_lies_over_the_sessions_own(generated):
    session = Session.open(generated)
    chosen = replay.overlay(session, {"smoothing": {"alpha": 1.0}}, "s.yaml")
    assert (chosen.smoothing.alpha, chosen.smoothing.commit_windows, chosen.session.purpose) == (1.0, 3, "demonstration")
    with pytest.raises(SettingsError, match=r"s\.yaml: unknown key 'smoothing\.alfa'"):
        replay.overlay(session, {"smoothing": {"alfa": 1.0}}, "s.yaml")


def test_an_unknown_strategy_is_one_line(generated):
    with pytest.raises(SettingsError, match="'magic' is not known"):
        replay.replay_session(Session.open(generated), settings.from_dict({"fusion": {"strategy": "magic"}}, environment=False))


def test_disabled_channels_stay_off_at_replay(copied):
    path = copied / "header.json"
    header = json.loads(path.read_text())
    header |= {"disabled": consent.disabled_channels("hiring", "DE")}
    path.write_text(json.dumps(header))
    result = replay.replay_session(
        Session.open(copied), settings.from_dict({"fusion": {"weights": {"visual": 1.0, "audio": 1.0}}}, environment=False)
    )
    assert all(w.visual is None and w.audio is None and w.fused_emotion is None for w in result.windows)
    assert all("Art. 5(1)(f)" in w.missing["visual"] and "Art. 5(1)(f)" in w.missing["audio"] for w in result.windows)
    assert all(w.scores["confidence"] is None for w in result.windows)
    scores = {s.name: s for s in result.scores if s.scope == "session"}
    assert scores["confidence"].value is None
    assert "Art. 5(1)(f)" in scores["confidence"].missing["visual_certainty"]
    assert [c.feature for c in scores["engagement"].contributions] == ["speaking_ratio"]
    assert scores["technical"].value is not None
    assert scores["clarity"].value is not None


def test_windows_say_what_they_rest_on(generated):
    session = Session.open(generated)
    for w in session.fused_windows:
        assert (w.visual is None) == ("visual" in w.missing)
        assert (w.audio is None) == ("audio" in w.missing)
        assert (w.fused_emotion is None) == (not w.weights)
        if w.fused_emotion:
            assert sum(w.weights.values()) == pytest.approx(1)
            assert list(w.fused_emotion.probs) == list(BASIC)
            assert sum(w.fused_emotion.probs.values()) == pytest.approx(1)
            assert w.fused_emotion.score == w.fused_emotion.probs[w.fused_emotion.label]
            assert len(w.fused_emotion.top2) == (2 if w.fused_emotion.uncertain else 0)
    said = " ".join(w.transcript_summary for w in session.fused_windows[::2])  # every other window of 1 s at 0.5 s hop: no overlap
    assert said.split() == session.words["word"].tolist()


def test_fused_tracks(generated):
    result = replay.replay_session(Session.open(generated))
    assert result.fused.names == result.fused_raw.names == BASIC
    raw, smooth = result.fused_raw.values[result.fused.valid], result.fused.values[result.fused.valid]
    assert np.abs(np.diff(smooth, axis=0)).mean() < np.abs(np.diff(raw, axis=0)).mean()


def test_generated_sessions_say_that_nobody_was_recorded(generated):
    session = Session.open(generated)
    assert session.header.media["name"] == session.header.consent.text == synthetic.NOTICE
    assert session.header.media["generated"]


def test_generated_sessions_are_the_same_for_the_same_seed():
    one, same, other = (synthetic.observations(1.5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.visual.values, same.visual.values)
    assert not np.array_equal(one.visual.values, other.visual.values, equal_nan=True)


def test_a_generated_session_without_sound_replays_to_its_stored_bytes(tmp_path):
    session = Session.open(synthetic.write(tmp_path / "silent", minutes=1, audio=False))
    assert replay.matches(session, replay.replay_session(session))
