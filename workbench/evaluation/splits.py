"""Folds by person, and the guard that no figure comes from a person who was seen in training or calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import CorpusError
from workbench.evaluation.samples import Samples
from workbench.fusion.strategy import Floats, Strategy

Ints = NDArray[np.int64]
Build = Callable[[int], Strategy]
"""An unfitted strategy from a seed."""


@dataclass(frozen=True)
class Fold:
    """Row numbers to learn from and to evaluate on.

    Raises
    ------
    CorpusError
        On construction, if a person is on both sides.
    """

    train: Ints
    test: Ints
    persons: NDArray[Any]

    def __post_init__(self) -> None:
        both = np.intersect1d(self.persons[self.train], self.persons[self.test])
        if len(both):
            shown = ", ".join(map(str, both[:5])) + (" …" if len(both) > 5 else "")
            raise CorpusError(f"{len(both)} persons are in training and test ({shown}); split by person")


def by_person(persons: NDArray[Any], folds: int = 5, seed: int = 0) -> list[Fold]:
    """Shuffle the persons and deal them into folds of as equal number as can be.

    Parameters
    ----------
    persons : ndarray, shape (n,)
        Whose row each is.
    folds : int
        At least 2.
    seed : int

    Raises
    ------
    CorpusError
        If there are fewer persons than folds.

    Examples
    --------
    >>> import numpy as np
    >>> persons = np.array(["ann", "ann", "ben", "cem", "cem", "dua"])
    >>> folds = by_person(persons, folds=2)
    >>> [set(persons[fold.train]) & set(persons[fold.test]) for fold in folds]
    [set(), set()]
    """
    names, row = np.unique(persons, return_inverse=True)
    if len(names) < folds or folds < 2:
        raise CorpusError(f"{len(names)} persons cannot make {folds} folds by person; give at least 2 folds and as many persons")
    place = np.empty(len(names), np.int64)
    place[np.random.default_rng(seed).permutation(len(names))] = np.arange(len(names)) % folds
    return [Fold(np.flatnonzero(place[row] != i), np.flatnonzero(place[row] == i), persons) for i in range(folds)]


def given(splits: NDArray[Any], persons: NDArray[Any], train: str = "train", test: str = "test") -> Fold:
    """The corpus's own split.

    Parameters
    ----------
    splits, persons : ndarray, shape (n,)
        The split that the corpus puts each row in, and whose row it is.
    train, test : str
        Names of the two sides.

    Raises
    ------
    CorpusError
        If a side is empty or a person is on both.
    """
    for name in (train, test):
        if not np.any(splits == name):
            raise CorpusError(f"no clip is in split {name!r}; there is {', '.join(sorted(map(str, set(splits))))}")
    return Fold(np.flatnonzero(splits == train), np.flatnonzero(splits == test), persons)


def fitted(samples: Samples, build: Build, folds: list[Fold], seed: int = 0) -> Iterator[tuple[Fold, Strategy]]:
    """A strategy for each fold, fitted on nothing but the fold's training rows."""
    for i, fold in enumerate(folds):
        yield fold, fit(samples.rows(fold.train), build, seed * len(folds) + i)


def fit(samples: Samples, build: Build, seed: int = 0) -> Strategy:
    """Fit on all rows of `samples`, on one core: the arrays are so small that threads cost more than they give."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return build(seed).fit(samples.batch, samples.labels, samples.persons)


def held_out(samples: Samples, build: Build, folds: list[Fold], seed: int = 0) -> Floats:
    """Predictions for every row, shape (n, k), each by the strategy that has not seen the row's person.

    Parameters
    ----------
    samples : Samples
    build : callable
        ``build(seed)`` gives an unfitted strategy.
    folds : list of Fold
    seed : int
    """
    out = np.full((len(samples), len(samples.classes)), np.nan)
    for fold, strategy in fitted(samples, build, folds, seed):
        part = samples.rows(fold.test)
        out[fold.test] = strategy.predict(part.batch)
    return out
