"""What a page shows of a session: stored windows and replayed ones alike, thinned without inventing anything."""

import numpy as np
import pytest

from workbench.sessions import overview, replay
from workbench.sessions.store import Session


@pytest.fixture(scope="module")
def session(generated):
    return Session.open(generated)


def test_stored_and_refused_windows_look_the_same(session):
    stored, again = overview.of_stored(session), overview.of_replay(replay.replay_session(session))
    assert np.array_equal(stored.start, again.start)
    assert np.array_equal(stored.face, again.face)
    np.testing.assert_array_equal(stored.probs, again.probs)
    for lane in ("fused", "visual", "audio"):
        a, b = getattr(stored, lane), getattr(again, lane)
        assert np.array_equal(a.label, b.label)
        np.testing.assert_allclose(a.score, b.score, rtol=1e-12)
        assert np.array_equal(a.uncertain, b.uncertain)
    assert stored.running.keys() == again.running.keys()
    for name, values in stored.running.items():
        np.testing.assert_array_equal(values, again.running[name])


def test_a_session_without_windows_has_no_overview(copied):
    (copied / "windows.jsonl").write_bytes(b"")
    session = Session.open(copied)
    assert overview.of_stored(session) is None
    assert "incomplete" in session.flags()


def test_thinning_keeps_rows_that_fit_and_means_of_those_that_do_not():
    times = np.arange(1000) / 10
    values = np.column_stack([times, np.where(times < 50, np.nan, 1.0)])
    t, v = overview.thin(times, values, 20, 30, 500)
    assert (t[0], t[-1], len(t)) == (19.9, 30.0, 102)
    np.testing.assert_array_equal(v[:, 0], t)
    t, v = overview.thin(times, values, 0, 100, 50)
    assert len(t) == 50
    np.testing.assert_allclose(v[:, 0], t)
    np.testing.assert_allclose(v[:, 0].mean(), times.mean())
    assert np.isnan(v[:25, 1]).all()
    assert (v[25:, 1] == 1).all()


def test_runs_cover_what_is_labelled_and_bins_show_the_most_frequent_label():
    label = np.repeat([2, 2, -1, 5, 5, 5], 100)
    lane = overview.Lane(label, np.where(label < 0, np.nan, 0.8), np.arange(600) >= 500)
    times = np.arange(600) * 0.5
    whole = overview.runs(lane, times, 0.5, 0, 300, 10_000)
    assert whole["label"].tolist() == [2, 5, 5]
    assert whole["uncertain"].tolist() == [False, False, True]
    np.testing.assert_allclose(whole["right"] - whole["left"], [99.75, 100, 50])  # the first is cut at second 0
    np.testing.assert_allclose(whole["p"], 0.8)
    few = overview.runs(lane, times, 0.5, 0, 300, 6)
    assert few["label"].tolist() == [2, 5, 5]


def test_statistics_of_a_span_are_those_of_its_words_and_rows(session):
    stored = overview.of_stored(session)
    words = session.words
    inside = words[((words["start"] + words["end"]) / 2).between(20, 50, inclusive="left")]
    found = overview.statistics(session, stored, 20, 50)
    assert (found["words"], found["fillers"]) == ((~inside["filler"]).sum(), inside["filler"].sum())
    acoustics = session.acoustics.slice(20, 50)
    assert found["pitch"] == pytest.approx(np.nanmean(acoustics.column("pitch")))
    assert sum(found["labels"].values()) == pytest.approx(1)
    assert 0 < found["speech"] < 1
    nothing = overview.statistics(session, None, 0.0, 0.01)
    assert (nothing["words"], nothing["pitch"], nothing["face"], nothing["labels"]) == (0, None, None, {})


def test_scores_of_one_scope_are_read_alone(session):
    for scope in ("session", "q1"):
        assert session.scores_of(scope) == [s for s in session.score_messages if s.scope == scope]
    assert session.scores_of("nowhere") == []
