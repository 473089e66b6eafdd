"""Clips in made-up order as windows of a session, so that temporal smoothing can be evaluated without recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.samples import Samples
from workbench.fusion.smoothing import Smoothed, smooth
from workbench.fusion.strategy import Floats
from workbench.settings import Smoothing

RUNS = (3, 10)
"""Fewest and most windows that an emotion holds (chosen: 1.5 to 5 s at the default hop)."""
LABEL = "clips in made-up order as windows of one session a person, each emotion held for 3 to 10 of them; not recordings"


def order(samples: Samples, seed: int = 0) -> NDArray[np.int64]:
    """Row numbers, person by person: each person's clips of one label in runs, the runs shuffled."""
    random = np.random.default_rng(seed)
    out: list[NDArray[np.int64]] = []
    for person in np.unique(samples.persons):
        runs: list[NDArray[np.int64]] = []
        for label in range(len(samples.classes)):
            rows = random.permutation(np.flatnonzero((samples.persons == person) & (samples.labels == label)))
            at = 0
            while at < len(rows):
                length = int(random.integers(RUNS[0], RUNS[1] + 1))
                runs.append(rows[at : at + length])
                at += length
        out += [runs[i] for i in random.permutation(len(runs))]
    return np.concatenate(out)


def smoothed(samples: Samples, probs: Floats, settings: Smoothing, seed: int = 0) -> Smoothed:
    """Smooth each person's clips in the order of `order`; the result is in the order of `samples` again.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Fused, one row a clip.
    """
    rows = order(samples, seed)
    keys = np.unique(samples.persons, return_inverse=True)[1][rows]
    result = smooth(probs[rows], settings, keys)
    back = np.argsort(rows)
    return Smoothed(result.probs[back], result.label[back], result.uncertain[back])
