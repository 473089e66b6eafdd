"""Pitch and level of speech that goes on, for display only: they are measured anew, as a whole, once the segment has closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.speech.prosody import COLUMNS, HOP, acoustics, frame_levels
from workbench.speech.silero import SAMPLE_RATE
from workbench.speech.voice import measure
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, Track

_EVERY = 0.4  # s of new speech in one measurement
_BEFORE = 0.4  # s measured with it again: Praat gives no pitch at the edges of a stretch


@dataclass(frozen=True)
class OpenSpeech:
    """The newest part of a segment that has not closed: mono float32 at 16 kHz; rows before `fresh` (s) were measured before."""

    start: float
    samples: NDArray[np.float32]
    fresh: float

    @property
    def end(self) -> float:
        return self.start + len(self.samples) / SAMPLE_RATE

    @property
    def reached(self) -> float:
        return self.end


@dataclass(frozen=True)
class ProvisionalAcoustics:
    """Rows as the final `acoustics` will have them, columns `prosody.COLUMNS`; never stored, fused or scored."""

    track: Track


class NewestSpeech:
    """Audio to the newest part of the open segment, every 0.4 s of it.

    Parameters
    ----------
    speaking_since : callable
        Session second at which the open segment began, or None: voice activity's verdict.
    """

    spec = StageSpec("newest speech", (AudioBlock,), (OpenSpeech,), None, _EVERY + _BEFORE, _EVERY)

    def __init__(self, speaking_since: Callable[[], float | None]) -> None:
        self._speaking_since = speaking_since
        self.reset()

    def reset(self) -> None:
        self._audio = np.empty(0, np.float32)
        self._end = 0.0  # session second after the last sample of `_audio`
        self._told = 0.0  # session second that was handed on

    def flush(self) -> Iterator[OpenSpeech]:
        return iter(())

    def process(self, item: AudioBlock) -> Iterator[OpenSpeech]:
        joined = np.concatenate([self._audio, item.samples]) if abs(item.start - self._end) < 1 / SAMPLE_RATE else item.samples
        self._end, since = item.end, self._speaking_since()
        if since is None:
            self._audio, self._told = joined[-round(_BEFORE * SAMPLE_RATE) :], self._end
            return
        self._audio = joined
        if self._end - max(self._told, since) < _EVERY - 1e-9:
            return
        begin = self._end - len(self._audio) / SAMPLE_RATE
        yield OpenSpeech(begin, self._audio, max(self._told - HOP, since))
        self._audio, self._told = self._audio[-round(_BEFORE * SAMPLE_RATE) :], self._end


class ProvisionalVoice:
    """The newest speech to provisional rows, by the functions that measure the whole segment later."""

    spec = StageSpec("provisional voice", (OpenSpeech,), (ProvisionalAcoustics,), None, _EVERY + _BEFORE, HOP, 100.0)

    def reset(self) -> None: ...

    def flush(self) -> Iterator[ProvisionalAcoustics]:
        return iter(())

    def process(self, item: OpenSpeech) -> Iterator[ProvisionalAcoustics]:
        voice = measure(item.samples)
        if voice is not None:
            levels = frame_levels(item.samples, SAMPLE_RATE)
            yield ProvisionalAcoustics(acoustics(voice, levels, item.start, item.end).slice(item.fresh, item.end))


def followed(known: Track, newer: Track) -> Track:
    """`known` up to where `newer` begins, then `newer`."""
    return Track.concat([known.slice(0.0, newer.times[0]), newer]) if len(newer) else known


NONE = Track.empty("acoustics", COLUMNS)
