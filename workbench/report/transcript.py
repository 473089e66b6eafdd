"""The transcript as marked text, and the anchors that evidence links to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from workbench.contracts import Transcript, Word
from workbench.report.wording import clock

QUOTED = 40
"""Characters that tell a quotation from a description."""
PART = 600.0
"""s; longer transcripts without questions are cut into foldable parts of this length."""


@dataclass(frozen=True)
class Piece:
    """A run of text with one mark: "", "filler" or "unsure"; `anchor` where evidence links to it."""

    text: str
    mark: str = ""
    anchor: str = ""
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A segment as it is printed."""

    anchor: str
    start: float
    end: float
    language: str
    speaker: str
    snr_db: float | None
    confidence: float | None
    pieces: list[Piece]


@dataclass(frozen=True)
class Chapter:
    """Lines that fold together."""

    title: str
    lines: list[Line]


class Anchors:
    """Finds the transcript's word or segment for a piece of evidence, and remembers which words are linked to."""

    def __init__(self, transcripts: list[Transcript]) -> None:
        self._words = sorted((w.start, f"s{i}w{k}") for i, t in enumerate(transcripts) for k, w in enumerate(t.words))
        self._starts = np.array([start for start, _ in self._words])
        self._segments = [(t.start, t.end) for t in transcripts]
        self._text = " ".join(t.transcript for t in transcripts)
        self.used: set[str] = set()

    def holds(self, text: str) -> bool:
        """Whether `text` (perhaps cut off by an ellipsis) is the beginning of something that was said."""
        return text[:QUOTED].rstrip("… ") in self._text

    def find(self, start: float, end: float, word: bool = False) -> str:
        """The name, without ``#``, of the word or segment at a time in s; empty where the transcript has nothing there."""
        if word and len(self._starts):
            nearest = int(np.abs(self._starts - start).argmin())
            if abs(self._starts[nearest] - start) < 0.05:
                self.used.add(self._words[nearest][1])
                return self._words[nearest][1]
        k = bisect_right(self._segments, ((start + end) / 2, float("inf"))) - 1
        return f"s{k}" if k >= 0 and self._segments[k][1] >= start else ""


def chapters(transcripts: list[Transcript], answers: list[tuple[float, str]], anchors: Anchors, low: float) -> list[Chapter]:
    """The transcript by answers where there are some, else by `PART` of time.

    Parameters
    ----------
    transcripts : list of Transcript
    answers : list of (start in s, question)
    anchors : Anchors
        With every word that evidence links to.
    low : float
        Confidence below which a word is marked as unsure.
    """
    lines = [_line(i, t, anchors, low) for i, t in enumerate(transcripts)]
    if not lines:
        return []
    if answers:
        cuts = [0.0, *(start for start, _ in answers)]
        titles = ["Before the first answer", *(f"{number}. {question}" for number, (_, question) in enumerate(answers, start=1))]
    else:
        end = max(t.end for t in transcripts)
        cuts = [float(t) for t in np.arange(0, max(end, 1.0), PART)]
        titles = [f"{clock(t, 0)} to {clock(min(t + PART, end), 0)}" for t in cuts]
    grouped: dict[int, list[Line]] = {}
    for line in lines:
        # a segment that spans a cut belongs where its middle is
        grouped.setdefault(max(bisect_right(cuts, (line.start + line.end) / 2) - 1, 0), []).append(line)
    return [Chapter(titles[k], items) for k, items in sorted(grouped.items())]


def _line(index: int, t: Transcript, anchors: Anchors, low: float) -> Line:
    pieces = [_piece(w, f"s{index}w{k}", anchors, low) for k, w in enumerate(t.words)] or [Piece(t.transcript)]
    merged: list[Piece] = []
    for piece in pieces:
        if merged and not (piece.mark or piece.anchor or merged[-1].mark or merged[-1].anchor):
            merged[-1] = Piece(f"{merged[-1].text} {piece.text}")
        else:
            merged.append(piece)
    return Line(f"s{index}", t.start, t.end, t.language or "", t.speaker or "", t.snr_db, t.asr_confidence, merged)


def _piece(word: Word, anchor: str, anchors: Anchors, low: float) -> Piece:
    unsure = word.conf is not None and word.conf < low
    mark = " ".join(m for m, on in (("filler", word.filler), ("unsure", unsure)) if on)
    said = "" if word.conf is None else f", confidence {word.conf:.2f}"
    title = f"{clock(word.start, 2)}{said}" if mark else ""
    return Piece(word.word.strip(), mark, anchor if anchor in anchors.used else "", title)
