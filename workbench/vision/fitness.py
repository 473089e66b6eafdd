"""How fit a face is for an expression to be read from it: large, sharp, lit enough, and alive. Numbers only, no pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.settings import Vision

Floats = NDArray[np.float64]

LAG = 0.5
"""s; a face is compared with itself this long before."""
SHARE = 0.15
"""Of the moments, in which a face that lives must move: somebody who only listens blinks, for half of such moments at least."""
ENOUGH = 5
"""Measurements from which it is told whether a face lives: about a second."""
SIZE_RAMP = (24.0, 96.0)
"""px of the face box: fitness 0 at or below the first, 1 from the second on."""
SHARPNESS_RAMP = (5.0, 40.0)
"""Grey levels² (variance of the Laplacian at 200 px), fitness linear in the logarithm. Test footage has 60 to 700; blurred
with a σ of 1, 2 and 4 px the sharpest falls to 46, 9 and 3; edges of compressed blocks alone come to 5 or 6."""
DARK_RAMP, BRIGHT_RAMP = (0.06, 0.22), (0.97, 0.85)
"""Mean grey level / 255: fitness 0 at the first value, 1 at the second; between the two ramps it is 1."""


def fitness(size_px: ArrayLike, sharpness: ArrayLike, brightness: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """Fitness in [0, 1] of size, sharpness, darkness and brightness of crops; NaN where a measure is NaN.

    Parameters
    ----------
    size_px : array_like, px
        Shorter side of the face's box.
    sharpness : array_like, grey levels²
        Variance of the Laplacian of the grey crop.
    brightness : array_like
        Mean grey level / 255.
    """
    sharp = np.log(np.maximum(np.asarray(sharpness, float), 1e-9))
    return (
        _ramp(size_px, *SIZE_RAMP), _ramp(sharp, *np.log(SHARPNESS_RAMP)), _ramp(brightness, *DARK_RAMP), _ramp(brightness, *BRIGHT_RAMP),
    )  # fmt: skip


def _ramp(value: ArrayLike, zero: float, one: float) -> Floats:
    return np.clip((np.asarray(value, float) - zero) / (one - zero), 0.0, 1.0)


def moves(motion: Floats, change: Floats, settings: Vision) -> bool | None:
    """Whether a face lives: in one of seven moments in which its pixels change at all, its parts move against one another.

    Parameters
    ----------
    motion, change : ndarray, shape (n,)
        `Movement` over time; NaN where not measured.
    settings : Vision
        `still_motion`, `frozen_change`.

    Returns
    -------
    bool or None
        None of fewer than five moments (a second): not known yet.

    Examples
    --------
    >>> import numpy as np
    >>> vision, pixels = Vision(), np.full(20, 9.0)
    >>> moves(np.tile([0.001, 0.02], 10), pixels, vision), moves(np.full(20, 0.001), pixels, vision), moves(np.ones(3), np.ones(3), vision)
    (True, False, None)
    """
    known = ~np.isnan(motion)
    if known.sum() < ENOUGH:
        return None
    awake = motion[known & (change >= settings.frozen_change)]
    return len(awake) >= ENOUGH and bool(np.quantile(awake, 1 - SHARE) >= settings.still_motion)
