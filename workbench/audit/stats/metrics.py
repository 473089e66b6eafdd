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

Floats = NDArray[np.float64]
Link = Literal["logit", "log", "identity"]


@dataclass(frozen=True)
class Metric:
    """One figure of an audit.

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


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64], classes: int, weights: Floats) -> Metric:
    """Mean over classes of ``2 TP / (predicted + actual)``; classes that neither occur nor are predicted are left out."""
    rows = np.arange(len(truth))
    sums = np.zeros((len(truth), 2 * classes))
    sums[rows, truth] = np.where(truth == guess, 2 * weights, 0.0)
    sums[rows, classes + truth] += weights
    sums[rows, classes + guess] += weights

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


def ece(confidence: Floats, correct: Floats, weights: Floats, bins: int) -> Metric:
    """Expected calibration error of the top class (Guo et al. 2017), equal-width bins.

    The plug-in figure is biased upward where bins hold few rows, so small groups look worse calibrated than they are:
    its intervals are bias-corrected and its gaps are shown but not tested. `overconfidence` is what is tested.
    """
    sums = np.zeros((len(confidence), bins + 1))
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    sums[np.arange(len(confidence)), place] = weights * (confidence - correct)
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


def classifier(
    probabilities: Floats | None,
    guess: NDArray[np.int64],
    truth: NDArray[np.int64],
    classes: Sequence[str],
    weights: Floats,
    bins: int = 10,
) -> list[Metric]:
    """Accuracy, macro-F1, recall of each class and, where probabilities are given, log-loss, Brier score, ECE and overconfidence.

    Parameters
    ----------
    probabilities : ndarray, shape (n, k), or None
    guess, truth : ndarray of int, shape (n,)
        Indices into `classes`.
    weights : ndarray, shape (n,)
    """
    correct = (guess == truth).astype(float)
    found = [
        ratio("accuracy", "accuracy", weights * correct, weights),
        macro_f1(truth, guess, len(classes), weights),
    ]
    for index, name in enumerate(classes):
        actual = weights * (truth == index)
        found.append(ratio(f"recall_{name}", f"recall of {name}", actual * correct, actual))
    if probabilities is None:
        return found
    rows = np.arange(len(truth))
    likelihood = np.clip(probabilities[rows, truth], 1e-15, 1)  # sklearn's log_loss clips so, too
    squares = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, truth] + 1
    confidence = probabilities.max(axis=1)
    found += [
        ratio("log_loss", "log-loss", -weights * np.log(likelihood), weights, "log", "lower"),
        ratio("brier", "Brier score", weights * squares, weights, "log", "lower"),
        ratio("overconfidence", "confidence minus accuracy", weights * (confidence - correct), weights, "identity", "neither"),
        ece(confidence, correct, weights, bins),
    ]
    return found


def score(values: Floats, truth: Floats | None, weights: Floats, threshold: float) -> list[Metric]:
    """Mean, selection rate at `threshold` and, where true scores are given, mean absolute error and bias."""
    found = [
        ratio("mean_score", "mean score", weights * values, weights, "identity", "higher"),
        ratio("selection_rate", f"share at or above {threshold:g}", weights * (values >= threshold), weights),
    ]
    if truth is not None:
        found += [
            ratio("mae", "mean absolute error", weights * np.abs(values - truth), weights, "log", "lower"),
            ratio("bias", "mean of score minus truth", weights * (values - truth), weights, "identity", "neither"),
        ]
    return found


def paired(before: Metric, after: Metric) -> Metric:
    """``after - before`` on the same people."""
    k = before.sums.shape[1]
    return Metric(
        before.name, f"change of {before.label}", np.hstack([before.sums, after.sums]),
        lambda t: after.value(t[..., k:]) - before.value(t[..., :k]),
        lambda t: np.concatenate([-before.gradient(t[..., :k]), after.gradient(t[..., k:])], axis=-1),
        "identity", before.better, before.tested, before.note,
    )  # fmt: skip
