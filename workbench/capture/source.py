"""What a source of frames and audio is, whether it reads a file or listens to a browser."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from workbench.contracts import Event
from workbench.streams import AudioBlock, FramePacket

NAME = 80
"""Longest name, in characters, that is made of a file's."""

_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shown_name(path: Path, longest: int = 255) -> str:
    """A file's name as it can be stored and printed: bytes that are no UTF-8 and control characters (line breaks, marks of writing
    direction among them) become "\N{REPLACEMENT CHARACTER}".

    Examples
    --------
    >>> shown_name(Path("/tmp/two\\nlines.mp4"))
    'two\ufffdlines.mp4'
    """
    text = os.fsencode(path.name).decode("utf-8", "replace")
    plain = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _DIRECTION else c for c in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


@dataclass(frozen=True)
class Tracks:
    """Which tracks of a file are read: numbers that count from 1 among those of a kind, as players show them; None where the file decides.

    Parameters
    ----------
    video, audio : int, optional
    why : mapping of (kind, number) to str
        Why a track is used or not, in a few words.
    """

    video: int | None = None
    audio: int | None = None
    why: Mapping[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, media: Mapping[str, Any]) -> Tracks:
        """Those that a session was made of, from the ``media`` of its header (older headers do not number them)."""
        used = {s["kind"]: s.get("number") for s in media.get("streams", []) if s.get("used")}
        return cls(used.get("video"), used.get("audio"))


@dataclass(frozen=True)
class StreamInfo:
    """One stream of a file as its header describes it.

    Parameters
    ----------
    index : int
        Among all streams of the file, from 0.
    kind : str
        "video", "audio", or another that is not read.
    number : int
        Among those of its kind, from 1.
    used : bool
        Whether it is read.
    why : str
        Why it is used or not; empty where there was no choice.
    """

    index: int
    kind: str
    codec: str
    used: bool
    number: int = 1
    language: str = ""
    title: str = ""
    why: str = ""


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
            "name": shown_name(self.path),
            "sha256": self.sha256,
            "container": self.container,
            "duration": self.duration,
            "width": self.width,
            "height": self.height,
            "fps": self.fps,
            "rotation": self.rotation,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "streams": [asdict(s) for s in self.streams],
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
