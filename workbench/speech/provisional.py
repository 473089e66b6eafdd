"""Pitch and level while somebody is still speaking, for display only; the whole segment is measured again once it has closed."""

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
    """The newest part of a segment that has not closed yet."""

    start: float
    """Session second of the first sample."""
    samples: NDArray[np.float32]
    """Mono at 16 kHz, shape (n,)."""
    fresh: float
    """Session second before which everything was measured already."""

    @property
    def end(self) -> float:
        """Session second after the last sample."""
        return self.start + len(self.samples) / SAMPLE_RATE

    @property
    def reached(self) -> float:
        """Session second up to which this is complete."""
        return self.end


@dataclass(frozen=True)
class ProvisionalAcoustics:
    """Rows in the form of the final `acoustics` track (columns `prosody.COLUMNS`); never stored, fused or scored."""

    track: Track


class NewestSpeech:
    """Collects the audio of the open segment and passes its newest part on every 0.4 s.

    Parameters
    ----------
    speaking_since : callable
        Session second at which the open segment began, or None: voice activity's answer.
    """

    spec = StageSpec("newest speech", (AudioBlock,), (OpenSpeech,), None, _EVERY + _BEFORE, _EVERY)

    def __init__(self, speaking_since: Callable[[], float | None]) -> None:
        self._speaking_since = speaking_since
        self.reset()

    def reset(self) -> None:
        self._audio = np.empty(0, np.float32)
        self._end = 0.0  # session second after the last sample of `_audio`
        self._passed_on = 0.0  # session second up to which audio was passed on

    def flush(self) -> Iterator[OpenSpeech]:
        return iter(())

    def process(self, item: AudioBlock) -> Iterator[OpenSpeech]:
        joined = np.concatenate([self._audio, item.samples]) if abs(item.start - self._end) < 1 / SAMPLE_RATE else item.samples
        self._end, since = item.end, self._speaking_since()
        if since is None:
            self._audio, self._passed_on = joined[-round(_BEFORE * SAMPLE_RATE) :], self._end
            return
        self._audio = joined
        if self._end - max(self._passed_on, since) < _EVERY - 1e-9:
            return
        begin = self._end - len(self._audio) / SAMPLE_RATE
        yield OpenSpeech(begin, self._audio, max(self._passed_on - HOP, since))
        self._audio, self._passed_on = self._audio[-round(_BEFORE * SAMPLE_RATE) :], self._end


class ProvisionalVoice:
    """Measures the newest speech by the same functions that later measure the whole segment."""

    spec = StageSpec("provisional voice", (OpenSpeech,), (ProvisionalAcoustics,), None, _EVERY + _BEFORE, HOP, 100.0)

    def reset(self) -> None: ...

    def flush(self) -> Iterator[ProvisionalAcoustics]:
        return iter(())

    def process(self, item: OpenSpeech) -> Iterator[ProvisionalAcoustics]:
        voice = measure(item.samples)
        if voice is not None:
            levels = frame_levels(item.samples, SAMPLE_RATE)
            yield ProvisionalAcoustics(acoustics(voice, levels, item.start, item.end).slice(item.fresh, item.end))


def extended(known: Track, newer: Track) -> Track:
    """`known` up to the first row of `newer`, then `newer`."""
    return Track.concat([known.slice(0.0, newer.times[0]), newer]) if len(newer) else known


NONE = Track.empty("acoustics", COLUMNS)
