"""Models that are loaded once, and the output of the first stages on the recordings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.support.speech import Samples, blocks, recording, through
from workbench.settings import Speech
from workbench.speech.transcription import Transcriber
from workbench.speech.vad import VoiceActivity
from workbench.speech.word_alignment import WordAligner
from workbench.streams import AlignedClip, SpeechClip, TranscribedClip


@pytest.fixture(scope="session")
def vad() -> VoiceActivity:
    return VoiceActivity(Speech())


@pytest.fixture(scope="session")
def transcriber() -> Transcriber:
    return Transcriber(Speech())


@pytest.fixture(scope="session")
def aligner() -> WordAligner:
    return WordAligner(Speech())


@pytest.fixture(scope="session")
def segments(vad: VoiceActivity) -> Callable[[Samples], list[SpeechClip]]:
    """Samples to segments of speech."""
    return lambda samples: [o for o in through(vad, blocks(samples)) if isinstance(o, SpeechClip)]


@pytest.fixture(scope="session")
def transcribed(segments: Callable[[Samples], list[SpeechClip]], transcriber: Transcriber) -> Callable[[str], list[TranscribedClip]]:
    """Transcripts of a recording, by its file's name; each is transcribed once a session."""
    return cache(lambda file: [o for o in through(transcriber, segments(recording(file))) if isinstance(o, TranscribedClip)])


@pytest.fixture(scope="session")
def aligned(transcribed: Callable[[str], list[TranscribedClip]], aligner: WordAligner) -> Callable[[str], list[AlignedClip]]:
    """Aligned transcripts of a recording, by its file's name."""
    return cache(lambda file: through(aligner, transcribed(file)))
