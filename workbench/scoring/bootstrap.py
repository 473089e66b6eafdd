"""95 % intervals by resampling the units that a feature is a mean of (Efron & Tibshirani 1993; blocks: Künsch 1989).

Frames, seconds and words that follow one another are alike: they are resampled in blocks of `BLOCK` seconds, prosody in the
segments that it was measured in, so that an interval is not narrower than the material allows.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from workbench.streams import Floats

BLOCK = 5.0
"""Length of a block, s (chosen: expressions and bursts of speech last seconds)."""


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator of its own for every scope and feature: one more feature changes no other's interval."""
    key = seed % 2**32
    for name in names:
        key = key << 32 | zlib.crc32(name.encode())
    return np.random.Generator(np.random.Philox(key=key % 2**128))  # Philox takes a key as it is: no seeding to pay for


def ratio(numerator: Floats, denominator: Floats, draws: int, random: np.random.Generator) -> Floats | None:
    """Bootstrap draws of ``Σ numerator / Σ denominator`` over units; None where fewer than two units carry weight.

    Parameters
    ----------
    numerator, denominator : ndarray, shape (units,)
    draws : int
        0 gives None.
    """
    used = denominator > 0
    top, bottom = numerator[used], denominator[used]
    if draws == 0 or len(top) < 2:
        return None
    picks = random.integers(0, len(top), (draws, len(top)))
    return top[picks].sum(axis=1) / bottom[picks].sum(axis=1)


def blocks(times: Floats, start: float) -> NDArray[np.int64]:
    """Number of the block that each time lies in."""
    return ((times - start) // BLOCK).astype(np.int64)


def blocked(times: Floats, start: float, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """``Σ weight × value`` and ``Σ weight`` of each block."""
    number = blocks(times, start)
    return np.bincount(number, weights * values).astype(float), np.bincount(number, weights).astype(float)


def interval(draws: Floats | None, value: float) -> tuple[float | None, float | None]:
    """2.5th and 97.5th percentile, widened to hold `value` where clipping to [0, 1] pushed the draws aside."""
    if draws is None:
        return None, None
    ordered = np.sort(draws)
    # linear interpolation between order statistics, as numpy.percentile does, at a tenth of its overhead
    at = np.array([0.025, 0.975]) * (len(ordered) - 1)
    below = at.astype(np.int64)
    low, high = (ordered[below] + (at - below) * (ordered[np.minimum(below + 1, len(ordered) - 1)] - ordered[below])).tolist()
    return min(low, value), max(high, value)
