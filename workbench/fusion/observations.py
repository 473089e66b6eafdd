"""What fusion and scoring read: a session's stored per-modality outputs as arrays on one time axis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import Answer, Prosody
from workbench.fusion.reliability import Codes
from workbench.labels import BASIC
from workbench.streams import Bools, Floats, Track

Ints = NDArray[np.int64]

ACOUSTICS: tuple[str, ...] = ("pitch", "intensity")
"""Columns of the `acoustics` track that are read here: Hz and dB, NaN where unvoiced or silent."""


@dataclass(frozen=True)
class Faces:
    """What belongs to each row of the visual track.

    Parameters
    ----------
    frame_id : ndarray of int, shape (n,)
    face : ndarray of int, shape (n,)
        Index into `names`; -1 where the frame shows no face of the candidate.
    size_px : ndarray, shape (n,)
        Shorter side of the face box, px; NaN where unknown.
    names : tuple of str
        Face ids.
    why : ndarray of int, shape (n,), optional
        `reliability.Picture` of each row; None in sessions of version 0.1, which did not measure it.
    """

    frame_id: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    face: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    size_px: Floats = field(default_factory=lambda: np.empty(0))
    names: tuple[str, ...] = ()
    why: Codes | None = None


@dataclass(frozen=True)
class Segments:
    """Stretches of the candidate's speech, in order of time and not overlapping.

    Parameters
    ----------
    start, end : ndarray, shape (n,)
        Seconds.
    snr_db : ndarray, shape (n,)
        Speech level over the noise around it, dB; NaN where unknown.
    """

    start: Floats = field(default_factory=lambda: np.empty(0))
    end: Floats = field(default_factory=lambda: np.empty(0))
    snr_db: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Words:
    """The candidate's words in order of time (by their middle).

    Parameters
    ----------
    text : tuple of str
    start, end : ndarray, shape (n,)
        Seconds.
    confidence : ndarray, shape (n,)
        The recogniser's probability; NaN where unknown.
    filler : ndarray of bool, shape (n,)
    segment : ndarray of int, shape (n,)
        Number of the transcribed segment that the word belongs to.
    left_out : tuple of (start in s, end in s, reason)
        Stretches whose words were not understood and are not among these.
    """

    text: tuple[str, ...] = ()
    start: Floats = field(default_factory=lambda: np.empty(0))
    end: Floats = field(default_factory=lambda: np.empty(0))
    confidence: Floats = field(default_factory=lambda: np.empty(0))
    filler: Bools = field(default_factory=lambda: np.empty(0, bool))
    segment: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    left_out: tuple[tuple[float, float, str], ...] = ()

    @property
    def middle(self) -> Floats:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Observations:
    """One session's stored outputs.

    Parameters
    ----------
    duration : float
        Seconds.
    visual : Track
        Emotion probabilities of the candidate's face, columns `labels.BASIC`, one row an analysed frame; rows without
        a usable face are not valid. The confidence is the crop's quality.
    faces : Faces
        Beside `visual`, row by row.
    affect : Track
        Emotion probabilities of the voice, columns `labels.BASIC`.
    acoustics : Track
        See `ACOUSTICS`.
    segments : Segments
    words : Words
    prosody : tuple of Prosody
        One a segment of speech.
    answers : tuple of Answer
    weights : dict
        Question id → weight in the interview; 1 where not given.
    disabled : dict
        Channel ("visual_emotion", "prosodic_affect") → why it is off.
    """

    duration: float
    visual: Track = field(default_factory=lambda: Track.empty("visual", BASIC))
    faces: Faces = field(default_factory=Faces)
    affect: Track = field(default_factory=lambda: Track.empty("affect", BASIC))
    acoustics: Track = field(default_factory=lambda: Track.empty("acoustics", ACOUSTICS))
    segments: Segments = field(default_factory=Segments)
    words: Words = field(default_factory=Words)
    prosody: tuple[Prosody, ...] = ()
    answers: tuple[Answer, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
