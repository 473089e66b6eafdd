"""What flows between stages in memory: arrays beside their messages, and `Track`, the one form of every dense series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench import contracts
from workbench.outputs import Output

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class FramePacket:
    """A frame's message with its pixels, uint8 RGB of shape (height, width, 3), upright."""

    message: contracts.Frame
    image: NDArray[np.uint8]

    @property
    def reached(self) -> float | None:
        return self.message.timestamp


@dataclass(frozen=True)
class AudioBlock:
    """Mono float32 samples in [-1, 1]; `first_sample` counts from the session's second 0 at `sample_rate` Hz.

    Examples
    --------
    >>> import numpy as np
    >>> AudioBlock(first_sample=8000, samples=np.zeros(16000, np.float32)).end
    1.5
    """

    first_sample: int
    samples: NDArray[np.float32]
    sample_rate: int = 16000

    @property
    def start(self) -> float:
        return self.first_sample / self.sample_rate

    @property
    def end(self) -> float:
        return (self.first_sample + len(self.samples)) / self.sample_rate

    @property
    def reached(self) -> float | None:
        return self.end


@dataclass(frozen=True)
class DetectedFrame:
    """A frame with its faces, not yet named: what detection gives to tracking."""

    packet: FramePacket
    detections: contracts.Detections

    @property
    def reached(self) -> float | None:
        return self.packet.reached


@dataclass(frozen=True)
class TrackedFrame:
    """A frame with the named faces in it: what the aligner crops from."""

    packet: FramePacket
    detections: contracts.Detections
    outputs: ClassVar[tuple[Output, ...]] = (Output("detections", contracts.Detections, lambda item: (item.detections,)),)

    @property
    def reached(self) -> float | None:
        return self.packet.reached


@dataclass(frozen=True)
class FaceCrop:
    """An aligned face, uint8 RGB of shape (size, size, 3)."""

    item: contracts.CropItem
    image: NDArray[np.uint8]

    @property
    def reached(self) -> float | None:
        return self.item.timestamp


@dataclass(frozen=True)
class SpeechClip:
    """A voice-activity segment with its samples (mono float32 at 16 kHz, starting at `message.start`).

    `before` is the sound between the segment before and this one (at most its last two seconds): context for recognition.
    """

    message: contracts.SpeechSegment
    samples: NDArray[np.float32]
    sample_rate: int = 16000
    before: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    outputs: ClassVar[tuple[Output, ...]] = (Output("segments", contracts.SpeechSegment, lambda item: (item.message,)),)

    @property
    def reached(self) -> float | None:
        return self.message.end


@dataclass(frozen=True)
class TranscribedClip:
    """A segment's transcript beside its samples: what word alignment and prosody need together."""

    transcript: contracts.Transcript
    clip: SpeechClip

    @property
    def reached(self) -> float | None:
        return self.transcript.end


@dataclass(frozen=True)
class AlignedClip(TranscribedClip):
    """A transcribed segment whose words have been aligned; a type of its own, because the graph routes by exact type."""

    outputs: ClassVar[tuple[Output, ...]] = (Output("transcripts", contracts.Transcript, lambda item: (item.transcript,)),)


@dataclass(frozen=True)
class Track:
    """A dense series on the session's time axis.

    Parameters
    ----------
    name : str
    times : ndarray, shape (n,)
        Seconds since the session began, strictly increasing.
    values : ndarray, shape (n, k)
        NaN where not measured.
    names : tuple of str, length k
    confidence : ndarray, shape (n,)
        In [0, 1].
    valid : ndarray of bool, shape (n,)
        False where nothing may be concluded from the row.

    Raises
    ------
    ValueError
        If shapes disagree or times do not increase.
    """

    name: str
    times: Floats
    values: Floats
    names: tuple[str, ...]
    confidence: Floats = field(default_factory=lambda: np.empty(0))
    valid: Bools = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        n = len(self.times)
        if len(self.confidence) == 0 and n:
            object.__setattr__(self, "confidence", np.ones(n))
        if len(self.valid) == 0 and n:
            object.__setattr__(self, "valid", np.ones(n, bool))
        if self.values.shape != (n, len(self.names)) or len(self.confidence) != n or len(self.valid) != n:
            raise ValueError(
                f"track {self.name!r}: {n} times, values {self.values.shape}, {len(self.names)} names, "
                f"{len(self.confidence)} confidences, {len(self.valid)} validities do not fit together"
            )
        if n > 1 and not np.all(np.diff(self.times) > 0):
            raise ValueError(f"track {self.name!r}: times must increase strictly")

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def empty(cls, name: str, names: Sequence[str]) -> Track:
        return cls(name, np.empty(0), np.empty((0, len(names))), tuple(names))

    @classmethod
    def of(cls, name: str, times: ArrayLike, values: ArrayLike, names: Sequence[str], **more: ArrayLike) -> Track:
        """Build from anything array-like (`confidence=` and `valid=` are optional).

        Parameters
        ----------
        name : str
        times : array_like, shape (n,)
            s, increasing.
        values : array_like, shape (n, k)
            NaN where not measured.
        names : sequence of str
            One a column.
        """
        extra = {
            "confidence": np.asarray(more["confidence"], float) if "confidence" in more else np.empty(0),
            "valid": np.asarray(more["valid"], bool) if "valid" in more else np.empty(0, bool),
        }
        array = np.asarray(values, float).reshape(-1, len(names))
        return cls(name, np.asarray(times, float), array, tuple(names), **extra)

    @classmethod
    def concat(cls, tracks: Iterable[Track]) -> Track:
        parts = list(tracks)
        if not parts:
            raise ValueError("concat needs at least one track")
        if len({p.names for p in parts}) > 1:
            raise ValueError(f"tracks of different columns: {[p.names for p in parts]}")
        return cls(
            parts[0].name,
            np.concatenate([p.times for p in parts]),
            np.concatenate([p.values for p in parts]),
            parts[0].names,
            np.concatenate([p.confidence for p in parts]),
            np.concatenate([p.valid for p in parts]),
        )

    def slice(self, start: float, end: float) -> Track:
        """The rows with ``start <= time < end``."""
        low, high = np.searchsorted(self.times, [start, end])
        rows = np.s_[low:high]
        return replace(self, times=self.times[rows], values=self.values[rows], confidence=self.confidence[rows], valid=self.valid[rows])

    def column(self, name: str) -> Floats:
        return self.values[:, self.names.index(name)]

    @classmethod
    def from_rows(cls, name: str, names: Sequence[str], rows: Iterable[contracts.TrackRow]) -> Track:
        """Build from stored rows; null becomes NaN.

        Parameters
        ----------
        name : str
        names : sequence of str
            Columns, in their order.
        rows : iterable of TrackRow
        """
        items = list(rows)
        table = [[np.nan if (v := r.values.get(k)) is None else v for k in names] for r in items]
        return cls.of(
            name, [r.timestamp for r in items], table, names,
            confidence=[r.confidence for r in items], valid=[r.valid for r in items],
        )  # fmt: skip

    def rows(self) -> Iterable[contracts.TrackRow]:
        """This track as storable rows; NaN becomes null."""
        for t, v, c, ok in zip(self.times, self.values, self.confidence, self.valid, strict=True):
            values = {n: None if np.isnan(x) else float(x) for n, x in zip(self.names, v, strict=True)}
            yield contracts.TrackRow(timestamp=float(t), values=values, confidence=float(c), valid=bool(ok))


@dataclass(frozen=True)
class TrackUpdate:
    """New rows of a dense series, as a stage emits them; stored in the stream that is called like the track."""

    track: Track
    outputs: ClassVar[tuple[Output, ...]] = (
        Output(lambda item: str(item.track.name), contracts.TrackRow, lambda item: item.track.rows(), lambda item: item.track),
    )

    @property
    def reached(self) -> float | None:
        return float(self.track.times[-1]) if len(self.track) else None


@dataclass(frozen=True)
class MeasuredClip:
    """How one segment was said: the summary that is stored, and the dense `acoustics` beneath it."""

    message: contracts.Prosody
    acoustics: Track
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("prosody", contracts.Prosody, lambda item: (item.message,)),
        Output("acoustics", contracts.TrackRow, lambda item: item.acoustics.rows(), lambda item: item.acoustics),
    )

    @property
    def reached(self) -> float | None:
        return self.message.end


STREAMS: dict[str, type[contracts.Message]] = {
    **{
        output.stream: output.message
        for kind in (TrackedFrame, contracts.VisualOutput, SpeechClip, AlignedClip, MeasuredClip, contracts.Event)
        for output in kind.outputs
        if isinstance(output.stream, str)
    },
    "speech": contracts.TrackRow,
    "affect": contracts.TrackRow,
    "answers": contracts.Answer,
    "windows": contracts.FusedWindow,
    "scores": contracts.Score,
}
"""The streams that every session has → the message on each of their lines; the file is ``NAME.jsonl``."""
