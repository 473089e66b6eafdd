"""What the report uses of a session: its parts as they are stored, and a few small pictures out of its video as data URIs."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from workbench.capture.container import open_media, pixel_aspect
from workbench.capture.media_file import FrameLine
from workbench.capture.source import Tracks
from workbench.contracts import Answer, Box, Detections, Event, FusedWindow, Score, SessionHeader, SpeechSegment, Transcript
from workbench.errors import MediaError
from workbench.labels import COMPOUND, derive_compound
from workbench.sessions import files
from workbench.sessions.faces import stated
from workbench.settings import Settings
from workbench.streams import Track
from workbench.vision.candidate import Choice

if TYPE_CHECKING:
    from workbench.sessions.overrides import Override
    from workbench.sessions.store import Session

Span = tuple[float, float]


@dataclass(frozen=True)
class ReportData:
    """A session's parts as the report uses them; everything but the header may be missing.

    Parameters
    ----------
    header : SessionHeader
    duration : float, s
    settings : Settings
        In force when the session began.
    fingerprint : str
        SHA-256 over the header and all stored messages.
    windows, scores, transcripts, segments, answers, events : lists of messages, in time order
    tracks : mapping of name to Track
        Dense series: ``acoustics`` (pitch, level), ``affect``, ``visual``.
    detections : list of Detections
    derived : mapping of compound class to its mean share over the session
    video : Path or None
        The stored copy of the source, if there is one and its pictures may be shown.
    warnings : list of str
        What opening the session had to repair or leave out.
    overrides : list of Override
        What reviewers corrected.
    candidate : Choice or None
        Whose face counts, and why; None in sessions of version 0.1.
    """

    header: SessionHeader
    duration: float
    settings: Settings = field(default_factory=Settings)
    fingerprint: str = ""
    windows: list[FusedWindow] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    transcripts: list[Transcript] = field(default_factory=list)
    segments: list[SpeechSegment] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tracks: dict[str, Track] = field(default_factory=dict)
    detections: list[Detections] = field(default_factory=list)
    derived: dict[str, float] = field(default_factory=dict)
    video: Path | None = None
    warnings: list[str] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    candidate: Choice | None = None

    @property
    def replies(self) -> list[Answer]:
        """Answers to questions; without a plan the whole session is stored as one answer, which is none."""
        return [a for a in self.answers if a.question_id != "session"]

    @property
    def questions(self) -> dict[str, str]:
        """Question id → its wording, in the plan's order; empty without a plan."""
        plan = self.header.interview
        return {q.id: q.text or q.id for q in plan.questions} if plan else {}

    @property
    def reads_emotion(self) -> bool:
        """Whether any channel that infers emotion is on."""
        return not {"visual_emotion", "prosodic_affect"} <= set(self.header.disabled)

    @property
    def title(self) -> str:
        """The interview's title, else the recording's name, else the session's id."""
        plan = self.header.interview
        return (plan.title if plan else "") or str(self.header.media.get("name") or self.header.session_id)

    def low_confidence(self) -> float:
        """Words recognised with a lower probability than this are marked."""
        return self.settings.speech.low_word_confidence


def read(session: Session) -> ReportData:
    """All that the report needs of a session, damaged or not."""
    seen = session.observations
    may_show = "visual_emotion" not in session.header.disabled
    return ReportData(
        header=session.header,
        duration=session.duration,
        settings=session.settings,
        fingerprint=files.fingerprint(session.folder),
        windows=sorted(session.fused_windows, key=lambda w: w.start),
        scores=session.score_messages,
        transcripts=sorted(session.transcripts, key=lambda t: t.start),
        segments=sorted(session.segments, key=lambda s: s.start),
        answers=sorted(session.answers, key=lambda a: a.start),
        events=sorted(session.events, key=lambda e: e.timestamp),
        tracks={"visual": seen.visual, "affect": seen.affect, "acoustics": seen.acoustics},
        detections=session.detections,
        derived=mean_derived(seen.visual, session.settings.vision.compound_readout),
        video=session.video_path if may_show else None,
        overrides=session.overrides,
        candidate=stated(session),
        # what was repaired is an event as well
        warnings=[w for w in session.warnings if w not in {e.message for e in session.events}],
    )


def union(spans: Iterable[Span]) -> list[Span]:
    """Overlapping or touching spans merged, in order: windows overlap, and no second may be counted twice."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1] + 1e-6:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def covered(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one span."""
    return sum(end - start for start, end in union(spans))


def cells(windows: list[FusedWindow]) -> list[Span]:
    """The stretch that each window stands for: up to halfway to its neighbours' centres, so that cells tile the time."""
    if not windows:
        return []
    centres = np.array([(w.start + w.end) / 2 for w in windows])
    inner = (centres[1:] + centres[:-1]) / 2
    # across a gap in the windows a cell ends where its window does
    ends = [min(b, w.end) for b, w in zip(inner, windows[:-1], strict=True)] + [windows[-1].end]
    starts = [windows[0].start] + [max(b, w.start) for b, w in zip(inner, windows[1:], strict=True)]
    return [(float(a), float(b)) for a, b in zip(starts, ends, strict=True)]


def mean_derived(visual: Track, wanted: bool) -> dict[str, float]:
    """Mean share of each derived compound class over the usable frames, largest first; empty where it is switched off."""
    values = visual.values[visual.valid]
    if not wanted or not len(values):
        return {}
    shares = derive_compound(values).mean(axis=0)
    return {COMPOUND[k]: float(shares[k]) for k in np.argsort(-shares)}


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
