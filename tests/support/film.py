"""Video made of the sample's own footage and of heads: what reaches a recorder in the field."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from tests.support import faces, media
from tests.support.faces import Image
from workbench import sample
from workbench.capture.media_file import MediaFile
from workbench.streams import FramePacket

FPS = 15
SIZE = (360, 640)


@lru_cache
def _speaker(first: float, seconds: float) -> tuple[Image, ...]:
    pictures: list[Image] = []
    for item in MediaFile(sample.build().video):
        if isinstance(item, FramePacket) and item.message.timestamp >= first:
            if item.message.timestamp >= first + seconds:
                break
            pictures.append(item.image)
    return tuple(pictures)


def speaker(time: float) -> Image:
    """The person of the sample interview, 10 s of her, 640×360 px."""
    pictures = _speaker(4.0, 10.0)
    return pictures[min(round(time * FPS), len(pictures) - 1)]


@lru_cache
def _man() -> tuple[Image, ...]:
    pictures = [item.image for item in MediaFile(faces.footage("face_noface.mov")) if isinstance(item, FramePacket)]
    return tuple(cv2.resize(p, SIZE[::-1], interpolation=cv2.INTER_AREA) for p in pictures if p.mean() > 20)


def man(time: float) -> Image:
    """Another person, who moves for two seconds, forwards and backwards."""
    pictures = _man()[: 2 * FPS]
    at = round(time * FPS) % (2 * len(pictures) - 2)
    return pictures[at if at < len(pictures) else 2 * len(pictures) - 2 - at]


def portrait(tall: int = 330) -> Image:
    """A still picture of a woman who laughs."""
    head = faces.head("woman")
    return cv2.resize(head, (round(head.shape[1] * tall / head.shape[0]), tall), interpolation=cv2.INTER_AREA)


def inset(picture: Image, small: Image, x: int, y: int) -> Image:
    """A copy of `picture` with `small` at column x, row y."""
    picture = picture.copy()
    part = picture[y : y + small.shape[0], x : x + small.shape[1]]
    part[:] = small[: part.shape[0], : part.shape[1]]
    return picture


def halved(picture: Image) -> Image:
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def wall(level: int = 90) -> Image:
    return np.full((*SIZE, 3), level, np.uint8)


def shaken(picture: Image, time: float, strength: float = 1.0) -> Image:
    """A camera, or a photo, in somebody's hand."""
    turn = strength * (1.5 * np.sin(5 * time) + 0.6 * np.sin(13 * time))
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1 + 0.01 * strength * np.sin(3 * time))
    matrix[:, 2] += strength * np.array([5 * np.sin(4 * time) + 2 * np.sin(11 * time), 4 * np.sin(6 * time)])
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def noisy(picture: Image, seed: int, sigma: float = 4.0) -> Image:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def film(path: Path, draw: Callable[[float], Image], seconds: float = 8.0, sound: np.ndarray | None = None) -> Path:
    """Encode what `draw(time)` paints."""
    return media.write(path, media.moving(draw, seconds, FPS), sound)
