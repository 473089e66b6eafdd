"""A recording as a source: one pass through the file, frames and audio in time order, memory independent of length."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from workbench import contracts
from workbench.capture.audio import AudioLine
from workbench.capture.container import OpenMedia, open_media, pixel_aspect, probe, quarter_turns
from workbench.capture.source import SourceInfo, Tracks
from workbench.contracts import Event
from workbench.errors import MediaError
from workbench.events import EventKind
from workbench.settings import Capture
from workbench.streams import AudioBlock, FramePacket

Item = FramePacket | AudioBlock

HOLD = 2.0
"""How far one stream may run ahead of the other before it is yielded all the same, s (badly interleaved files)."""
BACK = 1.0
"""A clock that falls back by more than this starts again: a new part, s (frames out of order fall back by less)."""
LONGEST_GAP = 600.0
"""A clock that leaps ahead of everything by more than this is another clock, not a pause: a new part, s."""
SHORT = 0.5
"""A file that ends this much before its header says is reported as cut short, s."""
EXACT_HEADERS = ("mov", "matroska", "wav", "avi", "ogg", "flv", "flac")
"""Formats whose duration is written in them; that of others (MP3, transport streams) is FFmpeg's guess."""


class MediaFile:
    """Frames and audio of one file; iterating again reads it again.

    Times are presentation times less the earliest stream's start. Frames and blocks come in time order, unless one stream
    stops or leads by more than `HOLD`: what is left of the other then comes after it.

    Parameters
    ----------
    path : Path or str
        Any video or audio recording that FFmpeg decodes: only video, only audio, or both.
    settings : Capture, optional
        Analysis rate, largest picture, audio rate and block length.
    tracks : Tracks, optional
        Which tracks to read, where the file holds several of a kind.

    Raises
    ------
    MediaError
        As `container.open_media` says; while iterating, also if nothing in the file can be decoded.
    """

    def __init__(self, path: Path | str, settings: Capture | None = None, tracks: Tracks | None = None) -> None:
        self._settings, self._tracks = settings or Capture(), tracks
        self._info = probe(path, tracks)
        self._events: list[Event] = []

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def events(self) -> list[Event]:
        return self._events

    @property
    def warnings(self) -> list[str]:
        """The events' messages: what a person should know about the file."""
        return [e.message for e in self._events]

    def __iter__(self) -> Iterator[Item]:
        self._events.clear()
        with open_media(self._info.path, self._tracks) as media:
            yield from _Pass(media, self._settings, self._info, self._events).run()


class _Clock:
    """The session's time of decoded frames, for files whose own clock starts again or leaps (parts put one after the other).

    All streams share the parts: the first that starts again begins one, where the last part ended; the others follow.
    """

    def __init__(self, zero: float, note: Callable[[float, str, str], None]) -> None:
        self._note = note
        self._shift = [-zero]  # of each part: session time less the file's time
        self._part: dict[str, int] = {}
        self._last: dict[str, float] = {}
        self.end = 0.0  # session time that any stream has reached

    def time(self, stream: str, raw: float, length: float) -> float:
        """The session second of a frame that lies at the file's second `raw` and lasts `length` s."""
        part = self._part.get(stream, 0)
        back = raw < self._last.get(stream, raw) - BACK
        ahead = raw + self._shift[part] > self.end + LONGEST_GAP and bool(self._last)
        if back or ahead:
            part += 1
            if part == len(self._shift):
                self._shift.append(self.end - raw)
                what = "starts again" if back else "leaps ahead"
                self._note(self.end, EventKind.NEW_PART, f"the file's clock {what} here: a new part, put behind the last one")
        self._part[stream], self._last[stream] = part, raw
        time = round(raw + self._shift[part], 9)  # a difference of equal times is 0, not -1e-17
        self.end = max(self.end, time + length)
        return time


class _Pass:
    """One reading of the file: demux, decode, and order what comes of it."""

    def __init__(self, media: OpenMedia, settings: Capture, info: SourceInfo, events: list[Event]) -> None:
        self._media, self._info, self._events = media, info, events
        aspect = pixel_aspect(media.video) if media.video else 1.0
        self._interval = 1.0 / (info.fps or 25.0)
        self._clock = _Clock(media.zero, self._note)
        self._frames = FrameLine(settings.fps, settings.max_height, aspect, self._interval)
        self._audio = AudioLine(settings.sample_rate, settings.block_seconds, events)
        self._waiting: list[tuple[float, int, Item]] = []  # a heap by time; the count keeps ties in order
        self._count = 0
        self._damaged = 0

    def run(self) -> Iterator[Item]:
        for decoded in self._decoded():
            for item in self._items(decoded):
                heapq.heappush(self._waiting, (item.end if isinstance(item, AudioBlock) else item.message.timestamp, self._count, item))
                self._count += 1
                yield from self._ready()
        for block in self._audio.finish():
            heapq.heappush(self._waiting, (block.end, self._count, block))
            self._count += 1
        while self._waiting:
            yield heapq.heappop(self._waiting)[-1]
        self._judge()

    def _decoded(self) -> Iterator[VideoFrame | AudioFrame]:
        streams = [s for s in (self._media.video, self._media.audio) if s is not None]
        demuxer = self._media.container.demux(streams)
        while True:
            try:
                packet = next(demuxer, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.FFmpegError:  # what cannot be decoded is left out; what came before it stands
                self._damaged += 1
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame | AudioFrame):
                    yield frame

    def _items(self, decoded: VideoFrame | AudioFrame) -> Iterable[Item]:
        audio = isinstance(decoded, AudioFrame)
        length = decoded.samples / decoded.sample_rate if isinstance(decoded, AudioFrame) else self._interval
        time = None if decoded.time is None else self._clock.time("audio" if audio else "video", decoded.time, length)
        if isinstance(decoded, AudioFrame):
            return self._audio.push(decoded, time)
        picture = self._frames.push(decoded, time)
        return [picture] if picture else []

    def _ready(self) -> Iterator[Item]:
        """What nothing earlier can follow any more, and what has waited `HOLD` for the other stream."""
        reached = []
        if self._media.video is not None:
            reached.append(self._frames.progress)
        if self._media.audio is not None:
            reached.append(self._audio.progress)
        horizon = max(min(reached), max(reached) - HOLD)
        while self._waiting and self._waiting[0][0] <= horizon:
            yield heapq.heappop(self._waiting)[-1]

    def _judge(self) -> None:
        """Say what was wrong with the file, now that it has been read."""
        path, end = self._info.path, max(self._frames.progress, self._audio.progress)
        self._audio.judge(end)
        if not self._count:
            raise MediaError(f"{path}: nothing in it could be decoded; copy or record it again")
        if self._damaged:
            self._note(end, EventKind.DAMAGED, f"{self._damaged} damaged packets were left out")
        if self._frames.untimed:
            self._note(end, EventKind.UNTIMED, f"{self._frames.untimed} pictures carry no time: a constant rate was assumed")
        exact = any(name in self._info.container.split(",") for name in EXACT_HEADERS)
        if exact and end < self._info.duration - SHORT:
            self._note(end, EventKind.CUT_SHORT, f"ends at {end:.1f} s, its header says {self._info.duration:.1f} s: the file is cut short")

    def _note(self, time: float, kind: str, message: str) -> None:
        self._events.append(Event(timestamp=time, kind=kind, stage="capture", message=message))


EARLY = 0.25
"""A frame may come this part of an interval early and still count for its tick: cameras jitter, containers round."""


class FrameLine:
    """Chooses frames by presentation time, scales them down and sets them upright.

    Parameters
    ----------
    fps : float
        Frames wanted per second; a slower source gives all it has.
    max_height : int, px
        Upright pictures taller than this are scaled down.
    aspect : float
        Width of a stored pixel over its height.
    interval : float, s
        Assumed distance of frames that carry no time; `untimed` counts those.
    """

    def __init__(self, fps: float, max_height: int, aspect: float = 1.0, interval: float = 0.04) -> None:
        self._period, self._max_height, self._aspect, self._interval = 1.0 / fps, max_height, aspect, interval
        self._scaler = VideoReformatter()  # one for all frames: it keeps its scaling tables
        self._due = -math.inf
        self._count = 0
        self.untimed = 0
        self.progress = -math.inf

    def push(self, frame: VideoFrame, time: float | None) -> FramePacket | None:
        """The packet of a chosen frame; None for one between ticks, before second 0, or out of order.

        Parameters
        ----------
        frame : VideoFrame
        time : float or None
            The session second at which it is shown; None where the file does not say.
        """
        if time is None:
            time = self._untimed()
        if time <= self.progress or time < 0:
            return None
        self.progress = time
        if time < self._due - EARLY * self._period:
            return None
        # On time: the next tick of the same beat. Late by a whole interval or more: the beat starts anew.
        self._due = (time if time - self._due >= self._period else self._due) + self._period
        image = self._picture(frame)
        message = contracts.Frame(frame_id=self._count, timestamp=time, width=image.shape[1], height=image.shape[0])
        self._count += 1
        return FramePacket(message, image)

    def _untimed(self) -> float:
        self.untimed += 1
        return 0.0 if math.isinf(self.progress) else self.progress + self._interval

    def _picture(self, frame: VideoFrame) -> NDArray[np.uint8]:
        turns = quarter_turns(frame)
        width, height = frame.width * self._aspect, float(frame.height)
        scale = min(1.0, self._max_height / (width if turns % 2 else height))
        scaled = self._scaler.reformat(frame, round(width * scale), round(height * scale), "rgb24", threads=1)
        return np.ascontiguousarray(np.rot90(scaled.to_ndarray(), turns))
