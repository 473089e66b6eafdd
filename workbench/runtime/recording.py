"""The pictures of a live session, kept as they came, and at its end as a video with the session's sound.

While the session runs every JPEG goes into a Matroska file as it is: nothing is decoded, and what a crash leaves behind can
be read. At the end that becomes H.264 and AAC, which is what browsers play.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any

from workbench.capture.browser import RATE, JpegFrame
from workbench.errors import WorkbenchError

_TICK = Fraction(1, RATE)  # times are sample counts


class Recording:
    """Keeps frames in ``video.mkv.part`` of a session's folder; `finish` makes ``video.mp4`` of them.

    Parameters
    ----------
    folder : Path
    fps : float
        Frames per second that are expected; each frame has its own time.
    """

    def __init__(self, folder: Path, fps: float) -> None:
        self.path, self._target = folder / "video.mkv.part", folder / "video.mp4"
        self._fps = round(fps)
        self._out: Any = None
        self._stream: Any = None
        self._last = -1

    def add(self, frame: JpegFrame) -> None:
        """Keep one frame; one that is no newer than the last, and a first one that is no picture, are left out.

        Raises
        ------
        WorkbenchError
            If it cannot be written.
        """
        import av

        size = _size(frame.data) if self._out is None else None
        if frame.sample <= self._last or (self._out is None and size is None):
            return
        self._last = frame.sample
        try:
            if size is not None:
                self._out = av.open(str(self.path), "w", format="matroska")
                self._stream = self._out.add_mux_stream("mjpeg", rate=self._fps, width=size[0], height=size[1])
            packet = av.Packet(frame.data)
            packet.stream, packet.time_base, packet.pts, packet.dts = self._stream, _TICK, frame.sample, frame.sample
            packet.is_keyframe = True
            self._out.mux(packet)
        except (OSError, av.FFmpegError) as error:
            raise WorkbenchError(f"{self.path}: the picture cannot be stored ({error}); make room on this disk") from error

    def finish(self, sound: Path) -> Path | None:
        """Write the video with `sound`; gives its path, or None where no frame came.

        Raises
        ------
        WorkbenchError
            If it cannot be written; the frames are kept in `path`.
        """
        import av

        if self._out is None:
            return None
        part = self._target.with_name(self._target.name + ".part")
        try:
            self._out.close()
            with av.open(str(self.path)) as pictures, av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as out:
                sources = [_video(pictures, out, self._fps)]
                if sound.exists():
                    heard = av.open(str(sound))
                    sources.append(_audio(heard, out))
                for packet in merge(*sources, key=lambda p: p.dts * p.time_base):
                    out.mux(packet)
            part.replace(self._target)
            self.path.unlink()
        except (OSError, av.FFmpegError) as error:
            part.unlink(missing_ok=True)
            raise WorkbenchError(f"{self._target}: cannot be written ({error}); the pictures are kept in {self.path}") from error
        return self._target


def _size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a picture, or None where it is none."""
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if picture is None else (picture.shape[1], picture.shape[0])


def _pictures(source: Any) -> Iterator[Any]:
    """What can be decoded; a broken picture is left out."""
    import av

    for packet in source.demux(video=0):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _video(source: Any, out: Any, fps: int) -> Iterator[Any]:
    """H.264 packets; all frames take the size of the first, with even sides."""
    from av.video.reformatter import ColorRange

    stream: Any = None
    for frame in _pictures(source):
        if stream is None:
            stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "25"})
            stream.width, stream.height, stream.pix_fmt = frame.width // 2 * 2, frame.height // 2 * 2, "yuv420p"
            stream.codec_context.time_base = _TICK
        picture = frame.reformat(stream.width, stream.height, "yuv420p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG)
        picture.pts, picture.time_base = round(frame.time * RATE), _TICK
        yield from stream.encode(picture)
    if stream is not None:
        yield from stream.encode()


def _audio(source: Any, out: Any) -> Iterator[Any]:
    """AAC packets."""
    stream = out.add_stream("aac", rate=RATE, layout="mono")
    for frame in source.decode(audio=0):
        yield from stream.encode(frame)
    yield from stream.encode()
    source.close()
