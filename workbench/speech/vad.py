"""Voice activity: finds segments of speech in audio blocks, with their level and signal-to-noise ratio."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.settings import Speech
from workbench.speech.level import HighPass
from workbench.speech.silero import CHUNK, SAMPLE_RATE, Silero
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, SpeechClip, Track, TrackUpdate

SECONDS = CHUNK / SAMPLE_RATE
"""Length of a chunk, s."""
_RELEASE = 0.15  # a segment continues until the probability falls this far below the threshold (as in Silero's own tools)
BEFORE = 2.0  # s of audio before a segment that are kept with it
_SHORTEST = 0.1  # s of speech; less is a click
_TRACK_EVERY = 3  # chunks a row of the `speech` track: a hop of 96 ms
_NOISE_SECONDS = 10.0  # s of non-speech that the noise floor is computed from
_NOISE_PROBABILITY = 0.15  # chunks below count as noise
_NOISE_LEAST = 6  # chunks (0.2 s) below which there is no noise floor
_SILENT = 1e-10  # power of 16-bit rounding: the floor of digital silence


def snr_db(speech: NDArray[np.float64], noise: NDArray[np.float64]) -> float | None:
    """Signal-to-noise ratio of chunks of speech over chunks of noise.

    Parameters
    ----------
    speech, noise : ndarray, shape (n,), (m,)
        Mean squares of chunks; speech chunks contain the noise as well.

    Returns
    -------
    float or None
        ``10 log10((S - N) / N)`` in dB. S is the mean of `speech`. N is the 20th percentile of `noise`, similar to minimum
        statistics (Martin 2001), because chunks without speech include breaths and faint words; on steady noise the result
        is 0.2 dB low. S - N is at least N / 10, N at least the power of 16-bit rounding. None where there is no speech or
        less than 0.2 s of noise.
    """
    if len(speech) == 0 or len(noise) < _NOISE_LEAST:
        return None
    floor = max(float(np.percentile(noise, 20)), _SILENT)
    return float(10 * np.log10(max(float(np.mean(speech)) - floor, floor / 10) / floor))


@dataclass
class _Segment:
    """A segment under way. `first` is the absolute number of its first sample."""

    first: int
    samples: list[NDArray[np.float32]] = field(default_factory=list)
    probs: list[float] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    before: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    last_voice: int = -1  # index of the last chunk of speech

    def add(self, chunk: NDArray[np.float32], prob: float, power: float) -> None:
        self.samples.append(chunk)
        self.probs.append(prob)
        self.powers.append(power)


class VoiceActivity:
    """Cuts the audio into segments of speech.

    A segment starts where Silero's probability reaches `vad_threshold`, ends when it has stayed 0.15 lower than that for
    `vad_min_silence`, and keeps `vad_pad` of what is around it. One that would grow beyond `max_segment` is cut where
    speech was least probable in its second half. Memory: one segment and ten seconds of levels.

    Parameters
    ----------
    settings : Speech
    path : Path, optional
        ONNX file of the network; the zoo's by default.
    """

    def __init__(self, settings: Speech, path: Path | None = None) -> None:
        self.settings = settings
        self._path = path
        self._pad = round(settings.vad_pad / SECONDS)
        self._net: Silero | None = None
        self.numbered_after = 0
        """How many segments came before: the first one here is number 1 after it (a session that is completed goes on counting)."""
        self.reset()

    @property
    def spec(self) -> StageSpec:
        return StageSpec("voice activity", (AudioBlock,), (SpeechClip, TrackUpdate), "audio", SECONDS, SECONDS, 5.0, ("silero-vad",))

    @property
    def speaking_since(self) -> float | None:
        """Session second at which the open segment began; None in silence. Any thread may ask; live recognition does."""
        segment = self._segment
        return segment.first / SAMPLE_RATE if segment else None

    def warm_up(self) -> None:
        """Load the network."""
        if self._net is None:
            self._net = Silero(self._path or zoo.path("silero-vad"))

    def reset(self) -> None:
        if self._net:
            self._net.reset()
        self._high_pass = HighPass(SAMPLE_RATE)
        self._rest = np.empty(0, np.float32)
        self._next: int | None = None  # absolute number of the first sample not yet processed
        self._end: int | None = None  # absolute number after the last real sample, once the last chunk is padded
        self._noise: deque[float] = deque(maxlen=int(_NOISE_SECONDS / SECONDS))
        self._lead: deque[tuple[NDArray[np.float32], float, float]] = deque(maxlen=self._pad + int(BEFORE / SECONDS))
        self._segment: _Segment | None = None
        self._count = 0
        self._rows: list[tuple[float, float]] = []

    def process(self, item: AudioBlock) -> Iterator[SpeechClip | TrackUpdate]:
        self.warm_up()
        if self._next is not None and item.first_sample != self._next + len(self._rest):
            yield from self._break()  # a hole in the stream ends the segment
        if self._next is None:
            self._next = item.first_sample
        stream = np.concatenate([self._rest, item.samples.astype(np.float32, copy=False)])
        whole = len(stream) // CHUNK * CHUNK
        self._rest = stream[whole:]
        yield from self._classify(stream[:whole])

    def flush(self) -> Iterator[SpeechClip | TrackUpdate]:
        yield from self._break()

    def _break(self) -> Iterator[SpeechClip | TrackUpdate]:
        if len(self._rest) and self._next is not None:
            self._end = self._next + len(self._rest)
            tail = np.concatenate([self._rest, np.zeros(CHUNK - len(self._rest), np.float32)])
            self._rest = np.empty(0, np.float32)
            yield from self._classify(tail)
        if self._segment:
            yield from self._close(len(self._segment.probs))
        if self._rows:
            yield self._track(len(self._rows))
        self._next = self._end = None
        self._lead.clear()
        self._high_pass.reset()
        if self._net:
            self._net.reset()

    def _classify(self, samples: NDArray[np.float32]) -> Iterator[SpeechClip | TrackUpdate]:
        if len(samples) == 0:
            return
        assert self._net is not None
        assert self._next is not None
        filtered = self._high_pass(samples)  # the samples that are passed on stay unfiltered
        powers = np.mean(filtered.reshape(-1, CHUNK).astype(np.float64) ** 2, axis=1)
        for chunk, prob, power in zip(samples.reshape(-1, CHUNK), self._net(filtered).tolist(), powers.tolist(), strict=True):
            start, self._next = self._next, self._next + CHUNK
            self._rows.append((start / SAMPLE_RATE, prob))
            yield from self._step(start, chunk, prob, power)
        if len(self._rows) >= _TRACK_EVERY:
            yield self._track(len(self._rows) // _TRACK_EVERY * _TRACK_EVERY)

    def _step(self, start: int, chunk: NDArray[np.float32], prob: float, power: float) -> Iterator[SpeechClip]:
        threshold = self.settings.vad_threshold
        if prob < _NOISE_PROBABILITY:
            self._noise.append(power)
        if self._segment is None:
            if prob < threshold:
                self._lead.append((chunk, prob, power))
                return
            lead = list(self._lead)
            self._lead.clear()
            pad = min(self._pad, len(lead))
            before = [samples for samples, _, _ in lead[: len(lead) - pad]]
            self._segment = _Segment(start - CHUNK * pad, before=np.concatenate(before) if before else np.empty(0, np.float32))
            for earlier in lead[len(lead) - pad :]:
                self._segment.add(*earlier)
        segment = self._segment
        segment.add(chunk, prob, power)
        voiced = prob >= threshold or (prob > threshold - _RELEASE and segment.last_voice == len(segment.probs) - 2)
        if voiced:
            segment.last_voice = len(segment.probs) - 1
        silent = len(segment.probs) - 1 - segment.last_voice
        if silent * SECONDS >= self.settings.vad_min_silence:
            yield from self._close(len(segment.probs))
        elif len(segment.probs) * SECONDS >= self.settings.max_segment:
            yield from self._cut()

    def _cut(self) -> Iterator[SpeechClip]:
        """Split a segment that has become too long where speech is least probable in its second half."""
        segment = self._segment
        assert segment is not None
        probs = np.array(segment.probs)
        half = len(probs) // 2
        # averaged over 0.1 s, so that a cut falls into a pause and not into one closed consonant
        smooth = np.convolve(probs, np.ones(3) / 3, "same")[half:-1]
        at = half + int(np.argmin(smooth))
        rest = _Segment(segment.first + at * CHUNK, segment.samples[at:], segment.probs[at:], segment.powers[at:])
        later = np.flatnonzero(np.array(rest.probs) >= self.settings.vad_threshold)
        rest.last_voice = int(later[-1]) if len(later) else -1
        segment.last_voice = min(segment.last_voice, at - 1)
        yield from self._close(at, after=rest)

    def _close(self, length: int, after: _Segment | None = None) -> Iterator[SpeechClip]:
        """Emit the first `length` chunks, trimmed to the padding; the rest becomes `after` or the lead-in of the next segment."""
        segment = self._segment
        assert segment is not None
        end = length if after else min(length, segment.last_voice + 1 + self._pad)
        voiced = np.array(segment.probs[:end]) >= self.settings.vad_threshold
        if voiced.sum() * SECONDS < _SHORTEST:
            end = 0  # a click, not speech
        self._segment = after
        if after is None:
            self._lead.extend(zip(segment.samples[end:length], segment.probs[end:length], segment.powers[end:length], strict=True))
        if end == 0:
            return
        powers = np.array(segment.powers[:end])
        samples = np.concatenate(segment.samples[:end])[: None if self._end is None else self._end - segment.first]
        self._count += 1
        message = contracts.SpeechSegment(
            segment_id=f"seg-{self.numbered_after + self._count}",
            start=segment.first / SAMPLE_RATE,
            end=(segment.first + len(samples)) / SAMPLE_RATE,
            snr_db=snr_db(powers[voiced], np.array(self._noise)),
            rms=float(np.sqrt(powers.mean())),
        )
        yield SpeechClip(message, samples, before=segment.before)

    def _track(self, count: int) -> TrackUpdate:
        """Rows of the `speech` track: the highest probability of every 96 ms."""
        rows, self._rows = self._rows[:count], self._rows[count:]
        starts = range(0, count, _TRACK_EVERY)
        values = [max(p for _, p in rows[i : i + _TRACK_EVERY]) for i in starts]
        return TrackUpdate(Track.of("speech", [rows[i][0] for i in starts], values, ("probability",)))
