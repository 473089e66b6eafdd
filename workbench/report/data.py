"""What a report is made of, read once from a session: the rest of the package sees only this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.contracts import Answer, Detections, Event, FusedWindow, Score, SessionHeader, SpeechSegment, Transcript
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
