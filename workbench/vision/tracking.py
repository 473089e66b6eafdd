"""Face tracking: gives each person's face an id that stays the same through gaps and cuts, and picks the candidate's so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from workbench import contracts
from workbench.settings import Vision
from workbench.stage import StageSpec
from workbench.streams import DetectedFrame, TrackedFrame
from workbench.vision.appearance import Embedding, distance, embed
from workbench.vision.fitness import moves
from workbench.vision.motion import Movement, PictureMotion

Floats = NDArray[np.float64]

CONFIRM = 3
"""Frames in which a face must be detected before it gets an id, so that a brief false detection gets none."""
RECENT = 0.35
"""s; for this long a face is matched mainly by its predicted place, later mainly by its appearance."""
SAME_LOOK, OTHER_LOOK = 0.30, 0.45
"""Hellinger distances of appearance. On test footage one person stays below 0.30 for 20 s and two differ by 0.28 to 0.58
(lowest in one light): appearance alone decides only between faces, or below the first figure."""
REACH = 1.5
"""How far a face may move from its predicted place, in box sizes per second in which it is not detected."""
LEARN = 0.1
"""Weight of the newest detection in a face's stored appearance."""
SAME_AFTER_CUT = 0.25
"""The same after a cut, where only the appearance can tell: nearer to the mean of what was seen than any other's. One person in
changing light stays below 0.21 of that mean; of 102 others one came as near as 0.29."""
OVERLAP = 0.1
"""IoU of two faces above which their appearances are not updated, because each would take up the other's."""
HYSTERESIS = 1.3
"""Another face becomes the candidate once its area × time is this many times the candidate's."""
LONGEST_STEP = 0.5
"""s; the most time that one frame adds to a face's presence, so that a hole in the video adds none."""


@dataclass
class _Face:
    """A face that is tracked. Boxes are (centre y, centre x, height, width) in image heights."""

    box: Floats
    look: Embedding
    time: float
    velocity: Floats = field(default_factory=lambda: np.zeros(2))
    hits: int = 1
    face_id: str | None = None
    presence: float = 0.0
    missed_since: float | None = None
    places: deque[tuple[float, contracts.Box]] = field(default_factory=lambda: deque(maxlen=64))
    cut: bool = False
    moments: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=600))

    def predicted(self, time: float) -> Floats:
        """The box at `time`, moved at constant velocity for at most `RECENT` seconds."""
        moved = self.box.copy()
        moved[:2] += self.velocity * min(time - self.time, RECENT)
        return moved

    def update(self, box: Floats, time: float, look: Embedding, alone: bool) -> None:
        """Add a detection; the appearance is updated only where no other face is near (`alone`)."""
        step = time - self.time
        if self.missed_since is None and step > 0:
            self.velocity += 0.5 * ((box[:2] - self.box[:2]) / step - self.velocity)
        else:
            self.velocity = np.zeros(2)
        self.presence += float(box[2] * box[3]) * min(step, LONGEST_STEP) if self.missed_since is None else 0.0
        if alone:
            self.look = (1 - LEARN) * self.look + LEARN * look
            self.look /= max(float(np.linalg.norm(self.look)), 1e-6)
        self.box, self.time, self.missed_since = box, time, None
        self.hits += 1

    def take_over(self, before: _Face) -> None:
        """Be the face that somebody had before they left, or before a cut."""
        self.face_id = before.face_id
        self.presence += before.presence
        self.moments.extendleft(reversed(before.moments))

    def lives(self, settings: Vision) -> bool | None:
        """See `fitness.moves`."""
        motion, change = np.array(self.moments).reshape(-1, 2).T
        return moves(motion, change, settings)


class FaceTracker:
    """Gives faces ids that survive gaps and crossings, and picks the candidate.

    Detections are assigned to known faces (Hungarian method) by overlap with where each is expected and by appearance. A
    face keeps its id ("f-1", "f-2", ...) while it is not detected for at most `track_gap` seconds; somebody who comes back later
    gets the old id if the appearance is the same. At a cut (the whole picture jumps) the place says nothing any more: all
    faces are matched anew by appearance alone.

    The candidate so far is the face with the largest area × time; another takes over once it has `HYSTERESIS` times as much. A
    face that never moves is a picture, and no candidate while another face moves. Each measured face carries how it moved
    (`motion.Movement`), from which the choice over the whole session is made.

    Parameters
    ----------
    settings : Vision
        `track_gap` (s), `track_iou` (smallest overlap of a face with its expected place), `still_motion` and
        `frozen_change` (see `fitness.moves`).
    """

    def __init__(self, settings: Vision) -> None:
        self._settings = settings
        self.reset()

    @property
    def spec(self) -> StageSpec:
        return StageSpec("face tracking", (DetectedFrame,), (TrackedFrame,), "visual", budget_ms=5.0)

    def reset(self) -> None:
        """Forget all faces; ids start again at f-1."""
        self._faces: list[_Face] = []
        self._gone: deque[_Face] = deque(maxlen=64)
        self._named = 0
        self._candidate: _Face | None = None
        self._picture = PictureMotion()

    def flush(self) -> Iterator[TrackedFrame]:
        return iter(())

    def process(self, frame: DetectedFrame) -> Iterator[TrackedFrame]:
        message = frame.detections
        time = message.timestamp
        cut = self._picture.push(frame.packet.image, time)
        if cut:
            self._end_all()
        boxes = _centred(message.detections, frame.packet.message.width / frame.packet.message.height)
        looks = [embed(frame.packet.image, d.box) for d in message.detections]
        self._end_lost(time)
        matched = self._match(boxes, looks, time)
        alone = self._alone(boxes, time, matched)
        for i, face in matched.items():
            face.update(boxes[i], time, looks[i], alone[i])
        self._miss(time, matched)
        for i in range(len(boxes)):
            if i not in matched:
                matched[i] = _Face(boxes[i], looks[i], time)
                self._faces.append(matched[i])
        for face in matched.values():
            if face.face_id is None and face.hits >= CONFIRM:
                self._name(face)
        for i, d in enumerate(message.detections):
            matched[i].places.append((time, d.box))
        moved = self._measure(message.detections, matched) if self._picture.due else {}
        self._choose()
        named = [_named(d, matched[i].face_id, moved.get(i)) for i, d in enumerate(message.detections)]
        candidate = self._candidate.face_id if self._candidate else None
        yield TrackedFrame(frame.packet, message.model_copy(update={"detections": named, "candidate": candidate, "cut": cut}))

    def _measure(self, detections: list[contracts.Detection], matched: dict[int, _Face]) -> dict[int, Movement]:
        """Detection index → how the face moved; only of those that were detected in the frame of half a second before, too."""
        moved: dict[int, Movement] = {}
        for i, detection in enumerate(detections):
            before = next((box for at, box in matched[i].places if at == self._picture.reference), None)
            if before is not None:
                moved[i] = self._picture.of_face(before, detection.box)
        for i, movement in moved.items():
            if movement.motion is not None:
                matched[i].moments.append((movement.motion, movement.change))
        return moved

    def _match(self, boxes: Floats, looks: list[Embedding], time: float) -> dict[int, _Face]:
        """Detection index → face."""
        if not self._faces or not len(boxes):
            return {}
        expected = np.array([f.predicted(time) for f in self._faces])
        overlap = _iou(expected, boxes)
        look = distance(np.array([f.look for f in self._faces]), np.array(looks)).astype(float)
        unseen = np.array([time - f.time for f in self._faces])[:, None]
        size = np.sqrt(expected[:, None, 2] * expected[:, None, 3])
        moved = np.linalg.norm(expected[:, None, :2] - boxes[None, :, :2], axis=2) / size
        near = (overlap >= self._settings.track_iou) & (look < OTHER_LOOK)
        known = (look < SAME_LOOK) & (moved < 1.0 + REACH * unseen)
        # Shortly after the last detection the predicted place is reliable; later the appearance says more.
        trust = np.exp(-unseen / RECENT)
        cost = np.where(near | known, trust * (1 - overlap) + look, 10.0)
        rows, columns = linear_sum_assignment(cost)
        return {int(j): self._faces[i] for i, j in zip(rows, columns, strict=True) if cost[i, j] < 10.0}

    def _alone(self, boxes: Floats, time: float, matched: dict[int, _Face]) -> list[bool]:
        """Whether each detection is away from all others, and from the predicted places of faces that were not detected."""
        seen = {id(f) for f in matched.values()}
        hidden = [f.predicted(time) for f in self._faces if id(f) not in seen]
        crowd = _iou(boxes, np.vstack([boxes, *hidden])) > OVERLAP
        return [bool(n <= 1) for n in crowd.sum(axis=1)]

    def _miss(self, time: float, matched: dict[int, _Face]) -> None:
        seen = {id(f) for f in matched.values()}
        for face in self._faces:
            if id(face) not in seen and face.missed_since is None:
                face.missed_since = time

    def _end_lost(self, time: float) -> None:
        """End faces that were not detected for longer than `track_gap`; those without an id end at once."""
        kept = []
        for face in self._faces:
            unseen = 0.0 if face.missed_since is None else time - face.missed_since
            if unseen <= (self._settings.track_gap if face.face_id else 0.0) + 1e-6:
                kept.append(face)
            elif face.face_id:
                self._gone.append(face)
        self._faces = kept

    def _end_all(self) -> None:
        """At a cut nothing is where it was."""
        for face in self._faces:
            if face.face_id:
                face.cut = True
                self._gone.append(face)
        self._faces = []

    def _name(self, face: _Face) -> None:
        """Give a face the id of the one that it is, of those that are gone, or a new one."""
        if self._gone:
            looks = distance(face.look[None], np.array([f.look for f in self._gone]))[0]
            best = int(np.argmin(looks))
            before = self._gone[best]
            if looks[best] < (SAME_AFTER_CUT if before.cut else SAME_LOOK):
                del self._gone[best]
                face.take_over(before)
                if before is self._candidate:
                    self._candidate = face
                return
        self._named += 1
        face.face_id = f"f-{self._named}"

    def _choose(self) -> None:
        """The candidate so far; one who has left stays it until another has been there for longer."""
        named = [f for f in (*self._faces, *self._gone) if f.face_id]
        living = [f.lives(self._settings) for f in named]
        if True in living:
            named = [f for f, lives in zip(named, living, strict=True) if lives is not False]
        if not named:
            return
        largest = max(named, key=lambda f: f.presence)
        chosen = self._candidate if any(f is self._candidate for f in named) else None
        if chosen is None or largest.presence > HYSTERESIS * chosen.presence:
            self._candidate = largest


def _named(detection: contracts.Detection, face_id: str | None, moved: Movement | None) -> contracts.Detection:
    """A detection with its face's id and how it moved, rounded to what is worth storing."""
    values: dict[str, object] = {"face_id": face_id}
    if moved is not None:
        motion, mouth = moved.motion, moved.mouth
        values["change"] = round(moved.change, 2)
        values["motion"] = None if motion is None else round(motion, 5)
        values["mouth_motion"] = None if mouth is None else round(mouth, 5)
    return detection.model_copy(update=values)


def _centred(detections: list[contracts.Detection], aspect: float) -> Floats:
    """Boxes as centres and sizes; widths are scaled by the image's `aspect` so that distances mean the same both ways."""
    edges = np.array([d.box for d in detections], float).reshape(-1, 4) * [1, aspect, 1, aspect]
    return np.column_stack([(edges[:, :2] + edges[:, 2:]) / 2, np.maximum(edges[:, 2:] - edges[:, :2], 1e-6)])


def _iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of centred boxes of shape (n, 4) and (m, 4): shape (n, m)."""
    low = np.maximum((a[:, :2] - a[:, 2:] / 2)[:, None], (b[:, :2] - b[:, 2:] / 2)[None])
    high = np.minimum((a[:, :2] + a[:, 2:] / 2)[:, None], (b[:, :2] + b[:, 2:] / 2)[None])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(a[:, 2:], axis=1)[:, None] + np.prod(b[:, 2:], axis=1)[None] - shared
    return shared / np.maximum(areas, 1e-12)
