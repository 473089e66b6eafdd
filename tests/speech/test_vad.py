"""Voice activity on recordings with and without speech."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import soxr

from tests.support.speech import RATE, Samples, blocks, hand_timed, recording, through
from workbench.settings import Speech
from workbench.speech.vad import VoiceActivity, snr_db
from workbench.streams import AudioBlock, SpeechClip, Track, TrackUpdate

pytestmark = pytest.mark.media
Segments = Callable[[Samples], list[SpeechClip]]


def test_the_length_of_the_blocks_does_not_matter(vad: VoiceActivity) -> None:
    samples = recording("acoustic_corpus.wav")
    runs = [through(vad, blocks(samples, length)) for length in (8000, 1237, len(samples))]
    clips = [[o for o in run if isinstance(o, SpeechClip)] for run in runs]
    assert len(clips[0]) >= 2
    for other in clips[1:]:
        assert [c.message for c in other] == [c.message for c in clips[0]]
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(other, clips[0], strict=True))
    tracks = [Track.concat(o.track for o in run if isinstance(o, TrackUpdate)) for run in runs]
    for track in tracks[1:]:
        assert np.array_equal(track.times, tracks[0].times)
        assert np.allclose(track.values, tracks[0].values, atol=1e-5)
    assert np.diff(tracks[0].times).max() <= 0.1


@pytest.mark.parametrize("file", ["acoustic_corpus.wav", "cold_corpus.wav", "cold_corpus3.wav", "arctic_a0009.wav"])
def test_the_words_of_a_recording_lie_in_its_segments(segments: Segments, file: str) -> None:
    samples = recording(file)
    clips = segments(samples)
    middles = np.array([(start + end) / 2 for _, start, end in hand_timed(file)])
    inside = np.zeros(len(middles), bool)
    for clip in clips:
        inside |= (middles >= clip.message.start) & (middles < clip.message.end)
        first = round(clip.message.start * RATE)
        assert np.array_equal(clip.samples, samples[first : first + len(clip.samples)])
        gap = samples[first - len(clip.before) : first]
        assert np.array_equal(clip.before, gap)
    assert inside.mean() >= 0.95
    assert all(b.message.start >= a.message.end for a, b in pairwise(clips))
    assert clips[-1].message.end <= len(samples) / RATE


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE * 10, np.float32),
        np.random.default_rng(0).normal(0, 0.05, RATE * 10).astype(np.float32),
        (0.1 * np.sin(2 * np.pi * 50 * np.arange(RATE * 10) / RATE)).astype(np.float32),
    ],
    ids=["silence", "noise", "mains hum"],
)
def test_sound_without_speech_has_no_segment(segments: Segments, samples: Samples) -> None:
    assert segments(samples) == []


def test_long_speech_is_cut_where_it_is_least_probable(vad: VoiceActivity) -> None:
    samples = np.tile(recording("13697_11991_000000.opus"), 2)
    whole = [o for o in through(vad, blocks(samples)) if isinstance(o, SpeechClip)]
    short = VoiceActivity(Speech(max_segment=5.0))
    out = through(short, blocks(samples))
    clips = [o for o in out if isinstance(o, SpeechClip)]
    track = Track.concat(o.track for o in out if isinstance(o, TrackUpdate))
    assert len(clips) >= 6
    assert max(c.message.end - c.message.start for c in clips) <= 5.0 + 1e-6
    spoken = sum(c.message.end - c.message.start for c in whole)
    assert sum(c.message.end - c.message.start for c in clips) == pytest.approx(spoken, abs=0.6)
    cuts = [b.message.start for a, b in pairwise(clips) if b.message.start == pytest.approx(a.message.end)]
    assert len(cuts) >= 4
    at_cuts = [track.slice(c - 0.1, c + 0.1).values.min() for c in cuts]
    assert np.median(at_cuts) < np.percentile(track.values, 20)


@pytest.mark.parametrize("wanted", [20.0, 12.0, 5.0])
def test_snr_is_that_of_noise_mixed_in(segments: Segments, wanted: float) -> None:
    voice = recording("arctic_a0009.wav")
    samples = np.concatenate([np.zeros(RATE, np.float32), voice, np.zeros(RATE, np.float32)])
    power = float(np.mean(voice[int(0.2 * RATE) : int(2.9 * RATE)] ** 2))
    noise = np.random.default_rng(1).normal(0, np.sqrt(power / 10 ** (wanted / 10)), len(samples)).astype(np.float32)
    clips = segments(samples + noise)
    assert clips
    for clip in clips:
        assert clip.message.snr_db == pytest.approx(wanted, abs=2.5)


def test_snr_against_hand_computed_values() -> None:
    assert snr_db(np.full(10, 11e-4), np.full(10, 1e-4)) == pytest.approx(10.0)
    assert snr_db(np.full(10, 1e-4), np.full(10, 1e-4)) == pytest.approx(-10.0)  # no louder than the noise
    assert snr_db(np.full(10, 1e-2), np.zeros(10)) == pytest.approx(80.0)  # digital silence counts as 16-bit rounding
    assert snr_db(np.full(10, 1e-2), np.zeros(3)) is None
    assert snr_db(np.empty(0), np.ones(10)) is None


def test_telephone_sound_gives_the_same_segments(segments: Segments) -> None:
    samples = recording("acoustic_corpus.wav")
    telephone = soxr.resample(soxr.resample(samples, RATE, 8000), 8000, RATE).astype(np.float32)
    seconds = [sum(c.message.end - c.message.start for c in segments(s)) for s in (samples, telephone)]
    assert seconds[1] == pytest.approx(seconds[0], rel=0.1)


def test_a_hole_in_the_stream_ends_the_segment(vad: VoiceActivity) -> None:
    voice = recording("arctic_a0009.wav")
    vad.reset()
    out = [o for first in (0, 10 * RATE) for block in blocks(voice, first=first) for o in vad.process(block)] + list(vad.flush())
    starts = [o.message.start for o in out if isinstance(o, SpeechClip)]
    assert len(starts) == 2
    assert starts[1] - starts[0] == pytest.approx(10.0, abs=0.1)


def test_memory_does_not_grow_with_the_recording(vad: VoiceActivity) -> None:
    voice = recording("acoustic_corpus.wav")[: 20 * RATE]

    def peak(repeats: int) -> int:
        vad.reset()
        tracemalloc.start()
        for i in range(repeats):
            for block in blocks(voice, first=i * len(voice)):
                for _ in vad.process(AudioBlock(block.first_sample, block.samples)):
                    pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # loads everything that is loaded on first use
    assert peak(12) <= 1.2 * peak(3)
