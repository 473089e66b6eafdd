"""Stage outputs → the arrays that fusion reads, as a live session grows; the same arrays that a replay reads from disk."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from workbench import contracts
from workbench.fusion.observations import ACOUSTICS, Faces, Observations
from workbench.fusion.reliability import FaceRows, Picture, judge
from workbench.labels import BASIC
from workbench.outputs import outputs_of
from workbench.sessions import tracks
from workbench.settings import Vision
from workbench.streams import Floats, Track

_COLUMNS = len(BASIC) + 4  # probabilities, size, score, sharpness, brightness
_WAITING = 256  # frames whose predictions may still come


class Observing:
    """Collects one live session's outputs; thread-safe. Memory: about 100 bytes a frame, 50 a row of `acoustics`.

    Parameters
    ----------
    vision : Vision
        For what counts as a usable crop.
    disabled : dict
        Channel → why it is off.
    """

    def __init__(self, vision: Vision, disabled: dict[str, str] | None = None) -> None:
        self._vision, self._disabled = vision, disabled or {}
        self._lock = Lock()
        self._frames = _Rows(5)  # frame id, time, other faces, change and motion of the candidate's
        self._predictions = _Rows(_COLUMNS)
        self._wanted: list[int] = []
        self._row_of: dict[int, int] = {}
        self._names: list[str] = []
        self._rows: dict[str, list[Track]] = {"acoustics": [], "affect": [], "speech": []}
        self._messages: dict[str, list[Any]] = {"segments": [], "transcripts": [], "prosody": []}

    def add(self, item: Any) -> None:
        """Take any output of the graphs; what fusion does not read is passed over."""
        with self._lock:
            for output in outputs_of(item):
                stream = output.stream_of(item)
                if stream in self._rows and output.track is not None:
                    self._rows[stream].append(output.track(item))
                elif stream in self._messages:
                    self._messages[stream].extend(output.rows(item))
                elif stream == "detections":
                    for frame in output.rows(item):
                        self._frame(frame)
                elif stream == "visual":
                    for batch in output.rows(item):
                        for prediction in batch.predictions:
                            self._predict(prediction)

    def _code(self, name: str) -> int:
        if name not in self._names:
            self._names.append(name)
        return self._names.index(name)

    def _frame(self, seen: contracts.Detections) -> None:
        if self._frames.count and seen.timestamp <= self._frames.table[self._frames.count - 1, 1]:
            return
        self._row_of[seen.frame_id] = self._frames.count
        self._wanted.append(-1 if seen.candidate is None else self._code(seen.candidate))
        mine = next((d for d in seen.detections if d.face_id and d.face_id == seen.candidate), None)
        others = any(d.face_id and d is not mine for d in seen.detections)
        moved = (mine.change, mine.motion) if mine is not None else (None, None)
        self._frames.append([seen.frame_id, seen.timestamp, others, *(np.nan if value is None else value for value in moved)])
        self._predictions.append([np.nan] * _COLUMNS)
        if len(self._row_of) > _WAITING:
            del self._row_of[next(iter(self._row_of))]

    def _predict(self, made: contracts.VisualPrediction) -> None:
        row = self._row_of.get(made.frame_id)
        if row is None or made.face_id not in self._names or self._wanted[row] != self._names.index(made.face_id):
            return
        q = made.quality
        quality = [q.size_px, q.score, q.sharpness, q.brightness] if q else [np.nan] * 4
        self._predictions.table[row] = [*(made.probs[label] for label in BASIC), *quality]

    def track(self, name: str, columns: tuple[str, ...]) -> Track:
        """A dense series so far."""
        with self._lock:
            parts = self._rows[name]
            if len(parts) > 1:
                parts[:] = [_merged(parts)]
            found = parts[0] if parts else None
        return Track.empty(name, columns) if found is None else found

    def observations(self, duration: float, speaking_since: float | None = None) -> Observations:
        """What is known up to now, `duration`; speech that goes on since `speaking_since` (s) counts as speech."""
        affect, acoustics = self.track("affect", BASIC), self.track("acoustics", ACOUSTICS)
        with self._lock:
            n = self._frames.count
            frames, table = self._frames.table[:n].copy(), self._predictions.table[:n].copy()
            wanted, names = np.array(self._wanted, np.int64), tuple(self._names)
            said = [*self._messages["segments"]]
            words = tracks.words(self._messages["transcripts"])
            prosody = tuple(self._messages["prosody"])
        if speaking_since is not None and speaking_since >= (said[-1].end if said else 0.0):
            said.append(contracts.SpeechSegment(segment_id="open", start=speaking_since, end=max(duration, speaking_since)))
        segments = tracks.segments(said)
        visual, faces = self._visual(frames, table, wanted, names)
        return Observations(
            duration,
            visual,
            faces,
            tracks.columns(affect, BASIC),
            tracks.columns(acoustics, ACOUSTICS),
            segments,
            words,
            prosody,
            disabled=self._disabled,
        )

    def _visual(self, frames: Floats, table: Floats, wanted: np.ndarray, names: tuple[str, ...]) -> tuple[Track, Faces]:
        values, (size, score, sharpness, brightness) = table[:, : len(BASIC)], table[:, len(BASIC) :].T
        frame_id, times, others, change, motion = frames.T
        present = np.asarray(~np.isnan(values).all(axis=1))
        rows = FaceRows(present, others > 0, size, score, sharpness, brightness, change, motion)
        reliability, why = judge(times, rows, self._vision)
        usable = present & (why == Picture.USABLE) & ~np.isnan(values).any(axis=1)
        track = Track("visual", times, values, BASIC, reliability, usable)
        return track, Faces(frame_id.astype(np.int64), np.where(present, wanted, -1), size, names, why)


def _merged(parts: list[Track]) -> Track:
    """One track in order of time; of rows at one time the first made counts, as for stored rows."""
    times, rows = np.unique(np.concatenate([p.times for p in parts]), return_index=True)
    values, confidence, valid = (np.concatenate([getattr(p, n) for p in parts])[rows] for n in ("values", "confidence", "valid"))
    return Track(parts[0].name, times, values, parts[0].names, confidence, valid)


class _Rows:
    """A table that grows by doubling."""

    def __init__(self, columns: int) -> None:
        self.table = np.empty((1024, columns))
        self.count = 0

    def append(self, row: list[float]) -> None:
        if self.count == len(self.table):
            self.table = np.concatenate([self.table, np.empty_like(self.table)])
        self.table[self.count] = row
        self.count += 1
