"""Diarization of real voices, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.speech import RATE, Samples, recording, through
from workbench import contracts
from workbench.settings import Speech
from workbench.speech.diarization import CANDIDATE, cluster, diarize
from workbench.speech.transcription import Transcriber
from workbench.streams import SpeechClip, TranscribedClip

pytestmark = pytest.mark.media


def levelled(samples: Samples) -> Samples:
    return samples * np.float32(0.05 / np.sqrt(np.mean(samples**2)))


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, float]]]:
    """A man's spontaneous speech, interrupted twice by a woman's sentence; and when she speaks."""
    man, woman = levelled(recording("acoustic_corpus.wav")), levelled(recording("arctic_a0009.wav"))
    parts = [man[: 8 * RATE], woman, man[8 * RATE : 18 * RATE], woman, man[18 * RATE :]]
    edges = np.cumsum([0, *map(len, parts)]) / RATE
    path = tmp_path_factory.mktemp("voices") / "two.wav"
    soundfile.write(path, np.concatenate(parts), RATE)
    return path, [(edges[1], edges[2]), (edges[3], edges[4])]


@pytest.mark.parametrize("joined", [True, False], ids=["stretches of both voices", "segments kept apart"])
def test_words_are_assigned_to_their_speaker(
    conversation: tuple[Path, list[tuple[float, float]]], segments: Callable[[Samples], list[SpeechClip]], joined: bool
) -> None:
    path, hers = conversation
    samples, _ = soundfile.read(path, dtype="float32")
    settings = Speech(diarize=not joined, model="whisper-tiny.en")
    clips = [o for o in through(Transcriber(settings), segments(samples)) if isinstance(o, TranscribedClip)]
    named = diarize(path, [c.transcript for c in clips], settings)

    assert {t.speaker for t in named} == {CANDIDATE, "other-1"}
    before = [w for c in clips for w in c.transcript.words]
    assert [w for t in named for w in t.words] == before  # nothing is lost or moved
    assert len({t.segment_id for t in named}) == len(named)
    right = [(t.speaker == "other-1") == any(start <= (w.start + w.end) / 2 < end for start, end in hers) for t in named for w in t.words]
    assert np.mean(right) >= 0.93


def test_one_voice_is_the_candidate(tmp_path: Path, segments: Callable[[Samples], list[SpeechClip]]) -> None:
    samples = recording("arctic_a0009.wav")
    soundfile.write(tmp_path / "one.wav", samples, RATE)
    words = [contracts.Word(word="all", start=0.2, end=2.9)]
    transcript = contracts.Transcript(segment_id="seg-1", start=0.0, end=3.0, transcript="all", words=words)
    [named] = diarize(tmp_path / "one.wav", [transcript], Speech(speakers=1))
    assert named == transcript.model_copy(update={"speaker": CANDIDATE})


def test_without_words_no_model_is_loaded(tmp_path: Path) -> None:
    empty = contracts.Transcript(segment_id="seg-1", start=0.0, end=3.0, transcript="")
    assert diarize(tmp_path / "missing.wav", [empty], Speech()) == [empty]


def test_ward_separates_clusters_of_unequal_size() -> None:
    rng = np.random.default_rng(0)
    many, few = rng.normal(0, 0.05, (40, 8)), rng.normal(0, 0.05, (6, 8)) + np.eye(8)[0]
    voices = cluster(np.concatenate([many, few]), 2)
    assert len(set(voices[:40])) == len(set(voices[40:])) == 1
    assert voices[0] != voices[-1]
    assert set(cluster(few[:2], 2)) == {0}
