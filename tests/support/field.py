"""Recordings as they come from the field, built from the first seconds of the sample: several tracks, odd channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from workbench import sample
from workbench.capture.media_file import MediaFile
from workbench.settings import Capture
from workbench.streams import AudioBlock, FramePacket

RATE, FPS = 16000, 15
Pictures = list[NDArray[np.uint8]]
Sound = NDArray[np.float32]


@cache
def pictures(seconds: float = 20.0) -> Pictures:
    """The sample's pictures, 360 px high, `FPS` a second."""
    items = MediaFile(sample.build().video, Capture(fps=FPS, max_height=360))
    return [i.image for i in items if isinstance(i, FramePacket) and i.message.timestamp < seconds]


@cache
def speech(seconds: float = 20.0) -> Sound:
    """The sample's speech at `RATE`."""
    blocks = [i.samples for i in MediaFile(sample.build().audio) if isinstance(i, AudioBlock)]
    return np.concatenate(blocks)[: round(seconds * RATE)]


def screen(like: Pictures) -> Pictures:
    """A shared screen: a light page on which a line moves."""
    pages = [np.full_like(picture, 230) for picture in like]
    for k, page in enumerate(pages):
        page[(k * 7) % 300 : (k * 7) % 300 + 20] = 40
    return pages


def mux(
    path: Path, videos: Sequence[Pictures] = (), sounds: Sequence[Sound] = (), default: Sequence[int] = (), container: str | None = None
) -> Path:
    """A file with several tracks.

    Parameters
    ----------
    path : Path
    videos : sequence of lists of pictures
    sounds : sequence of ndarray, shape (n,) or (channels, n)
        At `RATE`.
    default : sequence of int
        Numbers, from 1, of the audio tracks that are flagged; the container's own choice where empty.
    container : str, optional
        FFmpeg's name of the format; by the file's name otherwise.
    """
    with av.open(str(path), "w", format=container) as out:
        tracks: list[tuple[Any, list[Any]]] = []
        for pictures_ in videos:
            video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
            video.height, video.width, video.pix_fmt = *pictures_[0].shape[:2], "yuv420p"
            frames = [av.VideoFrame.from_ndarray(p, "rgb24") for p in pictures_]
            for i, frame in enumerate(frames):
                frame.pts, frame.time_base = i, Fraction(1, FPS)
            tracks.append((video, frames))
        for number, samples in enumerate(sounds, start=1):
            rows = np.atleast_2d(samples)
            audio = out.add_stream("aac", rate=RATE, layout={1: "mono", 2: "stereo", 6: "5.1"}[len(rows)])
            if default:
                audio.disposition = av.stream.Disposition.default if number in default else av.stream.Disposition(0)
            tracks.append((audio, audio_frames(rows)))
        for stream, frames in tracks:
            for frame in [*frames, None]:
                out.mux(stream.encode(frame))
    return path


def audio_frames(rows: NDArray[np.float32], rate: int = RATE, size: int = 1024) -> list[av.AudioFrame]:
    """Samples of shape (channels, n) as decoded frames."""
    frames = []
    for i in range(0, rows.shape[1], size):
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(rows)]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(rows[:, i : i + size]), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, i, Fraction(1, rate)
        frames.append(frame)
    return frames


def mp3(path: Path, rows: NDArray[np.float32], rate: int = 48000) -> bytes:
    """An MP3 stream without tags, which may be put behind another."""
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as out:
        stream = out.add_stream("libmp3lame", rate=rate, layout="mono" if len(rows) == 1 else "stereo")
        for frame in [*audio_frames(rows, rate, 1152), None]:
            out.mux(stream.encode(frame))
    return path.read_bytes()
