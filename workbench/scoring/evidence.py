"""What a contribution came from: the words, spans or frames that moved a feature most."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from workbench.contracts import Answer, Evidence
from workbench.fusion.observations import Observations, Words
from workbench.labels import BASIC
from workbench.scoring.bootstrap import blocks
from workbench.streams import Floats

CAP = 12
"""Pieces of evidence kept for one contribution."""
_TEXT = 160


def strongest(values: Floats, weights: Floats, cap: int = CAP) -> list[int]:
    """Units that move the weighted mean most, up or down: largest ``weight × |value - mean|``; in order of time."""
    used = np.flatnonzero(weights > 0)
    if len(used) == 0:
        return []
    mean = np.average(values[used], weights=weights[used])
    pull = weights[used] * np.abs(values[used] - mean)
    return sorted(used[np.argsort(-pull, kind="stable")[:cap]].tolist())


def span(start: float, end: float, text: str = "", value: float | None = None) -> Evidence:
    return Evidence(kind="span", start=max(0.0, start), end=max(0.0, end), text=shorten(text), value=value)


def shorten(text: str, limit: int = _TEXT) -> str:
    """At most `limit` characters, cut at a space.

    Examples
    --------
    >>> shorten("one two three", 9)
    'one two…'
    """
    return text if len(text) <= limit else text[: limit - 1].rpartition(" ")[0] + "…"


def words(said: Words, rows: Iterable[int]) -> list[Evidence]:
    """Words by their number, with the recogniser's confidence as value."""
    return [
        Evidence(kind="word", start=said.start[i], end=said.end[i], text=said.text[i], value=none_if_nan(said.confidence[i])) for i in rows
    ]


def sentences(answer: Answer, said: Words) -> list[Evidence]:
    """The sentences nearest to the model answer and farthest from it, with their cosines as values."""
    each = np.array(answer.sentence_similarities)
    found = []
    for i in strongest(each, np.ones(len(each))) if len(each) == len(answer.sentence_spans) else []:
        start, end = answer.sentence_spans[i]
        low, high = np.searchsorted(said.middle, [start, end])
        found.append(span(start, end, " ".join(said.text[low:high]), float(each[i])))
    return found


def mentions(answer: Answer, said: Words) -> list[Evidence]:
    """The words with which keywords were mentioned: every keyword's first mention before any second."""
    ranked = sorted((nth, time, keyword) for keyword, times in answer.keywords_found.items() for nth, time in enumerate(sorted(times)))[
        :CAP
    ]
    found = []
    for _, time, keyword in sorted(ranked, key=lambda r: r[1]):
        i = int(np.abs(said.start - time).argmin()) if len(said.start) else -1
        end = float(said.end[i]) if i >= 0 and abs(said.start[i] - time) < 0.05 else time
        found.append(Evidence(kind="word", start=time, end=max(time, end), text=keyword))
    return found


def frames(seen: Observations, rows: np.ndarray, certainty: Floats, start: float) -> list[Evidence]:
    """Frames in which the network was surest or least sure: the most telling one of each of the strongest blocks.

    Parameters
    ----------
    rows : ndarray of int
        Usable rows of the visual track.
    certainty : ndarray
        Of those rows.
    start : float
        Where the blocks begin, s.
    """
    if len(rows) == 0:
        return []
    pull = certainty - certainty.mean()
    number = blocks(seen.visual.times[rows], start)
    total = np.bincount(number, pull)
    found = []
    for block in sorted(np.argsort(-np.abs(total), kind="stable")[:CAP].tolist()):
        inside = np.flatnonzero(number == block)
        if len(inside) == 0:
            continue
        i = inside[np.argmax(pull[inside] * np.sign(total[block]))]
        row, time = rows[i], float(seen.visual.times[rows[i]])
        best = int(seen.visual.values[row].argmax())
        found.append(
            Evidence(
                kind="frame", start=time, end=time, frame_id=int(seen.faces.frame_id[row]), value=float(certainty[i]),
                text=f"{BASIC[best]} {seen.visual.values[row, best]:.2f}",
            )
        )  # fmt: skip
    return found


def none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
