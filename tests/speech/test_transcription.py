"""Transcription of recorded voices: the words, the fillers, and no words where nobody spoke."""

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
from workbench.speech.whisper import Hypothesis
from workbench.speech.words import tokens
from workbench.streams import SpeechClip, TranscribedClip

pytestmark = pytest.mark.media
Transcribe = Callable[[str], list[TranscribedClip]]
Segments = Callable[[Samples], list[SpeechClip]]
SPONTANEOUS = ("acoustic_corpus.wav", "cold_corpus.wav", "cold_corpus3.wav")


def text_of(clips: Sequence[object]) -> str:
    return " ".join(" ".join(tokens(c.transcript.transcript)) for c in clips if isinstance(c, TranscribedClip))


def fillers(clips: Sequence[object]) -> int:
    return sum(w.filler for c in clips if isinstance(c, TranscribedClip) for w in c.transcript.words)


def test_read_sentences_of_four_voices(transcribed: Transcribe) -> None:
    assert jiwer.wer(list(READ.values()), [text_of(transcribed(f)) for f in READ]) <= 0.08


def test_spontaneous_speech_of_one_voice_partly_hoarse(transcribed: Transcribe) -> None:
    spoken = [path(f).with_suffix(".lab").read_text() for f in SPONTANEOUS]
    truth = [" ".join(t for t in tokens(text.replace("yknow", "you know")) if t not in ("um", "uh")) for text in spoken]
    hypothesis = [" ".join(t for t in text_of(transcribed(f)).split() if t not in ("um", "uh", "uhm")) for f in SPONTANEOUS]
    assert jiwer.wer(truth, hypothesis) <= 0.2


def test_fillers_are_kept(transcribed: Transcribe) -> None:
    """Eight fillers were spoken in these two recordings: three in one, five in the other."""
    assert fillers(transcribed("acoustic_corpus.wav")) == 3
    assert 4 <= fillers(transcribed("cold_corpus.wav")) <= 5


def test_without_the_prompt_fillers_would_be_lost(segments: Segments, transcribed: Transcribe) -> None:
    without = through(Transcriber(Speech(prompt="", model="whisper-base")), segments(recording("cold_corpus.wav")))
    assert text_of(without)
    assert fillers(without) < fillers(transcribed("cold_corpus.wav"))


def test_transcripts_join_neighbouring_segments_with_their_own_sound(transcribed: Transcribe, segments: Segments) -> None:
    samples = recording("acoustic_corpus.wav")
    parts = segments(samples)
    clips = transcribed("acoustic_corpus.wav")
    assert len(clips) < len(parts)
    assert {c.transcript.segment_id for c in clips} <= {p.message.segment_id for p in parts}
    for clip in clips:
        first = round(clip.transcript.start * RATE)
        assert np.array_equal(clip.clip.samples, samples[first : first + len(clip.clip.samples)])
        assert clip.transcript.end - clip.transcript.start <= 30.0
        assert clip.transcript.end == pytest.approx(clip.transcript.start + len(clip.clip.samples) / RATE)


def test_words_have_times_and_probabilities(transcribed: Transcribe) -> None:
    for clip in (c for f in SPONTANEOUS for c in transcribed(f)):
        t = clip.transcript
        assert " ".join(w.word for w in t.words).split() == t.transcript.split()
        assert all(w.conf is not None and w.aligner == "whisper" for w in t.words)
        assert all(t.start <= w.start <= w.end <= t.end for w in t.words)
        starts = [w.start for w in t.words]
        assert starts == sorted(starts)
        assert t.asr_confidence == pytest.approx(np.mean([w.conf for w in t.words]))
        assert t.snr_db is not None


def test_with_diarization_segments_are_not_joined(segments: Segments) -> None:
    parts = segments(recording("acoustic_corpus.wav"))
    clips = through(Transcriber(Speech(diarize=True, model="whisper-tiny.en")), parts)
    assert [c.transcript.segment_id for c in clips if isinstance(c, TranscribedClip)] == [p.message.segment_id for p in parts]


def test_telephone_sound(segments: Segments, transcriber: Transcriber) -> None:
    narrow = soxr.resample(soxr.resample(recording("61-70968-0000.flac"), RATE, 8000), 8000, RATE).astype(np.float32)
    assert jiwer.wer(READ["61-70968-0000.flac"], text_of(through(transcriber, segments(narrow)))) <= 0.15


def test_another_language_is_named_once_and_work_goes_on(segments: Segments, transcriber: Transcriber) -> None:
    out = through(transcriber, segments(np.tile(recording("13697_11991_000000.opus"), 2)))
    events = [o for o in out if isinstance(o, contracts.Event)]
    [event] = [e for e in events if e.kind == "language_mismatch"]
    assert {e.kind for e in events} == {"language_mismatch", "not_understood"}
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
    ("hypothesis", "why"),
    [
        (Hypothesis("you know.", (), -1.4, 0.9), "no speech"),
        (Hypothesis("I think so.", (), -0.3, 0.9), None),  # quiet before it, but the words are probable
        (Hypothesis("thank you for that " * 20, (), -0.2, 0.1), "repetition"),
        (Hypothesis("words, words, words, words.", (), -0.3, 0.0), None),
        (Hypothesis("you know, you know, uh, so.", (), -1.0, 0.2), "echo of the prompt"),
        (Hypothesis("Um, so, you know.", (), -0.3, 0.0), None),  # people do say that
        (Hypothesis("Uh...", (), -1.0, 0.2), None),  # a single hesitation is improbable text, and real
    ],
)
def test_what_counts_as_invented(hypothesis: Hypothesis, why: str | None) -> None:
    assert doubt(hypothesis, Speech().prompt) == why
