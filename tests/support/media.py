"""Builds small media files for tests with PyAV: any rate, channel count, times, rotation; and cuts real ones short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
TICKS = 90_000  # of the video's clock a second: any frame time is representable


def tone(seconds: float, rate: int = 16000, hertz: float = 440.0, amplitude: float = 0.5) -> NDArray[np.float32]:
    """A sine, float32 of shape (n,)."""
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def plain(seconds: float, fps: float = 25.0, width: int = 320, height: int = 240) -> list[tuple[float, Image]]:
    """(time, picture) pairs whose grey level grows by one a frame, so that a frame can be told by its pixels."""
    return [(i / fps, np.full((height, width, 3), i % 250, np.uint8)) for i in range(round(seconds * fps))]


def write(
    path: Path,
    frames: Iterable[tuple[float, Image]] = (),
    audio: NDArray[np.float32] | None = None,
    rate: int = 16000,
    *,
    codec: str = "libx264",
    audio_codec: str = "pcm_s16le",
    rotation: float = 0,
    audio_at: float = 0.0,
    gaps: Sequence[tuple[float, float]] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """Write a media file; the suffix chooses the container.

    Parameters
    ----------
    frames : iterable of (s, ndarray)
        Presentation time and RGB picture of shape (height, width, 3), times increasing; may be a generator.
    audio : ndarray, shape (channels, n) or (n,), optional
    rotation : float
        Degrees counter-clockwise written into the display matrix; the pictures are stored as given.
    audio_at : float, s
        Presentation time of the first sample.
    gaps : sequence of (at, length), s
        From media time `at` on, audio times jump ahead by `length`: packets that were lost.
    """
    with av.open(str(path), "w", options=options or {}) as out:
        pictures = iter(frames)
        first = next(pictures, None)
        video = None
        if first is not None:
            video = out.add_stream(codec, rate=30, options={"preset": "ultrafast", "crf": "12"} if codec == "libx264" else {})
            video.height, video.width = first[1].shape[:2]
            video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            video.time_base = video.codec_context.time_base = Fraction(1, TICKS)
            if rotation:
                video.set_display_rotation(rotation)
        sound = None
        if audio is not None:
            audio = np.atleast_2d(audio)
            sound = out.add_stream(audio_codec, rate=rate, layout={1: "mono", 2: "stereo", 6: "5.1"}[len(audio)])
        packets = list(_audio(sound, audio, rate, audio_at, gaps)) if sound is not None and audio is not None else []
        time = 0.0
        while video is not None and first is not None:
            time, picture = first
            while packets and packets[0][0] <= time:
                out.mux(packets.pop(0)[1])
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            out.mux(video.encode(frame))
            first = next(pictures, None)
        for _, packet in packets:
            out.mux(packet)
        if video is not None:
            out.mux(video.encode(None))
    return path


def _audio(
    stream: av.AudioStream, samples: NDArray[np.float32], rate: int, at: float, gaps: Sequence[tuple[float, float]]
) -> Iterable[tuple[float, list[av.Packet]]]:
    kind = stream.codec_context.format.name
    step = stream.codec_context.frame_size or 1024
    for i in range(0, samples.shape[1], step):
        part = np.ascontiguousarray(samples[:, i : i + step])
        frame = av.AudioFrame.from_ndarray(part, "fltp", stream.codec_context.layout.name)
        frame.sample_rate = rate
        time = at + i / rate + sum(length for start, length in gaps if i / rate >= start)
        frame.pts, frame.time_base = round(time * rate), Fraction(1, rate)
        for converted in av.AudioResampler(kind, stream.codec_context.layout, rate).resample(frame):
            yield time, stream.encode(converted)
    yield float("inf"), stream.encode(None)


def truncate(path: Path, target: Path, keep: float) -> Path:
    """The first part `keep` (0 to 1) of a file's bytes."""
    data = path.read_bytes()
    target.write_bytes(data[: round(len(data) * keep)])
    return target


def still(image: Image, seconds: float, fps: float = 15.0) -> Iterable[tuple[float, Image]]:
    """The same picture, `fps` times a second."""
    return ((i / fps, image) for i in range(round(seconds * fps)))


def moving(draw: Callable[[float], Image], seconds: float, fps: float = 15.0) -> Iterable[tuple[float, Image]]:
    """Pictures drawn for each time."""
    return ((i / fps, draw(i / fps)) for i in range(round(seconds * fps)))


def read_image(path: Path) -> Image:
    """A still picture as RGB."""
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")
