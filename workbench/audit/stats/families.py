"""What an audit draws: families of metrics that share their draws of people."""

from __future__ import annotations

import hashlib
import zlib
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.options import Options
from workbench.audit.result import Figure
from workbench.audit.stats import groups as grouping
from workbench.audit.stats import quantiles
from workbench.evaluation import bootstrap
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.metrics import Floats, Metric

Ints = NDArray[np.int64]


class Family(ABC):
    """A family of metrics that are drawn together."""

    names: list[str]
    digest: bytes

    @abstractmethod
    def units(self, unit: Ints, count: int) -> Any:
        """Everybody's contributions by unit."""

    @abstractmethod
    def sample(self, units: Any, inside: Ints, persons: Ints, random: np.random.Generator) -> list[Any]:
        """Draws of the units `inside` a group, whose people are `persons`; one entry a metric."""

    @abstractmethod
    def estimates(self, samples: list[Any]) -> list[Estimate]:
        """One estimate a metric, from what `sample` gave."""

    @abstractmethod
    def describe(self) -> list[Figure]:
        """What readers must know of each metric."""

    def tested(self, index: int) -> bool:
        """Whether gaps of metric `index` are tested."""
        return True


class Sums(Family):
    """Metrics that are functions of sums."""

    def __init__(self, figures: list[Metric], who: grouping.People, o: Options) -> None:
        self.figures, self.cells, self.o = figures, [_by_person(f, who) for f in figures], o
        self.names = [f.name for f in figures]
        self.active = [(c != 0).any(axis=1) for c in self.cells]
        self.digest = b"".join(hashlib.sha256(c.round(9).tobytes()).digest() for c in self.cells)

    def units(self, unit: Ints, count: int) -> list[Floats]:
        return [summed(c, unit, count) for c in self.cells]

    def sample(self, units: list[Floats], inside: Ints, persons: Ints, random: np.random.Generator) -> list[Any]:
        return bootstrap.sample([u[inside] for u in units], [int(a[persons].sum()) for a in self.active], self.o.draws, random)

    def estimates(self, samples: list[Any]) -> list[Estimate]:
        return [bootstrap.estimate(f, s, self.o.level) for f, s in zip(self.figures, samples, strict=True)]

    def describe(self) -> list[Figure]:
        return [Figure(name=f.name, label=f.label, better=f.better, scale=f.link, note=f.note) for f in self.figures]

    def tested(self, index: int) -> bool:
        return self.figures[index].tested


class Quantiles(Family):
    """Quantiles of a score, all from one sample."""

    def __init__(self, values: Floats, weights: Floats, who: grouping.People, levels: tuple[float, ...], o: Options) -> None:
        self.scale, self.levels, self.o = quantiles.Scale.of(values), levels, o
        self.weights, self.row_person = weights, who.row_person
        self.names = [f"quantile_{q:g}" for q in levels]
        self.digest = hashlib.sha256(values.tobytes()).digest()

    def units(self, unit: Ints, count: int) -> Any:
        return self.scale.by_unit(unit[self.row_person], self.weights, count)

    def sample(self, units: Any, inside: Ints, persons: Ints, random: np.random.Generator) -> list[Any]:
        return [quantiles.sample(units[inside], len(persons), self.o.draws, random)]

    def estimates(self, samples: list[Any]) -> list[Estimate]:
        return quantiles.estimates(self.scale, samples[0], self.levels, self.o.level)

    def describe(self) -> list[Figure]:
        return [
            Figure(name=n, label=f"{q:.0%} quantile of the score", better="higher", scale="identity")
            for n, q in zip(self.names, self.levels, strict=True)
        ]


def generator(o: Options, *names: str) -> np.random.Generator:
    """A generator of its own for every use: one more grouping changes no other's interval."""
    return np.random.default_rng([o.seed, *(zlib.crc32(n.encode()) for n in names)])


def _by_person(figure: Metric, who: grouping.People) -> Floats:
    return summed(figure.sums, who.row_person, len(who))


def summed(values: Floats, place: Ints, count: int) -> Floats:
    """Sum rows that go to the same place, shape (count, k)."""
    if len(values) == count:  # a permutation
        out = np.empty_like(values)
        out[place] = values
        return out
    return np.stack([np.bincount(place, column, minlength=count) for column in values.T], axis=1)
