"""Upright square crops of the faces that may be the candidate's, and the quality of each."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench import contracts
from workbench.settings import Vision
from workbench.stage import StageSpec
from workbench.streams import FaceCrop, TrackedFrame
from workbench.vision.fitness import fitness

OTHERS_EVERY = 0.19
"""s between two frames in which the faces of others are read: reading costs more than all else, and five times a second will do."""
SIZE = 200
"""px; side of a crop, the input size of the emotion network."""


class CropAlign:
    """Cuts out faces so that the eyes are level: the candidate's in each frame, and five times a second the
    largest others', because the choice may be corrected later.

    A similarity transform turns the picture about the centre of the detector's box until the line between the eyes is
    horizontal, and scales the box plus `crop_margin` on each side to 200×200 px. Without landmarks the picture is not
    turned; where the mouth lies above the eyes the face is set upright. Parts of a crop that lie outside the picture repeat its edge.

    Parameters
    ----------
    settings : Vision
        `crop_margin`, fraction of the box; `analysed_faces`, how many of a frame are cut out.
    """

    _read: float

    def __init__(self, settings: Vision) -> None:
        self._margin, self._most = settings.crop_margin, settings.analysed_faces
        self.reset()

    @property
    def spec(self) -> StageSpec:
        return StageSpec("face alignment", (TrackedFrame,), (FaceCrop,), "visual", budget_ms=1.0)

    def process(self, frame: TrackedFrame) -> Iterator[FaceCrop]:
        message = frame.detections
        named = [face for face in message.detections if face.face_id is not None]
        named.sort(key=lambda f: (f.face_id != message.candidate, -(f.box[2] - f.box[0]) * (f.box[3] - f.box[1])))
        others = not 0 <= message.timestamp - self._read < OTHERS_EVERY
        for face in named[: self._most]:
            if face.face_id != message.candidate:
                if not others:
                    break
                self._read = message.timestamp
            crop = align(frame.packet.image, face, self._margin)
            item = contracts.CropItem(
                face_id=face.face_id or "",
                frame_id=message.frame_id,
                timestamp=message.timestamp,
                quality=quality(crop, face, frame.packet.image.shape),
            )
            yield FaceCrop(item, crop)

    def flush(self) -> Iterator[FaceCrop]:
        return iter(())

    def reset(self) -> None:
        """Forget when the others were read."""
        self._read = -np.inf


def transform(face: contracts.Detection, width: int, height: int, margin: float) -> NDArray[np.float64]:
    """The matrix that maps positions in the image (px) to positions in the crop (px).

    Parameters
    ----------
    face : Detection
    width, height : int
        Of the image, px.
    margin : float
        Added on each side of the box, as a fraction of its longer side.

    Returns
    -------
    ndarray, shape (2, 3)
        Rotation, uniform scale, translation.
    """
    top, left, bottom, right = np.array(face.box) * [height, width, height, width]
    side = max(bottom - top, right - left)
    x, y = _centre(left, right, side, width), _centre(top, bottom, side, height)
    angle = roll(face, width, height)
    matrix = cv2.getRotationMatrix2D((x, y), angle, SIZE / (side * (1 + 2 * margin)))
    matrix[:, 2] += SIZE / 2 - np.array([x, y])
    return matrix


def roll(face: contracts.Detection, width: int, height: int) -> float:
    """How far a face is turned clockwise in the picture, degrees in (-90, 270]; 0 without landmarks.

    Parameters
    ----------
    face : Detection
    width, height : int
        Of the image, px.
    """
    if face.landmarks is None:
        return 0.0
    scale = np.array([width, height])
    left, right = np.array(face.landmarks.left_eye) * scale, np.array(face.landmarks.right_eye) * scale
    across = right - left
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    if face.landmarks.mouth is None:
        return angle
    down = np.array(face.landmarks.mouth) * scale - (left + right) / 2
    return angle + 180.0 if across[0] * down[1] - across[1] * down[0] < 0 else angle


def _centre(low: float, high: float, side: float, limit: float) -> float:
    """Middle of a square box along one axis; BlazeFace's boxes are square, so one that is not was clipped at the picture's edge."""
    if low <= 0:
        return high - side / 2
    if high >= limit:
        return low + side / 2
    return (low + high) / 2


def align(image: NDArray[np.uint8], face: contracts.Detection, margin: float) -> NDArray[np.uint8]:
    """The crop with level eyes.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.
    face : Detection
    margin : float
        Added on each side of the box, as a fraction of its longer side.

    Returns
    -------
    ndarray of uint8, shape (200, 200, 3)
        RGB.
    """
    height, width = image.shape[:2]
    matrix = transform(face, width, height, margin)
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def quality(crop: NDArray[np.uint8], face: contracts.Detection, shape: tuple[int, ...]) -> contracts.CropQuality:
    """Size, sharpness and brightness of a crop, and its quality score in [0, 1]: the product of their three fitness values.

    Parameters
    ----------
    crop : ndarray of uint8, shape (200, 200, 3)
    face : Detection
    shape : tuple of int
        Of the whole image: height first, then width (px).
    """
    top, left, bottom, right = face.box
    size = min((bottom - top) * shape[0], (right - left) * shape[1])
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    brightness = float(grey.mean()) / 255
    parts = fitness(size, sharpness, brightness)
    score = float(parts[0] * parts[1] * min(parts[2], parts[3]))
    return contracts.CropQuality(size_px=size, sharpness=sharpness, brightness=brightness, score=score)
