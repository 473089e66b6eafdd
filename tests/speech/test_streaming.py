"""Live transcription: committed words do not change, and the transcript agrees with that of the recorded path."""

import json
from typing import Any

import jiwer
import numpy as np
import pytest
import soundfile

from workbench import contracts, sample
from workbench.runtime.graph import Graph
from workbench.settings import Speech
from workbench.speech.streaming import Interim, LocalAgreement, StreamingTranscriber, with_duration, without_echo
from workbench.speech.transcription import Transcriber
from workbench.speech.vad import VoiceActivity
from workbench.speech.whisper import Hypothesis, TimedWord
from workbench.speech.words import tokens
from workbench.streams import AudioBlock, TranscribedClip

BLOCK = 6400  # 0.4 s


def words(text: str) -> tuple[TimedWord, ...]:
    return tuple(TimedWord(w, 0.3 * i, 0.3 * i + 0.2, 0.9) for i, w in enumerate(text.split()))


def test_words_are_committed_once_two_passes_agree_on_them_from_the_first() -> None:
    agreement = LocalAgreement()
    assert agreement.insert(words("the message"), 2.0) == 0
    assert agreement.insert(words("the message cue"), 2.0) == 2
    assert agreement.insert(words("queue was"), 2.0) == 0  # the new pass has another word for "cue"
    assert agreement.insert(words("Queue, was full"), 2.0) == 2  # the same words, spelled differently
    agreement.reset()
    assert agreement.insert(words("full"), 2.0) == 0


def test_a_word_at_the_end_of_the_audio_is_not_committed_yet() -> None:
    agreement = LocalAgreement()
    agreement.insert(words("the data"), 0.6)
    assert agreement.insert(words("the data"), 0.9) == 1  # "data" ends at 0.5 s
    assert agreement.insert(words("database"), 1.2) == 0


class Scripted:
    """A recogniser that returns given texts and records the prefixes that it was given."""

    def __init__(self, *texts: str, no_speech: float = 0.0, logprob: float = -0.1) -> None:
        self.texts, self.prefixes = list(texts), []
        self.no_speech, self.logprob = no_speech, logprob

    def transcribe(self, samples: Any, prefix: str = "", prompt: str = "", beam: int = 1) -> Hypothesis:
        self.prefixes.append(prefix)
        text = self.texts.pop(0) if self.texts else ""
        return Hypothesis(text, words(text), self.logprob, self.no_speech, None, 0.0)


def transcripts(recogniser: Scripted, seconds: float = 3.0) -> list[Any]:
    stage = StreamingTranscriber(Speech(), lambda: 0.0, recogniser)  # type: ignore[arg-type]
    out: list[Any] = []
    for first in range(0, int(seconds * 16000), BLOCK * 2):
        out += stage.process(AudioBlock(first, np.zeros(BLOCK * 2, np.float32)))
    return out


def test_committed_words_are_the_prefix_of_the_next_pass() -> None:
    recogniser = Scripted("the message", "the message cue", "queue was", "queue was full")
    out = transcripts(recogniser)
    assert recogniser.prefixes[:3] == ["", "", "the message"]
    assert [" ".join(w.word for w in i.committed) for i in out] == ["", "the message", "the message", "the message queue was"][: len(out)]


LONG = "the workers were idempotent, so running a job twice did no harm, none at all"


@pytest.mark.parametrize(
    ("previous", "text", "kept"),
    [
        ("and measure the hit rate", "and measure the hit rate", ""),
        ("and measure the hit rate", "Measure the hit rate. The hard part", "The hard part"),
        ("running a job twice did no harm", "running a job", ""),  # the repetition has only begun
        ("I was", "I was late", "I was late"),  # people do start a sentence again
        ("measure the rate", "measure the hit rate", "measure the hit rate"),
        (LONG, LONG, ""),  # repetitions of more than a dozen words
        (LONG, f"{LONG} After that", "After that"),
        (f"{LONG} And then we slept", "so running a job twice did no harm", ""),
        (f"{LONG} And then we slept for a whole night", "a job twice", "a job twice"),  # people do repeat three words
    ],
)
def test_a_phrase_that_follows_itself_is_kept_once(previous: str, text: str, kept: str) -> None:
    assert " ".join(w.word for w in without_echo(words(text), previous.split())) == kept


def test_words_that_take_no_time_were_not_spoken() -> None:
    def at(text: str, *spans: tuple[float, float]) -> tuple[TimedWord, ...]:
        return tuple(TimedWord(w, a, b, 0.9) for w, (a, b) in zip(text.split(), spans, strict=True))

    loop = at("to roll back um the", (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.4), (1.4, 1.6))
    assert [w.word for w in with_duration(loop)] == ["um", "the"]
    assert [w.word for w in with_duration(at("I a m", (0.1, 0.2), (0.2, 0.2), (0.2, 0.4)))] == ["I", "a", "m"]  # one quick word
    assert [w.word for w in with_duration(at("the end you", (0.1, 0.3), (0.3, 0.5), (0.5, 0.5)))] == ["the", "end"]


def test_an_invented_text_is_not_shown() -> None:
    assert transcripts(Scripted(*["thank you for watching"] * 9, no_speech=0.9, logprob=-2.0)) == []
    assert transcripts(Scripted(*["no " * 60] * 9)) == []


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    samples, rate = soundfile.read(sample.build().audio, dtype="float32")
    assert rate == 16000
    return samples[: 38 * 16000]  # two of the three answers


@pytest.fixture(scope="module", params=["as it can", "at every step"])
def live(sound: np.ndarray, request: pytest.FixtureRequest) -> list[Any]:
    """What live transcription gives at this machine's pace, and on a machine fast enough for a pass at every step."""
    activity = VoiceActivity(Speech())
    transcriber = StreamingTranscriber(Speech(), lambda: activity.speaking_since)
    graph = Graph([transcriber, activity])
    quick = request.param == "at every step"
    block = BLOCK // 4 if quick else BLOCK

    if quick:
        transcriber.rest = 0.0
    out = [item for first in range(0, len(sound), block) for item in graph.push(AudioBlock(first, sound[first : first + block]))]
    return [*out, *graph.flush()]


@pytest.mark.media
def test_committed_words_never_change(live: list[Any]) -> None:
    before: list[str] = []
    for item in live:
        if isinstance(item, Interim):
            now = [w.word for w in item.committed]
            assert now[: len(before)] == before
            before = now
        elif isinstance(item, TranscribedClip):
            assert [w.word for w in item.transcript.words] == before
            before = []


@pytest.mark.media
def test_interim_words_come_before_the_segment_closes(live: list[Any]) -> None:
    closed = next(i for i in live if isinstance(i, TranscribedClip) and "queue" in i.transcript.transcript)
    first = next(i for i in live if isinstance(i, Interim) and any("queue" in w.word for w in (*i.committed, *i.tentative)))
    assert first.end < closed.transcript.end - 1.0


@pytest.mark.media
def test_live_and_recorded_transcripts_agree(live: list[Any], sound: np.ndarray) -> None:
    truth = json.loads(sample.build().truth.read_text())
    spoken = " ".join(tokens(" ".join(w["word"] for a in truth["answers"] for w in a["words"] if w["end"] < 38)))
    activity = Graph([VoiceActivity(Speech()), Transcriber(Speech())])
    recorded = [*activity.push(AudioBlock(0, sound)), *activity.flush()]

    def wer(items: list[Any]) -> float:
        transcripts: list[contracts.Transcript] = [i.transcript for i in items if isinstance(i, TranscribedClip)]
        return jiwer.wer(spoken, " ".join(tokens(" ".join(t.transcript for t in transcripts))))

    assert wer(live) <= wer(recorded) + 0.03
    assert sum(w.filler for i in live if isinstance(i, TranscribedClip) for w in i.transcript.words) >= 4
