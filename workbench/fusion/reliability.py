"""How far a picture of a face may be relied on, and in words why not.

The reliability of a row is its crop's quality (size × sharpness × light, in [0, 1]), and 0 where the picture shows no living face:
it is frozen, or the face is itself a picture. Rows below ``vision.min_quality`` are masked with the reason that weighs most.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.settings import Vision
from workbench.streams import Bools, Floats
from workbench.vision.fitness import LAG, fitness, moves

Codes = NDArray[np.int64]


class Picture(IntEnum):
    """What is the matter with the picture of a frame; `words` tells people."""

    USABLE = 0
    NO_FACE = 1
    OTHER_FACE = 2
    FROZEN = 3
    STILL = 4
    SMALL = 5
    UNCLEAR = 6
    DARK = 7
    BRIGHT = 8
    LOW_QUALITY = 9

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS: tuple[str, ...] = (
    "",
    "no face",
    "only faces of other people",
    "picture frozen",
    "a still picture or a drawing of a face",
    "the face is too small",
    "the face is not sharp enough",
    "the face is too dark",
    "the face is too bright",
    "the picture of the face is too poor",
)


@dataclass(frozen=True)
class FaceRows:
    """What was measured of the candidate's face in each frame, all of shape (n,); NaN where it was not.

    Parameters
    ----------
    present : ndarray of bool
        The face is in the frame and its expression was read.
    others : ndarray of bool
        Some face is in the frame.
    size_px, quality, sharpness, brightness : ndarray
        See `contracts.CropQuality`.
    change, motion : ndarray
        See `contracts.Detection`.
    confirmed : bool
        A person said that this face is the candidate's: then it lives, however little it moves.
    """

    present: Bools
    others: Bools
    size_px: Floats
    quality: Floats
    sharpness: Floats
    brightness: Floats
    change: Floats
    motion: Floats
    confirmed: bool = False


def crop_reasons(size_px: ArrayLike, quality: ArrayLike, sharpness: ArrayLike, brightness: ArrayLike, vision: Vision) -> Codes:
    """Why a crop cannot be used, of size and quality alone; `Picture.USABLE` where it can.

    Parameters
    ----------
    size_px, quality, sharpness, brightness : array_like
        As in `contracts.CropQuality`; NaN where it was not measured, which does not count against it.
    vision : Vision
        `min_face_px` and `min_quality` decide.
    """
    small = np.asarray(size_px, float) < vision.min_face_px
    poor = np.asarray(quality, float) < vision.min_quality
    parts = np.stack(np.broadcast_arrays(*fitness(size_px, sharpness, brightness)), axis=-1)
    known = ~np.isnan(parts).all(axis=-1)
    worst = np.argmin(np.where(np.isnan(parts), 2.0, parts), axis=-1)
    named = np.array([Picture.SMALL, Picture.UNCLEAR, Picture.DARK, Picture.BRIGHT])[worst]
    return np.select([small, poor & known, poor], [Picture.SMALL, named, Picture.LOW_QUALITY], Picture.USABLE).astype(np.int64)


def usable_face(size_px: ArrayLike, quality: ArrayLike, vision: Vision) -> Bools:
    """Whether a crop is large and clear enough by the settings; see `crop_reasons`."""
    return np.asarray(crop_reasons(size_px, quality, np.nan, np.nan, vision) == Picture.USABLE)


def frozen(times: Floats, change: Floats, vision: Vision) -> Bools:
    """Rows in which a face's pixels have not changed for ``vision.frozen_after`` seconds or more, from the first such frame on.

    Parameters
    ----------
    times : ndarray, shape (n,)
        s, increasing.
    change : ndarray, shape (n,)
        Root mean square change of the face's pixels in `fitness.LAG` seconds, grey levels; NaN where not measured.
    vision : Vision
        `frozen_change`, `frozen_after`.
    """
    result = np.zeros(len(times), bool)
    at = np.flatnonzero(~np.isnan(change))
    same = change[at] < vision.frozen_change
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start = times[at[first]] - LAG  # it was measured against the picture of then
        if times[at[after - 1]] - start >= vision.frozen_after:
            result[np.searchsorted(times, start - 1e-6) : at[after] if after < len(at) else len(times)] = True
    return result


def judge(times: Floats, faces: FaceRows, vision: Vision) -> tuple[Floats, Codes]:
    """The reliability in [0, 1] of each row of the candidate's face, and what is the matter with it (`Picture`).

    Parameters
    ----------
    times : ndarray, shape (n,)
        s, increasing.
    faces : FaceRows
    vision : Vision
    """
    dead = not faces.confirmed and moves(faces.motion, faces.change, vision) is False
    crop = crop_reasons(faces.size_px, faces.quality, faces.sharpness, faces.brightness, vision)
    why = np.select(
        [~faces.present & faces.others, ~faces.present, frozen(times, faces.change, vision), np.full(len(times), dead)],
        [Picture.OTHER_FACE, Picture.NO_FACE, Picture.FROZEN, Picture.STILL],
        crop,
    ).astype(np.int64)
    quality = np.where(np.isnan(faces.quality), faces.present.astype(float), faces.quality)
    return np.where((why == Picture.FROZEN) | (why == Picture.STILL), 0.0, quality), why
