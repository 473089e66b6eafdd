"""Figures as sums over persons: against plain formulas, against scikit-learn, and what the intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss

from workbench.evaluation.metrics import BINS, draw, interval, reliability, tally, unit


def random_predictions(seed: int, n: int = 400, k: int = 4, persons: int = 20) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    probs = rng.dirichlet(np.ones(k), n)
    probs[np.arange(n), labels] += 0.4
    return probs / probs.sum(axis=1, keepdims=True), labels, rng.integers(persons, size=n)


def plain_ece(probs: np.ndarray, labels: np.ndarray) -> float:
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return sum(abs(right[place == b].mean() - confidence[place == b].mean()) * np.mean(place == b) for b in np.unique(place))


def test_figures_equal_scikit_learn_and_plain_formulas() -> None:
    probs, labels, person = random_predictions(0)
    found = {k: float(v[0]) for k, v in tally(probs, labels, person, 20).figures(np.ones((1, 20))).items()}
    said = probs.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, said))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, said, average="macro"))
    assert found["log_loss"] == pytest.approx(log_loss(labels, probs))
    assert found["ece"] == pytest.approx(plain_ece(probs, labels))
    assert found["brier"] == pytest.approx(np.mean(((probs - np.eye(4)[labels]) ** 2).sum(axis=1)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_weights_over_persons_are_the_same_as_repeating_their_clips(seed: int) -> None:
    probs, labels, person = random_predictions(seed, n=120, persons=6)
    weights = np.random.default_rng(seed).multinomial(6, np.full(6, 1 / 6))
    rows = np.repeat(np.arange(len(labels)), weights[person])
    by_weight = tally(probs, labels, person, 6).figures(weights[None].astype(float))
    by_rows = tally(probs[rows], labels[rows], np.zeros(len(rows), int), 1).figures(np.ones((1, 1)))
    for name in by_rows:
        assert by_weight[name][0] == pytest.approx(by_rows[name][0])


def test_a_row_without_any_modality_counts_as_wrong() -> None:
    probs = np.array([[0.9, 0.1], [np.nan, np.nan]])
    assert tally(probs, np.array([0, 1]), np.array([0, 0]), 1).figures(np.ones((1, 1)))["accuracy"][0] == 0.5


def test_first_draw_is_the_sample_and_the_others_take_as_many_persons() -> None:
    weights = draw(30, 50, seed=3)
    assert weights.shape == (51, 30)
    np.testing.assert_array_equal(weights[0], 1)
    np.testing.assert_array_equal(weights.sum(axis=1), 30)
    np.testing.assert_array_equal(weights, draw(30, 50, seed=3))


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        rate = np.clip(rng.normal(0.7, 0.1, 60), 0, 1)  # persons differ; the mean over persons is the truth
        person = np.repeat(np.arange(60), 20)
        labels = np.zeros(1200, int)
        wrong = rng.random(1200) > rate[person]
        probs = np.where(wrong[:, None], [0.2, 0.8], [0.8, 0.2])
        found = unit(tally(probs, labels, person, 60).figures(draw(60, 300, trial))["accuracy"])
        hits += found.low <= 0.7 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_interval_of_an_ece_holds_its_figure_though_resampling_inflates_it() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 10)
    confidence = rng.uniform(0.5, 1, 400)
    labels = (rng.random(400) > confidence).astype(int)  # perfectly calibrated: all of the ECE is noise
    probs = np.stack([confidence, 1 - confidence], axis=1)
    values = tally(probs, labels, person, 40).figures(draw(40, 500))["ece"]
    assert values[1:].mean() > values[0]
    found = unit(values, "ece")
    assert 0 <= found.low <= found.value <= found.high


def test_interval_without_draws_has_no_ends() -> None:
    found = interval(np.array([0.5]))
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()


def test_reliability_bins() -> None:
    probs = np.array([[0.95, 0.05], [0.96, 0.04], [0.55, 0.45]])
    found = reliability(probs, np.array([0, 1, 0]), bins=10)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert found.accuracy[9] == 0.5
    assert found.confidence[9] == pytest.approx(0.955)


def test_groups_and_shown_labels() -> None:
    from workbench.evaluation.metrics import draw, tally

    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    labels, person = np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])
    whole = tally(probs, labels, person, 2)
    weights = draw(2, 3)
    np.testing.assert_allclose(whole.accuracies(weights, np.eye(2))[0], [0.5, 0.5])
    shown = tally(probs, labels, person, 2, np.array([0, 1, 1, -1]))  # smoothing showed another label, or none
    assert shown.figures(weights)["accuracy"][0] == 0.75
    np.testing.assert_array_equal(shown.loss, whole.loss)
