"""From decoded audio of any kind to mono float32 blocks without holes: the sample count is the session's clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from workbench.contracts import Event
from workbench.events import EventKind
from workbench.streams import AudioBlock

Samples = NDArray[np.float32]

TOLERANCE = 0.04
"""Presentation times may stray from the sample count by this much (s; codecs' delays, rounded times) before it counts
as a gap, which is filled with silence, or an overlap, which is cut."""
FULL = 0.999
"""Share of full scale from which a sample counts as clipped, where the one before it does, too."""
CLIPPED = 0.002
"""Share of clipped samples from which it is said (speech that was recorded well has almost none)."""


class Downmix:
    """The mean of the channels that carry a signal, so that one dead channel does not halve the other.

    A channel is dead while its level (mean square, held with a half-life of 10 s) is below −60 dB of full scale and
    40 dB below the loudest channel's. Channels cancel each other (one is the other inverted, as of a balanced line) where the level
    of their mean is less than a fifth of theirs, which two channels reach at a correlation of −0.6: then the loudest is used alone.
    Weights move linearly over a block: no click.
    """

    FLOOR, BELOW, CANCELLED, HALF_LIFE, REPORT_AFTER = 1e-6, 1e-4, 0.2, 10.0, 1.0

    def __init__(self, channels: int, rate: int) -> None:
        self._rate = rate
        self._level = np.zeros(channels)
        self._mixed = 0.0  # level of the mean
        self.cancelling = False
        self._weights: NDArray[np.float64] | None = None
        self._dead_for = np.zeros(channels)

    def __call__(self, block: Samples) -> Samples:
        """Mix samples of shape (channels, n) to (n,)."""
        channels, n = block.shape
        if channels == 1 or n == 0:
            return block[0]
        fade = 0.5 ** (n / self._rate / self.HALF_LIFE)
        self._level = np.maximum(np.mean(np.square(block, dtype=np.float64), axis=1), self._level * fade)
        dead = (self._level < self.FLOOR) & (self._level < self.BELOW * self._level.max())
        self._dead_for = np.where(dead, self._dead_for + n / self._rate, 0.0)
        weights = ~dead / np.count_nonzero(~dead)
        self._mixed = max(float(np.mean(np.square(weights @ block, dtype=np.float64))), self._mixed * fade)
        loud = self._level[~dead].mean()
        self.cancelling = bool(np.count_nonzero(~dead) > 1 and loud > self.FLOOR and self._mixed < self.CANCELLED * loud)
        if self.cancelling:
            weights = (np.arange(channels) == self._level.argmax()).astype(float)
        before, self._weights = self._weights, weights
        if before is None or np.array_equal(before, weights):
            return (weights @ block).astype(np.float32)
        ramp = np.linspace(before, weights, n, axis=1)
        return np.einsum("cn,cn->n", ramp, block).astype(np.float32)

    def dead(self) -> set[int]:
        """Channels (from 1) that have been dead for a second or more while another was not."""
        return {int(i) + 1 for i in np.flatnonzero(self._dead_for >= self.REPORT_AFTER)}


class AudioLine:
    """Resamples, fills gaps, cuts overlaps, mixes down, and cuts into blocks.

    Parameters
    ----------
    rate : int, Hz
    block_seconds : float
        Length of a block; the last, and one before a change of channels, may be shorter.
    events : list of Event
        Where gaps and dead channels are noted.
    """

    def __init__(self, rate: int, block_seconds: float, events: list[Event]) -> None:
        self._rate, self._size, self._events = rate, round(block_seconds * rate), events
        self._resampler: AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None  # sample format, layout, rate of what comes in
        self._channels = 1
        self._mix = Downmix(1, rate)
        self._dead: set[int] = set()
        self._held: list[Samples] = []  # each of shape (channels, n)
        self._held_samples = 0
        self._first = 0  # index of the next block's first sample
        self._cut = 0  # samples to drop from what comes next
        self._broken = self._clipped = self._total = 0  # samples
        self._cancelling = False
        self._clock: float | None = None  # time up to which input has come, by its own sample count, s

    @property
    def progress(self) -> float:
        """Seconds up to which audio is there, in blocks or held."""
        return (self._first + self._held_samples) / self._rate

    def push(self, frame: AudioFrame, time: float | None) -> Iterator[AudioBlock]:
        """Take one decoded frame; yields the blocks that became full.

        Parameters
        ----------
        frame : AudioFrame
        time : float or None
            The session second at which it begins; None where the file does not say: then it follows the last one.
        """
        frame = self._cleaned(frame)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            yield from self.finish()
            self._kind, self._channels = kind, frame.layout.nb_channels
            self._mix, self._dead = Downmix(self._channels, self._rate), set()
            self._resampler = AudioResampler(format="fltp", rate=self._rate)
            self._held = []  # what is left is empty, and of another number of channels
        yield from self._place(frame, time)
        assert self._resampler is not None
        for part in self._resampler.resample(frame):
            yield from self._hold(np.asarray(part.to_ndarray(), np.float32))

    def finish(self) -> Iterator[AudioBlock]:
        """The rest, as a last shorter block."""
        yield from self._drain()
        if self._held_samples:
            yield self._block(self._held_samples)

    def judge(self, end: float) -> None:
        """Say, at the end, what was wrong with the samples."""
        if self._broken:
            self._note(EventKind.BROKEN_SAMPLES, f"{self._broken} samples that were no numbers (NaN, infinite) were set to 0", end)
        if self._total and self._clipped > CLIPPED * self._total:
            share = 100 * self._clipped / self._total
            self._note(
                EventKind.CLIPPED, f"{share:.1f} % of the sound is clipped (recorded too loud): words and loudness may be wrong", end
            )

    def _cleaned(self, frame: AudioFrame) -> AudioFrame:
        """The frame with samples that are no numbers set to 0; counts those, and samples at full scale."""
        samples: Any = frame.to_ndarray()
        floats = samples.dtype.kind == "f"
        bad = ~np.isfinite(samples) if floats else None
        loud = np.abs(samples.astype(np.float32)) >= (FULL if floats else FULL * np.iinfo(samples.dtype).max)
        self._clipped += int(np.count_nonzero(loud[..., 1:] & loud[..., :-1]))  # a run of them: one sample may touch the limit
        self._total += samples.size
        if bad is None or not bad.any():
            return frame
        self._broken += int(np.count_nonzero(bad))
        mended = AudioFrame.from_ndarray(np.where(bad, 0, samples).astype(samples.dtype), frame.format.name, frame.layout.name)
        mended.sample_rate, mended.pts, mended.time_base = frame.sample_rate, frame.pts, frame.time_base
        return mended

    def _place(self, frame: AudioFrame, time: float | None) -> Iterator[AudioBlock]:
        """Bring the sample count to the frame's presentation time, if they are further apart than tolerated."""
        length, clock = frame.samples / frame.sample_rate, self._clock or 0.0
        time = clock if time is None else time
        jump, tolerated = time - clock, 0.0 if self._clock is None else TOLERANCE
        if abs(jump) <= tolerated:
            self._clock = clock + length
            return
        yield from self._drain()
        if jump > 0:
            if self._clock is not None:
                self._note(EventKind.AUDIO_GAP, f"no audio from {clock:.2f} to {time:.2f} s: filled with silence", clock)
            yield from self._silence(round(time * self._rate) - self._first - self._held_samples)
        else:
            self._cut = round(min(-jump, length) * self._rate)
        self._clock = max(clock, time + length)

    def _drain(self) -> Iterator[AudioBlock]:
        if self._resampler is None:
            return
        for part in self._resampler.resample(None):
            yield from self._hold(np.asarray(part.to_ndarray(), np.float32))
        self._resampler = AudioResampler(format="fltp", rate=self._rate)

    def _silence(self, samples: int) -> Iterator[AudioBlock]:
        while samples > 0:
            n = min(samples, self._size)
            yield from self._hold(np.zeros((self._channels, n), np.float32))
            samples -= n

    def _hold(self, part: Samples) -> Iterator[AudioBlock]:
        cut = min(self._cut, part.shape[1])
        self._cut -= cut
        self._held.append(part[:, cut:])
        self._held_samples += part.shape[1] - cut
        while self._held_samples >= self._size:
            yield self._block(self._size)

    def _block(self, n: int) -> AudioBlock:
        samples = np.concatenate(self._held, axis=1)
        mono = np.clip(self._mix(samples[:, :n]), -1.0, 1.0)
        self._held, self._held_samples = [samples[:, n:]], samples.shape[1] - n
        block = AudioBlock(self._first, mono, self._rate)
        self._first += n
        if self._mix.cancelling and not self._cancelling:
            self._cancelling = True
            message = f"the {self._channels} audio channels cancel each other (one is inverted): the loudest is used alone"
            self._note(EventKind.CHANNELS_CANCEL, message, block.start)
        for channel in self._mix.dead() - self._dead:
            self._dead.add(channel)
            message = f"audio channel {channel} of {self._channels} is silent: the others are used alone"
            self._note(EventKind.DEAD_CHANNEL, message, block.start)
        return block

    def _note(self, kind: str, message: str, time: float) -> None:
        self._events.append(Event(timestamp=time, kind=kind, stage="capture", message=message))
