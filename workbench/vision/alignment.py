"""Upright square crops of the candidate's face, and the quality of each."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench import contracts
from workbench.settings import Vision
from workbench.stage import StageSpec
from workbench.streams import FaceCrop, TrackedFrame

SIZE = 200
"""px; side of a crop, the input size of the emotion network."""

SIZE_RAMP = (24.0, 96.0)
"""px of the face box: fitness 0 at or below the first, 1 from the second on."""
SHARPNESS_RAMP = (3.0, 40.0)
"""Grey levels² (variance of the Laplacian at 200 px), fitness linear in the logarithm. Test footage has 60 to 700; blurred
with a σ of 1, 2 and 4 px the sharpest falls to 46, 9 and 3."""
DARK_RAMP, BRIGHT_RAMP = (0.06, 0.22), (0.97, 0.85)
"""Mean grey level / 255: fitness 0 at the first value, 1 at the second; between the two ramps it is 1."""


class CropAlign:
    """Cuts out the candidate's face so that the eyes are level.

    A similarity transform turns the picture about the centre of the detector's box until the line between the eyes is
    horizontal, and scales the box plus `crop_margin` on each side to 200×200 px. Without landmarks the picture is not
    turned. Parts of a crop that lie outside the picture repeat its edge.

    Parameters
    ----------
    settings : Vision
        `crop_margin`, fraction of the box.
    """

    def __init__(self, settings: Vision) -> None:
        self._margin = settings.crop_margin

    @property
    def spec(self) -> StageSpec:
        return StageSpec("face alignment", (TrackedFrame,), (FaceCrop,), "visual", budget_ms=1.0)

    def process(self, frame: TrackedFrame) -> Iterator[FaceCrop]:
        message = frame.detections
        for face in message.detections:
            if face.face_id is not None and face.face_id == message.candidate:
                crop = align(frame.packet.image, face, self._margin)
                item = contracts.CropItem(
                    face_id=face.face_id,
                    frame_id=message.frame_id,
                    timestamp=message.timestamp,
                    quality=quality(crop, face, frame.packet.image.shape),
                )
                yield FaceCrop(item, crop)

    def flush(self) -> Iterator[FaceCrop]:
        return iter(())

    def reset(self) -> None:
        """Does nothing: the stage keeps no state."""


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
    angle = 0.0
    if face.landmarks is not None:
        (x1, y1), (x2, y2) = face.landmarks.left_eye, face.landmarks.right_eye
        angle = np.degrees(np.arctan2((y2 - y1) * height, (x2 - x1) * width))
    matrix = cv2.getRotationMatrix2D((x, y), angle, SIZE / (side * (1 + 2 * margin)))
    matrix[:, 2] += SIZE / 2 - np.array([x, y])
    return matrix


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
    fitness = (
        _ramp(size, *SIZE_RAMP)
        * _ramp(np.log(max(sharpness, 1e-9)), *np.log(SHARPNESS_RAMP))
        * min(_ramp(brightness, *DARK_RAMP), _ramp(brightness, *BRIGHT_RAMP))
    )
    return contracts.CropQuality(size_px=size, sharpness=sharpness, brightness=brightness, score=fitness)


def _ramp(value: float, zero: float, one: float) -> float:
    return float(np.clip((value - zero) / (one - zero), 0.0, 1.0))
