"""Simulated people with known gaps: what the audit's intervals and its list of gaps are checked on. Says nothing about people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("calm", "glad", "sad")


@dataclass(frozen=True)
class Simulated:
    """Rows of simulated people, and what an endless sample of each group would show (group → metric → value)."""

    probabilities: NDArray[np.float64]
    labels: NDArray[np.str_]
    scores: NDArray[np.float64]
    people: NDArray[np.int64]
    groups: dict[str, NDArray[np.str_]]
    truth: dict[str, dict[str, float]]


def people(
    sizes: Mapping[str, int],
    accuracy: Mapping[str, float] | float = 0.7,
    *,
    rows: tuple[int, int] = (20, 60),
    spread: float = 15.0,
    random: np.random.Generator,
    others: Mapping[str, tuple[str, ...]] | None = None,
) -> Simulated:
    """Simulate classified rows and scores.

    Parameters
    ----------
    sizes : mapping
        group → number of people.
    accuracy : mapping or float
        The true share of right rows of each group, in (0, 1). A person's own accuracy is beta distributed about it.
    rows : (int, int)
        Fewest and most rows a person, drawn evenly and independently of everything else.
    spread : float
        Sum of the beta distribution's parameters: the larger, the more alike are people.
    others : mapping, optional
        Further groupings, drawn at random for each person: they have no gaps beyond those of `sizes`.
    """
    names = np.repeat(list(sizes), list(sizes.values()))
    aim = {g: accuracy if isinstance(accuracy, float) else accuracy[g] for g in sizes}
    target = np.array([aim[g] for g in names])
    skill = random.beta(target * spread, (1 - target) * spread)
    count = random.integers(rows[0], rows[1] + 1, len(names))
    who = np.repeat(np.arange(len(names)), count)
    n, k = len(who), len(CLASSES)
    truth = random.integers(0, k, n)
    right = random.random(n) < skill[who]
    guess = np.where(right, truth, (truth + random.integers(1, k, n)) % k)
    sure = random.uniform(0.5, 0.9, n)
    p = np.repeat(((1 - sure) / (k - 1))[:, None], k, axis=1)
    p[np.arange(n), guess] = sure
    scores = np.clip(skill[who] + random.normal(0, 0.1, n), 0, 1)
    groups = {"group": names[who]}
    for name, values in (others or {}).items():
        groups[name] = random.choice(np.array(values), len(names))[who]
    known = {g: {"accuracy": a, "overconfidence": 0.7 - a, **{f"recall_{c}": a for c in CLASSES}} for g, a in aim.items()}
    return Simulated(p, np.array(CLASSES)[truth], scores, who, groups, known)
