"""The pictures of a live session as a video with the session's sound, encoded while the session runs.

A thread of low priority turns JPEGs into H.264 in a Matroska file, of which a crash leaves all but the last second; at the
end these packets only move, with the sound as AAC, into an MP4 file, which is what browsers play.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from heapq import merge
from pathlib import Path
from queue import Full, Queue
from typing import Any

from workbench.capture.browser import RATE, JpegFrame
from workbench.errors import WorkbenchError

PICTURES, VIDEO = "video.mkv.part", "video.mp4"
_TICK = Fraction(1, RATE)  # times are sample counts
_BEHIND = 10  # s of pictures that may wait: more is a machine that cannot keep up, and memory


class Recording:
    """Encodes frames into ``video.mkv.part`` of a session's folder; `finish` makes ``video.mp4`` of it.

    Parameters
    ----------
    folder : Path
    fps : float
        Frames per second that are expected; each frame has its own time.

    Attributes
    ----------
    left_out : int
        Frames that came while too many were waiting; in the session's `latency` event.
    """

    def __init__(self, folder: Path, fps: float) -> None:
        self.path = folder / PICTURES
        self.left_out = 0
        self._fps = round(fps)
        self._waiting: Queue[JpegFrame | None] = Queue(maxsize=_BEHIND * self._fps)
        self._encoder: threading.Thread | None = None
        self._error: Exception | None = None
        self._last = -1

    def add(self, frame: JpegFrame) -> None:
        """Keep one frame; one that is no newer than the last, and a first one that is no picture, are left out. Returns at once.

        Raises
        ------
        WorkbenchError
            If it, or one before it, cannot be written.
        """
        if self._error is not None:
            raise self._failed(self._error)
        if frame.sample <= self._last or (self._encoder is None and not self._begin(frame)):
            return
        self._last = frame.sample
        try:
            self._waiting.put_nowait(frame)
        except Full:
            self.left_out += 1

    def _begin(self, first: JpegFrame) -> bool:
        """Open the file and start the encoder, at the size of `first`; False where that is no picture."""
        import av

        size = _size(first.data)
        if size is None:
            return False
        try:
            # clusters of 1,000 ms, each on disk once it is whole
            out = av.open(str(self.path), "w", format="matroska", options={"cluster_time_limit": "1000", "flush_packets": "1"})
        except (OSError, av.FFmpegError) as error:
            raise self._failed(error) from error
        self._encoder = threading.Thread(target=self._encode, args=(out, *size), name="live-video", daemon=True)
        self._encoder.start()
        return True

    def _failed(self, error: Exception) -> WorkbenchError:
        return WorkbenchError(f"{self.path}: the picture cannot be stored ({error}); make room on this disk")

    def _encode(self, out: Any, width: int, height: int) -> None:
        """The encoder's thread: all frames take the size of the first, with even sides; a broken picture is left out."""
        import av
        from av.video.reformatter import ColorRange

        with suppress(OSError, AttributeError):  # where threads have a priority: below those that the page waits for
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        try:
            with out:
                stream = out.add_stream("libx264", rate=self._fps, options={"preset": "ultrafast", "crf": "25", "threads": "1"})
                stream.width, stream.height, stream.pix_fmt = width // 2 * 2, height // 2 * 2, "yuv420p"
                stream.codec_context.time_base = _TICK
                decoder = av.CodecContext.create("mjpeg", "r")
                while (frame := self._waiting.get()) is not None:
                    with suppress(av.error.InvalidDataError):
                        for seen in decoder.decode(av.Packet(frame.data)):
                            ranges = {"src_color_range": ColorRange.JPEG, "dst_color_range": ColorRange.MPEG}
                            picture = seen.reformat(stream.width, stream.height, "yuv420p", **ranges)
                            picture.pts, picture.time_base = frame.sample, _TICK
                            out.mux(stream.encode(picture))
                out.mux(stream.encode())
        except (OSError, av.FFmpegError) as error:
            self._error = error

    def finish(self, sound: Path) -> Path | None:
        """Write the video with `sound`; gives its path, or None where no frame came.

        Raises
        ------
        WorkbenchError
            If it cannot be written; what was encoded is kept in `path`.
        """
        if self._encoder is None:
            return None
        while self._encoder.is_alive():
            with suppress(Full):
                self._waiting.put(None, timeout=0.2)
                self._encoder.join()
        if self._error is not None:
            raise self._failed(self._error)
        return recover(self.path.parent, sound)


def recover(folder: Path, sound: Path) -> Path | None:
    """Make ``video.mp4`` of the pictures that a session's folder holds as ``video.mkv.part``, with `sound`; None where there are none.

    Raises
    ------
    WorkbenchError
        If it cannot be written; the pictures are kept.
    """
    import av

    path, target = folder / PICTURES, folder / VIDEO
    if not path.exists():
        return None
    part = target.with_name(target.name + ".part")
    try:
        with av.open(str(path)) as pictures, av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            sources = [_video(pictures, out)]
            if sound.exists():
                sources.append(_audio(av.open(str(sound)), out))
            for packet in merge(*sources, key=lambda p: p.dts * p.time_base):
                out.mux(packet)
        part.replace(target)
        path.unlink()
    except (OSError, av.FFmpegError) as error:
        part.unlink(missing_ok=True)
        raise WorkbenchError(f"{target}: cannot be written ({error}); the pictures are kept in {path}") from error
    return target


def _size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a picture, or None where it is none."""
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if picture is None else (picture.shape[1], picture.shape[0])


def _video(source: Any, out: Any) -> Iterator[Any]:
    """The encoded packets as they are."""
    stream = out.add_stream_from_template(source.streams.video[0])
    for packet in source.demux(video=0):
        if packet.dts is not None:  # the end
            packet.stream = stream
            yield packet


def _audio(source: Any, out: Any) -> Iterator[Any]:
    """AAC packets."""
    stream = out.add_stream("aac", rate=RATE, layout="mono")
    for frame in source.decode(audio=0):
        yield from stream.encode(frame)
    yield from stream.encode()
    source.close()
