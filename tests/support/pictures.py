"""Pictures in tests: compared with a stored one, so that a test says what changed and where.

A baseline is a picture thinned to 240 pixels of width, in ``tests/data/pictures``. After a wanted change run the tests once with
``WORKBENCH_RENEW_PICTURES=1``, look at the new baselines, and commit them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BASELINES = Path(__file__).parents[1] / "data" / "pictures"
WIDTH = 240
TILES = 8
TOLERANCE = 0.04
"""Largest mean difference of a tile, of 1: fonts differ a little between machines, a missing curve or label differs more."""


def thinned(path: Path) -> NDArray[np.float64]:
    """A picture as RGB in [0, 1], `WIDTH` wide."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((WIDTH, max(1, round(WIDTH * picture.height / picture.width))), Image.Resampling.BOX)
    return np.asarray(small, float) / 255


def differences(seen: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean difference of each tile, shape (`TILES`, `TILES`), in [0, 1]."""
    apart = np.abs(seen - wanted).mean(axis=2)
    return np.array([[tile.mean() for tile in np.array_split(row, TILES, axis=1)] for row in np.array_split(apart, TILES, axis=0)])


def assert_same(path: Path, name: str) -> None:
    """Assert that a picture looks like its baseline ``NAME.png``.

    Raises
    ------
    AssertionError
        Naming the tile that differs most and the file that was made; or that there is no baseline yet.
    """
    baseline = BASELINES / f"{name}.png"
    seen = thinned(path)
    if os.environ.get("WORKBENCH_RENEW_PICTURES"):
        BASELINES.mkdir(parents=True, exist_ok=True)
        Image.fromarray((seen * 255).round().astype(np.uint8)).save(baseline, optimize=True)
        return
    assert baseline.exists(), f"{baseline} is missing: run the test once with WORKBENCH_RENEW_PICTURES=1 and look at what it writes"
    wanted = thinned(baseline)
    assert seen.shape == wanted.shape, f"{path}: shape {seen.shape} of the thinned picture, {wanted.shape} in {baseline.name}"
    tiles = differences(seen, wanted)
    row, column = np.unravel_index(int(tiles.argmax()), tiles.shape)
    where = f"row {row + 1}, column {column + 1} of {TILES} × {TILES}"
    assert tiles.max() <= TOLERANCE, f"{path} differs from {baseline.name} by {tiles.max():.3f} in the tile at {where}"
