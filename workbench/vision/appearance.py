"""Appearance of a face in 200 numbers: enough to tell people in one recording apart, not to identify anybody."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.contracts import Box

Embedding = NDArray[np.float32]

SIZE = 48
CONTEXT = 0.15  # of the box added on each side: hair and collar tell people apart
CHROMA_BINS, LIGHT_BINS, GRID = 8, 8, 3


def embed(image: NDArray[np.uint8], box: Box) -> Embedding:
    """Colour and texture of a face: chroma histograms of its upper and lower half, lightness ranks on a 3×3 grid.

    Lightness is equalised within the face, so that a change of light does not change the embedding much.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB.
    box : Box
        ``[ymin, xmin, ymax, xmax]``, fractions of the image.

    Returns
    -------
    ndarray of float32, shape (200,)
        Square roots of histograms that sum to 1 in all, so that `distance` is the Hellinger distance.
    """
    height, width = image.shape[:2]
    top, left, bottom, right = box
    rows, columns = _span(top, bottom, height), _span(left, right, width)
    lab = cv2.cvtColor(cv2.resize(image[rows, columns], (SIZE, SIZE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    light = cv2.equalizeHist(lab[..., 0])
    parts = [
        # skin and hair lie within ±48 of grey in a and b
        cv2.calcHist([half], [1, 2], None, [CHROMA_BINS, CHROMA_BINS], [80, 176, 80, 176]).ravel()
        for half in np.vsplit(lab, 2)
    ]
    step = SIZE // GRID
    cells = light.reshape(GRID, step, GRID, step).swapaxes(1, 2).reshape(GRID * GRID, -1)
    parts += [np.bincount(cell >> 5, minlength=LIGHT_BINS) for cell in cells]
    histogram = np.concatenate(parts).astype(np.float32)
    return np.sqrt(histogram / max(float(histogram.sum()), 1.0))


def _span(low: float, high: float, size: int) -> slice:
    """Pixels of a box along one axis with its context; at least one."""
    more = CONTEXT * (high - low)
    start = min(max(int((low - more) * size), 0), size - 1)
    return slice(start, max(int((high + more) * size), start + 1))


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hellinger distances between embeddings.

    Parameters
    ----------
    a, b : ndarray, shape (n, k), (m, k)
        From `embed`.

    Returns
    -------
    ndarray, shape (n, m)
        In [0, 1]; 0 is the same appearance.
    """
    overlap = a @ b.T
    return np.sqrt(np.clip(1.0 - overlap, 0.0, 1.0))
