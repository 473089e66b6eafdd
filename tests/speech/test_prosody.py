"""Prosody compared with Praat's numbers on real voices, with known signals, and with timing computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import parselmouth
import pytest
from parselmouth.praat import call

from tests.support.speech import RATE, Samples, hand_timed, recording, through
from workbench import contracts
from workbench.settings import Speech
from workbench.speech.prosody import COLUMNS, HOP, ProsodyStage, timing
from workbench.speech.voice import measure, pitch_range
from workbench.streams import AlignedClip, MeasuredClip, SpeechClip, Track


def clip_of(samples: Samples, words: list[tuple[str, float, float]], start: float = 0.0) -> AlignedClip:
    """Samples that start at `start`, with words timed from the samples' beginning."""
    end = start + len(samples) / RATE
    timed = [contracts.Word(word=w, start=start + a, end=start + b, filler=w in ("um", "uh")) for w, a, b in words]
    transcript = contracts.Transcript(segment_id="seg-1", start=start, end=end, transcript="", words=timed)
    return AlignedClip(transcript, SpeechClip(contracts.SpeechSegment(segment_id="seg-1", start=start, end=end), samples))


def measured(clip: AlignedClip) -> MeasuredClip:
    [out] = through(ProsodyStage(Speech()), [clip])
    return out


def harmonics(pitch: Samples | float, seconds: float, amplitude: float = 0.1) -> Samples:
    """A voice-like sum of ten harmonics; `pitch` in Hz, constant or one value a sample."""
    f0 = np.broadcast_to(np.asarray(pitch, float), (round(seconds * RATE),))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    return (amplitude * sum(np.sin(k * phase) / k for k in range(1, 11))).astype(np.float32)


@pytest.mark.media
@pytest.mark.parametrize("file", ["mary.wav", "bobby.wav", "arctic_a0009.wav"])
def test_measurements_equal_those_of_praat(file: str) -> None:
    samples = recording(file)
    everything = clip_of(samples, [("all", 0.0, len(samples) / RATE)])
    ours = measured(everything).message

    sound = call(parselmouth.Sound(samples.astype(np.float64), RATE), "Filter (pass Hann band)", 70, 0, 20)
    first = call(sound, "To Pitch (ac)", 0.01, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600)
    q1, q3 = (call(first, "Get quantile", 0, 0, q, "Hertz") for q in (0.25, 0.75))
    floor, ceiling = max(60.0, 0.75 * q1), min(600.0, 1.5 * q3)
    pitch = call(sound, "To Pitch (ac)", 0.01, floor, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, ceiling)
    pulses = call([sound, pitch], "To PointProcess (cc)")
    harmonicity = call(sound, "To Harmonicity (cc)", 0.02, floor, 0.1, 1.0)
    slope_times, slope_values = pitch.xs(), pitch.selected_array["frequency"]
    voiced = slope_values > 0

    assert ours.pitch_mean == pytest.approx(call(pitch, "Get mean", 0, 0, "Hertz"), rel=0.01)
    assert ours.pitch_std == pytest.approx(call(pitch, "Get standard deviation", 0, 0, "Hertz"), rel=0.03)
    assert ours.pitch_std_semitones == pytest.approx(call(pitch, "Get standard deviation", 0, 0, "semitones"), rel=0.03)
    assert ours.pitch_slope == pytest.approx(np.polyfit(slope_times[voiced], slope_values[voiced], 1)[0], rel=0.02)
    assert ours.jitter == pytest.approx(call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3), rel=0.03)
    assert ours.shimmer == pytest.approx(call([sound, pulses], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6), rel=0.03)
    assert ours.hnr_db == pytest.approx(call(harmonicity, "Get mean", 0, 0), abs=0.3)
    assert ours.voiced_fraction == pytest.approx(call(pitch, "Count voiced frames") / call(pitch, "Get number of frames"), abs=0.01)


@pytest.mark.media
@pytest.mark.parametrize(("file", "syllables"), [("mary.wav", 6), ("bobby.wav", 6), ("arctic_a0009.wav", 13)])
def test_syllable_nuclei_of_known_sentences(file: str, syllables: int) -> None:
    voice = measure(recording(file))
    assert voice is not None
    assert abs(len(voice.nuclei) - syllables) <= 1


@pytest.mark.media
def test_rates_of_a_known_sentence() -> None:
    words = hand_timed("arctic_a0009.wav")
    prosody = measured(clip_of(recording("arctic_a0009.wav"), words)).message
    span = words[-1][2] - words[0][1]
    assert prosody.speaking_rate == pytest.approx(9 / span)
    assert prosody.articulation_rate == pytest.approx(13 / span, rel=0.1)
    assert prosody.pause_count == 0


def test_slope_of_a_rising_pitch() -> None:
    f0 = np.linspace(150, 200, 2 * RATE)
    prosody = measured(clip_of(harmonics(f0, 2.0), [("a", 0.0, 2.0)])).message
    assert prosody.pitch_slope == pytest.approx(25.0, rel=0.05)
    assert prosody.pitch_mean == pytest.approx(175.0, rel=0.02)
    assert prosody.voiced_fraction == pytest.approx(1.0, abs=0.02)
    assert prosody.hnr_db is not None
    assert prosody.hnr_db > 20
    assert prosody.jitter is not None
    assert prosody.jitter < 0.005


def test_the_level_is_that_of_the_signal_without_low_frequencies() -> None:
    tone = harmonics(200.0, 2.0)
    expected = float(np.sqrt(np.mean(tone.astype(float) ** 2)))
    rumble = (0.3 * np.sin(2 * np.pi * 12 * np.arange(len(tone)) / RATE)).astype(np.float32)
    for samples in (tone, tone + rumble):
        out = measured(clip_of(samples, [("a", 0.0, 2.0)]))
        assert out.message.rms_mean == pytest.approx(expected, rel=0.05)
        assert np.median(out.acoustics.column("intensity")) == pytest.approx(20 * np.log10(expected), abs=0.5)
        assert np.nanmedian(out.acoustics.column("pitch")) == pytest.approx(200.0, rel=0.01)


def test_pitch_and_level_are_measured_within_words_only() -> None:
    samples = np.concatenate([harmonics(120.0, 1.0), harmonics(240.0, 1.0, 0.02)])
    prosody = measured(clip_of(samples, [("a", 0.05, 0.95)])).message
    assert prosody.pitch_mean == pytest.approx(120.0, rel=0.02)
    assert prosody.rms_mean == pytest.approx(float(np.sqrt(np.mean(samples[:RATE].astype(float) ** 2))), rel=0.05)


def test_timing_against_hand_computed_values() -> None:
    words = [("um", 0.0, 0.4), ("we", 0.7, 0.9), ("use", 0.9, 1.1), ("queues", 1.29, 1.8)]
    timed = [contracts.Word(word=w, start=a, end=b, filler=w == "um") for w, a, b in words]
    out = timing(timed, np.array([0.2, 0.8, 1.0, 1.4, 1.6, 2.5]), 0.2)
    assert out["pause_count"] == 1  # 0.3 s; the gap of 0.19 s is none
    assert out["pause_total"] == pytest.approx(0.3)
    assert out["speaking_rate"] == pytest.approx(3 / 1.8)
    assert out["articulation_rate"] == pytest.approx(5 / 1.5)  # the nucleus at 2.5 s lies after the last word
    assert out["filler_rate"] == pytest.approx(0.25)
    assert set(timing([], np.empty(0), 0.2).values()) == {None}


def test_what_cannot_be_measured_is_null() -> None:
    prosody = measured(clip_of(np.zeros(RATE, np.float32), [("a", 0.2, 0.8)])).message
    for name in ("pitch_mean", "pitch_std", "pitch_slope", "pitch_std_semitones", "jitter", "shimmer", "hnr_db"):
        assert getattr(prosody, name) is None
    assert prosody.voiced_fraction == 0.0
    assert through(ProsodyStage(Speech()), [clip_of(np.zeros(800, np.float32), [("a", 0.0, 0.05)])]) == []


@pytest.mark.parametrize("seconds", [0.1, 0.13, 0.2, 0.35])
def test_very_short_words_do_not_fail(seconds: float) -> None:
    out = measured(clip_of(harmonics(150.0, seconds), [("a", 0.0, seconds)]))
    assert out.message.end == pytest.approx(seconds)


@pytest.mark.media
def test_acoustics_lie_on_the_sessions_grid(aligned: Callable[[str], list[AlignedClip]]) -> None:
    clips = aligned("acoustic_corpus.wav")
    outs = [measured(c) for c in clips]
    track = Track.concat(o.acoustics for o in outs)
    assert track.names == COLUMNS
    assert np.allclose(track.times / HOP, np.round(track.times / HOP))
    inside = np.zeros(len(track), bool)
    for c in clips:
        inside |= (track.times >= c.transcript.start - 1e-9) & (track.times + HOP <= c.transcript.end + 1e-9)
    assert inside.all()
    pitch = track.column("pitch")
    assert 0.3 < np.isfinite(pitch).mean() < 0.9
    assert 85 < np.nanmedian(pitch) < 115  # a man's voice
    assert np.isnan(track.column("hnr")[np.isnan(pitch)]).all()
    nuclei = sum(len(v.nuclei) for c in clips if (v := measure(c.clip.samples)))
    assert track.column("syllables").sum() >= 0.97 * nuclei  # a row cut off at a stretch's end may hold one


def test_the_range_follows_the_speaker() -> None:
    assert pitch_range(np.full(5, 200.0)) == (75.0, 600.0)
    low, high = pitch_range(np.concatenate([np.full(50, 100.0), np.full(50, 120.0), np.full(20, np.nan)]))
    assert (low, high) == (75.0, 180.0)
    assert pitch_range(np.full(50, 70.0))[0] == 60.0
