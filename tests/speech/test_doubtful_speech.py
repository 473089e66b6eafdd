"""Speech that is not understood: another language, reversed speech, two at once, repetitions, nothing. Words are kept apart from scores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.support import field
from workbench.contracts import Word
from workbench.corpora import espeak
from workbench.errors import MediaError
from workbench.pipeline import evaluate
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session
from workbench.settings import Speech
from workbench.speech.reliability import judge, repeated_for_real

pytestmark = pytest.mark.media
RATE = field.RATE
SPANISH = (
    "Trabajé durante tres años en un proyecto muy grande, y al final conseguimos que todo el sistema funcionara sin ningún problema grave."
)
NORWEGIAN = (
    "Jeg jobbet i tre år med et stort prosjekt, og til slutt fikk vi hele systemet til å virke uten alvorlige problemer. "
    "Etterpå skrev vi en rapport om det, og alle var fornøyde med arbeidet."
)


def said_by(text: str, voice: str) -> np.ndarray:
    samples, rate = espeak.speak(text, voice)
    return soxr.resample(samples, rate, RATE).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def part(start: float, end: float) -> np.ndarray:
    return field.speech(40)[round(start * RATE) : round(end * RATE)]


@pytest.fixture
def session_of(tmp_path: Path) -> Callable[..., Session]:
    def run(*pieces: np.ndarray) -> Session:
        soundfile.write(tmp_path / "a.wav", np.concatenate([quiet(0.5), *pieces, quiet(0.8)]), RATE)
        return evaluate(tmp_path / "a.wav", out=tmp_path / "s")

    return run


def score(session: Session, name: str) -> tuple[float | None, dict[str, str]]:
    made = next(s for s in session.score_messages if (s.scope, s.name) == ("session", name))
    return made.value, made.missing


def test_another_language_in_the_middle_is_marked_and_kept_apart(session_of: Callable[..., Session]) -> None:
    session = session_of(part(2.5, 12), quiet(0.8), said_by(SPANISH, "es"), quiet(0.8), part(22, 32))
    doubted = [t for t in session.transcripts if t.doubt]
    assert len(doubted) == 1
    assert doubted[0].doubt.startswith("another language: es")
    assert 10 < doubted[0].start < doubted[0].end < 20
    english = session.observations.words
    assert "queue" in " ".join(english.text)
    assert all(not 12 < (a + b) / 2 < 18 for a, b in zip(english.start, english.end, strict=True)), "none of the Spanish stretch"
    assert any(e.kind == "not_understood" and "es" in e.message for e in session.events)
    assert not any(w.transcript_summary for w in session.fused_windows if 13 < w.start < 17)
    value, _ = score(session, "clarity")
    assert value is not None, "enough was understood"
    assert matches(session, replay_session(session))


@pytest.mark.parametrize("voice", ["norwegian", "reversed"])
def test_speech_that_is_not_understood_is_scored_for_nothing_that_needs_words(session_of: Callable[..., Session], voice: str) -> None:
    session = session_of(said_by(NORWEGIAN, "nb") if voice == "norwegian" else part(3, 13)[::-1])
    assert session.transcripts
    assert all("not understood" in t.doubt or "another language" in t.doubt for t in session.transcripts)
    assert all(t.words for t in session.transcripts), "the words are stored"
    for name in ("technical", "clarity"):
        value, missing = score(session, name)
        assert value is None
        assert all("left out" in why for why in missing.values())
    value, _ = score(session, "engagement")
    assert value is not None, "that somebody speaks is measured"


def test_words_that_are_repeated_for_real_stay(session_of: Callable[..., Session]) -> None:
    session = session_of(said_by("It was very very very very very good. ", "en-us"), quiet(0.6), said_by("Yes, " * 14, "en-us"))
    words = [w.word.strip(" ,.").lower() for t in session.transcripts for w in t.words]
    assert words.count("very") == 5
    assert words.count("yes") >= 11, "of 14; Whisper's own count"
    assert not any(t.doubt for t in session.transcripts)


def test_without_speech_nothing_that_needs_it_is_scored(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.01, 12 * RATE), RATE)
    with pytest.raises(MediaError, match="nothing to score"):
        evaluate(tmp_path / "a.wav", out=tmp_path / "s")
    session = Session.open(tmp_path / "s")
    for name in ("technical", "clarity", "confidence", "engagement", "composite"):
        value, missing = score(session, name)
        assert value is None, name
        assert missing
    assert "no speech was detected" in score(session, "engagement")[1]["speaking_ratio"]


def test_a_moment_of_sound_gives_no_score(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.tile(part(3.2, 3.4), 1), RATE)
    with pytest.raises(MediaError):
        evaluate(tmp_path / "a.wav", out=tmp_path / "s")
    assert all(s.value is None for s in Session.open(tmp_path / "s").score_messages)


def test_a_second_of_speech_is_too_little_for_most_scores(session_of: Callable[..., Session]) -> None:
    session = session_of(part(3, 5))
    for name in ("technical", "clarity"):
        value, missing = score(session, name)
        assert value is None, name
        assert all(missing.values())
    assert "too little to measure" in score(session, "clarity")[1]["filler_rate"]


def words(*confidence: float) -> list[Word]:
    return [Word(word=f"w{i}", start=i / 2, end=i / 2 + 0.3, conf=c) for i, c in enumerate(confidence)]


def test_the_rules() -> None:
    settings = Speech()
    assert judge(words(0.9, 0.9, 0.9), settings) == (pytest.approx(0.9), "")
    assert "not understood" in judge(words(0.5, 0.5, 0.5), settings)[1]
    assert judge(words(0.5), settings)[1] == "", "one unclear word is no unclear stretch"
    assert judge([], settings) == (1.0, "")
    assert "another language: de" in judge(words(0.7, 0.7, 0.7), settings, language="de", likelihood=0.8)[1]
    assert judge(words(0.9, 0.9, 0.9), settings, language="de", likelihood=0.8)[1] == "", "an accent is no other language"
    assert judge(words(0.7, 0.7, 0.7), settings, language="de", likelihood=0.3)[1] == ""


def test_repetitions_that_the_sound_supports() -> None:
    spoken = [(i * 0.4, i * 0.4 + 0.25, 0.9) for i in range(12)]
    assert repeated_for_real(spoken)
    assert not repeated_for_real([(i * 0.05, i * 0.05 + 0.02, 0.9) for i in range(40)]), "faster than speech"
    assert not repeated_for_real([(a, b, 0.3) for a, b, _ in spoken]), "improbable"
    assert not repeated_for_real(spoken[:2])
