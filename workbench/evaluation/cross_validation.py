"""Figures of held-out predictions with intervals over people: overall, by group, gaps and paired differences.

Metrics are those of `metrics`, intervals those of `bootstrap.interval`. What differs from an audit is speed and pairing: every
strategy meets the same draws of people, and a draw's standard error follows from people's influences (the metric's gradient
times a person's sums), so that a difference, or a mean over seeds, costs one subtraction. A test holds both ways equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.evaluation import bootstrap, metrics
from workbench.evaluation.bootstrap import Estimate, Interval
from workbench.evaluation.gaps import gap_change, worst
from workbench.evaluation.metrics import NAMES, Floats, Ints, Link, Metric
from workbench.evaluation.samples import GROUPINGS, Samples

MIN_PERSONS = 5
"""Groups of fewer persons are left out of gaps and named (chosen: below it a bootstrap over persons says little)."""
LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class Draws:
    """A figure as it is and in every draw, with each person's influence on it.

    Parameters
    ----------
    values : ndarray, shape (draws + 1,)
        The first is the sample itself.
    influence : ndarray, shape (draws + 1, persons)
        The metric's gradient times the person's sums.
    weights : ndarray, shape (draws + 1, persons)
        How often each person is drawn.
    link : {"logit", "log", "identity"}
    tested : bool
    """

    values: Floats
    influence: Floats
    weights: Floats
    link: Link
    tested: bool

    @classmethod
    def of(cls, metric: Metric, sums: Floats, weights: Floats) -> Draws:
        """A metric from people's sums, shape (persons, k)."""
        totals = weights @ sums
        return cls(metric.value(totals), metric.gradient(totals) @ sums.T, weights, metric.link, metric.tested)

    @classmethod
    def mean(cls, parts: Sequence[Draws]) -> Draws:
        """The mean of one metric over several fits."""
        first = parts[0]
        values, influence = (np.mean([getattr(p, n) for p in parts], axis=0) for n in ("values", "influence"))
        return cls(values, influence, first.weights, first.link, first.tested)

    def __sub__(self, other: Draws) -> Draws:
        """Paired difference: both were drawn on the same people."""
        return Draws(self.values - other.values, self.influence - other.influence, self.weights, "identity", self.tested)

    @cached_property
    def estimate(self) -> Estimate:
        """The figure with its interval."""
        n = self.weights.shape[1]
        with np.errstate(invalid="ignore"):
            errors = np.sqrt((self.influence**2 * self.weights).sum(axis=1) * n / max(n - 1, 1))
        if self.link == "identity" and self.values[0] == 0 and not self.influence[0].any():
            return Estimate(0.0, 0.0, 0.0, 0.0, n)  # the two agree for every person: there is nothing to estimate
        return bootstrap.interval(
            float(self.values[0]), float(errors[0]), self.values[1:], errors[1:], n, n, LEVEL, self.link, self.tested
        )  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """Figures of one strategy in every draw, averaged over seeds.

    Parameters
    ----------
    figures : dict of Draws
        By name, as in `metrics.NAMES`.
    groups : dict of dict of Draws
        Accuracy by grouping and group; people are drawn within their group.
    """

    figures: Mapping[str, Draws]
    groups: Mapping[str, Mapping[str, Draws]]

    def value(self, name: str) -> float:
        """The figure `name` of `metrics.NAMES` alone."""
        return float(self.figures[name].values[0])

    def interval(self, name: str) -> Interval:
        return self.figures[name].estimate

    def minus(self, other: Scored, name: str) -> Interval:
        """Paired difference: both are evaluated on the same people in every draw.

        Parameters
        ----------
        other : Scored
            Figures of another strategy, from the same evaluator.
        name : str
            Of the metric.
        """
        return (self.figures[name] - other.figures[name]).estimate

    def summary(self) -> dict[str, dict[str, float]]:
        """Every figure with its interval, as plain values."""
        return {name: self.interval(name).plain() for name in NAMES}

    def versus(self, other: Scored) -> dict[str, dict[str, float]]:
        """Every paired difference with its interval, as plain values."""
        return {name: self.minus(other, name).plain() for name in NAMES}

    def gap(self, grouping: str) -> Interval:
        """Accuracy of the best group minus that of the worst, simultaneous over pairs of groups (`gaps.worst`)."""
        groups = list(self.groups[grouping].values())
        if len(groups) < 2:
            return Interval(np.nan, np.nan, np.nan)
        _, _, largest = worst([d.estimate for d in groups], LEVEL, ceiling=1.0)
        return Interval(largest.difference, largest.low, largest.high)

    def gap_minus(self, other: Scored, grouping: str) -> Interval:
        """Change of the gap against another strategy (`gaps.gap_change`).

        Parameters
        ----------
        other : Scored
            Figures of another strategy, from the same evaluator.
        grouping : str
        """
        if len(self.groups[grouping]) < 2:
            return Interval(np.nan, np.nan, np.nan)
        before, after = (np.stack([d.values for d in s.groups[grouping].values()], axis=1) for s in (other, self))
        return gap_change(before, after, LEVEL)

    def worst(self, grouping: str) -> str:
        """The group of lowest accuracy."""
        groups = self.groups[grouping]
        return min(groups, key=lambda g: float(groups[g].values[0]))


class Evaluator:
    """Scores predictions for one set of samples; every strategy meets the same draws, so that differences are paired.

    Parameters
    ----------
    samples : Samples
    draws : int
        Bootstrap draws over people.
    seed : int
    """

    def __init__(self, samples: Samples, draws: int = 1000, seed: int = 0) -> None:
        self.samples = samples
        self.person_ids, self.person_index = np.unique(samples.persons, return_inverse=True)
        self._draws, self._seed = draws, seed
        self.weights = self._drawn(len(self.person_ids), 0)

    def _drawn(self, people: int, use: int) -> Floats:
        """How often each of some people is drawn, shape (draws + 1, people); the first row is everybody once."""
        random = np.random.default_rng([self._seed, use])
        return np.vstack([np.ones(people), bootstrap.weights(people, self._draws, random)]).astype(np.float64)

    @cached_property
    def members(self) -> dict[str, dict[str, Ints]]:
        """Grouping → group → indices of its people in `person_ids`; groups of enough people only."""
        people = self._people()
        out = {}
        for grouping in [g for g in GROUPINGS if g in people]:
            values = people[grouping].to_numpy(dtype=object)
            counts = people[grouping].value_counts()
            out[grouping] = {str(g): np.flatnonzero(values == g) for g in sorted(counts.index) if counts[g] >= MIN_PERSONS}
        return out

    @cached_property
    def suppressed(self) -> list[str]:
        """Groups too small to be compared, each as one line."""
        people = self._people()
        return [
            f"{grouping} {group}: {n} {'person' if n == 1 else 'persons'}, fewer than {MIN_PERSONS}: left out of gaps"
            for grouping in self.members
            for group, n in people[grouping].value_counts().items()
            if n < MIN_PERSONS
        ]

    def _people(self) -> Any:
        """One row of groups a person."""
        return self.samples.groups.iloc[np.unique(self.person_index, return_index=True)[1]]

    @cached_property
    def _group_weights(self) -> dict[str, dict[str, Floats]]:
        named = [(grouping, group) for grouping, members in self.members.items() for group in members]
        use = {pair: i + 1 for i, pair in enumerate(named)}
        return {g: {name: self._drawn(len(who), use[g, name]) for name, who in members.items()} for g, members in self.members.items()}

    def score(self, runs: Sequence[Floats], predicted: Ints | None = None) -> Scored:
        """Figures of a strategy from its held-out predictions.

        Parameters
        ----------
        runs : sequence of ndarray, shape (n, k)
            One array a seed; rows of NaN count as wrong.
        predicted : ndarray of int, shape (n,), optional
            The labels that are shown, as in `metrics.classifier`.
        """
        runs_sums = [self._sums(probs, predicted) for probs in runs]
        figures = {name: Draws.mean([Draws.of(*sums[name], self.weights) for sums in runs_sums]) for name in NAMES}

        def accuracy(who: Ints, weights: Floats) -> Draws:
            return Draws.mean([Draws.of(metric, sums[who], weights) for metric, sums in (run["accuracy"] for run in runs_sums)])

        groups = {
            grouping: {group: accuracy(who, self._group_weights[grouping][group]) for group, who in members.items()}
            for grouping, members in self.members.items()
            if members
        }
        return Scored(figures, groups)

    def _sums(self, probs: Floats, predicted: Ints | None) -> dict[str, tuple[Metric, Floats]]:
        """Each metric with its sums by person, shape (persons, k)."""
        made = metrics.classifier(probs, self.samples.labels, self.samples.classes, np.ones(len(probs)), predicted)
        n = len(self.person_ids)
        return {
            m.name: (m, np.stack([np.bincount(self.person_index, column, minlength=n) for column in m.sums.T], axis=1))
            for m in made
            if m.name in NAMES
        }


def plain(value: Any) -> Any:
    """The same for JSON: arrays as lists, what is not a number as null."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
