"""Live speech to words: the open segment is transcribed repeatedly; words are committed once two passes agree.

LocalAgreement-2 (Macháček et al. 2023, whisper_streaming), with two differences that make it fast on a CPU. Committed words
are given to the decoder as a fixed prefix, so they cannot change and need not be decoded again. And the encoder gets only
the seconds of audio that exist, not Whisper's 30 (measured on one core: 0.1 s instead of 0.9 s for 8 s of speech).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.events import EventKind
from workbench.settings import Speech
from workbench.speech.recogniser import Recogniser, recogniser
from workbench.speech.reliability import CLEAR, judge
from workbench.speech.silero import SAMPLE_RATE
from workbench.speech.transcription import doubt
from workbench.speech.whisper import Hypothesis, TimedWord
from workbench.speech.words import is_filler, normal
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, SpeechClip, TranscribedClip

_LEAD = 0.5  # s transcribed before a segment: quiet hesitations that voice activity missed
_GAP = 2.0  # s of silence after which earlier audio is no longer context
_LONGEST, _KEEP = 7.0, 4.0  # s of context: longer ones are cut at a pause, and at least `_KEEP` seconds stay
_SHORTEST = 0.6  # s of speech before the first pass
_STEP = 0.35  # s; least new audio between two passes
_REST = 1.5  # s of new audio for every second that a pass takes: leaves a third of a core free
_CHOICE = 8  # the cut is made at the longest of the last so many pauses
_ECHO = 3  # so many words repeated directly are Whisper repeating itself, not speech
_HISTORY = 40  # committed words before the context that go into the prompt
_NO_TIME = 0.02  # s; a word this short was not spoken
_HOLD = 0.5  # s of audio after a word before it can be committed: cut short, "database" is transcribed as "data" in pass after pass


def without_echo(words: tuple[TimedWord, ...], previous: list[str]) -> tuple[TimedWord, ...]:
    """Words without a repetition of the `previous` ones: given a prefix, Whisper sometimes writes it a second time."""
    new, last = [normal(w.word) for w in words], [normal(w) for w in previous]
    for n in range(min(len(new), len(last)), _ECHO - 1, -1):
        if new[:n] == last[-n:]:
            return words[n:]
    near = last if len(new) >= 2 * _ECHO else last[-4 * _ECHO :]  # a speaker may well repeat a few words
    whole = len(new) >= _ECHO and any(near[i : i + len(new)] == new for i in range(len(near)))
    return () if whole else words


def with_duration(words: tuple[TimedWord, ...]) -> tuple[TimedWord, ...]:
    """Words without those that took no time: at the end of the audio, or several in a row, they were not spoken."""
    kept: list[TimedWord] = []
    for spoken, run in groupby(words, key=lambda w: w.end - w.start > _NO_TIME):
        row = list(run)
        if spoken or (len(row) < _ECHO and row[-1] is not words[-1]):
            kept += row
    return tuple(kept)


@dataclass(frozen=True)
class Interim:
    """The words of the open segment so far, for display only."""

    committed: tuple[contracts.Word, ...]
    """Words that will not change."""
    tentative: tuple[contracts.Word, ...]
    """Words that may still change."""
    end: float
    """Session second up to which the audio was transcribed."""

    @property
    def reached(self) -> float:
        """Session second up to which this is complete."""
        return self.end


class LocalAgreement:
    """Commits the words on which two consecutive passes agree, once half a second of audio follows them."""

    def __init__(self) -> None:
        self._last: list[str] = []

    def insert(self, words: tuple[TimedWord, ...], seconds: float) -> int:
        """How many of a pass's words, from the first, are committed now; the next pass must start after them.

        Parameters
        ----------
        words : tuple of TimedWord
        seconds : float
            Length of the audio that was transcribed.
        """
        current = [normal(w.word) for w in words]
        agreed = 0
        for a, b, word in zip(self._last, current, words, strict=False):
            if a != b or word.end > seconds - _HOLD:
                break
            agreed += 1
        self._last = current[agreed:]
        return agreed

    def reset(self) -> None:
        self._last = []


class StreamingTranscriber:
    """Gives interim words while a segment is open, and the transcript of its committed words once it has closed.

    It takes the audio as it comes and asks voice activity whether somebody is speaking: put it before the `VoiceActivity` whose
    `speaking_since` it is given. A pass starts once there is enough new audio for the time that the last pass took, so that on
    a busy machine it keeps up by transcribing less often. A text that is probably invented is dropped; the next pass
    transcribes that audio again.

    Parameters
    ----------
    settings : Speech
    speaking_since : callable
        Session second at which the open segment began, or None.
    recogniser : Recogniser, optional
        The process's shared one by default.
    """

    def __init__(self, settings: Speech, speaking_since: Callable[[], float | None], recogniser: Recogniser | None = None) -> None:
        self.settings = settings
        self.step = _STEP
        """Least new audio between two passes, s."""
        self.rest = _REST
        """Seconds of new audio for every second that the last pass took; 0 transcribes at every step."""
        self.lag = 0.0
        """Seconds of speech that were not yet transcribed when the last pass ended."""
        self._speaking_since = speaking_since
        self._recogniser = recogniser
        self._fillers = frozenset(settings.fillers)
        self.reset()

    @property
    def spec(self) -> StageSpec:
        s = self.settings
        produces = (Interim, TranscribedClip, contracts.Event)
        return StageSpec("streaming recognition", (AudioBlock, SpeechClip), produces, "language", 0.0, _STEP, 1000.0, (s.model,))

    def warm_up(self) -> None:
        """Load the weights and transcribe one second of silence."""
        if self._recogniser is None:
            self._recogniser = recogniser(zoo.path(self.settings.model), self.settings.language)
            self._recogniser.transcribe(np.zeros(SAMPLE_RATE, np.float32))

    def reset(self) -> None:
        self._audio = np.empty(0, np.float32)
        self._first = 0  # absolute number of the first sample in `_audio`
        self._context: list[contracts.Word] = []  # committed words within `_audio`
        self._segment: list[contracts.Word] = []  # committed words of the open segment
        self._history: list[str] = []  # committed words before `_audio`
        self._agreement = LocalAgreement()
        self._tentative: list[contracts.Word] | None = None  # words of the last pass that may still change
        self._transcribed_to = 0.0
        self._cost = 0.0
        self._open: float | None = None

    def process(self, item: AudioBlock | SpeechClip) -> Iterator[Interim | TranscribedClip | contracts.Event]:
        self.warm_up()
        if isinstance(item, SpeechClip):
            yield from self._close(item)
            return
        self._append(item)
        since = self._speaking_since()
        if since is None:
            return
        if self._open != since:
            self._begin(since)
        now = item.end
        if now - since >= _SHORTEST and now - self._transcribed_to >= max(self.step, self.rest * self._cost):
            yield from self._transcribe_open(now)

    def flush(self) -> Iterator[Interim]:
        return iter(())

    def _append(self, block: AudioBlock) -> None:
        if block.first_sample != self._first + len(self._audio):
            self._audio, self._first, self._context = np.empty(0, np.float32), block.first_sample, []
        self._audio = np.concatenate([self._audio, block.samples])
        if self._speaking_since() is None and self._open is None:
            self._forget((len(self._audio) + self._first) / SAMPLE_RATE - _LONGEST)

    def _begin(self, since: float) -> None:
        """A segment opens: the words before it stay as context, except after a longer silence."""
        self._open = since
        self._agreement.reset()
        self._segment = []
        if not self._context or since - self._context[-1].end > _GAP:
            self._forget(since - _LEAD)
        self._transcribed_to = max(self._transcribed_to, since)

    def _forget(self, second: float) -> None:
        """Drop the audio before `second`; its words move from the context into the prompt."""
        cut = max(0, round(second * SAMPLE_RATE) - self._first)
        self._audio, self._first = self._audio[cut:], self._first + min(cut, len(self._audio))
        gone = [w for w in self._context if w.start < second]
        self._context = self._context[len(gone) :]
        self._history = [*self._history, *(w.word for w in gone)][-_HISTORY:]

    def _transcribe_open(self, now: float) -> Iterator[Interim | contracts.Event]:
        began = time.perf_counter()
        self._shorten(now)
        hypothesis = self._hypothesis(self._audio)
        self._cost = time.perf_counter() - began
        self._transcribed_to, self.lag = now, self._cost
        if hypothesis is None:
            self._tentative = None
            return
        agreed = self._agreement.insert(hypothesis.words, len(self._audio) / SAMPLE_RATE)
        words = [self._word(w) for w in hypothesis.words]
        self._commit(words[:agreed])
        self._tentative = words[agreed:]
        yield Interim(tuple(self._segment), tuple(self._tentative), now)

    def _hypothesis(self, samples: NDArray[np.float32], beam: int = 1, prompted: bool = True) -> Hypothesis | None:
        """The words after the committed ones; None where the text is probably invented."""
        assert self._recogniser is not None
        prompt = " ".join([self.settings.prompt, *self._history]) if prompted else ""
        hypothesis = self._recogniser.transcribe(samples, " ".join(w.word for w in self._context), prompt, beam)
        if doubt(hypothesis, self.settings.prompt):
            return None
        previous = [*self._history, *(w.word for w in self._context)]
        return replace(hypothesis, words=with_duration(without_echo(hypothesis.words, previous)))

    def _commit(self, words: list[contracts.Word]) -> None:
        self._segment += words
        self._context += words

    def _shorten(self, now: float) -> None:
        """Keep the context short by cutting it between committed words."""
        if len(self._audio) / SAMPLE_RATE <= _LONGEST:
            return
        pauses = [(b.start - a.end, b.start) for a, b in pairwise(self._context) if b.start <= now - _KEEP]
        self._forget(max(pauses[-_CHOICE:])[1] if pauses else now - 28.0)

    def _close(self, clip: SpeechClip) -> Iterator[Interim | TranscribedClip | contracts.Event]:
        """A segment has ended: transcribe what is left with a wider search, and commit everything."""
        if self._open is None:  # shorter than a block: it opened and closed at once
            self._begin(clip.message.start)
        last = round(clip.message.end * SAMPLE_RATE) - self._first
        samples = self._audio[: max(last, 0)]
        began = time.perf_counter()
        if self._transcribed_to >= clip.message.end and self._tentative is not None:  # nothing was spoken since
            self._commit(self._tentative)
        elif (hypothesis := self._final(samples)) is not None:
            self._commit([self._word(w) for w in hypothesis.words])
        else:
            yield contracts.Event(
                timestamp=clip.message.start,
                kind=EventKind.ASR_REJECTED,
                stage="streaming recognition",
                message="the end of a segment was left out: its text was probably invented",
                data={"segment_id": clip.message.segment_id, "end": clip.message.end},
            )
        self.lag = time.perf_counter() - began
        words, self._segment, self._tentative = self._segment, [], None
        self._open = None
        self._agreement.reset()
        self._transcribed_to = clip.message.end
        if words:
            yield Interim(tuple(words), (), clip.message.end)
            result = self._transcribed(clip, words)
            if why := result.transcript.doubt:
                message = f"{clip.message.start:.1f} to {clip.message.end:.1f} s: {why}; its words count for no score"
                yield contracts.Event(timestamp=clip.message.start, kind=EventKind.NOT_UNDERSTOOD, stage="recognition", message=message)
            yield result

    def _final(self, samples: NDArray[np.float32]) -> Hypothesis | None:
        if len(samples) == 0:
            return None
        return self._hypothesis(samples, self.settings.beam) or self._hypothesis(samples, self.settings.beam, prompted=False)

    def _transcribed(self, clip: SpeechClip, words: list[contracts.Word]) -> TranscribedClip:
        start = min(clip.message.start, words[0].start)
        lead = clip.before[max(0, len(clip.before) - round((clip.message.start - start) * SAMPLE_RATE)) :]
        samples = np.concatenate([lead, clip.samples])
        message = clip.message.model_copy(update={"start": clip.message.start - len(lead) / SAMPLE_RATE})
        words = [w.model_copy(update={"start": max(w.start, message.start), "end": max(w.end, message.start)}) for w in words]
        transcript = contracts.Transcript(
            segment_id=message.segment_id,
            start=message.start,
            end=message.end,
            transcript=" ".join(w.word for w in words),
            words=words,
            asr_confidence=float(np.mean([w.conf or 0.0 for w in words])),
            language=self.settings.language,
            snr_db=message.snr_db,
            **self._judged(words, samples),
        )
        return TranscribedClip(transcript, SpeechClip(message, samples))

    def _judged(self, words: list[contracts.Word], samples: NDArray[np.float32]) -> dict[str, Any]:
        """Reliability and doubt of a transcript; the language is looked at only where the words are not clear."""
        sure, why = judge(words, self.settings)
        if sure < CLEAR and self._recogniser is not None:
            language, likelihood = self._recogniser.language(samples[-30 * SAMPLE_RATE :])
            sure, why = judge(words, self.settings, language=language, likelihood=likelihood)
        return {"reliability": sure, "doubt": why}

    def _word(self, word: TimedWord) -> contracts.Word:
        zero = self._first / SAMPLE_RATE
        return contracts.Word(
            word=word.word,
            start=zero + word.start,
            end=zero + max(word.end, word.start),
            conf=min(max(word.probability, 0.0), 1.0),
            filler=is_filler(word.word, self._fillers),
        )
