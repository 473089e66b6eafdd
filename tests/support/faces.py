"""Real faces for vision tests: heads cut from the zoo's footage and pasted where a test wants them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support import media
from workbench import contracts, zoo
from workbench.capture.media_file import MediaFile
from workbench.streams import FramePacket

Image = NDArray[np.uint8]

HEADS = {  # file of the zoo's footage → (top, left, bottom, right) px of a head in its first picture
    "man": ("face_noface.mov", (40, 270, 480, 620)),
    "woman": ("multi_face.jpg", (225, 645, 465, 835)),
    "girl": ("multi_face.jpg", (195, 275, 405, 445)),
}


def footage(name: str) -> Path:
    return zoo.path("footage-faces") / name


def head(name: str) -> Image:
    """A head as RGB, about as wide as high."""
    file, (top, left, bottom, right) = HEADS[name]
    path = footage(file)
    image = media.read_image(path) if path.suffix == ".jpg" else first_picture(path)
    return np.ascontiguousarray(image[top:bottom, left:right])


def first_picture(path: Path) -> Image:
    return next(item.image for item in MediaFile(path) if isinstance(item, FramePacket))


def scene(placed: list[tuple[Image, float, float, float]], width: int = 640, height: int = 360, light: float = 1.0) -> Image:
    """A dim wall with heads on it; each is (head, centre x, centre y, height), all px. Later ones cover earlier ones."""
    shade = np.linspace(70, 110, width, dtype=np.float32)
    canvas = np.repeat(np.tile(shade, (height, 1))[..., None], 3, axis=2)
    for picture, x, y, tall in placed:
        scale = tall / picture.shape[0]
        matrix = np.array([[scale, 0, x - scale * picture.shape[1] / 2], [0, scale, y - tall / 2]])
        mask = np.zeros(picture.shape[:2], np.float32)
        centre = (picture.shape[1] // 2, picture.shape[0] // 2)
        cv2.ellipse(mask, centre, (int(centre[0] * 0.95), int(centre[1] * 0.98)), 0, 0, 360, 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), 5)
        alpha = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_AREA)[..., None]
        canvas = canvas * (1 - alpha) + cv2.warpAffine(picture.astype(np.float32), matrix, (width, height), flags=cv2.INTER_AREA) * alpha
    return np.clip(canvas * light, 0, 255).astype(np.uint8)


def packet(image: Image, frame_id: int = 0, timestamp: float = 0.0) -> FramePacket:
    height, width = image.shape[:2]
    return FramePacket(contracts.Frame(frame_id=frame_id, timestamp=timestamp, width=width, height=height), image)
