"""What moves in a picture: whether it is another one altogether (a cut), and whether a face lives or is itself only a picture.

A portrait on the wall, a poster or a photo in a hand moves as a whole, if at all: with the camera, or with the hand. The parts
of a living face move against one another. So a face is compared with itself half a second before: points on it are followed, the
movement of the whole (an affine transform) is taken off, and what is left is its own movement.

Measured as a share of the face's size (median; exceeded in 15 % of moments): somebody who cries, 0.016, 0.05 to 0.08, whether
compressed hard, dark or shaken; a calm man who smiles once, 0.005, 0.037; a portrait, with noise and a shaken camera, 0.001 to 0.002,
0.003; a photo that is waved about, 0.003, 0.004; a drawn face whose mouth opens and shuts, 0.003, 0.004.
Pixels of a frozen face change by 0 to 0.9 grey levels in half a second (encoded again, with noise), of a living one by 4 or more,
also in the dark.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.contracts import Box
from workbench.vision.fitness import LAG

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

EVERY = 0.19
"""s between two measurements; frames between have none."""
SIZE = 64
"""px; side of a face when it is compared."""
CUT_LIKENESS, CUT_DIFFERENCE = 0.75, 12.0
"""A cut is where both hold of 32×18 grey levels of two frames: correlation below the first, mean difference above the second. A
light that is switched on keeps the correlation, a dark picture's noise the difference. Somebody who moves: above 0.9, below 10."""
_FEWER, _THUMB = (128, 72), (32, 18)

_AXIS = np.linspace(10, SIZE - 10, 7, dtype=np.float32)
_POINTS = np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1).reshape(-1, 1, 2)
_MOUTH = (_POINTS[:, 0, 1] > 0.6 * SIZE) & (np.abs(_POINTS[:, 0, 0] - SIZE / 2) < 0.25 * SIZE)
_FOLLOWED = 12  # points that must be followed


class Movement(NamedTuple):
    """How a face changed in `LAG` seconds.

    Parameters
    ----------
    change : float
        Root mean square of the change of its pixels, grey levels.
    motion, mouth : float or None
        Root mean square movement of its parts, and of its mouth, against the whole: share of the face's size; None where its
        points could not be followed.
    """

    change: float
    motion: float | None
    mouth: float | None


class PictureMotion:
    """Compares each frame of a video with those before it."""

    def __init__(self) -> None:
        self._before: deque[tuple[float, Grey]] = deque()
        self._thumb: Floats | None = None
        self.due = False

    def push(self, image: NDArray[np.uint8], time: float) -> bool:
        """Take the next frame; True where it is a cut. `due` says whether faces are to be measured in it.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
        time : float, s
        """
        # every few pixels first, then their mean: a whole picture's mean would take longer than all the rest
        thumb = cv2.cvtColor(cv2.resize(image, _FEWER, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2GRAY)
        thumb = cv2.resize(thumb, _THUMB, interpolation=cv2.INTER_AREA).astype(np.float64)
        cut = self._thumb is not None and is_cut(self._thumb, thumb)
        self._thumb = thumb
        if cut or (self._before and (self._before[-1][1].shape != image.shape[:2] or self._before[-1][0] >= time)):
            self._before.clear()
        self.due = False
        if not self._before or time - self._before[-1][0] >= EVERY:
            while len(self._before) > 1 and self._before[1][0] <= time - LAG + 1e-6:
                self._before.popleft()
            self.due = bool(self._before) and time - self._before[0][0] >= 0.8 * LAG
            self._before.append((time, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)))
        return cut

    @property
    def reference(self) -> float:
        """Time of the frame that the newest is compared with, s."""
        return self._before[0][0]

    def of_face(self, before: Box, box: Box) -> Movement:
        """The movement of a face that was at `before` in the frame of `reference` and is at `box` now; only where `due`."""
        then, now = self._before[0][1], _patch(self._before[-1][1], box)
        change = float(np.sqrt(np.mean((now.astype(np.float32) - _patch(then, box)) ** 2)))
        return Movement(change, *movement(_patch(then, before), now))


def is_cut(before: Floats, after: Floats) -> bool:
    """Whether two pictures show something else: thumbnails of grey levels, of one shape."""
    if np.abs(after - before).mean() <= CUT_DIFFERENCE:
        return False
    a, b = before - before.mean(), after - after.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return scale < 1e-9 or float((a * b).sum()) / scale < CUT_LIKENESS


def movement(before: Grey, after: Grey) -> tuple[float, float | None] | tuple[None, None]:
    """How the parts of a face, and its mouth, move against the whole, between two patches of `SIZE` × `SIZE` grey levels."""
    to, followed, _ = cv2.calcOpticalFlowPyrLK(
        before, after, _POINTS, None, winSize=(13, 13), maxLevel=2, criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)
    )
    kept = followed.ravel() == 1
    if kept.sum() < _FOLLOWED:
        return None, None
    start, end = _POINTS[kept, 0].astype(float), to[kept, 0].astype(float)
    plane = np.column_stack([start, np.ones(len(start))])
    weight, left = np.ones(len(start)), np.zeros(len(start))
    for _ in range(3):  # points that move on their own must not pull the movement of the whole
        fit = np.linalg.lstsq(plane * weight[:, None], end * weight[:, None], rcond=None)[0]
        left = np.linalg.norm(plane @ fit - end, axis=1)
        weight = 1 / np.sqrt(np.maximum(left, 0.1))
    mouth = left[_MOUTH[kept]]
    own = np.sort(left)[:-2]  # one or two points always slip at an edge
    return _rms(own), _rms(mouth) if len(mouth) else None


def _rms(pixels: Floats) -> float:
    return float(np.sqrt(np.mean(pixels**2))) / SIZE


def _patch(grey: Grey, box: Box) -> Grey:
    """A square about a box at `SIZE` px; what lies outside the picture repeats its edge."""
    height, width = grey.shape
    top, left, bottom, right = np.array(box) * [height, width, height, width]
    side = max(round(bottom - top), round(right - left), 2)
    y, x = round((top + bottom - side) / 2), round((left + right - side) / 2)
    inside = grey[max(y, 0) : y + side, max(x, 0) : x + side]
    over = (max(-y, 0), max(y + side - height, 0), max(-x, 0), max(x + side - width, 0))
    whole = cv2.copyMakeBorder(inside, *over, cv2.BORDER_REPLICATE) if any(over) else inside
    return cv2.resize(whole, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
