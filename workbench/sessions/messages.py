"""Arrays → the window messages that are stored."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from workbench.contracts import FusedWindow
from workbench.fusion.fuse import Fused
from workbench.fusion.observations import Observations
from workbench.fusion.smoothing import top_two
from workbench.fusion.windows import rows_of
from workbench.labels import BASIC
from workbench.streams import Floats

_WINDOWS = TypeAdapter(list[FusedWindow])


def windows(fused: Fused, seen: Observations, running: dict[str, Floats]) -> list[FusedWindow]:
    """One message a window. ``transcript_summary`` is the words whose middle lies in the window."""
    grid = fused.windows
    low, high = (rows.tolist() for rows in rows_of(seen.words.middle, grid))
    visual = _labels(fused.visual)
    audio = _labels(fused.audio)
    emotion = _fused(fused)
    pitch = [None if p != p else p for p in fused.pitch.tolist()]
    weights = {m: w.tolist() for m, w in fused.weights.items()}
    usable = np.sum(list(fused.weights.values()), axis=0) > 0 if fused.weights else np.zeros(len(grid), bool)
    scores = {n: [None if v != v else v for v in values.tolist()] for n, values in running.items()}
    names = (*fused.face_names, None)  # -1 is the last: no face
    start, end, face = grid.start.tolist(), grid.end.tolist(), fused.face.tolist()
    with _uncollected():
        return _WINDOWS.validate_python(
            [
                {
                    "window_id": f"w-{i}",
                    "start": start[i],
                    "end": end[i],
                    "face_id": names[face[i]],
                    "visual": visual[i] or None,
                    "audio": {**audio[i], "pitch": pitch[i]} if audio[i] else None,
                    "fused_emotion": emotion[i],
                    "scores": {n: values[i] for n, values in scores.items()},
                    "transcript_summary": " ".join(seen.words.text[low[i] : high[i]]),
                    "weights": {m: w[i] for m, w in weights.items()} if usable[i] else {},
                    "missing": {m: why[i] for m, why in fused.missing.items() if why[i]},
                }
                for i in range(len(grid))
            ]
        )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: making a hundred thousand objects that all stay, it would look through them 100 times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _labels(probs: Floats) -> list[dict[str, Any]]:
    """The most probable label of each row; empty where the row is masked."""
    known = ~np.isnan(probs[:, 0])  # a row is masked as a whole
    filled = np.clip(np.where(known[:, None], probs, 0.0), 0.0, 1.0)
    best, score = filled.argmax(axis=1), filled.max(axis=1, initial=0.0)
    return [{"label": BASIC[b], "score": s} if k else {} for k, b, s in zip(known.tolist(), best.tolist(), score.tolist(), strict=True)]


def _fused(fused: Fused) -> list[dict[str, Any] | None]:
    smoothed = fused.smoothed
    rows = np.clip(np.nan_to_num(smoothed.probs), 0.0, 1.0)
    table, two = rows.tolist(), top_two(rows).tolist()
    found: list[dict[str, Any] | None] = []
    for label, uncertain, probs, (a, b) in zip(smoothed.label.tolist(), smoothed.uncertain.tolist(), table, two, strict=True):
        top2 = [(BASIC[a], probs[a]), (BASIC[b], probs[b])] if uncertain else []
        named = {"label": BASIC[label], "score": probs[label], "uncertain": uncertain, "top2": top2}
        found.append(None if label < 0 else named | {"probs": dict(zip(BASIC, probs, strict=True))})
    return found
