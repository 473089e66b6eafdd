"""Differences and ratios between groups with intervals, and control over how many of them are called real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from workbench.evaluation.bootstrap import Estimate, Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gap:
    """``a - b`` and ``a / b`` with intervals; `p` is two-sided and agrees with the interval at its level."""

    difference: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    p: float


def gap(a: Estimate, b: Estimate, level: float) -> Gap:
    """Compare two groups of different people.

    The two groups' intervals are put together by MOVER (Zou & Donner 2008, Statistics in Medicine 27:1693), which keeps
    their asymmetry; for the ratio on the log scale. The p-value is read back from the interval (Altman & Bland 2011,
    BMJ 343:d2304) with Student's t in the tails, whose degrees of freedom are the smaller group's people less one:
    Welch's, which lean on the larger group, called too many gaps of few people real in simulations.

    Parameters
    ----------
    a, b : Estimate
        The metric of each group, with its interval.
    level : float
        Confidence level, such as 0.95.
    """
    difference = a.value - b.value
    down = np.hypot(a.value - a.low, b.high - b.value)
    up = np.hypot(a.high - a.value, b.value - b.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [float(np.log(max(x, 0.0))) for x in (a.value, a.low, a.high, b.value, b.low, b.high)]
        va, la, ha, vb, lb, hb = logs
        ratio = float(np.exp(va - vb)) if np.isfinite(vb) else np.nan
        ratio_low = float(np.exp(va - vb - np.hypot(va - la, hb - vb))) if np.isfinite(va) else 0.0
        # of a share of 0 the log has no bottom: the widest ratio that both intervals allow stands in
        ratio_high = float(np.exp(va - vb + np.hypot(ha - va, vb - lb) if np.isfinite(va) else ha - lb))
    if min(a.value, b.value) < 0:  # signed figures have no ratio
        ratio = ratio_low = ratio_high = np.nan
    facing = down if difference > 0 else up
    p = 1.0 if difference == 0 or not facing > 0 else _p(abs(difference) / facing, min(a.people, b.people) - 1, level)
    return Gap(difference, difference - down, difference + up, ratio, ratio_low, ratio_high, p)


def _p(reach: float, freedom: float, level: float) -> float:
    return float(2 * stdtr(freedom, -reach * stdtrit(freedom, (1 + level) / 2)))


def worst(estimates: Sequence[Estimate], level: float, ceiling: float = np.inf) -> tuple[int, int, Gap]:
    """The largest gap between any two groups: indices of the highest and the lowest, and their gap (at most `ceiling`).

    Picking the extremes after looking inflates a gap, so the intervals are simultaneous over all pairs (Bonferroni on
    the pairs' intervals, stretched by Student's t): they cover the true largest gap at least at `level`.

    Parameters
    ----------
    estimates : sequence of Estimate
        One a group; at least two.
    level : float
        Confidence level, such as 0.95.
    ceiling : float
        The largest gap that the metric can have.
    """
    values = [e.value for e in estimates]
    top, bottom = int(np.argmax(values)), int(np.argmin(values))
    pairs = len(values) * (len(values) - 1) / 2
    stretched = [_stretch(e, level, pairs) for e in estimates]
    both = [gap(a, b, level) for i, a in enumerate(stretched) for j, b in enumerate(stretched) if i != j]
    seen = gap(estimates[top], estimates[bottom], level)
    low = max(0.0, max(g.low for g in both))
    high = min(ceiling, max(g.high for g in both))
    # ratio of lowest to highest: at most 1, so the bounds are the smallest ones over pairs
    ratio_high = min(1.0, np.nanmin([g.ratio_high for g in both])) if np.isfinite(seen.ratio) else np.nan
    ratio_low = np.nanmin([g.ratio_low for g in both]) if np.isfinite(seen.ratio) else np.nan
    ratio = values[bottom] / values[top] if values[top] > 0 and values[bottom] >= 0 else np.nan
    return top, bottom, Gap(seen.difference, low, high, float(ratio), float(ratio_low), float(ratio_high), min(1.0, seen.p * pairs))


def _stretch(e: Estimate, level: float, pairs: float) -> Estimate:
    if pairs <= 1:
        return e
    freedom = max(e.people - 1, 1)
    factor = stdtrit(freedom, 1 - (1 - level) / 2 / pairs) / stdtrit(freedom, (1 + level) / 2)
    low, high = e.value - factor * (e.value - e.low), e.value + factor * (e.high - e.value)
    return Estimate(e.value, low, high, e.error, e.people)


def gap_change(before: Floats, after: Floats, level: float = 0.95) -> Interval:
    """Change of the largest gap from one model to another, both drawn on the same people.

    Percentiles of the draws, shifted by the bootstrap's own estimate of bias: a largest gap grows by drawing alone.

    Parameters
    ----------
    before, after : ndarray, shape (draws + 1, groups)
        The metric of every group: as it is (first row) and in every draw.
    """
    shift = (after.max(axis=1) - after.min(axis=1)) - (before.max(axis=1) - before.min(axis=1))
    seen, draws = float(shift[0]), shift[1:]
    if len(draws) == 0 or np.isnan(draws).all():
        return Interval(seen, np.nan, np.nan)
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2]) - (np.nanmean(draws) - seen)
    return Interval(seen, float(min(low, seen)), float(max(high, seen)))


def adjust(p: ArrayLike, method: str) -> Floats:
    """Adjusted p-values: ``holm`` (family-wise error, Holm 1979), ``bh`` (false discovery rate, Benjamini & Hochberg 1995) or ``none``.

    Parameters
    ----------
    p : array_like, shape (m,)
        p-values, in [0, 1].
    method : {"holm", "bh", "none"}
    """
    values = np.asarray(p, dtype=np.float64)
    count = len(values)
    if method == "none" or count == 0:
        return values
    order = np.argsort(values)
    if method == "holm":
        raised = np.maximum.accumulate(values[order] * np.arange(count, 0, -1))
    else:
        raised = np.minimum.accumulate((values[order] / (np.arange(1, count + 1) / count))[::-1])[::-1]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted
