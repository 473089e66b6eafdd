"""Confidence bins and reliability diagrams: one convention for every calibration figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.decisions import TIED, answered, hits, top_classes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 15
"""Equal-width confidence bins, as in Guo et al. 2017 (ICML, "On Calibration of Modern Neural Networks")."""


def bin_of(confidence: Floats, bins: int = BINS) -> Ints:
    """Index of the bin ``(i / bins, (i + 1) / bins]`` that holds each confidence; 0 goes into the first bin.

    A confidence within `TIED` of an edge counts as on it, so that rounding moves no row into the next bin.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        Probability of the most probable class, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> bin_of(np.array([0.0, 1 / 15, 0.07, 1.0])).tolist()
    [0, 0, 1, 14]
    """
    return np.clip(np.ceil(confidence * bins - bins * TIED).astype(np.int64) - 1, 0, bins - 1)


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: per confidence bin its mean confidence, accuracy and number of clips; NaN where empty."""

    confidence: Floats
    accuracy: Floats
    count: Ints


def reliability(probs: Floats, labels: Ints, bins: int = BINS) -> Reliability:
    """Reliability of the most probable class over equal-width bins (DeGroot & Fienberg 1983).

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Rows of NaN are in no bin; ties count as in `decisions.top_classes`.
    labels : ndarray of int, shape (n,)
    """
    given = answered(probs)
    probs, labels = probs[given], labels[given]
    confidence, right = probs.max(axis=1, initial=0.0), hits(top_classes(probs), labels)
    place = bin_of(confidence, bins)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, weights=confidence, minlength=bins) / count
        rate = np.bincount(place, weights=right, minlength=bins) / count
    return Reliability(mean, rate, count)
