"""Steady labels from fused probabilities: EMA or majority vote, the commit rule, and honest uncertainty (blueprint §5).

A window without any usable modality (a row of NaN) is skipped: it gets no label, and the state before it is held until
the next usable window. Every face has a buffer of its own; `keys` says which buffer a window belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from workbench.settings import Smoothing
from workbench.streams import Bools, Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Smoothed:
    """Smoothed windows.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Distributions; NaN where nothing was usable.
    label : ndarray of int, shape (n,)
        The committed label; -1 where nothing was usable.
    uncertain : ndarray of bool, shape (n,)
        True where no label reaches the threshold.
    """

    probs: Floats
    label: Ints
    uncertain: Bools


def smooth(probs: Floats, settings: Smoothing, keys: Ints | None = None) -> Smoothed:
    """Smooth fused probabilities and commit labels.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Distributions in order of time; NaN rows are masked.
    settings : Smoothing
    keys : ndarray of int, shape (n,), optional
        Buffer of each window; one for all without it.
    """
    out = np.full_like(probs, np.nan)
    label = np.full(len(probs), -1, np.int64)
    for rows in _buffers(probs, keys):
        out[rows] = _filtered(probs[rows], settings)
        # a vote's ties go to the more probable label; after an EMA the smoothed probabilities themselves decide
        order = out[rows] + 1e-9 * probs[rows] if settings.method == "majority" else out[rows]
        label[rows] = commit(out[rows], settings.commit_windows, settings.commit_delta, order.argmax(axis=1))
    best = np.where(label < 0, np.inf, out.max(axis=1, initial=0.0, where=~np.isnan(out)))
    return Smoothed(out, label, best < settings.uncertain)


def _buffers(probs: Floats, keys: Ints | None) -> Iterator[Ints]:
    usable = ~np.isnan(probs).any(axis=1)
    if keys is None:
        keys = np.zeros(len(probs), np.int64)
    for key in np.unique(keys):
        rows = np.flatnonzero(usable & (keys == key))
        if len(rows):
            yield rows


def _filtered(probs: Floats, settings: Smoothing) -> Floats:
    if settings.method == "ema":
        return ema(probs, settings.alpha)
    return majority(probs, settings.majority) if settings.method == "majority" else probs


def ema(probs: Floats, alpha: float) -> Floats:
    """Exponential moving average ``y[t] = α x[t] + (1 - α) y[t-1]``, ``y[0] = x[0]``, down the first axis (no NaN).

    Parameters
    ----------
    probs : ndarray, shape (n, k)
    alpha : float
        Weight of the newest row, in (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> ema(np.array([[1.0, 0.0], [0.0, 1.0]]), alpha=0.6).tolist()
    [[1.0, 0.0], [0.4, 0.6]]
    """
    # scipy.signal.lfilter would do it too, but importing it takes longer than a two-hour session here
    columns = [list(accumulate(column, lambda y, x: alpha * x + (1.0 - alpha) * y)) for column in probs.T.tolist()]
    return np.clip(np.array(columns).T, 0.0, 1.0)  # rounding may leave [0, 1] by one unit in the last place


def majority(probs: Floats, count: int) -> Floats:
    """Share of the last `count` windows (fewer at the beginning) in which each label was the most probable one.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
    count : int
    """
    votes = np.zeros(probs.shape)
    votes[np.arange(len(probs)), probs.argmax(axis=1)] = 1
    total = np.cumsum(votes, axis=0)  # whole numbers: exact
    total[count:] -= total[:-count].copy()
    return total / np.minimum(np.arange(1, len(probs) + 1), count)[:, None]


def commit(probs: Floats, windows: int, delta: float, best: Ints | None = None) -> Ints:
    """The label that is shown: it changes once another one has led `windows` windows running, or leads by more than `delta`.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Smoothed distributions (no NaN).
    windows : int
        M of the blueprint.
    delta : float
        δ: lead in probability over the shown label.
    best : ndarray of int, shape (n,), optional
        Leading label of each window; the argmax of `probs` without it.

    Examples
    --------
    A label that leads in one window only is not shown; it is once it has led `windows` running:

    >>> import numpy as np
    >>> probs = np.array([[0.6, 0.4], [0.45, 0.55], [0.6, 0.4], [0.45, 0.55], [0.45, 0.55]])
    >>> commit(probs, windows=2, delta=0.5).tolist()
    [0, 0, 0, 0, 1]
    """
    leading = (probs.argmax(axis=1) if best is None else best).tolist()
    table = probs.tolist()
    shown = np.empty(len(leading), np.int64)
    now, rival, run = -1, -1, 0
    for i, label in enumerate(leading):
        if label == now:
            rival, run = -1, 0
        else:
            run = run + 1 if label == rival else 1
            rival = label
            if now < 0 or run >= windows or table[i][label] - table[i][now] > delta:
                now, rival, run = label, -1, 0
        shown[i] = now
    return shown


def top_two(probs: Floats) -> Ints:
    """Indices of the two most probable labels, shape (n, 2); the first in label order on a tie."""
    return np.argsort(-probs, axis=1, kind="stable")[:, :2]
