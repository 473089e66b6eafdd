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
from numpy.typing import NDArray

from workbench import settings
from workbench.contracts import Message, Prosody, SpeechSegment, TrackRow, Transcript
from workbench.errors import SessionError
from workbench.fusion.observations import ACOUSTICS, Faces, Observations, Segments, Words, usable_face
from workbench.labels import BASIC
from workbench.sessions.reader import SessionReader
from workbench.streams import STREAMS, Bools, Floats, Track

if TYPE_CHECKING:
    import pyarrow as pa

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


def observe(session: SessionReader) -> Observations:
    """All that fusion and scoring read of a session."""
    chosen = session.settings
    visual, faces = _visual(session, chosen.vision)
    transcripts, spans, prosody = candidate(session.transcripts, session.segments, session.prosody)
    said = segments(spans)
    affect = columns(rows_track(session, "affect"), BASIC)
    return Observations(
        duration=session.duration,
        visual=visual,
        faces=faces,
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
    """All words of some transcripts, in order of time."""
    pairs = [(w, i) for i, t in enumerate(sorted(transcripts, key=lambda t: t.start)) for w in t.words]
    pairs.sort(key=lambda pair: pair[0].start + pair[0].end)
    return Words(
        tuple(w.word for w, _ in pairs),
        np.array([w.start for w, _ in pairs]),
        np.array([w.end for w, _ in pairs]),
        np.array([np.nan if w.conf is None else w.conf for w, _ in pairs]),
        np.array([w.filler for w, _ in pairs], bool),
        np.array([i for _, i in pairs], np.int64),
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
    times, rows = _increasing(floats(column(table, "timestamp")))
    values = np.stack([floats(column(table, "values").field(n))[rows] for n in names], axis=1)
    valid = column(table, "valid").to_numpy(zero_copy_only=False).astype(bool)
    return Track(name, times, values, names, floats(column(table, "confidence"))[rows], valid[rows])


def _value_names(data: bytes) -> tuple[str, ...]:
    for line in io.BytesIO(data):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return tuple(json.loads(line)["values"])
    return ()


def _visual(session: SessionReader, vision: settings.Vision) -> tuple[Track, Faces]:
    """The candidate's emotion probabilities, one row an analysed frame.

    Whose face counts is the detections' `candidate`; where no detection names one, the face seen most often.
    """
    import pyarrow as pa

    quality = pa.struct([("size_px", pa.float64()), ("score", pa.float64())])
    probs = pa.struct([(label, pa.float64()) for label in BASIC])
    row = [("face_id", pa.string()), ("frame_id", pa.int64()), ("timestamp", pa.float64()), ("probs", probs), ("quality", quality)]
    outputs = read(session, "visual", [("predictions", pa.list_(pa.struct(row)))])
    frames = read(session, "detections", [("frame_id", pa.int64()), ("timestamp", pa.float64()), ("candidate", pa.string())])
    if outputs is None and frames is None:
        return Track.empty("visual", BASIC), Faces()

    predicted = column(outputs, "predictions").flatten() if outputs else pa.array([], pa.struct(row))
    face_of = predicted.field("face_id").to_numpy(zero_copy_only=False).astype(str)
    frame_of = predicted.field("frame_id").to_numpy(zero_copy_only=False).astype(np.int64)
    names, code_of = np.unique(face_of, return_inverse=True)
    if frames is None:  # a session without detections: the frames are those with predictions
        frame_ids, at = np.unique(frame_of, return_index=True)
        stamps = floats(predicted.field("timestamp"))[at]
        wanted = np.full(len(frame_ids), None, object)
    else:
        frame_ids = column(frames, "frame_id").to_numpy().astype(np.int64)
        stamps = floats(column(frames, "timestamp"))
        wanted = column(frames, "candidate").to_numpy(zero_copy_only=False)
    times, rows = _increasing(stamps)
    frame_ids, wanted = frame_ids[rows], wanted[rows]

    codes = {name: i for i, name in enumerate(names.tolist())}
    candidate = np.array([codes.get(w, -1) for w in wanted.tolist()], np.int64)
    if all(w is None for w in wanted.tolist()) and len(names):
        candidate[:] = np.bincount(code_of).argmax()

    # rows of `predicted` by (frame, face): one sorted key instead of a dictionary of pairs
    key_of = frame_of * max(1, len(names)) + code_of
    order = np.argsort(key_of, kind="stable")
    at = np.searchsorted(key_of[order], frame_ids * max(1, len(names)) + candidate)
    at = order[np.minimum(at, len(order) - 1)] if len(order) else np.zeros(len(frame_ids), np.int64)
    seen = (candidate >= 0) & (frame_of[at] == frame_ids) & (code_of[at] == candidate) if len(order) else np.zeros(len(frame_ids), bool)

    def of(column: pa.Array) -> Floats:
        return np.where(seen, floats(column)[at], np.nan) if len(order) else np.full(len(frame_ids), np.nan)

    values = np.stack([of(predicted.field("probs").field(label)) for label in BASIC], axis=1)
    size, score = of(predicted.field("quality").field("size_px")), of(predicted.field("quality").field("score"))
    usable = usable_face(size, score, vision)
    confidence = np.where(np.isnan(score), seen.astype(float), score)
    track = Track("visual", times, values, BASIC, confidence, seen & usable & ~np.isnan(values).any(axis=1))
    return track, Faces(frame_ids, np.where(seen, candidate, -1), size, tuple(names.tolist()))


def read(session: SessionReader, stream: str, schema: list[tuple[str, pa.DataType]]) -> pa.Table | None:
    """The named fields of a stream as one table; None where the stream is empty."""
    import pyarrow as pa
    from pyarrow import json as reader

    fields = pa.schema(schema)
    parse = reader.ParseOptions(explicit_schema=fields, unexpected_field_behavior="ignore")

    def table(data: bytes) -> pa.Table | None:
        if not data or data.isspace():
            return None
        options = reader.ReadOptions(block_size=min(max(len(data), 1), 1 << 24))
        return reader.read_json(io.BytesIO(data), read_options=options, parse_options=parse).select(fields.names)

    try:
        return table(session.raw(stream))
    except pa.ArrowInvalid:  # a damaged line: leave out what the contracts refuse
        messages: list[Message] = session.messages(stream)
        return table(b"".join(m.line().encode() + b"\n" for m in messages))


def column(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()


def floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), float)


def _increasing(stamps: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Times in strictly increasing order, and the rows that they are; of rows at one time the first written counts."""
    times, rows = np.unique(stamps, return_index=True)
    return times, rows.astype(np.int64)


def columns(track: Track, names: tuple[str, ...]) -> Track:
    """A track with exactly these columns; NaN, and not valid, where the stored one has none of them."""
    if track.names == names:
        return track
    missing = np.full(len(track), np.nan)
    values = [track.column(n) if n in track.names else missing for n in names]
    valid = track.valid & any(n in track.names for n in names)
    return Track(track.name, track.times, np.stack(values, axis=1).reshape(-1, len(names)), names, track.confidence, valid)
