"""Face detection with MediaPipe's BlazeFace."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.settings import Vision
from workbench.stage import StageSpec
from workbench.streams import DetectedFrame, FramePacket
from workbench.vision.alignment import align, roll
from workbench.vision.native import quiet

MODELS = {"short_range": "blazeface-short-range", "full_range": "blazeface-full-range"}


TIGHT = 0.25
"""Margin, as a fraction of the box, of the crop in which it is looked which way up a face is. In 49 crops of 45 people the score's
logit was higher the right way up in each, by 1.1 or more; of whole pictures, where a face is small, it is not always."""
CLEARLY = 0.5
"""By how much the score's logit must be higher upside down, so that what only looks like a face turns no picture."""
ENOUGH_TILT = 60.0
"""Degrees; a head that is tilted less is levelled in its crop, and the picture is not turned."""
LOOK_AGAIN = 2.0
"""s of the stream between two looks at which way up the picture is."""


class FaceDetectionStage:
    """Detects the faces of each frame: boxes, scores, eye centres and mouth.

    A picture may lie on its side or stand on its head without saying so. BlazeFace detects such faces too, but places the eyes of an
    upside-down face as if it stood upright. So the largest face is looked at both ways up now and then, and the picture is turned by
    quarter turns until that face stands upright; boxes and landmarks are given in the picture as it came, and `Landmarks.mouth`
    says which way up each face is.

    The short-range network scales the whole picture to 128×128 px and suits one person at a computer. It misses faces smaller
    than about a sixth of the picture's height, or makes their boxes too wide. The full-range network (192×192 px) finds
    those, takes two to three times as long and mistakes more things for faces.

    Parameters
    ----------
    settings : Vision
        `detector`, `min_detection`, `max_faces` (the highest scores are kept).

    Raises
    ------
    WeightsError
        On first use (or `warm_up`), if the weights cannot be had.
    """

    _turn: int
    _looked_at: contracts.Box

    def __init__(self, settings: Vision) -> None:
        self._settings = settings
        self._model = MODELS[settings.detector]
        self._detect: Callable[[NDArray[np.uint8]], Any] | None = None
        self.reset()

    @property
    def spec(self) -> StageSpec:
        return StageSpec("face detection", (FramePacket,), (DetectedFrame,), "visual", budget_ms=50.0, models=(self._model,))

    def warm_up(self) -> None:
        """Load the network and run it once."""
        if self._detect is None:
            path = zoo.path(self._model)
            with quiet():
                self._detect, close = _detector(str(path), self._settings.min_detection)
                self._detect(np.zeros((128, 128, 3), np.uint8))
            weakref.finalize(self, close)

    def process(self, packet: FramePacket) -> Iterator[DetectedFrame]:
        self.warm_up()
        message = packet.message
        faces = self._turned(packet.image, self._turn)
        if not faces and self._turn:
            self._turn, faces = 0, self._turned(packet.image, 0)
        largest = max(faces, key=_area, default=None)
        if largest is not None and self._is_due(largest, message.timestamp):
            self._looked, self._looked_at = message.timestamp, largest.box
            turn = self._which_way(packet.image, largest)
            if turn != self._turn:
                self._turn = turn
                faces = self._turned(packet.image, turn)
        yield DetectedFrame(packet, contracts.Detections(frame_id=message.frame_id, timestamp=message.timestamp, detections=faces))

    def flush(self) -> Iterator[DetectedFrame]:
        return iter(())

    def reset(self) -> None:
        """Take the picture to stand upright."""
        self._turn = 0  # quarter turns, counter-clockwise, that set the picture upright
        self._looked = -np.inf
        self._looked_at = (0.0, 0.0, 0.0, 0.0)

    def _is_due(self, face: contracts.Detection, time: float) -> bool:
        """Whether to look again which way up the picture is: after a while, or where the largest face is another."""
        return not 0 <= time - self._looked < LOOK_AGAIN or not _overlap(face.box, self._looked_at)

    def _faces(self, image: NDArray[np.uint8]) -> list[contracts.Detection]:
        assert self._detect is not None
        height, width = image.shape[:2]
        detected = self._detect(np.ascontiguousarray(image)).detections
        inside = [d for d in (_detection(f, width, height) for f in detected) if d.box[0] < d.box[2] and d.box[1] < d.box[3]]
        return sorted(inside, key=lambda d: -d.score)[: self._settings.max_faces]

    def _turned(self, image: NDArray[np.uint8], turn: int) -> list[contracts.Detection]:
        """The faces of a picture that is looked at after `turn` quarter turns, in the coordinates of the picture as it came."""
        return [turned_back(face, turn) for face in self._faces(np.rot90(image, turn))]

    def _which_way(self, image: NDArray[np.uint8], face: contracts.Detection) -> int:
        """Quarter turns that set a face upright; the present ones where it stands well enough."""
        height, width = image.shape[:2]
        angle = roll(face, width, height)
        crop = align(image, face, TIGHT)
        if self._logit(crop[::-1, ::-1]) > self._logit(crop) + CLEARLY:
            angle += 180.0
        left = (angle - 90.0 * self._turn + 180.0) % 360.0 - 180.0
        return self._turn if abs(left) < ENOUGH_TILT else round(angle / 90.0) % 4

    def _logit(self, crop: NDArray[np.uint8]) -> float:
        score = float(np.clip(max((d.score for d in self._faces(crop)), default=0.0), 0.2, 0.999))
        return float(np.log(score / (1 - score)))


def _detector(path: str, score: float) -> tuple[Callable[[NDArray[np.uint8]], Any], Callable[[], None]]:
    """A function that detects faces in an RGB picture (MediaPipe's result), and one that closes the detector."""
    _skip_tensorflow()
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision import face_detector
    from mediapipe.tasks.python.vision.core.image import Image, ImageFormat

    base = BaseOptions(model_asset_path=path, delegate=BaseOptions.Delegate.CPU)
    options = face_detector.FaceDetectorOptions(base_options=base, min_detection_confidence=score)
    detector = face_detector.FaceDetector.create_from_options(options)

    def close() -> None:
        try:
            detector.close()
        except RuntimeError:  # at exit its worker thread has ended already, so there is nothing to close
            detector._handle = None

    return lambda image: detector.detect(Image(image_format=ImageFormat.SRGB, data=image)), close


def _skip_tensorflow() -> None:
    """Keep mediapipe from importing TensorFlow (15 s, 0.5 GB), which it does only for a decorator of its documentation."""
    name = "mediapipe.tasks.python.core.optional_dependencies"
    if name not in sys.modules:
        module = ModuleType(name)
        module.doc_controls = SimpleNamespace(do_not_generate_docs=lambda item: item)  # type: ignore[attr-defined]
        sys.modules[name] = module


def _detection(face: Any, width: int, height: int) -> contracts.Detection:
    box = face.bounding_box
    edges = np.clip(
        [
            box.origin_y / height,
            box.origin_x / width,
            (box.origin_y + box.height) / height,
            (box.origin_x + box.width) / width,
        ],
        0.0,
        1.0,
    )
    left, right = sorted((float(k.x), float(k.y)) for k in face.keypoints[:2])
    mouth = (float(face.keypoints[3].x), float(face.keypoints[3].y))
    return contracts.Detection(
        box=tuple(float(e) for e in edges),
        score=min(float(face.categories[0].score), 1.0),
        landmarks=contracts.Landmarks(left_eye=left, right_eye=right, mouth=mouth),
    )


def _area(face: contracts.Detection) -> float:
    return (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])


def _overlap(a: contracts.Box, b: contracts.Box) -> bool:
    """Whether the middle of each box lies in the other."""

    def inside(one: contracts.Box, other: contracts.Box) -> bool:
        y, x = (one[0] + one[2]) / 2, (one[1] + one[3]) / 2
        return other[0] <= y <= other[2] and other[1] <= x <= other[3]

    return inside(a, b) and inside(b, a)


def turned_back(face: contracts.Detection, turn: int) -> contracts.Detection:
    """A face of a picture that was turned by quarter turns counter-clockwise, in the coordinates of the picture before."""
    if turn % 4 == 0:
        return face

    def back(point: contracts.Point) -> contracts.Point:
        x, y = point
        return {1: (1 - y, x), 2: (1 - x, 1 - y), 3: (y, 1 - x)}[turn % 4]

    (x1, y1), (x2, y2) = back((face.box[1], face.box[0])), back((face.box[3], face.box[2]))
    box = (min(y1, y2), min(x1, x2), max(y1, y2), max(x1, x2))
    marks = face.landmarks
    if marks is None:
        return face.model_copy(update={"box": box})
    left, right = sorted((back(marks.left_eye), back(marks.right_eye)))
    mouth = None if marks.mouth is None else back(marks.mouth)
    return face.model_copy(update={"box": box, "landmarks": contracts.Landmarks(left_eye=left, right_eye=right, mouth=mouth)})
