"""Which class a prediction decides for, with one convention for ties.

Classes that are tied for the first place share the decision equally. Where two of six classes are tied and one of them is
the label, the row counts as half right: accuracy is then what drawing lots among tied classes gives on average, and it does
not depend on the order in which classes are listed. (A session shows one label and takes the first of the tied classes.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

TIED = 1e-9
"""Probabilities that differ by no more than this are equal: sums of the same shares in another order differ by rounding."""


def answered(probs: Floats) -> Bools:
    """Which rows hold a prediction, shape (n,): where no modality was usable, a row is NaN."""
    return np.asarray(~np.isnan(probs).any(axis=1))


def top_classes(probs: Floats) -> Floats:
    """The decision of each row as shares of its most probable classes.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Distributions; rows of NaN decide for nothing.

    Returns
    -------
    ndarray, shape (n, k)
        1 / t for each of t tied classes, 0 for the others; rows sum to 1, or to 0 where there is no prediction.

    Examples
    --------
    >>> import numpy as np
    >>> top_classes(np.array([[0.5, 0.5, 0.0], [0.2, 0.1, 0.7]])).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    filled = np.nan_to_num(probs, nan=0.0)
    first = filled >= filled.max(axis=1, keepdims=True) - TIED
    return np.where(answered(probs)[:, None], first / first.sum(axis=1, keepdims=True), 0.0)


def from_labels(labels: Ints, k: int) -> Floats:
    """The same of labels: 1 for the label, shape (n, k); a label of -1 decides for nothing and counts as wrong."""
    return (labels[:, None] == np.arange(k)).astype(np.float64)


def hits(decided: Floats, truth: Ints) -> Floats:
    """How far each decision is right, shape (n,), in [0, 1].

    Parameters
    ----------
    decided : ndarray, shape (n, k)
        Shares of the decision, as `top_classes` gives them.
    truth : ndarray of int, shape (n,)
    """
    return decided[np.arange(len(truth)), truth]


def confusion(decided: Floats, truth: Ints) -> Floats:
    """Rows by true class (first axis) and decided class, shape (k, k); tied classes share a row.

    Parameters
    ----------
    decided : ndarray, shape (n, k)
    truth : ndarray of int, shape (n,)
    """
    k = decided.shape[1]
    return from_labels(truth, k).T @ decided
