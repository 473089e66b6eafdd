"""Metrics that are plain functions of labels and predictions: of a caller, or of an installed package.

A function cannot be resampled as sums can. Its standard error over people comes from a jackknife: the function is computed
anew without each person (or each of at most 500 bundles of people), and the pseudo-values stand for the people's sums
(Efron & Tibshirani 1993, ch. 11). Cost: one call a person and group, at most 501 a group and metric.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.options import AuditError, Options
from workbench.audit.result import Figure
from workbench.audit.stats.families import Family
from workbench.evaluation import bootstrap
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.metrics import ratio
from workbench.plugins import OWN, PluginError, Registry

Ints = NDArray[np.int64]
Function = Callable[..., float]
"""``function(y_true, y_pred, sample_weight=weights) -> float``, as scikit-learn's and Fairlearn's metrics are."""


def _check(name: str, thing: Any) -> Function:
    if not callable(thing):
        raise AuditError("a metric's entry point names a function of y_true, y_pred and sample_weight")
    return thing  # type: ignore[no-any-return]


METRICS: Registry[Function] = Registry("metric", "workbench.metrics", {}, _check)
"""Metrics that installed packages add; the workbench's own are functions of sums (`evaluation.metrics`)."""


@dataclass(frozen=True)
class Units:
    """The rows of some units of people, in one group or several together."""

    rows: tuple[Ints, ...]
    people: int
    random: np.random.Generator

    def __add__(self, other: Units) -> Units:
        return Units((*self.rows, *other.rows), self.people + other.people, self.random)


class Callables(Family):
    """Functions of labels and predictions.

    Parameters
    ----------
    functions : mapping of str to callable
    truth, predicted : ndarray, shape (n,)
        Labels, scores or texts; of probabilities, the most probable class.
    weights : ndarray, shape (n,)
    row_person : ndarray of int, shape (n,)
    notes : list of str
        Gets a line for each function of an installed package that fails; its figures are then not defined.
    """

    def __init__(
        self, functions: Mapping[str, Function], truth: Any, predicted: Any, weights: Any, row_person: Ints, o: Options, notes: list[str]
    ) -> None:
        self.functions, self.o, self.notes = dict(functions), o, notes
        self.truth, self.predicted, self.weights, self.row_person = np.asarray(truth), np.asarray(predicted), weights, row_person
        self.names = list(self.functions)
        self._failed: set[str] = set()
        parts = [str(self.names), *(str(a.tolist()) for a in (self.truth, self.predicted, self.weights))]
        self.digest = hashlib.sha256("".join(parts).encode()).digest()

    def units(self, unit: Ints, count: int) -> list[Ints]:
        place = unit[self.row_person]
        order = np.argsort(place, kind="stable")
        return np.split(order, np.searchsorted(place[order], np.arange(1, count)))

    def sample(self, units: list[Ints], inside: Ints, persons: Ints, random: np.random.Generator) -> list[Any]:
        return [Units(tuple(units[i] for i in inside), len(persons), random)] * len(self.names)

    def estimates(self, samples: list[Any]) -> list[Estimate]:
        return [self._estimate(name, units) for name, units in zip(self.names, samples, strict=True)]

    def _value(self, name: str, rows: Ints) -> float:
        if name in self._failed or len(rows) == 0:
            return float("nan")
        try:
            return float(self.functions[name](self.truth[rows], self.predicted[rows], sample_weight=self.weights[rows]))
        except Exception as error:
            what = f"{type(error).__name__}: {' '.join(str(error).split())}"
            if name not in METRICS or METRICS.package(name) == OWN:
                raise AuditError(f"metrics: {name!r} cannot be computed: {what}") from error
            self._failed.add(name)
            self.notes.append(str(METRICS.reject(name, f"it cannot be computed: {what}")))
            return float("nan")

    def _estimate(self, name: str, units: Units) -> Estimate:
        rows = [r for r in units.rows if len(r)]
        n = len(rows)
        value = self._value(name, np.concatenate(rows)) if rows else float("nan")
        if n < 2 or not np.isfinite(value):
            return bootstrap.interval(value, 0.0, np.empty(0), np.empty(0), min(units.people, n), n, self.o.level, "identity")
        without = np.array([self._value(name, np.concatenate(rows[:i] + rows[i + 1 :])) for i in range(n)])
        if not np.isfinite(without).all():
            return Estimate(value, np.nan, np.nan, np.nan, units.people, reason="not defined without one of its people: no interval")
        pseudo = n * value - (n - 1) * without
        mean = ratio(name, name, pseudo, np.ones(n), "identity")
        drawn = bootstrap.sample([mean.sums], [units.people], self.o.draws, units.random)[0]
        e = bootstrap.estimate(mean, drawn, self.o.level)
        return Estimate(value, value - (e.value - e.low), value + (e.high - e.value), e.error, units.people, e.reason)

    def describe(self) -> list[Figure]:
        return [Figure(name=n, label=n.replace("_", " "), better="neither", scale="identity", note=self._note(n)) for n in self.names]

    def _note(self, name: str) -> str:
        package = METRICS.package(name) if name in METRICS else OWN
        source = "a function that the caller gave" if package == OWN else f"from the package {package}"
        return f"{source}; interval by jackknife over people"


def installed(name: str) -> Function:
    """A metric of an installed package.

    Raises
    ------
    AuditError
        If the package that offers it cannot be used.
    """
    try:
        return METRICS.get(name)
    except PluginError as error:
        raise AuditError(f"metrics: {error}") from None
