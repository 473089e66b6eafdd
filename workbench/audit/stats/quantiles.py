"""Quantiles of scores by group: a rule that looks at the median alone can be gamed, the other quantiles show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr, stdtrit

from workbench.evaluation import bootstrap
from workbench.evaluation.bootstrap import Estimate

Floats = NDArray[np.float64]
STEPS = 4096


@dataclass(frozen=True)
class Scale:
    """Scores as positions on an ordered grid: exact up to `STEPS` different scores, else `STEPS` equally filled steps."""

    grid: Floats
    place: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats) -> Scale:
        grid = np.unique(values)
        if len(grid) > STEPS:
            grid = np.unique(np.quantile(values, np.linspace(0, 1, STEPS), method="inverted_cdf"))
        return cls(grid, np.minimum(np.searchsorted(grid, values), len(grid) - 1))

    def by_unit(self, row_unit: NDArray[np.int64], weights: Floats, units: int) -> sparse.csr_array:
        """Weight of each unit's rows on each step, shape (units, steps)."""
        return sparse.csr_array(sparse.coo_array((weights, (row_unit, self.place)), shape=(units, len(self.grid))))

    def quantiles(self, counts: Floats, q: tuple[float, ...]) -> Floats:
        """The lowest score at which at least the share `q` is reached, shape (..., len(q)); `counts` is (..., steps)."""
        reached = np.cumsum(counts, axis=-1)
        needed = reached[..., -1:, None] * np.asarray(q) * (1 - 1e-12)
        return self.grid[(reached[..., None] >= needed).argmax(axis=-2)]


@dataclass(frozen=True)
class Counts:
    """A group's weight on each step, observed and in every draw."""

    people: int
    units: int
    total: Floats
    draws: Floats

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.people + other.people, self.units + other.units, self.total + other.total, self.draws + other.draws)


def sample(units: sparse.csr_array, people: int, draws: int, random: np.random.Generator) -> Counts:
    """Draw a group's units (of `people` people in all) with replacement."""
    drawn = bootstrap.weights(units.shape[0], draws, random).astype(np.float64)
    return Counts(people, units.shape[0], np.asarray(units.sum(axis=0)), np.asarray(drawn @ units))


def estimates(scale: Scale, counts: Counts, q: tuple[float, ...], level: float) -> list[Estimate]:
    """Each quantile with a percentile interval, expanded for few people (Hesterberg 2015, The American Statistician 69:371)."""
    values = scale.quantiles(counts.total, q)
    draws = np.concatenate([scale.quantiles(part, q) for part in np.array_split(counts.draws, max(1, len(counts.draws) // 50))])
    n = counts.units
    if n < 2:
        return [
            Estimate(float(v), np.nan, np.nan, np.nan, counts.people, "one person: no interval over people")
            for v, d in zip(values, draws.T, strict=True)
        ]
    student = float(stdtrit(n - 1, (1 + level) / 2))
    tail = float(ndtr(-np.sqrt(n / (n - 1)) * student))
    found = []
    for value, d in zip(values, draws.T, strict=True):
        low, high = np.quantile(d, [tail, 1 - tail])
        reason = "" if high > low else "no difference between people: an interval cannot be estimated"
        bounds = (min(low, value), max(high, value)) if high > low else (np.nan, np.nan)
        found.append(Estimate(float(value), float(bounds[0]), float(bounds[1]), float(high - low) / 2 / student, counts.people, reason))
    return found
