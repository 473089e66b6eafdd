"""What a replay changed: labels of windows, and scores with the features that moved them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.contracts import Score
from workbench.fusion.smoothing import Ints
from workbench.labels import BASIC
from workbench.sessions.replay import Replay
from workbench.streams import Floats

if TYPE_CHECKING:
    from workbench.sessions.store import Session


def of_session(session: Session, replay: Replay) -> dict[str, Any]:
    """What a replay changed: windows whose label differs, and every score before and after, with the features that moved it.

    Parameters
    ----------
    session : Session
        With what is stored.
    replay : Replay
    """
    labels = [BASIC.index(w.fused_emotion.label) if w.fused_emotion else -1 for w in session.fused_windows]
    starts = np.array([w.start for w in session.fused_windows])
    return between(starts, np.array(labels, np.int64), session.score_messages, replay)


def between(starts: Floats, labels: Ints, scores: Iterable[Score], after: Replay) -> dict[str, Any]:
    """What differs between some windows and scores, and a replay.

    Parameters
    ----------
    starts : ndarray, shape (n,)
        Of the windows before, s.
    labels : ndarray of int, shape (n,)
        Theirs, as an index into `labels.BASIC`; -1 for none.
    scores : iterable of Score
        Before.
    after : Replay

    Returns
    -------
    dict
        ``windows``, ``same_windows``, ``changed_labels`` (start, before, after), ``moved_scores`` (scope, name, before, after,
        and by how much each feature's contribution moved).
    """
    names = (*BASIC, None)
    begin, now = after.fusion.windows.start, after.fusion.smoothed.label
    same_grid = len(starts) == len(begin) and np.array_equal(starts, begin)
    if same_grid:
        old = new = np.arange(len(begin))
    else:
        _, old, new = np.intersect1d(starts, begin, return_indices=True)
    rows = np.flatnonzero(labels[old] != now[new])
    changed = [
        {"start": float(begin[new[i]]), "before": names[labels[old[i]]], "after": names[now[new[i]]]} for i in rows.tolist()
    ]  # fmt: skip
    before = {(s.scope, s.name): s for s in scores}
    moved = []
    for made in after.scores:
        was = before.get((made.scope, made.name))
        if was is not None and was.value == made.value:
            continue
        parts = {c.feature: c.contribution for c in was.contributions} if was else {}
        present = {c.feature: c.contribution for c in made.contributions}
        moved.append(
            {
                "scope": made.scope, "name": made.name, "before": was.value if was else None, "after": made.value,
                "features": {
                    f: present.get(f, 0.0) - parts.get(f, 0.0) for f in {**parts, **present} if present.get(f) != parts.get(f)
                },
            }
        )  # fmt: skip
    return {"windows": len(begin), "same_windows": same_grid, "changed_labels": changed, "moved_scores": moved}
