"""A session's tracks for showing: windows as arrays, thinned to what a screen can hold for the range in view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.labels import BASIC
from workbench.streams import Bools, Floats

if TYPE_CHECKING:
    from workbench.sessions.replay import Replay
    from workbench.sessions.store import Session

Ints = NDArray[np.int64]
SCORES: tuple[str, ...] = ("communication", "confidence", "engagement", "technical")
"""Running scores of a window."""


@dataclass(frozen=True)
class Lane:
    """Labels in time: index into `labels.BASIC` (-1: none), their probability, and whether that is too low to say."""

    label: Ints
    score: Floats
    uncertain: Bools


@dataclass(frozen=True)
class Overview:
    """Windows of a session, stored or computed again, all of length n.

    Parameters
    ----------
    start, end : ndarray
        Seconds.
    probs : ndarray, shape (n, 7)
        Smoothed fused probabilities; NaN where nothing was usable.
    fused, visual, audio : Lane
    face : ndarray of bool
        Whether the candidate's face was seen.
    running : dict of ndarray
        Scores so far, by name; NaN where not measured.
    """

    start: Floats
    end: Floats
    probs: Floats
    fused: Lane
    visual: Lane
    audio: Lane
    face: Bools
    running: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def middle(self) -> Floats:
        return (self.start + self.end) / 2


def of_replay(replay: Replay) -> Overview:
    """The windows of a refusion."""
    fused = replay.fusion
    low = replay.settings.smoothing.uncertain
    probs = fused.smoothed.probs
    label = fused.smoothed.label
    score = np.where(label >= 0, probs[np.arange(len(label)), np.maximum(label, 0)], np.nan)
    return Overview(
        fused.windows.start, fused.windows.end, probs, Lane(label, score, fused.smoothed.uncertain),
        _lane(fused.visual, low), _lane(fused.audio, low), fused.face >= 0, dict(replay.running),
    )  # fmt: skip


def of_stored(session: Session) -> Overview | None:
    """The windows as they are stored; None where there are none (the session was cut off before they were made)."""
    import pyarrow as pa

    from workbench.sessions import arrow

    text, number = pa.string(), pa.float64()
    label = pa.struct([("label", text), ("score", number)])
    probs = pa.struct([(name, number) for name in BASIC])
    schema = [
        ("start", number), ("end", number), ("face_id", text), ("visual", label), ("audio", label),
        ("fused_emotion", pa.struct([("label", text), ("score", number), ("uncertain", pa.bool_()), ("probs", probs)])),
        ("scores", pa.struct([(name, number) for name in SCORES])),
    ]  # fmt: skip
    table = arrow.read(session, "windows", schema)
    if table is None:
        return None
    column = {name: arrow.column(table, name) for name in table.column_names}
    fused, low = column["fused_emotion"], session.settings.smoothing.uncertain
    values = np.stack([arrow.floats(_field(_field(fused, "probs"), name)) for name in BASIC], axis=1)
    unsure = _field(fused, "uncertain").fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    scores = {name: arrow.floats(_field(column["scores"], name)) for name in SCORES}
    return Overview(
        arrow.floats(column["start"]), arrow.floats(column["end"]), values,
        Lane(_codes(_field(fused, "label")), arrow.floats(_field(fused, "score")), unsure),
        _named(column["visual"], low), _named(column["audio"], low),
        ~column["face_id"].is_null().to_numpy(zero_copy_only=False),
        {name: v for name, v in scores.items() if not np.isnan(v).all()},
    )  # fmt: skip


def _field(column: Any, name: str) -> Any:
    """A field of a struct column, null where the struct is."""
    import pyarrow.compute as pc

    return pc.struct_field(column, name)


def _codes(labels: Any) -> Ints:
    """Labels → index into `BASIC`; -1 where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return np.asarray(pc.index_in(labels, value_set=pa.array(BASIC)).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _named(column: Any, low: float) -> Lane:
    from workbench.sessions import arrow

    score = arrow.floats(_field(column, "score"))
    return Lane(_codes(_field(column, "label")), score, score < low)


def _lane(probs: Floats, low: float) -> Lane:
    known = ~np.isnan(probs[:, 0])
    filled = np.where(known[:, None], probs, 0.0)
    score = np.where(known, filled.max(axis=1, initial=0.0), np.nan)
    return Lane(np.where(known, filled.argmax(axis=1), -1), score, score < low)


# ── thinning ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def thin(times: Floats, values: Floats, start: float, end: float, points: int) -> tuple[Floats, Floats]:
    """The rows in a range, as the means of at most `points` bins where there are more.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Increasing, s.
    values : ndarray, shape (n, k)
        NaN where not measured; a bin without any measurement stays NaN, so that gaps stay gaps.
    start, end : float
        Range, s.
    points : int
        Most rows that are wanted.

    Returns
    -------
    pair of ndarray, shapes (m,) and (m, k)
    """
    low, high = np.searchsorted(times, [start, end])
    low, high = max(0, low - 1), min(len(times), high + 1)
    if high - low <= points:
        return times[low:high], values[low:high]
    firsts = np.unique(np.linspace(0, high - low, points, endpoint=False).astype(np.int64))
    known = ~np.isnan(values[low:high])
    count = np.add.reduceat(known.astype(np.float64), firsts)
    total = np.add.reduceat(np.where(known, values[low:high], 0.0), firsts)
    rows = np.diff(np.append(firsts, high - low))
    return np.add.reduceat(times[low:high], firsts) / rows, np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def runs(lane: Lane, times: Floats, hop: float, start: float, end: float, bins: int) -> dict[str, Any]:
    """Stretches of one label in a range: ``left``, ``right`` (s), ``label`` (index), ``p`` (mean) and ``uncertain``.

    Where the range holds more than `bins` windows, each bin shows its most frequent label.
    """
    low, high = np.searchsorted(times, [start - hop, end + hop])
    label, score, unsure, at = lane.label[low:high], lane.score[low:high], lane.uncertain[low:high], times[low:high]
    step = max(1, -(-len(at) // bins))
    if step > 1:
        group = np.arange(len(at)) // step
        counts = np.zeros((group[-1] + 1, len(BASIC) + 1), np.int64)
        np.add.at(counts, (group, label), 1)  # -1 counts in the last column
        most = counts.argmax(axis=1)
        most = np.where(most == len(BASIC), -1, most)
        same = label == most[group]
        size = np.bincount(group, same)
        score = np.bincount(group, np.where(same, np.nan_to_num(score), 0.0)) / np.maximum(size, 1)
        unsure = np.bincount(group, same & unsure) * 2 > size
        label, at = most, at[::step]
    if len(at) == 0:
        return {"left": [], "right": [], "label": [], "p": [], "uncertain": []}
    width = hop * step
    breaks = np.flatnonzero((np.diff(label) != 0) | (np.diff(unsure.astype(np.int8)) != 0) | (np.diff(at) > 1.5 * width)) + 1
    first, last = np.append(0, breaks), np.append(breaks, len(at)) - 1
    mean = np.add.reduceat(np.nan_to_num(score), first) / (last - first + 1)
    keep = label[first] >= 0
    return {
        "left": np.maximum(0.0, at[first] - hop / 2)[keep], "right": (at[last] + width - hop / 2)[keep],
        "label": label[first][keep], "p": mean[keep], "uncertain": unsure[first][keep],
    }  # fmt: skip


def statistics(session: Session, windows: Overview | None, start: float, end: float) -> dict[str, Any]:
    """What a span holds: counts and means over ``start`` to ``end`` seconds; None where nothing was measured.

    Returns
    -------
    dict
        ``seconds``, ``words``, ``fillers``, ``words_per_minute``, ``speech`` (share), ``pitch`` (Hz), ``energy`` (dB),
        ``face`` (share of windows), ``labels`` (fused label → share of labelled windows), ``scores`` (mean of the running ones).
    """
    seconds = max(end - start, 1e-9)
    words = [w for t in session.transcripts if t.start < end and t.end > start for w in t.words if start <= (w.start + w.end) / 2 < end]
    spoken = sum(max(0.0, min(s.end, end) - max(s.start, start)) for s in session.segments)
    acoustics = session.acoustics.slice(start, end)
    found: dict[str, Any] = {
        "seconds": seconds,
        "words": sum(not w.filler for w in words),
        "fillers": sum(w.filler for w in words),
        "words_per_minute": 60 * len(words) / seconds,
        "speech": min(1.0, spoken / seconds),
        "pitch": _mean(acoustics.column("pitch")) if "pitch" in acoustics.names else None,
        "energy": _mean(acoustics.column("intensity")) if "intensity" in acoustics.names else None,
        "face": None,
        "labels": {},
        "scores": {},
    }
    if windows is not None:
        rows = (windows.middle >= start) & (windows.middle < end)
        label = windows.fused.label[rows]
        counts = np.bincount(label[label >= 0], minlength=len(BASIC))
        found["face"] = float(windows.face[rows].mean()) if rows.any() else None
        found["labels"] = {BASIC[i]: float(counts[i] / counts.sum()) for i in np.argsort(-counts, kind="stable") if counts[i]}
        found["scores"] = {name: value for name, v in windows.running.items() if (value := _mean(v[rows])) is not None}
    return found


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
