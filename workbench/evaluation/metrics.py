"""Metrics as functions of sums: each row gives a few numbers, and a metric is a function of their totals.

That is what makes a bootstrap over people fast: a person's rows are summed once, a draw is a weighted sum over people,
and a metric's standard error follows from its gradient (all metrics here keep their value when every total is doubled,
so a person's influence is the gradient times the person's sums; Huber 1981, Efron & Tibshirani 1993 ch. 21).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.calibration import BINS, bin_of
from workbench.evaluation.decisions import answered, from_labels, hits, top_classes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Link = Literal["logit", "log", "identity"]

FLOOR = 1e-6
"""Probabilities are raised to this in the log-loss: a vote share of 0 would make it infinite."""
NAMES: tuple[str, ...] = ("accuracy", "macro_f1", "log_loss", "ece", "brier")
"""Figures that training reports and sweeps can optimise, in the order of its tables."""


@dataclass(frozen=True)
class Metric:
    """One figure of a classifier, a score or a recogniser.

    Parameters
    ----------
    name, label : str
        Key in tables; words in sentences.
    sums : ndarray, shape (n, k)
        What each row contributes.
    value : callable, (..., k) -> (...)
        The metric from totals; NaN where it is not defined.
    gradient : callable, (..., k) -> (..., k)
    link : {"logit", "log", "identity"}
        Scale on which intervals are made: logit for shares in [0, 1], log for positive figures.
    better : {"higher", "lower", "neither"}
    tested : bool
        False where a plug-in bias in small groups would make gaps look real; `note` says so.
    """

    name: str
    label: str
    sums: Floats
    value: Callable[[Floats], Floats]
    gradient: Callable[[Floats], Floats]
    link: Link = "logit"
    better: Literal["higher", "lower", "neither"] = "higher"
    tested: bool = True
    note: str = ""


def ratio(name: str, label: str, top: Floats, bottom: Floats, link: Link = "logit", better: str = "higher") -> Metric:
    """``Σ top / Σ bottom``."""
    return Metric(name, label, np.stack([top, bottom], axis=1), _ratio, _ratio_gradient, link, better)  # type: ignore[arg-type]


def _ratio(t: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t[..., 1] > 0, t[..., 0] / t[..., 1], np.nan)


def _ratio_gradient(t: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / t[..., 1]
        return np.stack([inverse, -t[..., 0] * inverse**2], axis=-1)


def macro_f1(truth: Ints, decided: Floats, weights: Floats) -> Metric:
    """Mean over classes of ``2 TP / (predicted + actual)``; classes that neither occur nor are predicted are left out.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
    decided : ndarray, shape (n, k)
        Shares of the decision, as `decisions.top_classes` gives them; so TP and predicted may be fractions.
    weights : ndarray, shape (n,)
    """
    classes = decided.shape[1]
    actual = from_labels(truth, classes) * weights[:, None]
    sums = np.hstack([2 * actual * decided, actual + decided * weights[:, None]])

    def split(t: Floats) -> tuple[Floats, Floats, Floats]:
        top, bottom = t[..., :classes], t[..., classes:]
        used = bottom > 0
        return np.where(used, top, 0.0), np.where(used, bottom, 1.0), used.sum(axis=-1, keepdims=True)

    def value(t: Floats) -> Floats:
        top, bottom, used = split(t)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (top / bottom).sum(axis=-1) / used[..., 0]

    def gradient(t: Floats) -> Floats:
        top, bottom, used = split(t)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([1 / bottom, -top / bottom**2], axis=-1) / used

    return Metric("macro_f1", "macro-F1", sums, value, gradient)


def ece(confidence: Floats, correct: Floats, weights: Floats, bins: int = BINS) -> Metric:
    """Expected calibration error of the most probable class (Guo et al. 2017) over the bins of `calibration.bin_of`.

    The plug-in figure is biased upward where bins hold few rows, so small groups look worse calibrated than they are:
    its intervals are bias-corrected and its gaps are shown but not tested. `overconfidence` is what is tested.

    Parameters
    ----------
    confidence, correct : ndarray, shape (n,)
        Largest probability, and how far the decision is right; both in [0, 1].
    weights : ndarray, shape (n,)
        How much each row counts, 0 or more.
    bins : int
    """
    sums = np.zeros((len(confidence), bins + 1))
    sums[np.arange(len(confidence)), bin_of(confidence, bins)] = weights * (confidence - correct)
    sums[:, -1] = weights

    def value(t: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.abs(t[..., :-1]).sum(axis=-1) / t[..., -1]

    def gradient(t: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / t[..., -1:]
            return np.concatenate([np.sign(t[..., :-1]) * inverse, -value(t)[..., None] * inverse], axis=-1)

    note = "biased upward in small groups: shown, not tested; see overconfidence"
    return Metric("ece", "expected calibration error", sums, value, gradient, "log", "lower", tested=False, note=note)


def accuracy(truth: Ints, decided: Floats, weights: Floats) -> Metric:
    """Share of rows that are right; a row with tied classes counts in part (`decisions`).

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
    decided : ndarray, shape (n, k)
        Shares of the decision, as `decisions.top_classes` gives them.
    weights : ndarray, shape (n,)
        How much each row counts, 0 or more.
    """
    return ratio("accuracy", "accuracy", weights * hits(decided, truth), weights)


def classifier(
    probabilities: Floats | None,
    truth: Ints,
    classes: Sequence[str],
    weights: Floats,
    predicted: Ints | None = None,
    bins: int = BINS,
    floor: float = FLOOR,
) -> list[Metric]:
    """Accuracy, macro-F1, recall of each class and, where probabilities are given, log-loss, Brier score, ECE and overconfidence.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k), or None
        Distributions. Rows of NaN (nothing was usable) are wrong, with a uniform distribution.
    truth : ndarray of int, shape (n,)
        Indices into `classes`.
    weights : ndarray, shape (n,)
        How much each row counts, 0 or more.
    predicted : ndarray of int, shape (n,), optional
        Labels where they are all that there is, or where what is shown is not the most probable class (after smoothing);
        -1 counts as wrong. Where left out, the most probable classes decide.
    bins : int
        Confidence bins of the ECE.
    floor : float
        Least probability in the log-loss.

    Raises
    ------
    ValueError
        If neither probabilities nor labels are given.
    """
    k = len(classes)
    if predicted is not None:
        decided = from_labels(predicted, k)
    elif probabilities is not None:
        decided = top_classes(probabilities)
    else:
        raise ValueError("give probabilities, predicted labels, or both")
    correct = hits(decided, truth)
    metrics = [accuracy(truth, decided, weights), macro_f1(truth, decided, weights)]
    for index, name in enumerate(classes):
        actual = weights * (truth == index)
        metrics.append(ratio(f"recall_{name}", f"recall of {name}", actual * correct, actual))
    if probabilities is None:
        return metrics
    probs = np.where(answered(probabilities)[:, None], probabilities, 1 / k)
    likelihood = hits(probs, truth)
    squares = (probs**2).sum(axis=1) - 2 * likelihood + 1
    confidence = probs.max(axis=1)
    metrics += [
        ratio("log_loss", "log-loss", -weights * np.log(np.clip(likelihood, floor, 1)), weights, "log", "lower"),
        ratio("brier", "Brier score", weights * squares, weights, "log", "lower"),
        ratio("overconfidence", "confidence minus accuracy", weights * (confidence - correct), weights, "identity", "neither"),
        ece(confidence, correct, weights, bins),
    ]
    return metrics


def score(values: Floats, truth: Floats | None, weights: Floats, threshold: float) -> list[Metric]:
    """Mean, selection rate at `threshold` and, where true scores are given, mean absolute error and bias.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Scores, in any unit.
    truth : ndarray, shape (n,), or None
        True scores, in the same unit.
    weights : ndarray, shape (n,)
        How much each row counts, 0 or more.
    threshold : float
        Rows at or above it are selected.
    """
    metrics = [
        ratio("mean_score", "mean score", weights * values, weights, "identity", "higher"),
        ratio("selection_rate", f"share at or above {threshold:g}", weights * (values >= threshold), weights),
    ]
    if truth is not None:
        metrics += [
            ratio("mae", "mean absolute error", weights * np.abs(values - truth), weights, "log", "lower"),
            ratio("bias", "mean of score minus truth", weights * (values - truth), weights, "identity", "neither"),
        ]
    return metrics


def paired(before: Metric, after: Metric) -> Metric:
    """``after - before`` on the same people."""
    k = before.sums.shape[1]
    return Metric(
        before.name, f"change of {before.label}", np.hstack([before.sums, after.sums]),
        lambda t: after.value(t[..., k:]) - before.value(t[..., :k]),
        lambda t: np.concatenate([-before.gradient(t[..., :k]), after.gradient(t[..., k:])], axis=-1),
        "identity", before.better, before.tested, before.note,
    )  # fmt: skip
