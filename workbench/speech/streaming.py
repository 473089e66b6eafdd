"""Live speech to words: Whisper again and again over the open segment, words committed once two hearings agree.

LocalAgreement-2 (Macháček et al. 2023, whisper_streaming), with two differences that make it quick on a CPU. What is
committed is forced on the decoder as a prefix, so it cannot change and costs nothing to decode again. And the encoder is
given the seconds that are there, not Whisper's 30 (measured on one core: 0.1 s instead of 0.9 s for 8 s of speech).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.events import EventKind
from workbench.settings import Speech
from workbench.speech.silero import SAMPLE_RATE
from workbench.speech.transcription import doubt
from workbench.speech.whisper import Heard, HeardWord, joined
from workbench.speech.words import is_filler, normal
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, SpeechClip, TranscribedClip

_PAD = 1.5  # s of silence behind the audio: with less, Whisper loops at the end
_LEAST_CONTEXT = 5.0  # s that the encoder is given at least, for the same reason
_LEAD = 0.5  # s before a segment: quiet hesitations that voice activity missed
_GAP = 2.0  # s of silence after which the context begins anew
_LONGEST, _KEEP = 7.0, 4.0  # s of context; where it is longer it is cut in a pause, at least these seconds stay
_SHORTEST = 0.6  # s of speech before the first hearing
_STEP = 0.35  # s of new audio at least between two hearings
_REST = 1.5  # seconds of new audio for every second that a hearing takes: leaves a third of a core to others
_CHOICE = 8  # words between which it may be cut
_ECHO = 3  # words said twice in a row are a loop, not speech
_HISTORY = 40  # committed words before the context that go into the prompt
_NO_TIME = 0.02  # s; a word that takes no longer was not spoken
_HOLD = 0.5  # s of sound after a word before it can be certain: cut short, "database" is heard as "data" time and again
_TOKENS_PER_SECOND = 7  # of new text at most; a loop is cut off there


class Recogniser:
    """Whisper on an open end: a prefix is given, what follows is heard. Loaded once a process, used by one thread at a time."""

    def __init__(self, folder: Path, settings: Speech, threads: int = 1) -> None:
        import ctranslate2
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        gpu = ctranslate2.get_cuda_device_count() > 0
        self._model = WhisperModel(
            str(folder),
            device="cuda" if gpu else "cpu",
            compute_type="float16" if gpu else "int8",
            cpu_threads=threads,
            local_files_only=True,
        )
        multilingual = bool(self._model.model.is_multilingual)
        language = settings.language if multilingual else "en"
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)
        self._suppress = list(get_suppressed_tokens(self._tokenizer, [-1]) or [])
        self._lock = threading.Lock()

    def hear(self, samples: NDArray[np.float32], prefix: str = "", prompt: str = "", beam: int = 1) -> Heard:
        """What is said after `prefix`; word times in seconds from the first sample.

        Parameters
        ----------
        samples : ndarray
            Mono at 16 kHz, at most 28 s.
        prefix : str
            Words at the beginning that are certain.
        prompt : str
            Text before the first sample.
        beam : int
            Width of the search; 1 is greedy.
        """
        tokenizer, model = self._tokenizer, self._model.model
        seconds = len(samples) / SAMPLE_RATE
        frames = int(min(30.0, max(seconds + _PAD, _LEAST_CONTEXT)) * 50) * 2
        before = tokenizer.encode(" " + prompt.strip())[-200:] if prompt else []
        given = tokenizer.encode(" " + prefix.strip()) if prefix else []
        task = self._model.get_prompt(tokenizer, before, without_timestamps=True) + given
        with self._lock:
            mel = self._model.feature_extractor(samples, padding=max(0, frames * 160 - len(samples)))[:, :frames]
            encoded = self._model.encode(np.ascontiguousarray(mel))
            [result] = model.generate(
                encoded,
                [task],
                beam_size=beam,
                max_length=min(len(task) + 8 + int(seconds * _TOKENS_PER_SECOND), 448),
                suppress_tokens=self._suppress,
                return_scores=True,
                return_no_speech_prob=True,
            )
            new = [t for t in result.sequences_ids[0] if t < tokenizer.eot][len(given) :]  # CTranslate2 gives the prefix back
            [pieces] = self._model.find_alignment(tokenizer, [given + new], encoded, [int(seconds * 100)]) if new else [[]]
        at = 0
        while pieces and at < len(given):
            at += len(pieces.pop(0)["tokens"])
        while given and pieces and not pieces[0]["word"].startswith(" "):  # punctuation or an ending of the last certain word
            pieces.pop(0)
        words = joined(pieces)
        length = len(result.sequences_ids[0])
        score = result.scores[0] * length / (length + 1)
        return Heard(tokenizer.decode(new).strip(), tuple(words), score, result.no_speech_prob, None, 0.0)


@cache
def recogniser(folder: Path, language: str) -> Recogniser:
    """The process's one recogniser of these weights."""
    return Recogniser(folder, Speech(language=language))


def fresh(words: tuple[HeardWord, ...], said: list[str]) -> tuple[HeardWord, ...]:
    """Words without a repetition of what was said just before: after a certain prefix Whisper likes to say it once more."""
    new, last = [normal(w.word) for w in words], [normal(w) for w in said]
    for n in range(min(len(new), len(last)), _ECHO - 1, -1):
        if new[:n] == last[-n:]:
            return words[n:]
    near = last if len(new) >= 2 * _ECHO else last[-4 * _ECHO :]  # a few words may well be said once more
    whole = len(new) >= _ECHO and any(near[i : i + len(new)] == new for i in range(len(near)))
    return () if whole else words


def timed(words: tuple[HeardWord, ...]) -> tuple[HeardWord, ...]:
    """Words without those that took no time: at the end text went on where sound had ended, a row of them is a loop."""
    kept: list[HeardWord] = []
    for spoken, run in groupby(words, key=lambda w: w.end - w.start > _NO_TIME):
        row = list(run)
        if spoken or (len(row) < _ECHO and row[-1] is not words[-1]):
            kept += row
    return tuple(kept)


@dataclass(frozen=True)
class Interim:
    """What the open segment says so far, for display only: words that will stay, and words that may still change."""

    committed: tuple[contracts.Word, ...]
    tentative: tuple[contracts.Word, ...]
    end: float
    """Session second that was heard."""

    @property
    def reached(self) -> float:
        return self.end


class LocalAgreement:
    """Commits the words on which two consecutive hearings agree, once there is sound enough after them."""

    def __init__(self) -> None:
        self._last: list[str] = []

    def insert(self, words: tuple[HeardWord, ...], seconds: float) -> int:
        """How many of these words of a hearing of `seconds`, from the first, are certain now; the next one starts after them."""
        said = [normal(w.word) for w in words]
        agreed = 0
        for a, b, word in zip(self._last, said, words, strict=False):
            if a != b or word.end > seconds - _HOLD:
                break
            agreed += 1
        self._last = said[agreed:]
        return agreed

    def reset(self) -> None:
        self._last = []


class StreamingTranscriber:
    """Open segments to interim words, closed ones to transcripts of the committed words.

    It listens to the audio as it comes and to voice activity's verdict on it: put it before the `VoiceActivity` whose
    `speaking_since` it is given. A hearing starts once there is new audio worth the time that the last one took, so that the
    recogniser keeps up on a busy machine by listening less often. A text that is probably invented is dropped and
    heard again at the next turn.

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
        self.lag = 0.0
        """Seconds of speech that were there but not yet heard when the last hearing ended."""
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
        """Load the weights and hear one second of silence."""
        if self._recogniser is None:
            self._recogniser = recogniser(zoo.path(self.settings.model), self.settings.language)
            self._recogniser.hear(np.zeros(SAMPLE_RATE, np.float32))

    def reset(self) -> None:
        self._audio = np.empty(0, np.float32)
        self._first = 0  # absolute number of the first sample in `_audio`
        self._context: list[contracts.Word] = []  # committed words within `_audio`
        self._segment: list[contracts.Word] = []  # committed words of the open segment
        self._history: list[str] = []  # committed words before `_audio`
        self._agreement = LocalAgreement()
        self._tentative: list[contracts.Word] | None = None  # the last hearing's words that may still change
        self._heard_to = 0.0
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
        if now - since >= _SHORTEST and now - self._heard_to >= max(self.step, _REST * self._cost):
            yield from self._hear(now)

    def flush(self) -> Iterator[Interim]:
        return iter(())

    def _append(self, block: AudioBlock) -> None:
        if block.first_sample != self._first + len(self._audio):
            self._audio, self._first, self._context = np.empty(0, np.float32), block.first_sample, []
        self._audio = np.concatenate([self._audio, block.samples])
        if self._speaking_since() is None and self._open is None:
            self._forget((len(self._audio) + self._first) / SAMPLE_RATE - _LONGEST)

    def _begin(self, since: float) -> None:
        """A segment opens: go on with the words before it as context, or begin anew after a longer silence."""
        self._open = since
        self._agreement.reset()
        self._segment = []
        if not self._context or since - self._context[-1].end > _GAP:
            self._forget(since - _LEAD)
        self._heard_to = max(self._heard_to, since)

    def _forget(self, second: float) -> None:
        """Drop the audio before `second`; its words move from the context into the prompt."""
        cut = max(0, round(second * SAMPLE_RATE) - self._first)
        self._audio, self._first = self._audio[cut:], self._first + min(cut, len(self._audio))
        gone = [w for w in self._context if w.start < second]
        self._context = self._context[len(gone) :]
        self._history = [*self._history, *(w.word for w in gone)][-_HISTORY:]

    def _hear(self, now: float) -> Iterator[Interim | contracts.Event]:
        began = time.perf_counter()
        self._shorten(now)
        heard = self._ask(self._audio)
        self._cost = time.perf_counter() - began
        self._heard_to, self.lag = now, self._cost
        if heard is None:
            self._tentative = None
            return
        agreed = self._agreement.insert(heard.words, len(self._audio) / SAMPLE_RATE)
        words = [self._word(w) for w in heard.words]
        self._commit(words[:agreed])
        self._tentative = words[agreed:]
        yield Interim(tuple(self._segment), tuple(self._tentative), now)

    def _ask(self, samples: NDArray[np.float32], beam: int = 1, prompted: bool = True) -> Heard | None:
        assert self._recogniser is not None
        prompt = " ".join([self.settings.prompt, *self._history]) if prompted else ""
        heard = self._recogniser.hear(samples, " ".join(w.word for w in self._context), prompt, beam)
        if doubt(heard, self.settings.prompt):
            return None
        return replace(heard, words=timed(fresh(heard.words, [*self._history, *(w.word for w in self._context)])))

    def _commit(self, words: list[contracts.Word]) -> None:
        self._segment += words
        self._context += words

    def _shorten(self, now: float) -> None:
        """Keep the context short: cut between committed words."""
        if len(self._audio) / SAMPLE_RATE <= _LONGEST:
            return
        pauses = [(b.start - a.end, b.start) for a, b in pairwise(self._context) if b.start <= now - _KEEP]
        self._forget(max(pauses[-_CHOICE:])[1] if pauses else now - 28.0)

    def _close(self, clip: SpeechClip) -> Iterator[Interim | TranscribedClip | contracts.Event]:
        """A segment has ended: commit everything; what was not heard yet is heard with a wider search."""
        if self._open is None:  # shorter than a block: it opened and closed at once
            self._begin(clip.message.start)
        last = round(clip.message.end * SAMPLE_RATE) - self._first
        samples = self._audio[: max(last, 0)]
        began = time.perf_counter()
        if self._heard_to >= clip.message.end and self._tentative is not None:  # nothing was said since
            self._commit(self._tentative)
        elif (heard := self._last_hearing(samples)) is not None:
            self._commit([self._word(w) for w in heard.words])
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
        self._heard_to = clip.message.end
        if words:
            yield Interim(tuple(words), (), clip.message.end)
            yield self._transcribed(clip, words)

    def _last_hearing(self, samples: NDArray[np.float32]) -> Heard | None:
        if len(samples) == 0:
            return None
        return self._ask(samples, self.settings.beam) or self._ask(samples, self.settings.beam, prompted=False)

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
        )
        return TranscribedClip(transcript, SpeechClip(message, samples))

    def _word(self, heard: HeardWord) -> contracts.Word:
        zero = self._first / SAMPLE_RATE
        return contracts.Word(
            word=heard.word,
            start=zero + heard.start,
            end=zero + max(heard.end, heard.start),
            conf=min(max(heard.probability, 0.0), 1.0),
            filler=is_filler(heard.word, self._fillers),
        )
