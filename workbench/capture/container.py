"""Opening a media file and saying what is in it, or in one line why it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workbench.capture.source import SourceInfo, StreamInfo, Tracks
from workbench.errors import MediaError

# A playlist could name other files and hosts: only the file itself is opened.
_OPTIONS = {"protocol_whitelist": "file"}
_NO_RECORDING = {"tty", "image2", "concat", "hls", "sdp"}


@dataclass(frozen=True)
class OpenMedia:
    """An open file, the streams that are read (or None), and the file's own time of second 0, s."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    zero: float


@contextmanager
def open_media(path: Path | str, tracks: Tracks | None = None) -> Iterator[OpenMedia]:
    """Open for one pass; closes the file afterwards.

    Parameters
    ----------
    path : path
    tracks : Tracks, optional
        Where the file holds several of a kind and nothing is said here, the one that is flagged as default is read, else the first.

    Raises
    ------
    MediaError
        If there is no such file, it is a folder, is empty, may not be read, is no media file, is cut short before its
        index, holds neither a moving picture nor sound, or not the track that is wanted.
    """
    path, tracks = Path(path), tracks or Tracks()
    # torchvision, imported by others, sends FFmpeg's log through Python: a decoder's thread that logs then waits for the
    # interpreter lock, which its owner holds while it waits for that thread to end
    av.logging.set_level(None)
    with _container(path) as container:
        video = _one(path, "video", moving_pictures(container), tracks.video)
        audio = _one(path, "audio", sounds(container), tracks.audio)
        used = [s for s in (video, audio) if s is not None]
        if not used:
            raise MediaError(f"{path}: holds no moving picture and no sound; give a video or audio recording")
        if video is not None:
            video.thread_type = "AUTO"
        yield OpenMedia(container, video, audio, min(_start(s, container) for s in used))


def moving_pictures(container: InputContainer) -> list[VideoStream]:
    """The video tracks of a file: number 1 is the first."""
    return [s for s in container.streams.video if _moving(s)]


def sounds(container: InputContainer) -> list[AudioStream]:
    """The audio tracks of a file: number 1 is the first."""
    return [s for s in container.streams.audio if s.codec_context is not None]


def _one(path: Path, kind: str, streams: list[Any], wanted: int | None) -> Any:
    if wanted is None:
        return next((s for s in streams if s.disposition & Disposition.default), streams[0] if streams else None)
    if not 1 <= wanted <= len(streams):
        there = f"it has {len(streams)}, numbered from 1" if streams else "it has none"
        raise MediaError(f"{path}: holds no {kind} track {wanted}; {there}")
    return streams[wanted - 1]


def _described(media: OpenMedia, tracks: Tracks) -> tuple[StreamInfo, ...]:
    container = media.container
    numbers = {s.index: n for group in (moving_pictures(container), sounds(container)) for n, s in enumerate(group, start=1)}
    return tuple(
        StreamInfo(
            s.index, s.type, s.codec_context.name if s.codec_context else "unknown", s in (media.video, media.audio),
            numbers.get(s.index, 0), s.metadata.get("language", ""), s.metadata.get("title", ""),
            tracks.why.get((s.type, numbers.get(s.index, 0)), ""),
        )
        for s in container.streams
    )  # fmt: skip


def probe(path: Path | str, tracks: Tracks | None = None) -> SourceInfo:
    """Describe a media file from its header and first picture. Raises as `open_media` does."""
    with open_media(path, tracks) as media:
        video, audio, container = media.video, media.audio, media.container
        streams = _described(media, tracks or Tracks())
        width, height, fps, rotation = None, None, None, 0
        if video is not None:
            rate = video.average_rate or video.guessed_rate
            width, height, fps = round(video.width * pixel_aspect(video)), video.height, float(rate) if rate else None
            rotation = _first_rotation(media)
            if rotation in (90, 270):
                width, height = height, width
        return SourceInfo(
            path=Path(path),
            container=container.format.name,
            duration=container.duration / av.time_base if container.duration else _measured_duration(media),
            streams=streams,
            width=width,
            height=height,
            fps=fps,
            rotation=rotation,
            sample_rate=audio.codec_context.sample_rate if audio else None,
            channels=audio.codec_context.channels if audio else None,
        )


def pixel_aspect(stream: VideoStream) -> float:
    """Width of a stored pixel over its height; 1 where the file does not say."""
    return float(stream.sample_aspect_ratio or 1)


def quarter_turns(frame: VideoFrame) -> int:
    """How many quarter turns counter-clockwise set the frame upright, from its display matrix: 0 to 3."""
    return round(frame.rotation / 90) % 4


def _container(path: Path) -> InputContainer:
    if not path.exists():
        raise MediaError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder; give one media file")
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if not head:
        raise MediaError(f"{path}: is empty; copy or record it again")
    try:
        container = av.open(_address(path), options=_OPTIONS)
    except (av.FFmpegError, ValueError):
        if head[4:8] == b"ftyp":
            raise MediaError(f"{path}: is cut short, its index (moov) is missing; copy or record it again") from None
        raise MediaError(f"{path}: is no media file that FFmpeg can read; give a video or audio recording") from None
    kind = container.format.name
    if kind.endswith("_pipe") or kind in _NO_RECORDING:
        container.close()
        raise MediaError(f"{path}: is a still picture, text or playlist ({kind}); give a video or audio recording")
    return container


def _address(path: Path) -> Any:
    """What FFmpeg is given: a name with a colon is not taken for a protocol, and one that is no UTF-8 is opened here."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.open("rb")  # closed with the container
    return f"file:{path}"


def _moving(stream: VideoStream) -> bool:
    """Cover art, and a picture in a video's clothing (HEIC: one frame), are no video."""
    still = Disposition.attached_pic | Disposition.still_image
    return stream.codec_context is not None and not stream.disposition & still and stream.frames != 1


def _start(stream: Stream, container: InputContainer) -> float:
    if stream.start_time is not None and stream.time_base is not None:
        return float(stream.start_time * stream.time_base)
    return (container.start_time or 0) / av.time_base


def _first_rotation(media: OpenMedia) -> int:
    try:
        frame = next(media.container.decode(media.video), None)
    except av.FFmpegError:  # a damaged first picture: the pass itself will tell
        return 0
    return quarter_turns(frame) * 90 if isinstance(frame, VideoFrame) else 0


def _measured_duration(media: OpenMedia) -> float:
    """From the times of all packets, undecoded, for files whose header has no duration."""
    end = media.zero
    try:
        for packet in media.container.demux([s for s in (media.video, media.audio) if s is not None]):
            if packet.pts is not None and packet.time_base is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    except av.FFmpegError:  # damaged from here on
        pass
    return end - media.zero
