"""EMA, majority, commit rule and uncertainty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.fusion.smoothing import commit, ema, majority, smooth, top_two
from workbench.settings import Smoothing

PROBS = st.integers(1, 40).flatmap(
    lambda n: arrays(float, (n, 4), elements=st.floats(1e-6, 1)).map(lambda a: a / a.sum(axis=1, keepdims=True))
)
METHODS = st.sampled_from(["ema", "majority", "none"])


def one_hot(labels, k=3):
    return np.eye(k)[labels]


def runs(labels):
    """Lengths of runs of the same label."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    return np.diff([0, *edges, len(labels)]).tolist()


def test_ema_by_hand():
    got = ema(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), 0.6)
    np.testing.assert_allclose(got, [[1.0, 0.0], [0.4, 0.6], [0.16, 0.84]], rtol=1e-12)


@given(PROBS)
def test_ema_of_alpha_one_is_the_identity(probs):
    np.testing.assert_array_equal(ema(probs, 1.0), probs)


@given(PROBS, st.floats(0.01, 1), METHODS, st.integers(1, 7))
def test_smoothed_rows_are_distributions(probs, alpha, method, count):
    got = smooth(probs, Smoothing(method=method, alpha=alpha, majority=count))
    np.testing.assert_allclose(got.probs.sum(axis=1), 1, rtol=1e-9)
    assert (got.probs >= 0).all()
    assert (got.probs <= 1).all()


@given(PROBS, st.floats(0.05, 1), st.data())
def test_the_past_does_not_depend_on_the_future(probs, alpha, data):
    method = data.draw(METHODS)
    cut = data.draw(st.integers(1, len(probs)))
    settings = Smoothing(method=method, alpha=alpha)
    whole, part = smooth(probs, settings), smooth(probs[:cut], settings)
    assert whole.probs[:cut].tobytes() == part.probs.tobytes()
    assert whole.label[:cut].tolist() == part.label.tolist()


@given(PROBS, st.data(), METHODS)
def test_masked_windows_are_skipped_and_the_state_is_held(probs, data, method):
    masked = data.draw(arrays(bool, len(probs)))
    holes = np.where(masked[:, None], np.nan, probs)
    settings = Smoothing(method=method)
    got, dense = smooth(holes, settings), smooth(probs[~masked], settings)
    assert np.isnan(got.probs[masked]).all()
    assert (got.label[masked] == -1).all()
    assert not got.uncertain[masked].any()
    np.testing.assert_array_equal(got.probs[~masked], dense.probs)
    np.testing.assert_array_equal(got.label[~masked], dense.label)


def test_every_face_has_its_own_buffer():
    probs = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    got = smooth(probs, Smoothing(), keys=np.array([0, 1, 0, 1]))
    np.testing.assert_array_equal(got.probs, probs)
    assert got.label.tolist() == [0, 1, 0, 1]


def test_majority_by_hand():
    got = majority(one_hot([0, 1, 1, 2, 2]), 3)
    np.testing.assert_allclose(got, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 2 / 3, 0], [0, 2 / 3, 1 / 3], [0, 1 / 3, 2 / 3]])


@given(PROBS, st.integers(1, 50))
def test_majority_counts_the_last_windows(probs, count):
    best = probs.argmax(axis=1)
    expected = [np.bincount(best[max(0, i + 1 - count) : i + 1], minlength=4) / min(i + 1, count) for i in range(len(best))]
    np.testing.assert_allclose(majority(probs, count), expected)


def test_a_tied_vote_goes_to_the_more_probable_label():
    probs = np.array([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0]])
    got = smooth(probs, Smoothing(method="majority", majority=2, commit_windows=1))
    assert got.label.tolist() == [0, 1]


def test_a_label_must_hold_before_it_is_shown():
    weak = np.array([[0.40, 0.35, 0.25], [0.35, 0.40, 0.25], [0.35, 0.40, 0.25], [0.35, 0.40, 0.25], [0.40, 0.35, 0.25]])
    assert commit(weak, windows=3, delta=0.15).tolist() == [0, 0, 0, 1, 1]


def test_a_clear_lead_is_shown_at_once():
    probs = np.array([[0.5, 0.3, 0.2], [0.3, 0.46, 0.24], [0.5, 0.3, 0.2]])
    assert commit(probs, windows=3, delta=0.15).tolist() == [0, 1, 0]
    assert commit(probs, windows=3, delta=0.3).tolist() == [0, 0, 0]


def test_rivals_must_be_the_same_label_throughout():
    assert commit(one_hot([0, 1, 2, 1, 2, 2, 2]), windows=3, delta=1.0).tolist() == [0, 0, 0, 0, 0, 0, 2]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 6))
def test_the_shown_label_never_flickers_below_m(labels, m):
    shown = commit(one_hot(labels), windows=m, delta=1.0)
    assert all(length >= m for length in runs(shown)[1:-1])
    assert shown[0] == labels[0]
    for i in np.flatnonzero(np.diff(shown)) + 1:  # a change has been led for m windows
        assert labels[i - m + 1 : i + 1] == [shown[i]] * m


@given(PROBS)
def test_m_of_one_shows_the_leader(probs):
    np.testing.assert_array_equal(commit(probs, 1, 1.0), probs.argmax(axis=1))


@pytest.mark.parametrize(("best", "uncertain"), [(0.44, True), (0.45, False), (0.9, False)])
def test_uncertain_below_the_threshold(best, uncertain):
    probs = np.array([[best, *[(1 - best) / 6] * 6]])
    assert smooth(probs, Smoothing(method="none", uncertain=0.45)).uncertain.tolist() == [uncertain]


def test_top_two_by_hand():
    assert top_two(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])).tolist() == [[1, 2], [0, 1]]


def test_no_windows_at_all():
    got = smooth(np.empty((0, 7)), Smoothing())
    assert got.probs.shape == (0, 7)
    assert len(got.label) == 0
