"""Bootstrap over people: totals and their spread in every draw, for all metrics of a group at once.

People are drawn with replacement inside their group, so that a group keeps its n and small groups never vanish from a
draw. A studentised (bootstrap-t) interval needs each draw's own standard error, which follows from second moments of
the people's sums: one matrix product each instead of a loop (Efron & Tibshirani 1993 ch. 12; Hall 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri, stdtrit

from workbench.evaluation.metrics import Link, Metric

Floats = NDArray[np.float64]
BUNDLES = 500
"""A group of more people is bundled at random into this many units of equally many people: independent people's spread
shows between bundles just as well (the random groups method, Wolter 2007), and cost and memory stop growing with n."""


ALIKE = 0.01
"""A draw whose standard error is below this share of the observed one drew people who are all alike."""
LARGEST = 3.0
"""The draws' critical value is at most so many times Student's: of few people who are mostly alike it has no bound."""


@dataclass(frozen=True)
class Sample:
    """A group's people for one metric: totals and second moments, observed and in every draw.

    Parameters
    ----------
    people, units : int
        People whose sums are not all zero (only they inform the metric), and the units that they were drawn in.
    totals, moments : ndarray, shapes (k,) and (k, k)
    draw_totals, draw_moments : ndarray, shapes (draws, k) and (draws, k, k)
    """

    people: int
    units: int
    totals: Floats
    moments: Floats
    draw_totals: Floats
    draw_moments: Floats

    def __add__(self, other: Sample) -> Sample:
        """Two groups together, drawn within each."""
        return Sample(
            self.people + other.people, self.units + other.units, self.totals + other.totals, self.moments + other.moments,
            self.draw_totals + other.draw_totals, self.draw_moments + other.draw_moments,
        )  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; NaN where there is none."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def plain(self) -> dict[str, float]:
        """As plain values: `value`, `low`, `high`."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0 (for differences)."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Estimate(Interval):
    """A figure with its interval; `low` and `high` are NaN where none can be estimated (`reason` says why).

    `error` is the standard error on the metric's own scale, `people` how many inform the figure.
    """

    error: float
    people: int
    reason: str = ""


def weights(people: int, draws: int, random: np.random.Generator) -> NDArray[np.uint16]:
    """How often each of `people` is drawn, shape (draws, people); every row sums to `people`."""
    picks = random.integers(0, people, (draws, people))
    picks += np.arange(draws)[:, None] * people
    return np.bincount(picks.ravel(), minlength=draws * people).reshape(draws, people).astype(np.uint16)


def bundle(member: NDArray[np.int64], groups: int, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Units of people: each person's unit, and each unit's group.

    Parameters
    ----------
    member : ndarray of int, shape (people,)
        Each person's group, below `groups`.
    """
    unit = np.empty(len(member), dtype=np.int64)
    group_of_unit: list[NDArray[np.int64]] = []
    start = 0
    for g in range(groups):
        who = np.flatnonzero(member == g)
        if len(who) > BUNDLES:
            who = random.permutation(who)
        unit[who] = start + np.arange(len(who)) % BUNDLES
        group_of_unit.append(np.full(min(len(who), BUNDLES), g))
        start += min(len(who), BUNDLES)
    return unit, np.concatenate(group_of_unit)


def sample(sums: Sequence[Floats], people: Sequence[int], draws: int, random: np.random.Generator) -> list[Sample]:
    """Draw a group's units once for several metrics.

    Parameters
    ----------
    sums : sequence of ndarray, shape (units, k)
        Each metric's sums by unit.
    people : sequence of int
        How many people inform each metric.
    """
    drawn = weights(len(sums[0]), draws, random).astype(np.float64)
    out = []
    for s, n in zip(sums, people, strict=True):
        squares = (s[:, :, None] * s[:, None, :]).reshape(len(s), -1)
        k = s.shape[1]
        units = int((s != 0).any(axis=1).sum())
        out.append(Sample(n, units, s.sum(axis=0), s.T @ s, drawn @ s, (drawn @ squares).reshape(-1, k, k)))
    return out


def standard_error(metric: Metric, totals: Floats, moments: Floats, units: int) -> Floats:
    """Over people, from the metric's gradient: ``sqrt(n/(n-1) · g' (Σ s s') g)``."""
    g = metric.gradient(totals)
    spread = np.einsum("...i,...ij,...j->...", g, moments, g)
    return np.sqrt(np.maximum(spread, 0) * units / max(units - 1, 1))


def estimate(metric: Metric, s: Sample, level: float) -> Estimate:
    """The metric of a group with its interval; see `interval`.

    Parameters
    ----------
    metric : Metric
    s : Sample
        The group's sums and bootstrap draws.
    level : float
        Confidence level, such as 0.95.
    """
    value, error = float(metric.value(s.totals)), float(standard_error(metric, s.totals, s.moments, s.units))
    draws, errors = metric.value(s.draw_totals), standard_error(metric, s.draw_totals, s.draw_moments, s.units)
    return interval(value, error, draws, errors, s.people, s.units, level, metric.link, metric.tested)


def interval(
    value: float,
    error: float,
    draws: Floats,
    errors: Floats,
    people: int,
    units: int,
    level: float = 0.95,
    link: Link = "logit",
    tested: bool = True,
) -> Estimate:
    """The one interval of this package: studentised over people, symmetric on the metric's link scale.

    Where all people agree on 0 or 1 of a share, no spread can be estimated: the bound is then exact, because all n
    people have the value 1 with probability at most (true share)ⁿ.

    Parameters
    ----------
    value, error : float
        The figure and its standard error over people.
    draws, errors : ndarray, shape (draws,)
        The same in every bootstrap draw.
    people, units : int
        As in `Sample`.
    level : float
        Confidence level, in (0, 1).
    link, tested
        As in `metrics.Metric`.
    """
    nothing = (value, np.nan, np.nan, np.nan, people)
    if not np.isfinite(value):
        return Estimate(*nothing, reason="not defined here: none of its rows are in this group")
    if people < 2:
        return Estimate(*nothing, reason="one person: no interval over people")
    if len(draws) == 0:
        return Estimate(*nothing, reason="no draws: no interval")
    if error < 1e-9 * max(1.0, abs(value)):
        if link == "logit" and min(abs(value), abs(1 - value)) < 1e-9:
            edge = ((1 - level) / 2) ** (1 / people)
            low, high = (edge, 1.0) if value > 0.5 else (0.0, 1 - edge)
            return Estimate(value, low, high, 0.0, people)
        return Estimate(*nothing, reason="no difference between people: an interval cannot be estimated")
    if not tested:
        return _bias_corrected(value, error, draws, people, units, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (_to(draws, link) - _to(value, link)) / (errors * _slope(draws, link))
    alike = ~(errors > ALIKE * error)  # such a draw says that nothing varies: t has no bound there
    student = float(stdtrit(units - 1, (1 + level) / 2))
    critical = min(float(np.quantile(np.where(alike | ~np.isfinite(t), np.inf, np.abs(t)), level, method="nearest")), LARGEST * student)
    reach = critical * error * float(_slope(np.asarray(value), link))
    middle = float(_to(value, link))
    return Estimate(value, _back(middle - reach, link), _back(middle + reach, link), error, people)


def _bias_corrected(value: float, error: float, draws: Floats, people: int, units: int, level: float) -> Estimate:
    """For figures that noise pushes up (ECE): the draws' spread about the value less the bootstrap's estimate of its bias."""
    wide = np.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + level) / 2) / ndtri((1 + level) / 2)
    mean = float(np.nanmean(draws))
    low, high = 2 * value - mean + wide * (np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2]) - mean)
    floor = 0.0 if np.nanmin(draws) >= 0 else -np.inf
    return Estimate(value, max(floor, min(float(low), value)), max(float(high), value), error, people)


def _to(x: Floats | float, link: Link) -> Floats:
    return np.asarray({"logit": logit, "log": np.log, "identity": np.asarray}[link](x))


def _slope(x: Floats, link: Link) -> Floats:
    """Derivative of the link at `x`."""
    values = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.ones_like(values) if link == "identity" else 1 / (values * (1 - values) if link == "logit" else values)


def _back(x: float, link: Link) -> float:
    return float({"logit": expit, "log": lambda v: np.exp(min(v, 700.0)), "identity": float}[link](x))
