"""A few small pictures out of the stored video, as data URIs: a filmstrip, and the faces that evidence points to."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from workbench.capture.container import open_media, pixel_aspect
from workbench.capture.frames import FrameLine
from workbench.capture.source import Tracks
from workbench.contracts import Box
from workbench.errors import MediaError
from workbench.report.data import ReportData

STILLS = 12
AHEAD = 2.0
"""s; a picture that lies no further ahead is reached by decoding on, a later one by seeking."""


class Pictures:
    """Data URIs by time; empty, with the reason in `problem`, where there is no video that may be shown."""

    def __init__(self, material: ReportData, moments: Iterable[float]) -> None:
        self.stills: list[tuple[float, str]] = []
        self.faces: dict[float, str] = {}
        self.problem = ""
        if material.video is None or material.duration <= 0:
            return
        strip = [(i + 0.5) * material.duration / STILLS for i in range(STILLS)]
        faces = sorted({round(t, 3) for t in moments})
        boxes = _Boxes(material)
        try:
            for time, image in frames(material.video, sorted({*strip, *faces}), Tracks.of(material.header.media)):
                if time in faces:
                    self.faces[time] = _jpeg(boxes.cut(time, image), 96)
                if time in strip:
                    self.stills.append((time, _jpeg(image, 112)))
        except (MediaError, OSError, av.FFmpegError) as error:
            self.problem = f"the stored video could not be read to its end: {error}"

    def face(self, time: float) -> str:
        return self.faces.get(round(time, 3), "")


def frames(video: Path, times: list[float], tracks: Tracks | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Upright RGB pictures at session times (sorted); a time beyond the last picture gets none.

    Parameters
    ----------
    video : Path
    times : list of float
    tracks : Tracks, optional
        Which track of the file was evaluated.

    Raises
    ------
    MediaError
        If the file cannot be opened.
    """
    with open_media(video, tracks) as media:
        if media.video is None:
            return
        decoded, now = media.container.decode(media.video), -np.inf
        half = 0.5 / float(media.video.average_rate or 25)
        frame = None
        for wanted in times:
            if wanted > now + AHEAD:
                # offsets of `seek` without a stream are in microseconds; it lands on the key picture before
                media.container.seek(max(0, int((wanted + media.zero) * av.time_base)), backward=True)
                decoded, frame = media.container.decode(media.video), None
            while frame is None or now < wanted - half:
                frame = next(decoded, None)
                if frame is None:
                    return
                now = frame.time - media.zero if frame.time is not None else now + 2 * half
            packet = FrameLine(1.0, 360, pixel_aspect(media.video)).push(frame, now)
            if packet is not None:
                yield wanted, packet.image


class _Boxes:
    """Where the candidate's face was."""

    def __init__(self, material: ReportData) -> None:
        found: list[tuple[float, Box]] = []
        mine = material.candidate.faces if material.candidate is not None else ()
        for item in material.detections:
            face = next((d for d in item.detections if d.face_id in (mine or (item.candidate,))), None) or next(iter(item.detections), None)
            if face is not None:
                found.append((item.timestamp, face.box))
        self._times = np.array([t for t, _ in found])
        self._boxes = [b for _, b in found]

    def cut(self, time: float, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A square around the face seen nearest to `time`; the whole picture where none was seen within 0.5 s."""
        if not len(self._times):
            return image
        nearest = int(np.abs(self._times - time).argmin())
        if abs(self._times[nearest] - time) > 0.5:
            return image
        return square(image, self._boxes[nearest])


def square(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A square about a face."""
    height, width = image.shape[:2]
    top, left, bottom, right = (v * s for v, s in zip(box, (height, width, height, width), strict=True))
    side = min(1.6 * max(bottom - top, right - left), height, width)
    y = int(np.clip((top + bottom - side) / 2, 0, height - side))
    x = int(np.clip((left + right - side) / 2, 0, width - side))
    return image[y : y + max(int(side), 1), x : x + max(int(side), 1)]


def portraits(video: Path, examples: Mapping[str, tuple[float, Box]], tracks: Tracks | None = None) -> dict[str, str]:
    """A small picture of each face as a data URI; of those that the video does not show (any more) none.

    Parameters
    ----------
    video : Path
    examples : mapping
        Face id → time (s) and box.
    tracks : Tracks, optional
        Which track of the file was evaluated.
    """
    times = sorted({time for time, _ in examples.values()})
    with contextlib.suppress(MediaError, OSError, av.FFmpegError):
        shown = dict(frames(video, times, tracks))
        return {name: _jpeg(square(shown[time], box), 96) for name, (time, box) in examples.items() if time in shown}
    return {}


def _jpeg(image: NDArray[np.uint8], height: int) -> str:
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((4 * height, height))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=70, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
