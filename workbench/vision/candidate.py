"""Whose face is the candidate's: a living face before a picture, then the voice's, then the largest and longest seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import Box
from workbench.settings import Vision
from workbench.vision.fitness import LAG, moves

Floats = NDArray[np.float64]

RIVAL = 0.25
"""A face may be the candidate's for its voice if it has this share of the largest area × time."""
VOICE, SIGMAS = 0.3, 2.5
"""Least correlation of mouth and voice that says whose the voice is, and by how many standard errors (1 / √seconds) it must be above
the largest face's. Below, size and time decide: heads move with speech for other reasons too, and a voice may be off camera."""
LONGEST_STEP = 0.5
"""s; the most time that one frame adds, so that a hole in the video adds none."""


@dataclass(frozen=True)
class FaceSummary:
    """One face over a whole session.

    Parameters
    ----------
    face_id : str
    seconds : float
        How long it is in the picture.
    first, last : float, s
    presence : float
        Area (share of the picture) × seconds.
    lives : bool or None
        False where it never moves (a picture); None where that was not measured.
    voice : float or None
        Correlation of its mouth's movement with the voice; None where it cannot be told.
    size_px : float or None
        Median of the shorter side of its box, px.
    analysed : int
        Frames in which its expression was read.
    example : tuple, optional
        Where it is largest: time (s) and box.
    """

    face_id: str
    seconds: float
    first: float
    last: float
    presence: float
    lives: bool | None
    voice: float | None
    size_px: float | None = None
    analysed: int = 0
    example: tuple[float, Box] | None = None

    @property
    def moving(self) -> str:
        """In a word."""
        return {True: "moving", False: "still", None: "not measured"}[self.lives]


@dataclass(frozen=True)
class Choice:
    """Whose face counts, and why. `faces` is empty where there is none; `confirmed` where a person said so."""

    faces: tuple[str, ...]
    why: str
    confirmed: bool = False

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{' and '.join(self.faces)}: {self.why}" if self.faces else self.why


def summarise(face_id: str, times: Floats, step: Floats, area: Floats, movement: Floats, speech: Floats, vision: Vision) -> FaceSummary:
    """Sum up one face.

    Parameters
    ----------
    face_id : str
    times, step : ndarray, shape (n,)
        s, of the frames that it is in, and the time to the frame before.
    area : ndarray, shape (n,)
        Of its box, share of the picture.
    movement : ndarray, shape (n, 3)
        ``change``, ``motion`` and ``mouth_motion`` of the detections; NaN where not measured.
    speech : ndarray, shape (m, 2)
        Start and end of each stretch of speech, s, in order.
    vision : Vision
    """
    stay = np.minimum(step, LONGEST_STEP)
    change, motion, mouth = movement.T
    return FaceSummary(
        face_id, float(stay.sum()), float(times[0]), float(times[-1]), float((area * stay).sum()), moves(motion, change, vision),
        _with_voice(times, mouth, speech),
    )  # fmt: skip


def _with_voice(times: Floats, mouth: Floats, speech: Floats) -> float | None:
    """Correlation of a mouth's movement with the share of speech in the same `LAG` seconds; None where one of them never changes."""
    known = ~np.isnan(mouth)
    at, moved = times[known], np.log(np.maximum(mouth[known], 1e-4))  # a laugh must not outweigh all that is said
    if len(at) < 20 or not len(speech):
        return None
    start = at[:, None] - LAG
    spoken = np.clip(np.minimum(at[:, None], speech[None, :, 1]) - np.maximum(start, speech[None, :, 0]), 0, None).sum(axis=1) / LAG
    if min(spoken.std(), moved.std()) < 0.05:
        return None
    return float(np.corrcoef(moved, spoken)[0, 1])


def choose(faces: Sequence[FaceSummary]) -> Choice:
    """The candidate of a session.

    Examples
    --------
    >>> portrait = FaceSummary("f-1", 20, 0, 20, presence=4.0, lives=False, voice=None)
    >>> speaker = FaceSummary("f-2", 20, 0, 20, presence=1.0, lives=True, voice=None)
    >>> choose([portrait, speaker])
    Choice(faces=('f-2',), why='the only face that moves; f-1 is a still picture', confirmed=False)
    """
    if not faces:
        return Choice((), "no face has been in the picture for long enough")
    living = [f for f in faces if f.lives]
    pool = living or list(faces)
    still = [f.face_id for f in faces if f.lives is False and living]
    largest = max(pool, key=lambda f: f.presence)
    rest = f"; {' and '.join(still)} {'is a still picture' if len(still) == 1 else 'are still pictures'}" if still else ""
    speaker = _speaker([f for f in pool if f.presence >= RIVAL * largest.presence], largest)
    if speaker is not None:
        return Choice((speaker.face_id,), f"its mouth moves with the voice (correlation {speaker.voice:.2f}){rest}")
    if len(pool) == 1:
        return Choice((largest.face_id,), ("the only face that moves" if living and len(faces) > 1 else "the only face") + rest)
    which = "of those that move the largest and longest in the picture" if still else "the largest and longest in the picture"
    return Choice((largest.face_id,), which + rest)


def _speaker(rivals: Sequence[FaceSummary], largest: FaceSummary) -> FaceSummary | None:
    """A face whose mouth clearly moves with the voice where the largest face's does not; None where nothing is clear."""
    known = [f for f in rivals if f.voice is not None]
    if len(known) < 2 or largest.voice is None:
        return None
    best = max(known, key=lambda f: f.voice or 0.0)
    margin = SIGMAS / np.sqrt(max(min(best.seconds, largest.seconds), 1.0))
    clear = best is not largest and (best.voice or 0.0) >= VOICE and (best.voice or 0.0) - largest.voice >= margin
    return best if clear else None
