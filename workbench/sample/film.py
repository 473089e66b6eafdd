"""The sample's video: stock footage played forwards and backwards, with the questions as captions, as an MP4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import zoo
from workbench.zoo.progress import Progress

FPS = 24
AUDIO_RATE = 32000  # Hz; a minute is then a whole number of AAC frames, so that copies follow each other without a gap
AAC_FRAME = 1024
LABEL = "stock footage, synthetic voice: not a real interview"

Planes = NDArray[np.uint8]  # YUV 4:2:0, shape (height * 3 / 2, width)


def write(
    path: Path, samples: NDArray[np.float32], rate: int, script: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], progress: Progress
) -> None:
    """Encode the footage and the samples to an MP4 (H.264, AAC) of the script's duration.

    Parameters
    ----------
    path : Path
    samples : ndarray of float32, shape (n,)
        Mono, in [-1, 1].
    rate : int
        Hz.
    script : mapping
        From `script.yaml`.
    answers : sequence of dict
        From `speech.lay_out`.
    progress : callable
        Called with the seconds that are encoded.
    """
    import av

    pictures = _footage()
    height, width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
    frames = round(script["duration"] * FPS)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as box:
        box.metadata.update(title=script["title"], comment=LABEL)
        video: Any = box.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23", "bf": "0", "g": str(2 * FPS)})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.time_base = Fraction(1, FPS)
        audio: Any = box.add_stream("aac", rate=AUDIO_RATE, layout="mono", bit_rate=96000)
        _mux_audio(box, audio, _resampled(samples, rate))
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(_captioned(pictures[_to_and_fro(i, len(pictures))], i / FPS, script, answers), "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            box.mux(video.encode(frame))
            if (i + 1) % FPS == 0:
                progress("sample: filming", (i + 1) // FPS, frames // FPS)
        box.mux(video.encode(None))


def repeat(source: Path, target: Path, times: int) -> None:
    """Copy the encoded streams of a file made by `write` `times` times, one after the other, without decoding."""
    import av

    with av.open(str(target), "w", format="mp4") as out:
        with av.open(str(source)) as box:
            out.metadata.update(box.metadata)
            streams = {s.index: out.add_stream_from_template(s) for s in box.streams}
            seconds = Fraction(box.streams.video[0].frames, FPS)
        for i in range(times):
            with av.open(str(source)) as box:
                for packet in box.demux():
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    if i and packet.pts < 0:  # the encoder's priming samples, which only the first copy needs
                        continue
                    shift = int(i * seconds / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)


def _footage() -> list[Planes]:
    import av

    with av.open(str(zoo.path("footage-portrait"))) as box:
        return [np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8) for frame in box.decode(video=0)]


def _to_and_fro(i: int, n: int) -> int:
    """Index of the picture of frame `i`: 0, 1, …, n-1, n-2, …, 1, 0, 1, …, so that there is no jump where the footage ends."""
    at = i % (2 * n - 2)
    return at if at < n else 2 * n - 2 - at


def _captioned(picture: Planes, time: float, script: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> Planes:
    """A copy with the label, and with the question from its beginning until its answer ends."""
    import cv2

    picture = picture.copy()
    height = picture.shape[0] * 2 // 3
    lines = [(LABEL, height - 8, 0.4)]
    for question, answer in zip(script["questions"], answers, strict=True):
        if answer["start"] - script["lead"] <= time < answer["end"]:
            lines.append((question["text"], height - 28, 0.5))
    for text, y, size in lines:  # on the luma plane: light grey on a dark band
        (across, up), down = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        picture[y - up - 3 : y + down, 4 : 12 + across] = 24
        cv2.putText(picture[:height], text, (8, y), cv2.FONT_HERSHEY_SIMPLEX, size, 235, 1, cv2.LINE_AA)
    return picture


def _resampled(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    import soxr

    return np.asarray(soxr.resample(samples, rate, AUDIO_RATE), np.float32)


def _mux_audio(box: Any, stream: Any, samples: NDArray[np.float32]) -> None:
    import av

    for first in range(0, len(samples), AAC_FRAME):
        frame: Any = av.AudioFrame.from_ndarray(samples[None, first : first + AAC_FRAME], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, first, Fraction(1, AUDIO_RATE)
        box.mux(stream.encode(frame))
    box.mux(stream.encode(None))
