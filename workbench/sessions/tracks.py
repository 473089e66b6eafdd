"""Stored messages → arrays. Pure conversion from the contracts: no model, and the same arrays whatever reads them.

The long streams (three detections and predictions a second and more) go through Arrow's JSON reader straight into
columns: two hours take a second, message objects would take a minute.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.contracts import Prosody, SpeechSegment, TrackRow, Transcript
from workbench.errors import SessionError
from workbench.fusion.observations import ACOUSTICS, Observations, Segments, Words
from workbench.labels import BASIC
from workbench.sessions import faces
from workbench.sessions.arrow import column, floats, increasing, read
from workbench.sessions.reader import SessionReader
from workbench.streams import STREAMS, Bools, Floats, Track
from workbench.vision.candidate import Choice

if TYPE_CHECKING:
    pass

CANDIDATE = "candidate"
"""The diarized speaker whose voice is evaluated."""


class SessionArrays(SessionReader):
    """A session's streams as arrays."""

    def track(self, name: str) -> Track:
        """A dense series: ``visual`` (the candidate's), ``affect``, ``acoustics``, ``speech``.

        Raises
        ------
        SessionError
            If there is no such track.
        """
        if name == "visual":
            return self.observations.visual
        if STREAMS.get(name) is not TrackRow:
            raise SessionError(f"{self.folder}: no track is called {name!r}; tracks: visual, affect, acoustics, speech")
        return rows_track(self, name)

    @cached_property
    def acoustics(self) -> Track:
        """Pitch and level, as stored."""
        return self.track("acoustics")

    @cached_property
    def observations(self) -> Observations:
        """All that fusion and scoring read, as arrays."""
        return observe(self)


def observe(session: SessionReader, choice: Choice | None = None) -> Observations:
    """All that fusion and scoring read of a session.

    Parameters
    ----------
    session : SessionReader
    choice : Choice, optional
        Whose face counts; otherwise what the session says, see `faces.stated`.
    """
    chosen = session.settings
    visual, seen_faces = faces.visual(session, chosen.vision, choice if choice is not None else faces.stated(session))
    transcripts, spans, prosody = candidate(session.transcripts, session.segments, session.prosody)
    said = segments(spans)
    affect = columns(rows_track(session, "affect"), BASIC)
    return Observations(
        duration=session.duration,
        visual=visual,
        faces=seen_faces,
        affect=replace(affect, valid=affect.valid & _inside(affect.times, said)) if len(spans) != len(session.segments) else affect,
        acoustics=columns(rows_track(session, "acoustics"), ACOUSTICS),
        segments=said,
        words=words(transcripts),
        prosody=tuple(prosody),
        answers=tuple(session.answers),
        weights={q.id: q.weight for q in session.header.interview.questions} if session.header.interview else {},
        disabled=session.header.disabled,
    )


def candidate(
    transcripts: list[Transcript], spans: list[SpeechSegment], prosody: list[Prosody]
) -> tuple[list[Transcript], list[SpeechSegment], list[Prosody]]:
    """The candidate's share of what was said; everything where diarization has named no candidate.

    A segment in which the voice changes was split into transcripts "seg-3", "seg-3.2", …: the candidate's parts of it
    count as speech, its prosody only where the candidate spoke most of it. Segments without recognised words belong to no
    speaker and are kept.
    """
    mine = [t for t in transcripts if t.speaker == CANDIDATE]
    if not mine:
        return transcripts, spans, prosody
    parts: dict[str, list[Transcript]] = defaultdict(list)
    for t in transcripts:
        parts[t.segment_id.partition(".")[0]].append(t)

    def share(name: str) -> float:
        return sum((t.end - t.start) * (t.speaker == CANDIDATE) for t in parts[name]) / sum(t.end - t.start for t in parts[name])

    kept: list[SpeechSegment] = []
    for s in spans:
        if all(t.speaker == CANDIDATE for t in parts[s.segment_id]):
            kept.append(s)
        else:
            kept += [s.model_copy(update={"start": t.start, "end": t.end}) for t in parts[s.segment_id] if t.speaker == CANDIDATE]
    return mine, kept, [p for p in prosody if not parts[p.segment_id] or share(p.segment_id) > 0.5]


def _inside(times: Floats, spans: Segments) -> Bools:
    i = np.searchsorted(spans.start, times, "right") - 1
    return (i >= 0) & (times < spans.end[np.maximum(i, 0)]) if len(spans.start) else np.zeros(len(times), bool)


def segments(messages: Iterable[SpeechSegment]) -> Segments:
    """Speech segments in order of time; one that runs into the next ends there."""
    found = sorted(messages, key=lambda s: s.start)
    start = np.array([s.start for s in found])
    end = np.array([s.end for s in found])
    end[:-1] = np.minimum(end[:-1], start[1:])
    return Segments(start, end, np.array([np.nan if s.snr_db is None else s.snr_db for s in found]))


def words(transcripts: Iterable[Transcript]) -> Words:
    """The words of some transcripts that were understood, in order of time."""
    ordered = sorted(transcripts, key=lambda t: t.start)
    pairs = [(w, i) for i, t in enumerate(ordered) if not t.doubt for w in t.words]
    pairs.sort(key=lambda pair: pair[0].start + pair[0].end)
    return Words(
        tuple(w.word for w, _ in pairs),
        np.array([w.start for w, _ in pairs]),
        np.array([w.end for w, _ in pairs]),
        np.array([np.nan if w.conf is None else w.conf for w, _ in pairs]),
        np.array([w.filler for w, _ in pairs], bool),
        np.array([i for _, i in pairs], np.int64),
        tuple((t.start, t.end, t.doubt) for t in ordered if t.doubt),
    )


def rows_track(session: SessionReader, name: str) -> Track:
    """A stream of `TrackRow` as a track; its columns are those of the first row."""
    import pyarrow as pa

    names = _value_names(session.raw(name))
    schema = [
        ("timestamp", pa.float64()),
        ("values", pa.struct([(n, pa.float64()) for n in names])),
        ("confidence", pa.float64()),
        ("valid", pa.bool_()),
    ]
    table = read(session, name, schema) if names else None
    if table is None:
        return Track.empty(name, names)
    times, rows = increasing(floats(column(table, "timestamp")))
    values = np.stack([floats(column(table, "values").field(n))[rows] for n in names], axis=1)
    valid = column(table, "valid").to_numpy(zero_copy_only=False).astype(bool)
    return Track(name, times, values, names, floats(column(table, "confidence"))[rows], valid[rows])


def _value_names(data: bytes) -> tuple[str, ...]:
    for line in io.BytesIO(data):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return tuple(json.loads(line)["values"])
    return ()


def columns(track: Track, names: tuple[str, ...]) -> Track:
    """A track with exactly these columns; NaN, and not valid, where the stored one has none of them."""
    if track.names == names:
        return track
    missing = np.full(len(track), np.nan)
    values = [track.column(n) if n in track.names else missing for n in names]
    valid = track.valid & any(n in track.names for n in names)
    return Track(track.name, track.times, np.stack(values, axis=1).reshape(-1, len(names)), names, track.confidence, valid)
