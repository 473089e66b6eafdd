"""Prosody of a transcript: pitch, level, voice quality, pauses and rates, and the dense `acoustics` track."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench import contracts
from workbench.settings import Speech
from workbench.speech.level import HighPass
from workbench.speech.voice import Voice, measure
from workbench.stage import StageSpec
from workbench.streams import AlignedClip, Bools, Floats, MeasuredClip, Track

HOP = 0.05
"""s between rows of `acoustics`."""
COLUMNS = ("pitch", "intensity", "hnr", "syllables")
"""Columns of `acoustics`: Hz (NaN unvoiced), dB re full scale, dB (NaN unvoiced), syllable nuclei in the row."""
_LEAST_VOICED = 3  # frames of 10 ms below which no pitch statistics are given
_QUIET = 1e-5  # full scale = 1; -100 dB, so that digital silence has a level


class ProsodyStage:
    """Aligned transcripts to prosody.

    Pitch, level and voiced fraction are taken over the words; jitter, shimmer and HNR over the whole stretch as Praat gives
    them. Pauses are gaps of at least `pause` between words; `speaking_rate` counts words that are not fillers from the
    first word to the last, pauses included; `articulation_rate` counts syllable nuclei over the same time without pauses.

    Parameters
    ----------
    settings : Speech
    """

    def __init__(self, settings: Speech) -> None:
        self.settings = settings

    @property
    def spec(self) -> StageSpec:
        return StageSpec("prosody", (AlignedClip,), (MeasuredClip,), "audio", 0.0, HOP, 1500.0)

    def warm_up(self) -> None:
        """Import parselmouth."""
        import parselmouth  # noqa: F401

    def reset(self) -> None: ...

    def flush(self) -> Iterator[MeasuredClip]:
        yield from ()

    def process(self, item: AlignedClip) -> Iterator[MeasuredClip]:
        clip = item.clip
        voice = measure(clip.samples, clip.sample_rate)
        if voice is None:
            return
        levels = frame_levels(clip.samples, clip.sample_rate)
        yield MeasuredClip(
            summary(item.transcript, voice, levels, self.settings.pause), acoustics(voice, levels, clip.message.start, clip.message.end)
        )


def frame_levels(samples: NDArray[np.float32], sample_rate: int) -> Floats:
    """Root mean square of every whole 10 ms, after a high-pass filter at 70 Hz.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, in [-1, 1].
    sample_rate : int
        Hz.

    Returns
    -------
    ndarray, shape (n * 100 // sample_rate,)
        In [0, 1]; full scale is 1.
    """
    step = sample_rate // 100
    clean = HighPass(sample_rate)(samples)
    whole = clean[: len(clean) // step * step].reshape(-1, step).astype(np.float64)
    return np.asarray(np.sqrt(np.mean(whole**2, axis=1)))


def summary(transcript: contracts.Transcript, voice: Voice, levels: Floats, pause: float) -> contracts.Prosody:
    """The stored summary; `ProsodyStage` says how each figure is computed.

    Parameters
    ----------
    transcript : Transcript
        With aligned words.
    voice : Voice
        Measured on the transcript's stretch.
    levels : ndarray
        From `frame_levels`.
    pause : float
        Shortest pause, s.
    """
    words = transcript.words
    inside = _within(voice.pitch_times + transcript.start, words)
    pitch, times = voice.pitch[inside], voice.pitch_times[inside]
    voiced = ~np.isnan(pitch)
    enough = int(voiced.sum()) >= _LEAST_VOICED
    spoken = levels[_within((np.arange(len(levels)) + 0.5) / 100 + transcript.start, words)]
    hnr = voice.hnr[~np.isnan(voice.hnr)]
    return contracts.Prosody(
        segment_id=transcript.segment_id,
        start=transcript.start,
        end=transcript.end,
        pitch_mean=float(pitch[voiced].mean()) if enough else None,
        pitch_std=float(pitch[voiced].std()) if enough else None,
        pitch_slope=float(np.polyfit(times[voiced], pitch[voiced], 1)[0]) if enough else None,
        pitch_std_semitones=float(np.std(12 * np.log2(pitch[voiced] / np.median(pitch[voiced])))) if enough else None,
        rms_mean=float(spoken.mean()) if len(spoken) else None,
        rms_std=float(spoken.std()) if len(spoken) else None,
        jitter=voice.jitter,
        shimmer=voice.shimmer,
        hnr_db=float(hnr.mean()) if len(hnr) else None,
        voiced_fraction=float(voiced.mean()) if len(voiced) else None,
        **timing(words, voice.nuclei + transcript.start, pause),
    )


def timing(words: Sequence[contracts.Word], nuclei: Floats, pause: float) -> dict[str, float | int | None]:
    """Pauses and rates of words in order of time (see `ProsodyStage`); all None where there are no words.

    Parameters
    ----------
    words : sequence of Word
    nuclei : ndarray
        Session times of syllable nuclei, s.
    pause : float
        Shortest pause, s.
    """
    if not words:
        return dict.fromkeys(("pause_count", "pause_total", "speaking_rate", "articulation_rate", "filler_rate"))
    gaps = np.array([b.start - a.end for a, b in pairwise(words)])
    pauses = gaps[gaps >= pause - 1e-9]
    span = words[-1].end - words[0].start
    sounding = span - float(pauses.sum())
    syllables = int(((nuclei >= words[0].start) & (nuclei <= words[-1].end)).sum())
    fillers = sum(w.filler for w in words)
    return {
        "pause_count": len(pauses),
        "pause_total": float(pauses.sum()),
        "speaking_rate": (len(words) - fillers) / span if span > 0 else None,
        "articulation_rate": syllables / sounding if sounding > 0 else None,
        "filler_rate": fillers / len(words),
    }


def _within(times: Floats, words: Sequence[contracts.Word]) -> Bools:
    """Which session times lie in a word; all of them where no word has a duration."""
    edges = np.array([(w.start, w.end) for w in words if w.end > w.start]).reshape(-1, 2)
    if not len(edges):
        return np.ones(len(times), bool)
    at = np.searchsorted(edges[:, 0], times, side="right") - 1
    return np.asarray((at >= 0) & (times < edges[np.maximum(at, 0), 1]))


def acoustics(voice: Voice, levels: Floats, start: float, end: float) -> Track:
    """The dense series of one stretch, on the session's grid of 50 ms; a row describes the 50 ms that begin at its time.

    Parameters
    ----------
    voice : Voice
    levels : ndarray
        From `frame_levels`.
    start, end : float
        Of the stretch, s.

    Returns
    -------
    Track
        Columns `COLUMNS`. Pitch is the median of the row's voiced 10 ms frames where at least two are voiced.
    """
    first, last = int(np.ceil(start / HOP - 1e-9)), int(np.floor(end / HOP + 1e-9))
    if last <= first:
        return Track.empty("acoustics", COLUMNS)
    times: Floats = np.arange(first, last, dtype=np.float64) * HOP
    frames = (np.arange(len(levels)) + 0.5) / 100
    power = _binned(frames + start, levels**2, times, lambda v: float(v.mean()))
    pitch = _binned(voice.pitch_times + start, voice.pitch, times, _median_voiced)
    hnr = np.where(np.isnan(pitch), np.nan, _binned(voice.hnr_times + start, voice.hnr, times, lambda v: float(np.nanmean(v))))
    syllables = np.histogram(voice.nuclei + start, np.append(times, times[-1] + HOP))[0]
    level = 20 * np.log10(np.maximum(np.sqrt(power), _QUIET))
    return Track.of("acoustics", times, np.column_stack([pitch, level, hnr, syllables]), COLUMNS)


def _median_voiced(values: Floats) -> float:
    voiced = values[~np.isnan(values)]
    return float(np.median(voiced)) if len(voiced) >= 2 else np.nan


def _binned(at: Floats, values: Floats, times: Floats, reduce: Callable[[Floats], float]) -> Floats:
    """`reduce` of the values that fall into each row; NaN where none do."""
    edges = np.searchsorted(at, np.append(times, times[-1] + HOP) - 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows of nothing but NaN
        return np.array([reduce(values[a:b]) if b > a else np.nan for a, b in pairwise(edges)])
