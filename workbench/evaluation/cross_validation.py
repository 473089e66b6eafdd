"""Held-out figures with intervals over persons: totals, groups, gaps and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.evaluation.metrics import NAMES, Interval, Ints, Tally, draw, interval, tally, unit
from workbench.evaluation.samples import GROUPINGS, Samples
from workbench.fusion.strategy import Floats

MIN_PERSONS = 5
"""Groups of fewer persons are left out of gaps and said to be (chosen: below it a bootstrap over persons says little)."""


@dataclass(frozen=True)
class Scored:
    """Figures of one strategy in every draw, averaged over seeds; the first entry is the sample itself.

    Parameters
    ----------
    figures : dict of ndarray, shape (draws + 1,)
        By name, as in `metrics.NAMES`.
    groups : dict of ndarray, shape (draws + 1, groups)
        Accuracy by grouping.
    names : dict of tuple of str
        The groups of each grouping.
    """

    figures: Mapping[str, Floats]
    groups: Mapping[str, Floats]
    names: Mapping[str, tuple[str, ...]]

    def interval(self, name: str) -> Interval:
        return unit(self.figures[name], name)

    def minus(self, other: Scored, name: str) -> Interval:
        """Paired difference: both are judged on the same persons in every draw."""
        return interval(self.figures[name] - other.figures[name])

    def gap_draws(self, grouping: str) -> Floats:
        """Accuracy of the best minus that of the worst group, in every draw."""
        table = self.groups[grouping]
        return np.nanmax(table, axis=1) - np.nanmin(table, axis=1) if table.shape[1] > 1 else np.full(len(table), np.nan)

    def gap(self, grouping: str) -> Interval:
        return interval(self.gap_draws(grouping), 0.0, 1.0)

    def gap_minus(self, other: Scored, grouping: str) -> Interval:
        return interval(self.gap_draws(grouping) - other.gap_draws(grouping))

    def worst(self, grouping: str) -> str:
        """The group of lowest accuracy in the sample itself."""
        return self.names[grouping][int(np.nanargmin(self.groups[grouping][0]))]


class Judge:
    """Judges predictions for one set of samples; every strategy meets the same draws, so that differences are paired.

    Parameters
    ----------
    samples : Samples
    draws : int
        Bootstrap draws over persons.
    seed : int
    """

    def __init__(self, samples: Samples, draws: int = 1000, seed: int = 0) -> None:
        self.samples = samples
        self.people, self.person = np.unique(samples.persons, return_inverse=True)
        self.weights = draw(len(self.people), draws, seed)

    @cached_property
    def members(self) -> dict[str, dict[str, Floats]]:
        """Grouping → group → 1 for each of its persons, shape (persons,); groups of enough persons only."""
        first = np.unique(self.person, return_index=True)[1]
        people = self.samples.groups.iloc[first]
        out = {}
        for grouping in [g for g in GROUPINGS if g in people]:
            values = people[grouping].to_numpy(dtype=object)
            counts = people[grouping].value_counts()
            out[grouping] = {str(g): (values == g).astype(float) for g in sorted(counts.index) if counts[g] >= MIN_PERSONS}
        return out

    @cached_property
    def suppressed(self) -> list[str]:
        """Groups too small to be compared, each as one line."""
        people = self.samples.groups.iloc[np.unique(self.person, return_index=True)[1]]
        return [
            f"{grouping} {group}: {n} {'person' if n == 1 else 'persons'}, fewer than {MIN_PERSONS}: left out of gaps"
            for grouping in self.members
            for group, n in people[grouping].value_counts().items()
            if n < MIN_PERSONS
        ]

    def tally(self, probs: Floats, said: Ints | None = None) -> Tally:
        return tally(probs, self.samples.labels, self.person, len(self.people), said)

    def score(self, runs: Sequence[Floats], said: Ints | None = None) -> Scored:
        """Figures of a strategy from its held-out predictions, one array (n, k) a seed; `said` as in `metrics.tally`."""
        tallies = [self.tally(probs, said) for probs in runs]
        each = [t.figures(self.weights) for t in tallies]
        figures = {name: np.mean([e[name] for e in each], axis=0) for name in NAMES}
        groups = {
            grouping: np.mean([t.accuracies(self.weights, np.stack(list(members.values()), axis=1)) for t in tallies], axis=0)
            for grouping, members in self.members.items()
            if members
        }
        return Scored(figures, groups, {g: tuple(m) for g, m in self.members.items() if m})


def plain(value: Any) -> Any:
    """The same for JSON: arrays as lists, what is not a number as null."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
