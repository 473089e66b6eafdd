"""Recognition of recorded voices: what was said, its fillers, and nothing where nothing was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jiwer
import numpy as np
import pytest
import soxr

from tests.support.speech import RATE, READ, Samples, path, recording, through
from workbench import contracts
from workbench.settings import Speech
from workbench.speech.transcription import Transcriber, doubt
from workbench.speech.whisper import Heard
from workbench.speech.words import tokens
from workbench.streams import SpeechClip, TranscribedClip

pytestmark = pytest.mark.media
Heards = Callable[[str], list[TranscribedClip]]
Segments = Callable[[Samples], list[SpeechClip]]
SPONTANEOUS = ("acoustic_corpus.wav", "cold_corpus.wav", "cold_corpus3.wav")


def said(clips: Sequence[object]) -> str:
    return " ".join(" ".join(tokens(c.transcript.transcript)) for c in clips if isinstance(c, TranscribedClip))


def fillers(clips: Sequence[object]) -> int:
    return sum(w.filler for c in clips if isinstance(c, TranscribedClip) for w in c.transcript.words)


def test_read_sentences_of_four_voices(heard: Heards) -> None:
    assert jiwer.wer(list(READ.values()), [said(heard(f)) for f in READ]) <= 0.08


def test_spontaneous_speech_of_one_voice_partly_hoarse(heard: Heards) -> None:
    spoken = [path(f).with_suffix(".lab").read_text() for f in SPONTANEOUS]
    truth = [" ".join(t for t in tokens(text.replace("yknow", "you know")) if t not in ("um", "uh")) for text in spoken]
    hypothesis = [" ".join(t for t in said(heard(f)).split() if t not in ("um", "uh", "uhm")) for f in SPONTANEOUS]
    assert jiwer.wer(truth, hypothesis) <= 0.2


def test_fillers_are_kept(heard: Heards) -> None:
    """Eight fillers were spoken in these two recordings: three in one, five in the other."""
    assert fillers(heard("acoustic_corpus.wav")) == 3
    assert 4 <= fillers(heard("cold_corpus.wav")) <= 5


def test_without_the_prompt_fillers_would_be_lost(segments: Segments, heard: Heards) -> None:
    without = through(Transcriber(Speech(prompt="", model="whisper-base")), segments(recording("cold_corpus.wav")))
    assert said(without)
    assert fillers(without) < fillers(heard("cold_corpus.wav"))


def test_transcripts_join_neighbouring_segments_with_their_own_sound(heard: Heards, segments: Segments) -> None:
    samples = recording("acoustic_corpus.wav")
    parts = segments(samples)
    clips = heard("acoustic_corpus.wav")
    assert len(clips) < len(parts)
    assert {c.transcript.segment_id for c in clips} <= {p.message.segment_id for p in parts}
    for clip in clips:
        first = round(clip.transcript.start * RATE)
        assert np.array_equal(clip.clip.samples, samples[first : first + len(clip.clip.samples)])
        assert clip.transcript.end - clip.transcript.start <= 30.0
        assert clip.transcript.end == pytest.approx(clip.transcript.start + len(clip.clip.samples) / RATE)


def test_words_have_times_and_probabilities(heard: Heards) -> None:
    for clip in (c for f in SPONTANEOUS for c in heard(f)):
        t = clip.transcript
        assert " ".join(w.word for w in t.words).split() == t.transcript.split()
        assert all(w.conf is not None and w.aligner == "whisper" for w in t.words)
        assert all(t.start <= w.start <= w.end <= t.end for w in t.words)
        starts = [w.start for w in t.words]
        assert starts == sorted(starts)
        assert t.asr_confidence == pytest.approx(np.mean([w.conf for w in t.words]))
        assert t.snr_db is not None


def test_voices_stay_apart_where_speakers_are_told_apart(segments: Segments) -> None:
    parts = segments(recording("acoustic_corpus.wav"))
    clips = through(Transcriber(Speech(diarize=True, model="whisper-tiny.en")), parts)
    assert [c.transcript.segment_id for c in clips if isinstance(c, TranscribedClip)] == [p.message.segment_id for p in parts]


def test_telephone_sound(segments: Segments, transcriber: Transcriber) -> None:
    narrow = soxr.resample(soxr.resample(recording("61-70968-0000.flac"), RATE, 8000), 8000, RATE).astype(np.float32)
    assert jiwer.wer(READ["61-70968-0000.flac"], said(through(transcriber, segments(narrow)))) <= 0.15


def test_another_language_is_named_once_and_work_goes_on(segments: Segments, transcriber: Transcriber) -> None:
    out = through(transcriber, segments(np.tile(recording("13697_11991_000000.opus"), 2)))
    [event] = [o for o in out if isinstance(o, contracts.Event)]
    assert event.kind == "language_mismatch"
    assert event.data["language"] == "es"
    assert event.data["probability"] > 0.9
    assert "set speech.language to 'es'" in event.message
    assert "\n" not in event.message
    assert len([o for o in out if isinstance(o, TranscribedClip)]) >= 1


def test_the_language_of_the_settings_is_no_event(segments: Segments, transcriber: Transcriber) -> None:
    out = through(transcriber, segments(recording("61-70968-0000.flac")))
    assert [type(o) for o in out] == [TranscribedClip]


def test_sound_without_speech_leaves_an_event_and_no_words(transcriber: Transcriber) -> None:
    """Were voice activity to pass silence on, Whisper would say "you know"."""
    nothing = SpeechClip(contracts.SpeechSegment(segment_id="seg-1", start=2.0, end=7.0), np.zeros(5 * RATE, np.float32))
    [event] = through(transcriber, [nothing])
    assert event.kind == "asr_rejected"
    assert event.timestamp == pytest.approx(2.0)
    assert event.data["segment_id"] == "seg-1"


@pytest.mark.parametrize(
    ("heard", "why"),
    [
        (Heard("you know.", (), -1.4, 0.9), "no speech"),
        (Heard("I think so.", (), -0.3, 0.9), None),  # quiet before it, but the words are probable
        (Heard("thank you for that " * 20, (), -0.2, 0.1), "repetition"),
        (Heard("words, words, words, words.", (), -0.3, 0.0), None),
        (Heard("you know, you know, uh, so.", (), -1.0, 0.2), "echo of the prompt"),
        (Heard("Um, so, you know.", (), -0.3, 0.0), None),  # people do say that
        (Heard("Uh...", (), -1.0, 0.2), None),  # a single hesitation is improbable text, and real
    ],
)
def test_what_counts_as_invented(heard: Heard, why: str | None) -> None:
    assert doubt(heard, Speech().prompt) == why
