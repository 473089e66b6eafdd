"""What a source of frames and audio is, whether it reads a file or listens to a browser."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from workbench.contracts import Event
from workbench.streams import AudioBlock, FramePacket


@dataclass(frozen=True)
class StreamInfo:
    """One stream of a file as its header describes it; `used` says whether it is read."""

    index: int
    kind: str
    codec: str
    used: bool


@dataclass(frozen=True)
class SourceInfo:
    """What a source holds, known before it is read.

    Parameters
    ----------
    path : Path
    container : str
        FFmpeg's name of the file format.
    duration : float
        s, as the header says; where it says nothing (many browser recordings) as the packets' times say.
    streams : tuple of StreamInfo
    width, height : int or None
        px, of the upright picture before any scaling.
    fps : float or None
        Mean frames per second of the source; the rate may vary.
    rotation : int
        Quarter turns counter-clockwise, in degrees, that set the stored picture upright: 0, 90, 180 or 270.
    sample_rate, channels : int or None
        As stored (Hz); what is yielded is always mono at the settings' rate.
    """

    path: Path
    container: str
    duration: float
    streams: tuple[StreamInfo, ...]
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    rotation: int = 0
    sample_rate: int | None = None
    channels: int | None = None

    @property
    def has_video(self) -> bool:
        return self.width is not None

    @property
    def has_audio(self) -> bool:
        return self.sample_rate is not None

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the file, computed when first asked for."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a session header; names the file without its folder."""
        return {
            "name": self.path.name,
            "sha256": self.sha256,
            "container": self.container,
            "duration": self.duration,
            "width": self.width,
            "height": self.height,
            "fps": self.fps,
            "rotation": self.rotation,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "streams": [{"index": s.index, "kind": s.kind, "codec": s.codec, "used": s.used} for s in self.streams],
        }


class Source(Protocol):
    """Yields frames and audio blocks in time order: a frame at its time, a block when its last sample is there.

    `events` grows while the source is read: a dead channel, a gap, a damaged end. It never repeats one.
    """

    @property
    def info(self) -> SourceInfo: ...

    @property
    def events(self) -> list[Event]: ...

    def __iter__(self) -> Iterator[FramePacket | AudioBlock]: ...
