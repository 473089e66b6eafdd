"""Affect from the voice: a simple prosodic model, given here in full, not trained on any data and NOT VALIDATED.

It estimates how aroused a person sounds *compared with the same person's own speech so far*, and turns that into
probabilities of the basic classes by a table. The evidence: higher and more varied pitch, more intensity and a faster rate go
with aroused states (anger, fear, joy, surprise), the opposite with sadness (Scherer 2003, Speech Communication 40, table 2;
Juslin & Laukka 2003, Psychological Bulletin 129, table 7; Banse & Scherer 1996 for disgust, which lies between). Prosody says
little about valence, so equally aroused classes stay about equally likely: the model cannot tell anger from joy. Weights and
prototypes are round numbers in the order of the effects in these reviews, not fitted. How well it works for any group of
people is not known; its confidence is therefore never above 0.5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from workbench.labels import BASIC
from workbench.settings import Speech
from workbench.speech.prosody import HOP
from workbench.stage import StageSpec
from workbench.streams import Bools, Floats, MeasuredClip, Track, TrackUpdate

FEATURES: dict[str, tuple[float, float]] = {"pitch": (0.35, 1.0), "variation": (0.1, 0.5), "intensity": (0.35, 2.0), "rate": (0.2, 0.5)}
"""Cue → its weight in arousal, and the smallest spread by which it is divided (semitones, semitones, dB, syllables/s)."""
PROTOTYPES: dict[str, tuple[float, float]] = {
    "angry": (1.5, 1.0),
    "disgust": (0.3, 1.0),
    "fear": (1.2, 1.0),
    "happy": (1.2, 1.0),
    "neutral": (0.0, 2.0),
    "sad": (-1.2, 1.0),
    "surprise": (1.5, 1.0),
}
"""Class → its typical arousal, in spreads from the speaker's own median, and its prior weight."""
SPREAD = 1.5
"""Standard deviation of every prototype: wide, so that no class reaches a high probability."""
COLUMNS = (*BASIC, "arousal")
WINDOW = 2.0
"""s of speech that one row is computed from."""
YOUNG = 10.0
"""s of speech after which the speaker's baseline counts as known."""
_LEAST_SPEECH = 3.0  # s of speech below which rows are not valid
_VOICED = 0.3  # s of voiced speech that a row needs
_HISTORY = 300.0  # s of speech in the baseline
_CEILING = 0.5  # confidence of an unvalidated model
_LIMIT = 3.0  # spreads to which a cue is limited
_CLEAR_HNR = 5.0  # dB; below, a rough or noisy voice lowers the confidence


def cues(acoustics: Track, hop: float) -> tuple[Floats, Floats, Floats]:
    """The model's input features, on the session's grid of `hop` seconds.

    Parameters
    ----------
    acoustics : Track
        One stretch, columns of `prosody.COLUMNS`.
    hop : float
        s.

    Returns
    -------
    times : ndarray, shape (n,)
        Middles of windows of 2 s (cut off at the stretch's ends), s.
    values : ndarray, shape (n, 4)
        Median pitch (semitones re 1 Hz), its standard deviation (semitones), mean level of voiced rows (dB), syllables/s.
    hnr : ndarray, shape (n,)
        Mean harmonics-to-noise ratio, dB.
    """
    if not len(acoustics):
        return np.empty(0), np.empty((0, len(FEATURES))), np.empty(0)
    first, end = acoustics.times[0], acoustics.times[-1] + HOP
    grid = np.arange(int(np.ceil(first / hop - 1e-9)), int(np.ceil(end / hop - 1e-9))) * hop
    times, rows, hnrs = [], [], []
    for t in grid:
        part = acoustics.slice(t - WINDOW / 2, t + WINDOW / 2)
        pitch = part.column("pitch")
        voiced = ~np.isnan(pitch)
        if voiced.sum() * HOP < _VOICED - 1e-9:
            continue
        semitones = 12 * np.log2(pitch[voiced])
        level, rate = part.column("intensity")[voiced].mean(), part.column("syllables").sum() / (len(part) * HOP)
        times.append(t)
        rows.append([np.median(semitones), semitones.std(), level, rate])
        clear = part.column("hnr")[voiced]
        hnrs.append(np.nanmean(clear) if not np.isnan(clear).all() else 0.0)
    return np.array(times), np.array(rows).reshape(-1, len(FEATURES)), np.array(hnrs)


def arousal(now: Floats, before: Floats) -> float:
    """Arousal of one row against the speaker's baseline: the weighted mean of its cues' robust z-scores.

    Parameters
    ----------
    now : ndarray, shape (4,)
    before : ndarray, shape (n, 4)
        The rows so far, this one included.

    Returns
    -------
    float
        In [-3, 3]; 0 is the speaker's median. Each z is (cue - median) / spread, the spread 1.4826 times the median
        absolute deviation and at least that of `FEATURES`; z is limited to ±3.
    """
    weights, least = np.array(list(FEATURES.values())).T
    middle = np.median(before, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(before - middle), axis=0), least)
    return float(weights @ np.clip((now - middle) / spread, -_LIMIT, _LIMIT))


def distribution(level: float, known: float = 1.0) -> Floats:
    """Probabilities of the basic classes at an arousal: a softmax over the prototypes' log densities.

    Parameters
    ----------
    level : float
        From `arousal`.
    known : float
        How far the baseline is known, in [0, 1]; the arousal is multiplied by it, so 0 gives the result for an arousal of 0.

    Returns
    -------
    ndarray, shape (7,)
        In `labels.BASIC` order.
    """
    centres, weights = np.array([PROTOTYPES[label] for label in BASIC]).T
    logits = -((level * known - centres) ** 2) / (2 * SPREAD**2) + np.log(weights)
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum())


def affect(values: Floats, hnr: Floats, before: Floats, spoken: float, hop: float) -> tuple[Floats, Floats, Bools]:
    """Apply the model to new cues.

    It looks only backwards, so a stream gives the same numbers in however many parts it arrives.

    Parameters
    ----------
    values, hnr : ndarray, shape (n, 4), (n,)
        New rows from `cues`.
    before : ndarray, shape (m, 4)
        The baseline's rows so far (the last five minutes of speech).
    spoken : float
        Seconds of speech so far.
    hop : float
        s.

    Returns
    -------
    rows : ndarray, shape (n, 8)
        Columns `COLUMNS`: probabilities of the seven classes, then arousal in (0, 1).
    confidence : ndarray, shape (n,)
        In [0, 0.5].
    valid : ndarray of bool, shape (n,)
    """
    keep = int(_HISTORY / hop)
    every = np.concatenate([before, values])
    rows, confidence, valid = [], [], []
    for i, now in enumerate(values):
        seconds = spoken + (i + 1) * hop
        known = min(1.0, seconds / YOUNG)
        end = len(before) + i + 1
        level = arousal(now, every[max(0, end - keep) : end])
        clear = float(np.clip(hnr[i] / _CLEAR_HNR, 0.2, 1.0))
        rows.append([*distribution(level, known), 1.0 / (1.0 + np.exp(-level))])
        confidence.append(_CEILING * known * clear)
        valid.append(seconds >= _LEAST_SPEECH)
    return np.array(rows).reshape(-1, len(COLUMNS)), np.array(confidence), np.array(valid, bool)


class ProsodicAffect:
    """Acoustics to the `affect` track: probabilities of the basic classes and arousal (0.5 = the speaker's median).

    See the module's docstring for the model and its limits. Where diarization is off, the baseline is that of all speakers.
    Memory: five minutes of rows.

    Parameters
    ----------
    settings : Speech
    """

    def __init__(self, settings: Speech) -> None:
        self.settings = settings
        self.reset()

    @property
    def spec(self) -> StageSpec:
        return StageSpec("prosodic affect", (MeasuredClip,), (TrackUpdate,), "audio", WINDOW, self.settings.affect_hop, 50.0)

    def reset(self) -> None:
        self._baseline: deque[Floats] = deque(maxlen=int(_HISTORY / self.settings.affect_hop))
        self._spoken = 0.0

    def flush(self) -> Iterator[TrackUpdate]:
        yield from ()

    def process(self, item: MeasuredClip) -> Iterator[TrackUpdate]:
        hop = self.settings.affect_hop
        times, values, hnr = cues(item.acoustics, hop)
        if not len(times):
            return
        before = np.array(self._baseline).reshape(-1, len(FEATURES))
        rows, confidence, valid = affect(values, hnr, before, self._spoken, hop)
        self._baseline.extend(values)
        self._spoken += len(values) * hop
        yield TrackUpdate(Track("affect", times, rows, COLUMNS, confidence, valid))
