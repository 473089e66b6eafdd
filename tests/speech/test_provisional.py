"""Pitch and level while somebody is still speaking: except at the edges, the same rows as the whole segment gives later."""

import numpy as np
import pytest
import soundfile

from workbench import sample
from workbench.runtime.graph import Graph
from workbench.settings import Speech
from workbench.speech.prosody import acoustics, frame_levels
from workbench.speech.provisional import NONE, NewestSpeech, OpenSpeech, ProvisionalAcoustics, ProvisionalVoice, extended
from workbench.speech.vad import VoiceActivity
from workbench.speech.voice import measure
from workbench.streams import AudioBlock, SpeechClip, Track

BLOCK = 1024
pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    samples, _ = soundfile.read(sample.build().audio, dtype="float32")
    return samples[: 20 * 16000]


@pytest.fixture(scope="module")
def received(sound: np.ndarray) -> list[tuple[float, object]]:
    """Every output of the stages with the second at which it came."""
    activity = VoiceActivity(Speech())
    graph = Graph([NewestSpeech(lambda: activity.speaking_since), activity, ProvisionalVoice()])
    return [
        ((first + BLOCK) / 16000, item)
        for first in range(0, len(sound), BLOCK)
        for item in graph.push(AudioBlock(first, sound[first : first + BLOCK]))
    ]


def test_rows_come_within_half_a_second_and_cover_the_open_segment_without_a_hole(received: list[tuple[float, object]]) -> None:
    clip = next(i for _, i in received if isinstance(i, SpeechClip) and i.message.end - i.message.start > 3)
    track, latest = NONE, []
    for at, item in received:
        if isinstance(item, ProvisionalAcoustics) and clip.message.start <= item.track.times[-1] < clip.message.end:
            track = extended(track, item.track)
            latest.append(at - item.track.times[-1])
    assert max(latest) < 0.2  # s from now to the newest row
    assert track.times[-1] - track.times[0] > clip.message.end - clip.message.start - 1.0
    np.testing.assert_allclose(np.diff(track.times), 0.05, atol=1e-9)


def test_they_agree_with_the_measurement_of_the_whole_segment(received: list[tuple[float, object]]) -> None:
    clip = next(i for _, i in received if isinstance(i, SpeechClip) and i.message.end - i.message.start > 3)
    voice = measure(clip.samples)
    assert voice is not None
    final = acoustics(voice, frame_levels(clip.samples, 16000), clip.message.start, clip.message.end)
    track = NONE
    for _, item in received:
        if isinstance(item, ProvisionalAcoustics):
            track = extended(track, item.track)
    both = np.intersect1d(track.times.round(2), final.times.round(2), return_indices=True)[1:]
    mine, theirs = track.values[both[0]], final.values[both[1]]
    assert np.nanmedian(np.abs(mine[:, 1] - theirs[:, 1])) < 0.5  # dB: the frames of 10 ms start at other times
    voiced = ~np.isnan(mine[:, 0]) & ~np.isnan(theirs[:, 0])
    assert voiced.sum() > 0.7 * (~np.isnan(theirs[:, 0])).sum()
    assert np.median(np.abs(12 * np.log2(mine[voiced, 0] / theirs[voiced, 0]))) < 0.1  # semitones


def test_silence_and_sound_before_speech_give_no_rows() -> None:
    since: list[float | None] = [None]
    stage = NewestSpeech(lambda: since[0])
    blocks = [AudioBlock(i * 1600, np.full(1600, i, np.float32)) for i in range(20)]
    assert [o for b in blocks[:10] for o in stage.process(b)] == []
    since[0] = 0.9
    out = [o for b in blocks[10:] for o in stage.process(b)]
    assert [round(o.end, 6) for o in out] == [1.4, 1.8]
    assert all(isinstance(o, OpenSpeech) and o.fresh >= 0.9 and len(o.samples) <= 0.9 * 16000 for o in out)


def test_newer_rows_replace_older_ones() -> None:
    old, new = (Track.of("acoustics", t, np.full((3, 4), v), NONE.names) for t, v in (([1, 2, 3], 1.0), ([3, 4, 5], 2.0)))
    joined = extended(old, new)
    assert joined.times.tolist() == [1, 2, 3, 4, 5]
    assert joined.column("pitch").tolist() == [1, 1, 2, 2, 2]
    assert extended(joined, NONE) is joined
