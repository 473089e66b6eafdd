"""The faces of a stored session: who was in the picture, whose expression counts, and what was read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.events import EventKind
from workbench.fusion.observations import Faces
from workbench.fusion.reliability import FaceRows, judge, usable_face
from workbench.labels import BASIC
from workbench.sessions import overrides
from workbench.sessions.arrow import column, floats, increasing, read
from workbench.sessions.reader import SessionReader
from workbench.settings import Vision
from workbench.streams import Floats, Track
from workbench.vision.candidate import Choice, FaceSummary, choose, summarise

Ints = NDArray[np.int64]
_MEASURES = ("size_px", "score", "sharpness", "brightness")


@dataclass(frozen=True)
class Frames:
    """All analysed frames, in order of time, and the named faces in them.

    Parameters
    ----------
    frame_id : ndarray of int, shape (n,)
    times : ndarray, shape (n,)
    candidate : ndarray of object, shape (n,)
        The candidate so far, as tracking chose it; None where there was none.
    row : ndarray of int, shape (m,)
        Of each detection: its frame's row.
    face : ndarray of str, shape (m,)
    box : ndarray, shape (m, 4)
        See `contracts.Detection`.
    movement : ndarray, shape (m, 3)
        ``change``, ``motion``, ``mouth_motion``.
    """

    frame_id: Ints
    times: Floats
    candidate: NDArray[np.object_]
    row: Ints
    face: NDArray[np.str_]
    box: Floats
    movement: Floats


@dataclass(frozen=True)
class Predictions:
    """Expressions that were read, one a face in a frame.

    Parameters
    ----------
    frame_id : ndarray of int, shape (n,)
    face : ndarray of int, shape (n,)
        Index into `names`.
    names : tuple of str
    times : ndarray, shape (n,)
    probs : ndarray, shape (n, 7)
        In the order of `labels.BASIC`.
    quality : ndarray, shape (n, 4)
        Size (px), score, sharpness, brightness.
    """

    frame_id: Ints
    face: Ints
    names: tuple[str, ...]
    times: Floats
    probs: Floats
    quality: Floats


def frames(session: SessionReader) -> Frames | None:
    """The stored detections; None where there are none."""
    import pyarrow as pa

    number = pa.float64()
    moved = ("change", "motion", "mouth_motion")
    one = pa.struct([("face_id", pa.string()), ("box", pa.list_(number)), *((n, number) for n in moved)])
    fields = [("frame_id", pa.int64()), ("timestamp", number), ("candidate", pa.string()), ("detections", pa.list_(one))]
    table = read(session, "detections", fields)
    if table is None:
        return None
    times, rows = increasing(floats(column(table, "timestamp")))
    lists = column(table, "detections")
    row_of = np.full(len(table), -1, np.int64)
    row_of[rows] = np.arange(len(rows))
    row = row_of[np.repeat(np.arange(len(table)), np.diff(lists.offsets.to_numpy()))]
    every = lists.flatten()
    names = every.field("face_id")
    kept = (row >= 0) & names.is_valid().to_numpy(zero_copy_only=False)
    box = floats(every.field("box").flatten()).reshape(-1, 4)[kept]
    movement = np.stack([floats(every.field(n))[kept] for n in moved], axis=1)
    return Frames(
        column(table, "frame_id").to_numpy().astype(np.int64)[rows], times,
        column(table, "candidate").to_numpy(zero_copy_only=False)[rows], row[kept],
        names.to_numpy(zero_copy_only=False)[kept].astype(str), box, movement,
    )  # fmt: skip


def predictions(session: SessionReader) -> Predictions | None:
    """The stored expressions; None where there are none."""
    import pyarrow as pa

    quality = pa.struct([(n, pa.float64()) for n in _MEASURES])
    probs = pa.struct([(label, pa.float64()) for label in BASIC])
    row = [("face_id", pa.string()), ("frame_id", pa.int64()), ("timestamp", pa.float64()), ("probs", probs), ("quality", quality)]
    table = read(session, "visual", [("predictions", pa.list_(pa.struct(row)))])
    every = column(table, "predictions").flatten() if table is not None else None
    if every is None or not len(every):
        return None
    names, codes = np.unique(every.field("face_id").to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return Predictions(
        every.field("frame_id").to_numpy(zero_copy_only=False).astype(np.int64), codes.astype(np.int64), tuple(names.tolist()),
        floats(every.field("timestamp")),
        np.stack([floats(every.field("probs").field(label)) for label in BASIC], axis=1),
        np.stack([floats(every.field("quality").field(n)) for n in _MEASURES], axis=1),
    )  # fmt: skip


def visual(session: SessionReader, vision: Vision, choice: Choice | None) -> tuple[Track, Faces]:
    """The candidate's emotion probabilities, one row an analysed frame.

    Parameters
    ----------
    session : SessionReader
    vision : Vision
    choice : Choice or None
        Whose face counts. None in sessions of version 0.1: then each frame's own `candidate`, or where no frame names one, the
        face seen most often.
    """
    mine = None if choice is None else choice.faces
    seen, read_of = frames(session), predictions(session)
    if seen is None and read_of is None:
        return Track.empty("visual", BASIC), Faces()
    if seen is None:  # a session without detections: the frames are those with predictions
        assert read_of is not None
        ids, at = np.unique(read_of.frame_id, return_index=True)
        times, rows = increasing(read_of.times[at])
        seen = Frames(
            ids[rows], times, np.full(len(rows), None, object), np.empty(0, np.int64), np.empty(0, str), np.empty((0, 4)), np.empty((0, 3))
        )
    names = read_of.names if read_of is not None else ()
    face = _wanted(seen, read_of, mine)
    at, present = _rows(seen.frame_id, face, read_of)

    def of(values: Floats) -> Floats:
        return np.where(present.reshape(-1, *[1] * (values.ndim - 1)), values[at], np.nan)

    blank = np.full((len(face), len(BASIC)), np.nan)
    values, quality = (of(read_of.probs), of(read_of.quality)) if read_of is not None else (blank, blank[:, :4])
    size, score, sharpness, brightness = quality.T
    kept = np.ones(len(face), bool)
    if choice is None:
        why, reliability = None, np.where(np.isnan(score), present.astype(float), score)
        usable = usable_face(size, score, vision)
    else:
        movement, there, others = _movement(seen, choice.faces)
        rows_of_face = FaceRows(present, others, size, score, sharpness, brightness, movement[:, 0], movement[:, 1], choice.confirmed)
        reliability, why = judge(seen.times, rows_of_face, vision)
        usable = why == 0
        kept = present | ~there  # somebody who was not the candidate so far was read in some frames only: the others say nothing
    valid = present & usable & ~np.isnan(values).any(axis=1)
    track = Track("visual", seen.times[kept], values[kept], BASIC, reliability[kept], valid[kept])
    return track, Faces(seen.frame_id[kept], np.where(present, face, -1)[kept], size[kept], names, None if why is None else why[kept])


def _wanted(seen: Frames, read_of: Predictions | None, mine: Sequence[str] | None) -> Ints:
    """Whose expression counts in each frame: index into the names of the predictions, -1 where nobody's."""
    if read_of is None:
        return np.full(len(seen.times), -1, np.int64)
    codes = {name: i for i, name in enumerate(read_of.names)}
    if mine is None:
        wanted = np.array([codes.get(w, -1) for w in seen.candidate.tolist()], np.int64)
        if all(w is None for w in seen.candidate.tolist()):
            wanted[:] = np.bincount(read_of.face).argmax()
        return wanted
    wanted = np.full(len(seen.times), -1, np.int64)
    for name in reversed([n for n in mine if n in codes]):  # the first that was named counts where two are in one frame
        wanted[np.isin(seen.frame_id, read_of.frame_id[read_of.face == codes[name]])] = codes[name]
    return wanted


def _rows(frame_id: Ints, face: Ints, read_of: Predictions | None) -> tuple[Ints, NDArray[np.bool_]]:
    """The prediction of each frame's face, and whether there is one. One sorted key instead of a dictionary of pairs."""
    if read_of is None:
        return np.zeros(len(face), np.int64), np.zeros(len(face), bool)
    width = max(1, len(read_of.names))
    key_of = read_of.frame_id * width + read_of.face
    order = np.argsort(key_of, kind="stable")
    at = order[np.minimum(np.searchsorted(key_of[order], frame_id * width + face), len(order) - 1)]
    return at, (face >= 0) & (read_of.frame_id[at] == frame_id) & (read_of.face[at] == face)


def _movement(seen: Frames, mine: Sequence[str]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """The movement of the candidate's face in each frame (NaN where not measured), whether it is in it, and whether others are."""
    own = np.isin(seen.face, list(mine))
    movement = np.full((len(seen.times), 3), np.nan)
    movement[seen.row[own]] = seen.movement[own]
    there, others = np.zeros((2, len(seen.times)), bool)
    there[seen.row[own]], others[seen.row[~own]] = True, True
    return movement, there, others


def summaries(session: SessionReader) -> list[FaceSummary]:
    """Every face of a session, the one with the largest area × time first."""
    seen, read_of = frames(session), predictions(session)
    if seen is None:
        return []
    vision = session.settings.vision
    speech = np.array([(s.start, s.end) for s in session.segments]).reshape(-1, 2)
    step = np.diff(seen.times, prepend=seen.times[:1])
    result = []
    for name in np.unique(seen.face).tolist():
        own = seen.face == name
        rows = seen.row[own]
        box = seen.box[own]
        area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
        face = summarise(name, seen.times[rows], step[rows], area, seen.movement[own], speech, vision)
        mine = read_of.face == read_of.names.index(name) if read_of is not None and name in read_of.names else np.empty(0, bool)
        size = np.median(read_of.quality[mine, 0]) if read_of is not None and mine.any() else None
        largest = int(np.argmax(area))
        example = (float(seen.times[rows[largest]]), tuple(box[largest].tolist()))
        result.append(replace(face, analysed=int(mine.sum()), size_px=None if size is None else float(size), example=example))
    return sorted(result, key=lambda f: -f.presence)


def automatic(session: SessionReader) -> Choice:
    """The candidate by what is stored, before any correction."""
    return choose(summaries(session))


def stated(session: SessionReader) -> Choice | None:
    """Whose face counts, as the session says: the newest correction, else what was chosen at its end.

    None in sessions of version 0.1, whose frames say it one by one.
    """
    corrected = [e for e in overrides.verify(session).entries if e.kind == "candidate"] if (session.folder / overrides.LOG).exists() else []
    if corrected:
        last = corrected[-1]
        return Choice(tuple(str(last.value).split(", ")), f"chosen by {last.by}: {last.reason}", confirmed=True)
    events = [e for e in session.events if e.kind == EventKind.CANDIDATE]
    return Choice(tuple(events[-1].data["faces"]), str(events[-1].data["why"])) if events else None
