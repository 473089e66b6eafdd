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
from workbench.vision.native import quiet

MODELS = {"short_range": "blazeface-short-range", "full_range": "blazeface-full-range"}


class FaceDetectionStage:
    """Finds the faces of each frame: boxes, scores and eye centres.

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

    def __init__(self, settings: Vision) -> None:
        self._settings = settings
        self._model = MODELS[settings.detector]
        self._detect: Callable[[NDArray[np.uint8]], Any] | None = None

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
        assert self._detect is not None
        height, width = packet.image.shape[:2]
        detected = self._detect(np.ascontiguousarray(packet.image)).detections
        inside = [d for d in (_detection(f, width, height) for f in detected) if d.box[0] < d.box[2] and d.box[1] < d.box[3]]
        faces = sorted(inside, key=lambda d: -d.score)[: self._settings.max_faces]
        message = packet.message
        yield DetectedFrame(packet, contracts.Detections(frame_id=message.frame_id, timestamp=message.timestamp, detections=faces))

    def flush(self) -> Iterator[DetectedFrame]:
        return iter(())

    def reset(self) -> None:
        """Does nothing: the stage keeps no state."""


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
    return contracts.Detection(
        box=tuple(float(e) for e in edges),
        score=min(float(face.categories[0].score), 1.0),
        landmarks=contracts.Landmarks(left_eye=left, right_eye=right),
    )
