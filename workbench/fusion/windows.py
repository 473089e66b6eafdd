"""Analysis windows: a fixed grid on the session's time axis, and what a track says in each window.

A window rests on rows with ``start <= time < end`` alone, added up anew for every window: a live session that appends
windows as they end gets the same bits as a replay of the whole. A span of speech is known once it is over, so a window
that touches one is final when that span is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.streams import Bools, Floats, Track

N = TypeVar("N", np.float64, np.int64)

MINIMUM = 0.25
"""Share of a window's rows that must be valid for the window to count (chosen: a blink or a glance away may not mask)."""


@dataclass(frozen=True)
class Grid:
    """Windows in order of time: `start` and `end` in seconds, each of shape (n,)."""

    start: Floats
    end: Floats

    def __len__(self) -> int:
        return len(self.start)

    @property
    def middle(self) -> Floats:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Windowed:
    """A track in windows.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        Confidence-weighted mean of the valid rows; NaN where `valid` is False.
    valid : ndarray of bool, shape (n,)
    rows, usable : ndarray of int, shape (n,)
        Rows in the window, and valid ones among them.
    """

    values: Floats
    valid: Bools
    rows: NDArray[np.int64]
    usable: NDArray[np.int64]


def grid(duration: float, window: float, hop: float) -> Grid:
    """Windows of `window` seconds every `hop` seconds that together cover `duration`; the last is cut at the end.

    Returns
    -------
    Grid
        ``ceil((duration - window) / hop) + 1`` windows (at least one), none where `duration` is 0.

    Examples
    --------
    >>> windows = grid(2.5, window=1.0, hop=0.5)
    >>> windows.start.tolist(), windows.end.tolist()
    ([0.0, 0.5, 1.0, 1.5], [1.0, 1.5, 2.0, 2.5])
    """
    if duration <= 0:
        return Grid(np.empty(0), np.empty(0))
    steps = (duration - window) / hop
    count = max(0, int(np.ceil(steps - 1e-9))) + 1  # the tolerance: 3.5 s in hops of 0.1 s must not gain a window by rounding
    start = np.arange(count, dtype=np.float64) * hop
    return Grid(start, np.minimum(start + window, duration))


def rows_of(times: Floats, windows: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and past-the-last row of each window."""
    return np.searchsorted(times, windows.start, "left"), np.searchsorted(times, windows.end, "left")


def sums(values: NDArray[N], low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[N]:
    """``values[low[i]:high[i]].sum(axis=0)`` for every i, in one pass; 0 where the range is empty."""
    padded = np.concatenate([values, np.zeros((1, *values.shape[1:]), values.dtype)])  # so that `high` may be the end
    if len(low) == 0:
        return padded[:0]
    edges = np.stack([low, high], axis=1).ravel()
    total = np.stack([np.add.reduceat(column, edges)[::2] for column in np.ascontiguousarray(padded.reshape(len(padded), -1).T)], axis=1)
    total[low >= high] = 0
    return total.reshape(len(low), *values.shape[1:])


def aggregate(track: Track, windows: Grid, minimum: float = MINIMUM) -> Windowed:
    """What a track says in each window.

    Parameters
    ----------
    track : Track
    windows : Grid
    minimum : float
        Share of the window's rows that must be valid, in [0, 1]; at least one must be in any case.
    """
    low, high = rows_of(track.times, windows)
    weight = np.where(track.valid, track.confidence, 0.0)
    usable_rows = track.valid & (weight > 0)
    known = np.where(usable_rows[:, None], track.values, 0.0)
    rows = high - low
    usable = sums(usable_rows.astype(np.int64), low, high)
    total = sums(weight, low, high)
    valid = (usable > 0) & (usable >= minimum * rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums(known * weight[:, None], low, high) / total[:, None]
    mean[~valid] = np.nan
    return Windowed(mean, valid, rows, usable)


def column_mean(times: Floats, values: Floats, windows: Grid) -> Floats:
    """Plain mean of one column over its measured (not NaN) rows in each window; NaN where there is none."""
    low, high = rows_of(times, windows)
    known = ~np.isnan(values)
    count = sums(known.astype(np.int64), low, high)
    return np.divide(sums(np.where(known, values, 0.0), low, high), count, out=np.full(len(windows), np.nan), where=count > 0)


def overlap(start: Floats, end: Floats, windows: Grid, value: Floats | None = None) -> Floats:
    """Seconds of each window that lie in some spans; with `value`, its integral over them (value × seconds).

    Parameters
    ----------
    start, end : ndarray, shape (m,)
        Spans in order of time that do not overlap one another.
    value : ndarray, shape (m,), optional
        Constant over each span.
    windows : Grid
    """
    if len(start) == 0:
        return np.zeros(len(windows))
    first = np.searchsorted(end, windows.start, "right")
    last = np.searchsorted(start, windows.end, "left")
    factor = np.ones(len(start)) if value is None else value
    total = sums((end - start) * factor, first, last)  # whole spans, less what sticks out of the window at both ends
    touched = first < last
    left, right = np.minimum(first, len(start) - 1), np.maximum(last - 1, 0)
    total -= np.where(touched, np.maximum(0, windows.start - start[left]) * factor[left], 0)
    total -= np.where(touched, np.maximum(0, end[right] - windows.end) * factor[right], 0)
    return np.where(touched, total, 0.0)
