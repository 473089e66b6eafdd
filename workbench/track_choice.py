"""Which tracks of a recording are evaluated: those that somebody asks for, else the flagged one, if it carries what is needed.

A call that was recorded with the screen as its first picture and the camera as its second, or with an empty microphone before the
one that was spoken into, is common. So where a file holds several tracks of a kind, each is looked into at a few places: a sound
track carries speech where voice activity is found in it, a picture carries a face where the detector sees one. Of those that do,
the flagged one is used, else the first. Files with one track of a kind cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.stream import Disposition
from av.video.frame import VideoFrame

from workbench.capture.audio import AudioLine
from workbench.capture.container import moving_pictures, open_media, pixel_aspect, sounds
from workbench.capture.media_file import FrameLine
from workbench.capture.source import Tracks
from workbench.events import EventKind
from workbench.settings import Settings
from workbench.speech.vad import VoiceActivity
from workbench.streams import SpeechClip
from workbench.vision.detection import FaceDetectionStage

FIRST, LATER = 60.0, 10.0
"""s of sound that are listened to at the beginning, and at a quarter, half and three quarters of a file."""
PLACES = 9
"""Pictures that are looked at, evenly over the file."""
SPOKEN = 0.5
"""s of speech from which a track carries speech."""
FACES = 0.2
"""Share of the pictures looked at in which a track must show a face."""


def choose(path: str | Path, settings: Settings, video: int | None = None, audio: int | None = None) -> Tracks:
    """The tracks to evaluate, and why.

    Parameters
    ----------
    path : path
    settings : Settings
    video, audio : int, optional
        Numbers, from 1, that somebody asked for.

    Raises
    ------
    MediaError
        As `capture.container.open_media`.
    """
    path = Path(path)
    with open_media(path, Tracks(video, audio)) as media:
        pictures, voices = moving_pictures(media.container), sounds(media.container)
        kinds = {"video": [_flag(s) for s in pictures], "audio": [_flag(s) for s in voices]}
        length = (media.container.duration or 0) / av.time_base
    asked = {"video": video, "audio": audio}
    look: dict[str, Callable[[int], float]] = {
        "video": lambda number: faces(path, number, length, settings),
        "audio": lambda number: speech(path, number, length, settings),
    }
    needed = {"video": (FACES, "a face", "no face"), "audio": (SPOKEN, "speech", "no speech")}
    chosen: dict[str, int | None] = {}
    why: dict[tuple[str, int], str] = {}
    for kind, flags in kinds.items():
        numbers = range(1, len(flags) + 1)
        if len(flags) < 2:
            chosen[kind] = asked[kind]
            continue
        if asked[kind] is not None:
            chosen[kind] = asked[kind]
            why |= {(kind, n): "asked for" if n == asked[kind] else "another was asked for" for n in numbers}
            continue
        least, has, lacks = needed[kind]
        amounts = {n: look[kind](n) for n in numbers}
        carrying = [n for n in numbers if amounts[n] >= least]
        flagged = sorted(numbers, key=lambda n: not flags[n - 1])  # stable: the flagged one first, then as they come
        best = next((n for n in flagged if n in carrying), flagged[0])
        chosen[kind] = best
        for n in numbers:
            flag = "; flagged as default" if flags[n - 1] and not all(flags) else ""
            why[kind, n] = (f"carries {has}" if n in carrying else f"{lacks} in it") + flag
    return Tracks(chosen["video"], chosen["audio"], why)


def unused(streams: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    """Kind and message of an event for each kind of which not every track is used (`capture.source.StreamInfo`)."""
    for kind in ("audio", "video"):
        tracks = [s for s in streams if s.kind == kind and s.number]
        left = [s for s in tracks if not s.used]
        if left and (used := next((s for s in tracks if s.used), None)):
            others = "; ".join(f"{named(s)}: {s.why}" if s.why else named(s) for s in left)
            yield EventKind.TRACKS_UNUSED, f"{named(used)} is used ({used.why or 'the file decides'}); not used: {others}"


def named(stream: Any) -> str:
    """A track as people see it: "audio track 2 (aac, eng, Interviewer)"."""
    return f"{stream.kind} track {stream.number} ({', '.join(filter(None, [stream.codec, stream.language, stream.title]))})"


def speech(path: Path, number: int, length: float, settings: Settings) -> float:
    """Seconds of speech in the parts of a sound track that are listened to."""
    activity = VoiceActivity(settings.speech)
    spans = [(0.0, FIRST), *((length * part, LATER) for part in (0.25, 0.5, 0.75) if length * part > FIRST)]
    spoken = 0.0
    for start, seconds in spans:
        line = AudioLine(settings.capture.sample_rate, settings.capture.block_seconds, [])
        blocks = [b for frame in _decoded(path, Tracks(audio=number), start, seconds, AudioFrame) for b in line.push(frame, None)]
        activity.reset()
        for block in [*blocks, *line.finish()]:
            spoken += sum(_length(item) for item in activity.process(block))
        spoken += sum(_length(item) for item in activity.flush())
    return spoken


def faces(path: Path, number: int, length: float, settings: Settings) -> float:
    """Share of the pictures of a video track, of those that are looked at, in which a face is seen."""
    detector = FaceDetectionStage(settings.vision)
    with open_media(path, Tracks(video=number)) as media:
        aspect = pixel_aspect(media.video) if media.video is not None else 1.0
    seen, looked = 0, 0
    for k in range(PLACES):
        start = length * (k + 0.5) / PLACES
        frame = next(_decoded(path, Tracks(video=number), start, np.inf, VideoFrame), None)
        packet = frame and FrameLine(settings.capture.fps, settings.capture.max_height, aspect).push(frame, 0.0)
        if packet:
            looked += 1
            seen += any(found.detections.detections for found in detector.process(packet))
    return seen / looked if looked else 0.0


def _decoded(path: Path, tracks: Tracks, start: float, seconds: float, kind: type[Any]) -> Iterator[Any]:
    """Frames of one track from (about) a session second on; a file that cannot be searched is read from its beginning."""
    with open_media(path, tracks) as media:
        stream = media.video if kind is VideoFrame else media.audio
        if start > 0:
            try:
                media.container.seek(int((start + media.zero) * av.time_base))
            except av.FFmpegError:
                return
        first: float | None = None
        try:
            for frame in media.container.decode(stream):
                if not isinstance(frame, kind):
                    continue
                now = frame.time or 0.0
                first = now if first is None else first
                if now - first > seconds:
                    return
                yield frame
        except av.FFmpegError:
            return


def _length(item: Any) -> float:
    return item.message.end - item.message.start if isinstance(item, SpeechClip) else 0.0


def _flag(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.default)
