"""Settings that were changed while a session ran: every window is fused with the settings that held when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from workbench.fusion.fuse import Fused, fuse
from workbench.fusion.observations import Observations
from workbench.fusion.smoothing import Smoothed
from workbench.settings import Settings

Change = tuple[float, Settings]
"""Session second from which settings hold, and the settings; the first second is 0."""


def fuse_changing(seen: Observations, changes: Sequence[Change]) -> Fused:
    """Fuse with each settings in turn, and take from each the windows that ended while it held.

    Every run sees the whole session, so a change of the smoothing acts as if it had always held, from its moment on: a
    pure function of the observations and the changes, the same live and replayed.

    Raises
    ------
    ValueError
        If windows differ between settings in length or hop.
    """
    if len({(s.fusion.window, s.fusion.hop) for _, s in changes}) != 1:
        raise ValueError("window and hop cannot change during a session")
    runs = [fuse(seen, s.fusion, s.smoothing) for _, s in changes]
    ends = runs[0].windows.end
    run = np.searchsorted([t for t, _ in changes[1:]], ends, side="left")  # a window that ends at a change still has the old
    edges = [int(np.searchsorted(run, i)) for i in range(len(runs))] + [len(ends)]
    spans = [slice(a, b) for a, b in pairwise(edges)]

    def pick(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([p[s] for p, s in zip(parts, spans, strict=True)])

    smoothed = Smoothed(*(pick([getattr(r.smoothed, f.name) for r in runs]) for f in fields(Smoothed)))
    return replace(
        runs[0],
        weights={m: pick([r.weights[m] for r in runs]) for m in runs[0].weights},
        visual=pick([r.visual for r in runs]),
        audio=pick([r.audio for r in runs]),
        missing={m: [w for r, s in zip(runs, spans, strict=True) for w in r.missing[m][s]] for m in runs[0].missing},
        probs=pick([r.probs for r in runs]),
        smoothed=smoothed,
    )
