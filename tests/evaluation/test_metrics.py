"""Metrics of a classifier: against plain formulas, against scikit-learn, and the stated conventions for ties and bins."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from workbench.evaluation import metrics
from workbench.evaluation.calibration import BINS, bin_of, reliability
from workbench.evaluation.decisions import confusion, from_labels, hits, top_classes

CLASSES = ("a", "b", "c", "d")


def random_predictions(seed: int, n: int = 400, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    probs = rng.dirichlet(np.ones(k), n)
    probs[np.arange(n), labels] += 0.4
    return probs / probs.sum(axis=1, keepdims=True), labels


def values(probs: np.ndarray, labels: np.ndarray, predicted: np.ndarray | None = None) -> dict[str, float]:
    made = metrics.classifier(probs, labels, CLASSES[: probs.shape[1]], np.ones(len(labels)), predicted)
    return {m.name: float(m.value(m.sums.sum(axis=0))) for m in made}


def plain_ece(probs: np.ndarray, labels: np.ndarray) -> float:
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    inside = [(confidence > low) & (confidence <= high) for low, high in itertools.pairwise(edges)]
    return sum(abs(right[i].mean() - confidence[i].mean()) * i.mean() for i in inside if i.any())


def test_figures_equal_scikit_learn_and_plain_formulas() -> None:
    probs, labels = random_predictions(0)
    figures, predicted = values(probs, labels), probs.argmax(axis=1)
    assert figures["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert figures["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert figures["log_loss"] == pytest.approx(log_loss(labels, probs))
    assert figures["ece"] == pytest.approx(plain_ece(probs, labels))
    assert figures["brier"] == pytest.approx(np.mean(((probs - np.eye(4)[labels]) ** 2).sum(axis=1)))
    assert confusion(top_classes(probs), labels).tolist() == confusion_matrix(labels, predicted).tolist()


def test_tied_classes_share_the_decision() -> None:
    probs = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8], [1 / 3, 1 / 3, 1 / 3]])
    labels = np.array([0, 2, 2, 1])
    decided = top_classes(probs)
    np.testing.assert_allclose(decided, [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1], [1 / 3] * 3])
    np.testing.assert_allclose(hits(decided, labels), [0.5, 0, 1, 1 / 3])
    np.testing.assert_allclose(confusion(decided, labels), [[0.5, 0.5, 0], [1 / 3] * 3, [0.5, 0.5, 1]])
    figures = values(probs, labels)
    assert figures["accuracy"] == pytest.approx((0.5 + 0 + 1 + 1 / 3) / 4)
    assert figures["recall_c"] == pytest.approx(0.5)
    f1 = [2 * 0.5 / (1 + 0.5 + 0.5 + 1 / 3), 2 / 3 / (1 + 0.5 + 0.5 + 1 / 3), 2 / (2 + 1 + 1 / 3)]
    assert figures["macro_f1"] == pytest.approx(np.mean(f1))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.permutations(range(4)))
def test_figures_do_not_depend_on_the_order_of_the_classes(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    probs = rng.multinomial(5, np.full(4, 0.25), size=60) / 5  # votes of five: many ties
    labels = rng.integers(4, size=60)
    moved = values(probs[:, order], np.argsort(order)[labels])
    for name, value in values(probs, labels).items():
        if not name.startswith("recall"):
            assert moved[name] == pytest.approx(value, abs=1e-12), name


def test_rounding_breaks_no_tie() -> None:
    probs = np.array([[0.1 + 0.2, 0.3, 0.3, 0.1]])
    assert probs[0, 0] != probs[0, 1]
    np.testing.assert_allclose(top_classes(probs), [[1 / 3, 1 / 3, 1 / 3, 0]])


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    edges = np.arange(1, BINS + 1) / BINS
    assert bin_of(edges).tolist() == list(range(BINS))
    assert bin_of(edges[:-1] + 1e-6).tolist() == list(range(1, BINS))
    assert bin_of(np.array([0.0, 0.1 + 0.2, 0.6])).tolist() == [0, 4, 8]
    assert bin_of(np.array([0.5, 0.51]), bins=10).tolist() == [4, 5]


def test_a_row_without_any_modality_counts_as_wrong() -> None:
    probs, labels = np.array([[0.9, 0.1], [np.nan, np.nan]]), np.array([0, 1])
    figures = values(probs, labels)
    assert figures["accuracy"] == 0.5
    assert figures["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 2)
    assert confusion(top_classes(probs), labels).tolist() == [[1, 0], [0, 0]]


def test_shown_labels_replace_the_most_probable_ones() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    labels = np.array([0, 1, 1, 1])
    shown = np.array([0, 1, 1, -1])  # after smoothing; -1: nothing was usable
    assert values(probs, labels)["accuracy"] == 0.5
    assert values(probs, labels, shown)["accuracy"] == 0.75
    assert values(probs, labels, shown)["log_loss"] == values(probs, labels)["log_loss"]
    assert from_labels(shown, 2)[3].tolist() == [0, 0]


def test_reliability_adds_up_to_the_ece() -> None:
    probs, labels = random_predictions(3)
    diagram = reliability(probs, labels)
    used = diagram.count > 0
    share = diagram.count[used] / diagram.count.sum()
    assert np.sum(share * np.abs(diagram.accuracy[used] - diagram.confidence[used])) == pytest.approx(values(probs, labels)["ece"])


def test_reliability_bins() -> None:
    probs = np.array([[0.95, 0.05], [0.96, 0.04], [0.55, 0.45], [np.nan, np.nan]])
    diagram = reliability(probs, np.array([0, 1, 0, 1]), bins=10)
    assert diagram.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert diagram.accuracy[9] == 0.5
    assert diagram.confidence[9] == pytest.approx(0.955)
