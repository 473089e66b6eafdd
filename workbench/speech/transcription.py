"""Recorded speech to words: WhisperX on the segments of voice activity, with a check for invented text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.events import EventKind
from workbench.settings import Speech
from workbench.speech.reliability import CLEAR, judge, repeated_for_real
from workbench.speech.silero import SAMPLE_RATE
from workbench.speech.whisper import Hypothesis, TimedWord, Whisper
from workbench.speech.words import filler_marks, tokens
from workbench.stage import StageSpec
from workbench.streams import SpeechClip, TranscribedClip

WINDOW = 30.0  # s; the longest audio that Whisper takes at once
_LEAD = 0.5  # s transcribed before the first segment: quiet hesitations that voice activity missed
_GAP = 2.0  # s; a longer silence ends a stretch
_SHORTEST_FOR_LANGUAGE = 3.0  # s
_SHORTEST_FOR_DOUBT = 1.5  # s; a shorter segment is judged with its neighbours
_LANGUAGE_PROBABILITY = 0.5
_NO_SPEECH, _LOW_LOGPROB, _COMPRESSION = 0.6, -1.0, 2.4  # Whisper's own thresholds (Radford et al. 2022)
_ECHO_LOGPROB = -0.8


def doubt(hypothesis: Hypothesis, prompt: str = "") -> str | None:
    """Why a text is probably invented: "no speech", "repetition" or "echo of the prompt"; None where it is not.

    The first two rules are Whisper's own: no speech together with an improbable text, and a text that compresses too well
    because it repeats itself. The third: an improbable text that consists of the prompt's words only is what Whisper
    writes where there is no speech.
    """
    if hypothesis.no_speech > _NO_SPEECH and hypothesis.avg_logprob < _LOW_LOGPROB:
        return "no speech"
    if hypothesis.compression > _COMPRESSION:
        return "repetition"
    words = tokens(hypothesis.text)
    if len(words) >= 3 and hypothesis.avg_logprob < _ECHO_LOGPROB and set(words) <= set(tokens(prompt)):
        return "echo of the prompt"
    return None


@dataclass
class _Stretch:
    """Neighbouring segments with the sound between them, transcribed in one window."""

    start: float
    samples: list[NDArray[np.float32]] = field(default_factory=list)
    segments: list[contracts.SpeechSegment] = field(default_factory=list)

    def parts(self, first: int, after: int) -> _Stretch:
        """The segments from `first` to before `after`, as a stretch of their own."""
        samples = list(self.samples[2 * first : 2 * after])
        if first:
            samples[0] = np.empty(0, np.float32)
        return _Stretch(self.segments[first].start if first else self.start, samples, self.segments[first:after])

    def add(self, clip: SpeechClip, between: NDArray[np.float32]) -> None:
        self.samples += [between, clip.samples]
        self.segments.append(clip.message)

    def clip(self) -> SpeechClip:
        """The stretch as one clip; its levels are averages over its segments, weighted by their lengths."""
        samples = np.concatenate(self.samples)
        lengths = [s.end - s.start for s in self.segments]
        ratios = [(s.snr_db, n) for s, n in zip(self.segments, lengths, strict=True) if s.snr_db is not None]
        message = contracts.SpeechSegment(
            segment_id=self.segments[0].segment_id,
            start=self.start,
            end=self.start + len(samples) / SAMPLE_RATE,
            snr_db=float(np.average([r for r, _ in ratios], weights=[n for _, n in ratios])) if ratios else None,
            rms=float(np.sqrt(np.average([(s.rms or 0.0) ** 2 for s in self.segments], weights=lengths))),
        )
        return SpeechClip(message, samples)


class Transcriber:
    """Speech segments to transcripts with words, their probabilities and Whisper's own times.

    Segments up to 2 s apart are joined, with the sound between them, into stretches of at most `max_segment`, as WhisperX
    does: Whisper's encoder always works through 30 s, and it errs less with context. (With `diarize` they stay apart, for the
    speaker may change between them.) A transcript carries the id of its first segment. Text that is probably invented is
    tried once more, then left out with an event EventKind.ASR_REJECTED; speech in another language than the settings' gives one
    event EventKind.LANGUAGE_MISMATCH. Memory: `batch` stretches.

    Parameters
    ----------
    settings : Speech
    """

    def __init__(self, settings: Speech) -> None:
        self.settings = settings
        self._gap = 0.0 if settings.diarize else _GAP  # a pause may be a change of speaker
        self._whisper: Whisper | None = None
        self.reset()

    @property
    def spec(self) -> StageSpec:
        s = self.settings
        return StageSpec(
            "transcription", (SpeechClip,), (TranscribedClip, contracts.Event), "language", s.max_segment, 0.0, 6000.0, (s.model,)
        )

    def warm_up(self) -> None:
        """Load the weights."""
        if self._whisper is None:
            self._whisper = Whisper(zoo.path(self.settings.model), self.settings)

    def reset(self) -> None:
        self._stretch: _Stretch | None = None
        self._waiting: list[_Stretch] = []
        self._language_known = False

    def process(self, item: SpeechClip) -> Iterator[TranscribedClip | contracts.Event]:
        stretch = self._stretch
        gap = item.message.start - (stretch.start + sum(map(len, stretch.samples)) / SAMPLE_RATE) if stretch else np.inf
        if stretch and gap <= self._gap and item.message.end - stretch.start <= self.settings.max_segment:
            stretch.add(item, _fitted(item.before, round(gap * SAMPLE_RATE)))
            return
        ready = self._close()
        room = WINDOW - (item.message.end - item.message.start)
        lead = item.before[max(0, len(item.before) - int(min(_LEAD, room) * SAMPLE_RATE)) :]
        self._stretch = _Stretch(item.message.start - len(lead) / SAMPLE_RATE)
        self._stretch.add(item, lead)
        yield from self._transcribe(ready)

    def flush(self) -> Iterator[TranscribedClip | contracts.Event]:
        self._close()
        yield from self._transcribe(True)

    def _close(self) -> bool:
        """Queue the stretch under way; True where enough are queued. On a CPU batches are no faster (measured: the same time a clip)."""
        if self._stretch:
            self._waiting.append(self._stretch)
            self._stretch = None
        self.warm_up()
        return len(self._waiting) >= (self.settings.batch if self._whisper and self._whisper.gpu else 1)

    def _transcribe(self, ready: bool) -> Iterator[TranscribedClip | contracts.Event]:
        if not ready or not self._waiting:
            return
        assert self._whisper is not None
        stretches, self._waiting = self._waiting, []
        for stretch, best in zip(stretches, self._whisper.transcribe([s.clip().samples for s in stretches]), strict=True):
            yield from self._language(stretch.clip(), best)
            runs = self._runs(stretch, best)
            if len(runs) == 1:
                yield from self._told(stretch.clip(), best)
            else:  # what is not clear spoils the words beside it: each run is heard by itself
                for run in runs:
                    yield from self._told(run.clip(), self._whisper.transcribe([run.clip().samples])[0])

    def _runs(self, stretch: _Stretch, best: Hypothesis) -> list[_Stretch]:
        """The stretch, cut where its segments differ in whether they are understood, or spoken in another language."""
        assert self._whisper is not None
        states = []
        for k, segment in enumerate(stretch.segments):
            inside = [w for w in best.words if segment.start <= stretch.start + (w.start + w.end) / 2 <= segment.end]
            words = self._words(segment, inside)
            sure = float(np.mean([w.probability for w in inside])) if inside else 0.0
            long_enough = segment.end - segment.start >= _SHORTEST_FOR_DOUBT and len(stretch.segments) > 1
            language = self._whisper.language(stretch.samples[2 * k + 1]) if sure < CLEAR and long_enough else (None, 0.0)
            states.append(bool(judge(words, self.settings, language=language[0], likelihood=language[1])[1]) if long_enough else None)
        edges = [0]
        known = next((s for s in states if s is not None), None)
        for k, state in enumerate(states):
            if state is not None and state != known:
                edges.append(k)
                known = state
        return [stretch.parts(a, b) for a, b in pairwise([*edges, len(states)])]

    def _told(self, clip: SpeechClip, best: Hypothesis) -> Iterator[TranscribedClip | contracts.Event]:
        """The words of one run of speech, and what was wrong with them."""
        assert self._whisper is not None
        why = doubt(best, self.settings.prompt)
        if why == "repetition" and repeated_for_real([(w.start, w.end, w.probability) for w in best.words]):
            why = None
        if why in ("repetition", "echo of the prompt"):
            before = len(best.words)
            [best] = self._whisper.transcribe([clip.samples], cautious=True)
            cut, why = before - len(best.words), doubt(best, self.settings.prompt)
            if not why and cut > 0:
                message = f"{cut} of {before} words were left out: they repeat others and the sound does not support them"
                yield self._event(clip, EventKind.REPETITION_CUT, message, words=cut)
        if why:
            yield self._event(clip, EventKind.ASR_REJECTED, f"text left out as probably invented ({why})", reason=why, text=best.text[:200])
        elif best.words:
            transcript = self._transcript(clip.message, best)
            if transcript.doubt:
                message = f"{clip.message.start:.1f} to {clip.message.end:.1f} s: {transcript.doubt}; its words count for no score"
                yield self._event(clip, EventKind.NOT_UNDERSTOOD, message, reason=transcript.doubt)
            yield TranscribedClip(transcript, clip)

    @staticmethod
    def _event(clip: SpeechClip, kind: str, message: str, **data: Any) -> contracts.Event:
        data = {"segment_id": clip.message.segment_id, "end": clip.message.end, **data}
        return contracts.Event(timestamp=clip.message.start, kind=kind, stage="transcription", message=message, data=data)

    def _words(self, segment: contracts.SpeechSegment, words: Sequence[TimedWord]) -> list[contracts.Word]:
        marks = filler_marks([w.word for w in words], self.settings.fillers)
        return [
            contracts.Word(
                word=w.word,
                start=min(segment.start + w.start, segment.end),
                end=min(segment.start + max(w.end, w.start), segment.end),
                conf=min(max(w.probability, 0.0), 1.0),
                filler=filler,
            )
            for w, filler in zip(words, marks, strict=True)
        ]

    def _transcript(self, segment: contracts.SpeechSegment, hypothesis: Hypothesis) -> contracts.Transcript:
        words = self._words(segment, hypothesis.words)
        reliability, why = judge(
            words, self.settings, logprob=hypothesis.avg_logprob,
            language=hypothesis.language, likelihood=hypothesis.language_probability,
        )  # fmt: skip
        return contracts.Transcript(
            segment_id=segment.segment_id,
            start=segment.start,
            end=segment.end,
            transcript=hypothesis.text,
            words=words,
            asr_confidence=float(np.mean([w.conf or 0.0 for w in words])),
            language=self.settings.language,
            snr_db=segment.snr_db,
            reliability=reliability,
            doubt=why,
        )

    def _language(self, clip: SpeechClip, hypothesis: Hypothesis) -> Iterator[contracts.Event]:
        """One warning if the first stretch of at least 3 s is in another language than the settings'."""
        expected = self.settings.language
        if self._language_known or hypothesis.language is None or clip.message.end - clip.message.start < _SHORTEST_FOR_LANGUAGE:
            return
        self._language_known = True
        if hypothesis.language != expected and hypothesis.language_probability >= _LANGUAGE_PROBABILITY:
            yield contracts.Event(
                timestamp=clip.message.start,
                kind=EventKind.LANGUAGE_MISMATCH,
                stage="transcription",
                message=(
                    f"the speech sounds like {hypothesis.language!r} (probability {hypothesis.language_probability:.2f}) but "
                    f"speech.language is {expected!r}: words and scores cannot be trusted; if that was spoken, "
                    f"set speech.language to {hypothesis.language!r}"
                ),
                data={"language": hypothesis.language, "probability": hypothesis.language_probability, "expected": expected},
            )


def _fitted(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The last `length` samples, with silence put before them where there are fewer."""
    return np.concatenate([np.zeros(max(0, length - len(samples)), np.float32), samples[max(0, len(samples) - length) :]])
