"""Praat's measurements of a stretch of speech, through parselmouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.speech.level import CORNER
from workbench.streams import Floats

if TYPE_CHECKING:
    import parselmouth

STEP = 0.01  # s between frames of pitch and intensity (harmonicity, which is slow, takes every other)
FLOOR, CEILING = 75.0, 600.0  # Hz; pitch range of the first pass, before the speaker's own is known
SMOOTHING = 20.0  # Hz; width of the high-pass filter's edge
_FEW = 10  # voiced frames below which a speaker's range is not narrowed
_SHORTEST = 0.1  # s; Praat's windows need three periods of the lowest pitch
_JITTER = (0.0, 0.0, 0.0001, 0.02, 1.3)  # Praat's own defaults: whole range, shortest and longest period, period factor
_SHIMMER = (*_JITTER, 1.6)  # and the largest amplitude factor
_SILENT_DB = -200.0  # Praat's harmonicity of frames without sound


@dataclass(frozen=True)
class Voice:
    """Measurements of one stretch; times in seconds from its start, NaN where unvoiced or not measured."""

    pitch_times: Floats
    pitch: Floats
    """Hz."""
    hnr_times: Floats
    hnr: Floats
    """dB."""
    intensity_times: Floats
    intensity: Floats
    """Praat's intensity, dB re 2e-5."""
    jitter: float | None
    """Local jitter: a fraction of the period."""
    shimmer: float | None
    """Local shimmer: a fraction of the amplitude."""
    nuclei: Floats
    """Times of syllable nuclei, s."""


def pitch_range(pitch: Floats) -> tuple[float, float]:
    """Floor and ceiling for a speaker whose first-pass pitch (Hz, NaN unvoiced) is given.

    0.75 times the first and 1.5 times the third quartile (De Looze & Hirst 2008), inside 60 to 600 Hz; the wide range
    where fewer than ten frames were voiced.
    """
    voiced = pitch[~np.isnan(pitch)]
    if len(voiced) < _FEW:
        return FLOOR, CEILING
    low, high = np.percentile(voiced, [25, 75])
    return max(60.0, 0.75 * float(low)), min(CEILING, 1.5 * float(high))


def measure(samples: NDArray[np.float32], sample_rate: int = 16000) -> Voice | None:
    """Measure a stretch of mono speech; None where it is shorter than 0.1 s.

    Everything is measured after a high-pass filter at 70 Hz. Pitch by autocorrelation in two passes (see `pitch_range`);
    harmonics-to-noise ratio by cross-correlation; jitter and shimmer (local) from the pulses of the cross-correlation
    method; Praat's standard settings otherwise.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        In [-1, 1].
    sample_rate : int
        Hz.
    """
    if len(samples) < _SHORTEST * sample_rate:
        return None
    import parselmouth
    from parselmouth.praat import call

    # low-frequency noise hides voicing and the dips between syllables: of a test voice 48 % of frames were voiced with it, 60 % without
    sound = call(parselmouth.Sound(samples.astype(np.float64), sample_rate), "Filter (pass Hann band)", CORNER, 0, SMOOTHING)
    _, rough = _pitch(sound, FLOOR, CEILING)
    floor, ceiling = pitch_range(rough)
    track, pitch = _pitch(sound, floor, ceiling)
    pulses = call([sound, track], "To PointProcess (cc)")
    harmonicity = sound.to_harmonicity_cc(time_step=2 * STEP, minimum_pitch=floor) if sound.duration > 3.1 / floor else None
    hnr_times = harmonicity.xs() if harmonicity else np.empty(0)
    hnr = harmonicity.values[0].copy() if harmonicity else np.empty(0)
    hnr[hnr <= _SILENT_DB] = np.nan
    intensity = sound.to_intensity(minimum_pitch=max(floor, 6.5 / sound.duration), time_step=STEP)
    times, levels = intensity.xs(), intensity.values[0]
    return Voice(
        track.xs(),
        pitch,
        hnr_times,
        hnr,
        times,
        levels,
        _number(call(pulses, "Get jitter (local)", *_JITTER)),
        _number(call([sound, pulses], "Get shimmer (local)", *_SHIMMER)),
        syllable_nuclei(times, levels, track.xs(), pitch),
    )


def _pitch(sound: parselmouth.Sound, floor: float, ceiling: float) -> tuple[parselmouth.Pitch, Floats]:
    track = sound.to_pitch_ac(time_step=STEP, pitch_floor=floor, pitch_ceiling=ceiling)
    pitch = track.selected_array["frequency"].copy()
    pitch[pitch == 0] = np.nan
    return track, pitch


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def syllable_nuclei(times: Floats, levels: Floats, pitch_times: Floats, pitch: Floats, dip: float = 2.0, below: float = 25.0) -> Floats:
    """Times of syllable nuclei: voiced intensity peaks with dips between them (de Jong & Wempe 2009).

    Parameters
    ----------
    times, levels : ndarray, shape (n,)
        Intensity frames, s and dB.
    pitch_times, pitch : ndarray, shape (m,)
        Pitch frames, s and Hz (NaN unvoiced).
    dip : float
        A peak counts if the level falls this far (dB) before the next one rises.
    below : float
        Peaks further than this (dB) below the loudest (99th percentile) are no nuclei.

    Returns
    -------
    ndarray
        Seconds.
    """
    from scipy.signal import find_peaks

    if len(levels) < 3 or np.isnan(pitch).all():
        return np.empty(0)
    peaks, _ = find_peaks(levels, height=float(np.percentile(levels, 99)) - below)
    ends = np.append(peaks[1:], len(levels) - 1)
    kept = np.array([p for p, e in zip(peaks, ends, strict=False) if levels[p] - levels[p : e + 1].min() >= dip], np.int64)
    nearest = np.clip(np.searchsorted(pitch_times, times[kept]), 0, len(pitch) - 1)
    return np.asarray(times[kept][~np.isnan(pitch[nearest])])
