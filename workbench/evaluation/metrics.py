"""Figures of a classifier as sums over persons, so that a bootstrap over persons is one matrix product.

A draw of the bootstrap takes persons with replacement; each person brings all their clips. Everything below is linear in
per-person sums up to the last step, so draws are multinomial weights over persons: no clip is touched twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

BINS = 15
"""Equal-width confidence bins of the ECE (Guo et al. 2017)."""
FLOOR = 1e-6
"""Probabilities are raised to this in the log-loss: a vote share of 0 would make it infinite."""
NAMES: tuple[str, ...] = ("accuracy", "macro_f1", "log_loss", "ece", "brier")


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval from the bootstrap over persons."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0 (for differences)."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Tally:
    """Per-person sums of one set of predictions.

    Parameters
    ----------
    confusion : ndarray, shape (persons, k * k)
        Counts, true class times k plus predicted class.
    loss, square : ndarray, shape (persons,)
        Sums of log-loss (nats) and of the multiclass Brier score (0 to 2 a clip).
    bins : ndarray, shape (persons, BINS)
        Per confidence bin: correct answers minus the sum of confidences.
    """

    confusion: Floats
    loss: Floats
    square: Floats
    bins: Floats

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Every figure of `NAMES` for each row of person weights, shape (draws,); NaN where a draw holds no clip.

        Parameters
        ----------
        weights : ndarray, shape (draws, persons)
            How often each person is in the draw.
        """
        k = int(np.sqrt(self.confusion.shape[1]))
        table = (weights @ self.confusion).reshape(-1, k, k)
        hit, true, said = np.diagonal(table, axis1=1, axis2=2), table.sum(axis=2), table.sum(axis=1)
        n = table.sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(true + said > 0, 2 * hit / (true + said), np.nan)  # a class neither there nor said does not count
            return {
                "accuracy": hit.sum(axis=1) / n,
                "macro_f1": np.nansum(f1, axis=1) / (~np.isnan(f1)).sum(axis=1),
                "log_loss": weights @ self.loss / n,
                "ece": np.abs(weights @ self.bins).sum(axis=1) / n,
                "brier": weights @ self.square / n,
            }

    def accuracies(self, weights: Floats, members: Floats) -> Floats:
        """Accuracy by group, shape (draws, groups); `members` is 1 where a person is in a group, shape (persons, groups)."""
        k = int(np.sqrt(self.confusion.shape[1]))
        right, all_ = self.confusion[:, :: k + 1].sum(axis=1), self.confusion.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ (right[:, None] * members)) / (weights @ (all_[:, None] * members))


def tally(probs: Floats, labels: Ints, person: Ints, persons: int, said: Ints | None = None) -> Tally:
    """Sum predictions by person.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Distributions; rows of NaN (no modality was usable) count as wrong, with a uniform distribution.
    labels : ndarray of int, shape (n,)
    person : ndarray of int, shape (n,)
        Index of the clip's person, below `persons`.
    said : ndarray of int, shape (n,), optional
        The label that is shown, where it is not the most probable one (after smoothing); -1 counts as wrong.
    """
    n, k = probs.shape
    empty = np.any(np.isnan(probs), axis=1)
    probs = np.where(empty[:, None], 1 / k, probs)
    shown = probs.argmax(axis=1) if said is None else said
    said = np.where(empty | (shown < 0), (labels + 1) % k, shown)
    confidence = probs.max(axis=1)
    right = np.equal(said, labels)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    loss = -np.log(np.maximum(probs[np.arange(n), labels], FLOOR))
    square = (probs**2).sum(axis=1) - 2 * probs[np.arange(n), labels] + 1

    def sums(key: Ints, size: int, values: Floats) -> Floats:
        return np.bincount(key, weights=values, minlength=persons * size).reshape(persons, size).astype(np.float64)

    return Tally(
        sums(person * k * k + labels * k + said, k * k, np.ones(n)),
        sums(person, 1, loss)[:, 0],
        sums(person, 1, square)[:, 0],
        sums(person * BINS + place, BINS, right - confidence),
    )


def draw(persons: int, draws: int, seed: int = 0) -> Floats:
    """Person weights, shape (draws + 1, persons): first the sample itself (all ones), then the bootstrap's draws."""
    weights = np.random.default_rng(seed).multinomial(persons, np.full(persons, 1 / persons), size=draws)
    return np.vstack([np.ones(persons), weights]).astype(float)


def interval(values: Floats, low: float = -np.inf, high: float = np.inf) -> Interval:
    """The figure (first value) and its interval from the draws (the others).

    Percentiles 2.5 and 97.5, shifted by the bootstrap's own estimate of bias (mean of the draws minus the figure): an
    ECE or a largest gap grows by resampling alone, so that its plain percentiles could lie wholly above the figure
    (Efron & Tibshirani 1993, §10). The ends stay within [low, high].
    """
    point, draws = values[0], values[1:][~np.isnan(values[1:])]
    if len(draws) == 0 or np.isnan(point):
        return Interval(float(point), float("nan"), float("nan"))
    ends = np.percentile(draws, [2.5, 97.5]) - (draws.mean() - point)
    return Interval(float(point), *(float(x) for x in np.clip(ends, low, high)))


def unit(values: Floats, name: str = "accuracy") -> Interval:
    """`interval` with the ends that the figure `name` can have."""
    return interval(values, 0.0, {"log_loss": np.inf, "brier": 2.0}.get(name, 1.0))


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: per confidence bin its mean confidence, accuracy and number of clips; NaN where empty."""

    confidence: Floats
    accuracy: Floats
    count: Ints


def reliability(probs: Floats, labels: Ints, bins: int = BINS) -> Reliability:
    """Top-label reliability over equal-width bins (DeGroot & Fienberg 1983); rows of NaN are in no bin."""
    said = ~np.isnan(probs).any(axis=1)
    probs, labels = probs[said], labels[said]
    confidence, right = probs.max(axis=1), np.equal(probs.argmax(axis=1), labels)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, weights=confidence, minlength=bins) / count
        rate = np.bincount(place, weights=right, minlength=bins) / count
    return Reliability(mean, rate, count)
